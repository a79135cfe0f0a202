//! Where things lie in the store, and the steps that several operations share.
//!
//! All under `lambda`, account, region:
//!
//! | key | value |
//! |---|---|
//! | `function`, name | [`FunctionRecord`] |
//! | `version`, name, number | [`VersionRecord`] |
//! | `alias`, name, alias | [`AliasRecord`] |
//! | `policy`, name, qualifier or nothing | [`PolicyRecord`] |
//! | `url`, name, alias or nothing | [`UrlRecord`] |
//! | `event`, name, qualifier or `$LATEST` | [`EventRecord`] |
//! | `layer`, name | [`LayerRecord`] |
//! | `layer-version`, name, number | [`LayerVersionRecord`] |
//! | `code`, SHA-256 | [`CodeRecord`] |
//! | `account` | [`AccountRecord`] |

use cumulet_base::{AccountId, Region};
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::{Direction, Key, Read, StoreError, Tx};

use crate::error::Error;
use crate::model::{
    AccountRecord, AliasRecord, EventRecord, FunctionRecord, LayerRecord, LayerVersionRecord,
    PolicyRecord, UrlRecord, VersionRecord,
};
use crate::name::{FunctionName, LATEST, LayerName};
use crate::resolve::check_revision;

/// What all keys begin with.
pub(crate) const SERVICE: &str = "lambda";

fn root(account: &AccountId, region: &Region, kind: &str) -> Key {
    Key::new(SERVICE, account, region).text(kind)
}

/// What the records of all functions of an account in a region begin with.
pub(crate) fn functions(account: &AccountId, region: &Region) -> Key {
    root(account, region, "function")
}

/// What the records of all layers of an account in a region begin with.
pub(crate) fn layers(account: &AccountId, region: &Region) -> Key {
    root(account, region, "layer")
}

/// What is common to an account's functions in a region.
pub(crate) fn account(account: &AccountId, region: &Region) -> Key {
    root(account, region, "account")
}

/// A package.
pub(crate) fn code(account: &AccountId, region: &Region, sha256: &str) -> Key {
    root(account, region, "code").text(sha256)
}

impl FunctionName {
    fn of(&self, kind: &str) -> Key {
        root(&self.account, &self.region, kind).text(&self.name)
    }

    /// The function's record.
    pub(crate) fn key(&self) -> Key {
        self.of("function")
    }

    /// What the records of its versions begin with.
    pub(crate) fn versions(&self) -> Key {
        self.of("version")
    }

    /// What the records of its aliases begin with.
    pub(crate) fn aliases(&self) -> Key {
        self.of("alias")
    }

    /// What the records of its URLs begin with.
    pub(crate) fn urls(&self) -> Key {
        self.of("url")
    }

    /// What the records of its event invoke configs begin with.
    pub(crate) fn events(&self) -> Key {
        self.of("event")
    }

    /// What the records of its policies begin with.
    pub(crate) fn policies(&self) -> Key {
        self.of("policy")
    }

    /// The policy of what is named: of the function as a whole for `$LATEST`.
    pub(crate) fn policy(&self) -> Key {
        self.policies().text(self.own_qualifier())
    }

    /// The URL of what is named.
    pub(crate) fn url(&self) -> Key {
        self.urls().text(self.own_qualifier())
    }

    /// The event invoke config of what is named.
    pub(crate) fn event(&self) -> Key {
        self.events().text(self.qualifier.as_deref().unwrap_or(LATEST))
    }

    fn own_qualifier(&self) -> &str {
        self.qualifier.as_deref().filter(|q| *q != LATEST).unwrap_or_default()
    }

    /// The function, if there is one.
    pub(crate) async fn find(&self, read: &impl Read) -> Result<Option<FunctionRecord>> {
        Ok(read.get_record(&self.key()).await?)
    }

    /// The function, which must be there.
    pub(crate) async fn load(&self, read: &impl Read) -> Result<FunctionRecord> {
        Ok(self.find(read).await?.ok_or_else(|| Error::NoFunction(self.arn()))?)
    }

    /// The version with that number (0: `$LATEST`), which must be there.
    pub(crate) async fn load_version(
        &self,
        read: &impl Read,
        function: &FunctionRecord,
        number: u64,
    ) -> Result<VersionRecord> {
        if number == 0 {
            return Ok(function.latest.clone());
        }
        let version = read.get_record(&self.versions().u64(number)).await?;
        Ok(version.ok_or_else(|| Error::NoFunction(self.arn_of(&number.to_string())))?)
    }

    /// The alias, which must be there.
    pub(crate) async fn load_alias(&self, read: &impl Read, alias: &str) -> Result<AliasRecord> {
        let record = read.get_record(&self.aliases().text(alias)).await?;
        Ok(record.ok_or_else(|| Error::NoAlias(self.arn_of(alias)))?)
    }

    /// The policy, if it has one.
    pub(crate) async fn load_policy(&self, read: &impl Read) -> Result<Option<PolicyRecord>> {
        Ok(read.get_record(&self.policy()).await?)
    }

    /// The URL, if it has one.
    pub(crate) async fn find_url(&self, read: &impl Read) -> Result<Option<UrlRecord>> {
        Ok(read.get_record(&self.url()).await?)
    }

    /// The URL, which must be there.
    pub(crate) async fn load_url(&self, read: &impl Read) -> Result<UrlRecord> {
        Ok(self.find_url(read).await?.ok_or_else(Error::nothing_there)?)
    }

    /// The event invoke config, which must be there.
    pub(crate) async fn load_event(&self, read: &impl Read) -> Result<EventRecord> {
        let arn = self.arn_of(self.qualifier.as_deref().unwrap_or(LATEST));
        let missing =
            || Error::NotFound(format!("The function {arn} doesn't have an EventInvokeConfig"));
        Ok(read.get_record(&self.event()).await?.ok_or_else(missing)?)
    }

    /// All aliases, by name.
    pub(crate) async fn load_aliases(&self, read: &impl Read) -> Result<Vec<AliasRecord>> {
        let mut scan = read.scan(self.aliases().prefix(), Direction::Forward);
        let mut all = Vec::new();
        while let Some((_, alias)) = scan.next_record().await? {
            all.push(alias);
        }
        Ok(all)
    }

    /// Changes the function in a transaction, if its revision is the one that the caller saw.
    /// `edit` may run several times.
    pub(crate) async fn change<T, F, Fut>(
        &self,
        cx: &Cx,
        revision: Option<&str>,
        edit: F,
    ) -> Result<(FunctionRecord, T)>
    where
        F: Fn(Tx, FunctionRecord) -> Fut + Send + Sync,
        Fut: Future<Output = Result<(FunctionRecord, T)>> + Send,
        T: Send,
    {
        cx.store()
            .transact(|tx: Tx| {
                let edit = &edit;
                async move {
                    let function = self.load(&tx).await?;
                    check_revision(revision, &function.latest.revision)?;
                    let (function, done) = edit(tx.clone(), function).await?;
                    tx.put_record(self.key(), &function);
                    Ok::<_, ServiceError>((function, done))
                }
            })
            .await
    }
}

impl LayerName {
    /// The layer's record.
    pub(crate) fn key(&self) -> Key {
        layers(&self.account, &self.region).text(&self.name)
    }

    /// What the records of its versions begin with.
    pub(crate) fn versions(&self) -> Key {
        root(&self.account, &self.region, "layer-version").text(&self.name)
    }

    /// The layer, if any version of it was ever published.
    pub(crate) async fn load(
        &self,
        read: &impl Read,
    ) -> std::result::Result<Option<LayerRecord>, StoreError> {
        read.get_record(&self.key()).await
    }

    /// A version, which must be there.
    pub(crate) async fn load_version(
        &self,
        read: &impl Read,
        number: u64,
    ) -> Result<LayerVersionRecord> {
        let version = read.get_record(&self.versions().u64(number)).await?;
        Ok(version.ok_or_else(Error::nothing_there)?)
    }
}

/// What is common to the functions of an account in a region.
pub(crate) async fn load_account(
    read: &impl Read,
    of: &AccountId,
    region: &Region,
) -> std::result::Result<AccountRecord, StoreError> {
    Ok(read.get_record(&account(of, region)).await?.unwrap_or_default())
}
