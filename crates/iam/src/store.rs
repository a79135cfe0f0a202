//! Keys and reads of IAM's records.
//!
//! ```text
//! iam, account, "", "user" | "group" | "role" | "policy", name in lower case   → record
//! iam, account, "", "member", group, user                                      → nothing
//! iam, account, "", "holder", policy ARN, "attached" | "boundary", kind, name  → nothing
//! names, "access-key", AKIA…                                                   → user
//! ```
//! Names differ in more than case ("IAM identifiers", IAM user guide), so keys have them in lower
//! case; asked for, a name must be spelled as it was given.

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::{AccountId, Arn};
use cumulet_store::{Key, Read, Record, StoreError};

use crate::managed;
use crate::model::{Group, Policy, Role, User};

/// The kind under which access keys are claimed in the store's names.
pub(crate) const ACCESS_KEY: &str = "access-key";

/// The beginning of all of IAM's keys, to watch.
pub(crate) fn everything() -> Key {
    Key::of_service("iam")
}

/// A record that is found by account and name.
pub(crate) trait Entity: Record + Clone + 'static {
    /// As keys and messages call it.
    const KIND: &'static str;
    fn name(&self) -> &str;
    fn path(&self) -> &str;

    /// The resource part of its ARN.
    fn resource(&self) -> String {
        format!("{}{}{}", Self::KIND, self.path(), self.name())
    }

    fn arn(&self, account: &AccountId) -> Arn {
        Arn::global("iam", account, &self.resource())
    }
}

macro_rules! entity {
    ($($type:ident $kind:literal),*) => {$(
        impl Entity for $type {
            const KIND: &'static str = $kind;

            fn name(&self) -> &str {
                &self.name
            }

            fn path(&self) -> &str {
                &self.path
            }
        }
    )*};
}

entity!(User "user", Group "group", Role "role", Policy "policy");

/// Where all entities of a kind lie.
pub(crate) fn kind_key<E: Entity>(account: &AccountId) -> Key {
    Key::of_account("iam", account).text(E::KIND)
}

/// Where the entity called `name` lies.
pub(crate) fn key<E: Entity>(account: &AccountId, name: &str) -> Key {
    kind_key::<E>(account).text(&name.to_lowercase())
}

/// The entity called `name`, if there is one.
pub(crate) async fn find<E: Entity>(
    read: &impl Read,
    account: &AccountId,
    name: &str,
) -> Result<Option<E>, StoreError> {
    let found: Option<E> = read.get_record(&key::<E>(account, name)).await?;
    Ok(found.filter(|entity| entity.name() == name))
}

/// The managed policy `arn`, compiled: a customer's or AWS's own. `None` where there is none, or
/// none that can be read any more.
pub(crate) async fn document(read: &impl Read, arn: &str) -> Result<Option<Document>, StoreError> {
    if let Some(policy) = managed::find(arn) {
        return Ok(Document::parse(policy.text, Grammar::Identity).ok());
    }
    let Some((account, name)) = customer_policy(arn) else { return Ok(None) };
    let found = find::<Policy>(read, &account, &name).await?;
    let found = found.filter(|policy| policy.arn(&account).as_str() == arn);
    Ok(found.and_then(|policy| Document::parse(policy.text(), Grammar::Identity).ok()))
}

/// Account and name in the ARN of a customer's managed policy.
pub(crate) fn customer_policy(arn: &str) -> Option<(AccountId, String)> {
    let arn: Arn = arn.parse().ok()?;
    let (kind, rest) = arn.resource().split_once('/')?;
    let name = rest.rsplit('/').next().filter(|name| !name.is_empty())?;
    let iam = arn.service() == "iam" && arn.region().is_empty() && kind == Policy::KIND;
    let account = arn.account().parse().ok()?;
    iam.then(|| (account, name.to_owned()))
}
