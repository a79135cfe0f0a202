//! Where things lie in the store.
//!
//! | key | value |
//! |---|---|
//! | `apigateway`, account, region, `http` or `rest`, API | the API's record |
//! | the same, `route` \| `integration` \| `authorizer` \| `stage` \| `deployment` …, id | its part
//! |
//!
//! The name `execute-api`/API says whose API it is.

use cumulet_base::{AccountId, Ids, Region};
use cumulet_service::Cx;
use cumulet_store::names::{self, ClaimError, Owner};
use cumulet_store::{Direction, Key, Read, Record, StoreError, Tx};

const SERVICE: &str = "apigateway";
const NAMES: &str = "execute-api";
/// HTTP APIs.
pub(crate) const HTTP: &str = "http";
/// REST APIs.
pub(crate) const REST: &str = "rest";
const ID_ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789";

/// A new id: ten characters for APIs, six or seven for their parts.
pub(crate) fn id(ids: &dyn Ids, len: usize) -> String {
    ids.text(len, ID_ALPHABET)
}

/// The keys of an account's APIs of one kind in one region.
#[derive(Debug, Clone)]
pub(crate) struct Apis {
    account: AccountId,
    region: Region,
    kind: &'static str,
}

impl Apis {
    pub(crate) fn own(cx: &Cx, kind: &'static str) -> Self {
        Self { account: cx.account().clone(), region: cx.region().clone(), kind }
    }

    /// The keys of the APIs beside the one that `owner` is of.
    pub(crate) fn of(owner: &Owner) -> Option<Self> {
        let kind = if owner.resource == REST { REST } else { HTTP };
        Some(Self {
            account: owner.account.parse().ok()?,
            region: owner.region.parse().ok()?,
            kind,
        })
    }

    pub(crate) fn all(&self) -> Key {
        Key::new(SERVICE, &self.account, &self.region).text(self.kind)
    }

    pub(crate) fn api(&self, api: &str) -> Key {
        self.all().text("api").text(api)
    }

    /// An API's name in messages of REST APIs: with the account's.
    pub(crate) fn named(&self, api: &str) -> String {
        format!("{}:{api}", self.account)
    }

    /// What the account has beside its APIs.
    pub(crate) fn settings(&self) -> Key {
        self.all().text("account")
    }

    pub(crate) fn apis(&self) -> Key {
        self.all().text("api")
    }

    pub(crate) fn parts(&self, api: &str, part: &str) -> Key {
        self.all().text("part").text(api).text(part)
    }

    pub(crate) fn part(&self, api: &str, part: &str, id: &str) -> Key {
        self.parts(api, part).text(id)
    }

    fn owner(&self) -> Owner {
        Owner {
            service: SERVICE.to_owned(),
            account: self.account.as_str().to_owned(),
            region: self.region.as_str().to_owned(),
            resource: self.kind.to_owned(),
        }
    }

    /// Takes the API's id for this account.
    pub(crate) async fn claim(&self, tx: &Tx, api: &str) -> Result<(), StoreError> {
        match names::claim(tx, NAMES, api, &self.owner()).await {
            Ok(()) => Ok(()),
            Err(ClaimError::Store(error)) => Err(error),
            // Fifty random bits: drawn anew when the caller tries again.
            Err(ClaimError::Taken(_)) => Err(StoreError::Conflict),
        }
    }

    /// Removes the API, its parts and its name.
    pub(crate) async fn remove(&self, tx: &Tx, api: &str) -> Result<(), StoreError> {
        tx.delete(self.api(api));
        tx.delete_range(&self.all().text("part").text(api).prefix()).await?;
        names::release(tx, NAMES, api, &self.owner()).await?;
        Ok(())
    }
}

/// Whose API this is.
pub(crate) async fn owner(read: &impl Read, api: &str) -> Result<Option<Owner>, StoreError> {
    names::lookup(read, NAMES, api).await
}

/// What the names of all APIs begin with.
pub(crate) fn names_prefix() -> Key {
    names::prefix(NAMES)
}

/// All APIs and whose they are, `most` at most.
pub(crate) async fn names(
    read: &impl Read,
    most: usize,
) -> Result<Vec<(String, Owner)>, StoreError> {
    names::list(read, NAMES, most).await
}

/// All records under a key, `limit` at most.
pub(crate) async fn all<R: Record>(
    read: &impl Read,
    prefix: Key,
    limit: usize,
) -> Result<Vec<R>, StoreError> {
    let mut records = Vec::new();
    let mut scan = read.scan(prefix.prefix(), Direction::Forward);
    while records.len() < limit
        && let Some((_, record)) = scan.next_record().await?
    {
        records.push(record);
    }
    Ok(records)
}
