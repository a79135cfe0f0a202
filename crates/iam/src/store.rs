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

use std::collections::BTreeMap;

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::{AccountId, Arn};
use cumulet_service::Cx;
use cumulet_store::{Direction, Key, Read, Record, Tx};

use crate::error::{Error, Result};
use crate::managed;
use crate::model::{Grants, Group, Policy, Role, User};
use crate::page::{Page, Paging};

/// The kind under which access keys are claimed in the store's names.
pub(crate) const ACCESS_KEY: &str = "access-key";

/// The beginning of all of IAM's keys, to watch.
pub(crate) fn everything() -> Key {
    Key::of_service("iam")
}

/// A record that is found by account and name.
pub(crate) trait Entity: Record + Clone + Sync + 'static {
    /// As keys, ARNs and messages call it.
    const KIND: &'static str;
    fn name(&self) -> &str;
    fn path(&self) -> &str;
    /// `None` for what cannot have tags.
    fn tags(&self) -> Option<&BTreeMap<String, String>>;
    fn tags_mut(&mut self) -> Option<&mut BTreeMap<String, String>>;
    /// The policies of what can have some.
    fn grants(&self) -> Option<&Grants>;

    /// The resource part of its ARN.
    fn resource(&self) -> String {
        format!("{}{}{}", Self::KIND, self.path(), self.name())
    }

    fn arn(&self, account: &AccountId) -> Arn {
        Arn::global("iam", account, &self.resource())
    }
}

/// An entity that policies can be given to.
pub(crate) trait Holder: Entity {
    /// Characters of all its inline policies, white space not counted ("IAM and AWS STS quotas").
    const INLINE: usize;
    fn id(&self) -> &str;
    fn grants_mut(&mut self) -> &mut Grants;
}

macro_rules! entity {
    ($type:ident, $kind:literal, tags: $tags:expr, $tags_mut:expr, grants: $grants:expr) => {
        impl Entity for $type {
            const KIND: &'static str = $kind;

            fn name(&self) -> &str {
                &self.name
            }

            fn path(&self) -> &str {
                &self.path
            }

            fn tags(&self) -> Option<&BTreeMap<String, String>> {
                let tags: fn(&Self) -> Option<&BTreeMap<String, String>> = $tags;
                tags(self)
            }

            fn tags_mut(&mut self) -> Option<&mut BTreeMap<String, String>> {
                let tags: fn(&mut Self) -> Option<&mut BTreeMap<String, String>> = $tags_mut;
                tags(self)
            }

            fn grants(&self) -> Option<&Grants> {
                let grants: fn(&Self) -> Option<&Grants> = $grants;
                grants(self)
            }
        }
    };
}

entity!(User, "user", tags: |e| Some(&e.tags), |e| Some(&mut e.tags), grants: |e| Some(&e.grants));
entity!(Role, "role", tags: |e| Some(&e.tags), |e| Some(&mut e.tags), grants: |e| Some(&e.grants));
entity!(Group, "group", tags: |_| None, |_| None, grants: |e| Some(&e.grants));
entity!(Policy, "policy", tags: |e| Some(&e.tags), |e| Some(&mut e.tags), grants: |_| None);

macro_rules! holder {
    ($($type:ident $inline:literal),*) => {$(
        impl Holder for $type {
            const INLINE: usize = $inline;

            fn id(&self) -> &str {
                &self.id
            }

            fn grants_mut(&mut self) -> &mut Grants {
                &mut self.grants
            }
        }
    )*};
}

holder!(User 2048, Group 5120, Role 10_240);

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
) -> Result<Option<E>> {
    let found: Option<E> = read.get_record(&key::<E>(account, name)).await?;
    Ok(found.filter(|entity| entity.name() == name))
}

/// The entity called `name`; NoSuchEntity where there is none.
pub(crate) async fn get<E: Entity>(read: &impl Read, account: &AccountId, name: &str) -> Result<E> {
    let missing =
        || Error::NoSuchEntity(format!("The {} with name {name} cannot be found.", E::KIND));
    find(read, account, name).await?.ok_or_else(missing)
}

/// The entity called `name` in the request's account, as it is now.
pub(crate) async fn read<E: Entity>(cx: &Cx, name: &str) -> Result<E> {
    get(&cx.store().snapshot(), cx.account(), name).await
}

/// Stores an entity.
pub(crate) fn put<E: Entity>(tx: &Tx, account: &AccountId, entity: &E) {
    tx.put_record(key::<E>(account, entity.name()), entity);
}

/// Stores a new entity, which stacks know by `physical_id`; EntityAlreadyExists where its name is
/// taken, whatever the case.
pub(crate) async fn create<E: Entity>(cx: &Cx, entity: &E, physical_id: &str) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            if tx.get(&key::<E>(account, entity.name())).await?.is_some() {
                return Err(taken::<E>(entity.name()));
            }
            put(&tx, account, entity);
            cx.note_made(&tx, physical_id);
            Ok(())
        })
        .await
}

/// Where the members of a group are listed.
pub(crate) fn members(account: &AccountId, group: &str) -> Key {
    Key::of_account("iam", account).text("member").text(group)
}

/// The users in a group, by name.
pub(crate) async fn users_of(cx: &Cx, group: &str) -> Result<Vec<User>> {
    let snapshot = cx.store().snapshot();
    let members = members(cx.account(), group).prefix();
    let mut scan = snapshot.scan(members, Direction::Forward);
    let mut users = Vec::new();
    while let Some((key, _)) = scan.next().await? {
        let parts = Key::components(&key).unwrap_or_default();
        if let Some(name) = parts.last().and_then(|part| part.as_text()) {
            users.push(get(&snapshot, cx.account(), name).await?);
        }
    }
    Ok(users)
}

/// The error for a name that somebody has.
pub(crate) fn taken<E: Entity>(name: &str) -> Error {
    Error::EntityAlreadyExists(match E::KIND {
        "policy" => {
            format!("A policy called {name} already exists. Duplicate names are not allowed.")
        }
        "user" => format!("User with name {name} already exists."),
        "group" => format!("Group with name {name} already exists."),
        _ => format!("Role with name {name} already exists."),
    })
}

/// Changes the entity called `name`, by itself.
pub(crate) async fn change<E: Entity>(
    cx: &Cx,
    name: &str,
    edit: impl Fn(&mut E) -> Result<()> + Send + Sync,
) -> Result<()> {
    let (account, edit) = (cx.account(), &edit);
    cx.store()
        .transact(async |tx: Tx| {
            let mut entity: E = get(&tx, account, name).await?;
            edit(&mut entity)?;
            put(&tx, account, &entity);
            Ok(())
        })
        .await
}

/// A page of the account's entities of a kind under a path, in the order of their names.
pub(crate) async fn list<E: Entity>(
    cx: &Cx,
    paging: &Paging,
    keep: impl Fn(&E) -> bool,
) -> Result<Page<E>> {
    let all = kind_key::<E>(cx.account());
    let mut range = all.prefix();
    if let Some(after) = &paging.after {
        range = range.after(&all.text(&after.to_lowercase()));
    }
    let mut scan = cx.store().snapshot().scan(range, Direction::Forward);
    let mut items: Vec<E> = Vec::new();
    while let Some((_, entity)) = scan.next_record::<E>().await? {
        if !keep(&entity) {
            continue;
        }
        if items.len() == paging.limit {
            let last = items.last().map(|entity| entity.name().to_owned());
            return Ok(Page { items, next: last });
        }
        items.push(entity);
    }
    Ok(Page { items, next: None })
}

/// The managed policy `arn`, compiled: a customer's or AWS's own. `None` where there is none, or
/// none that can be read any more.
pub(crate) async fn document(read: &impl Read, arn: &str) -> Result<Option<Document>> {
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
