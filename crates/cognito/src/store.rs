//! Where everything lies, and the transactions that keep names and users in step.
//!
//! Below service, account and region: `pool/<pool>`, `client/<pool>/<client>`, `user/<pool>/<sub>`,
//! `name/<pool>/<name>` → sub, `session/<pool>/<sub>/<event>`, `trials/<pool>/<sub>`,
//! `slot/<pool>/<n>`, `group/<pool>/<name>`, `member/<pool>/<group>/<sub>`, `count/<pool>`. Beside
//! them two kinds of global names lead from a pool's or a client's id to the pool.

use std::collections::BTreeMap;

use cumulet_api_cognito_idp::types::UserPoolType;
use cumulet_service::{Error as ServiceError, Result};
use cumulet_store::names::{self, Owner};
use cumulet_store::{Key, Read, Tx};

use crate::document;
use crate::error::Error;
use crate::model::{ClientRecord, Count, Group, NameRecord, PoolRecord, Session, User};
use crate::pool::{Client, Place, Pool};
use crate::trials::Trials;

/// Kinds of global names.
pub(crate) const POOL_NAME: &str = "cognito-pool";
pub(crate) const CLIENT_NAME: &str = "cognito-client";

/// Slots that a pool counts trials in for names that no user has.
const SLOTS: u64 = 1 << 16;

pub(crate) fn owner(place: &Place) -> Owner {
    Owner {
        service: "cognito".to_owned(),
        account: place.account.as_str().to_owned(),
        region: place.region.as_str().to_owned(),
        resource: place.id.clone(),
    }
}

fn place(owner: &Owner) -> Option<Place> {
    let (account, region) = (owner.account.parse().ok()?, owner.region.parse().ok()?);
    Some(Place { account, region, id: owner.resource.clone() })
}

/// Where the pool of this id lies, whosever it is.
pub(crate) async fn place_of_pool(read: &impl Read, id: &str) -> Result<Option<Place>> {
    Ok(names::lookup(read, POOL_NAME, id).await?.as_ref().and_then(place))
}

/// The pool at `at`; `ResourceNotFoundException` where there is none.
pub(crate) async fn pool(read: &impl Read, at: &Place) -> Result<Pool> {
    let record: Option<PoolRecord> = read.get_record(&at.key("pool")).await?;
    let record = record.ok_or_else(|| Error::no_pool(&at.id))?;
    let settings = document::read(&record.settings)?;
    Ok(Pool { place: at.clone(), record, settings })
}

/// The tags of the pool; none where there is no pool.
pub(crate) async fn tags(read: &impl Read, at: &Place) -> Result<BTreeMap<String, String>> {
    let record: Option<PoolRecord> = read.get_record(&at.key("pool")).await?;
    let Some(record) = record else { return Ok(BTreeMap::new()) };
    let settings: UserPoolType = document::read(&record.settings)?;
    Ok(settings.user_pool_tags.unwrap_or_default())
}

pub(crate) fn client_key(at: &Place, id: &str) -> Key {
    at.key("client").text(id)
}

pub(crate) async fn client(read: &impl Read, at: &Place, id: &str) -> Result<Client> {
    let record: Option<ClientRecord> = read.get_record(&client_key(at, id)).await?;
    let record = record.ok_or_else(|| Error::no_client(id))?;
    let settings = document::read(&record.settings)?;
    Ok(Client { id: id.to_owned(), record, settings })
}

/// The client of this id and its pool, whosever they are: how unsigned operations begin.
pub(crate) async fn client_and_pool(read: &impl Read, id: &str) -> Result<(Pool, Client)> {
    let owner = names::lookup(read, CLIENT_NAME, id).await?;
    let at = owner.as_ref().and_then(place).ok_or_else(|| Error::no_client(id))?;
    Ok((pool(read, &at).await?, client(read, &at, id).await?))
}

pub(crate) fn user_key(at: &Place, sub: &str) -> Key {
    at.key("user").text(sub)
}

pub(crate) async fn user(read: &impl Read, at: &Place, sub: &str) -> Result<Option<User>> {
    Ok(read.get_record(&user_key(at, sub)).await?)
}

fn name_key(pool: &Pool, name: &str) -> Key {
    pool.place.key("name").text(&pool.fold(name))
}

/// The user that a username, an alias or a sub leads to.
pub(crate) async fn find_user(read: &impl Read, pool: &Pool, name: &str) -> Result<Option<User>> {
    let named: Option<NameRecord> = read.get_record(&name_key(pool, name)).await?;
    let sub = named.map_or_else(|| name.to_owned(), |named| named.sub);
    user(read, &pool.place, &sub).await
}

/// [`find_user`], for callers that may know who is there.
pub(crate) async fn known_user(read: &impl Read, pool: &Pool, name: &str) -> Result<User> {
    Ok(find_user(read, pool, name).await?.ok_or(Error::UserNotFound)?)
}

/// The names that lead to a user, as they are compared, and their kinds.
fn names_of(pool: &Pool, user: &User) -> BTreeMap<String, &'static str> {
    let mut names = BTreeMap::new();
    if pool.has_alias("preferred_username")
        && let Some(name) = user.attribute("preferred_username")
    {
        names.insert(pool.fold(name), "preferred_username");
    }
    for kind in ["email", "phone_number"] {
        // In place of a username an address counts at once, beside one when it is verified.
        let counts = pool.signs_in_with(kind) || (pool.has_alias(kind) && user.verified(kind));
        if let Some(address) = user.attribute(kind).filter(|address| counts && !address.is_empty())
        {
            names.insert(pool.fold(address), kind);
        }
    }
    names.insert(pool.fold(&user.username), "username");
    names
}

/// What happens to a name that another user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The change is refused.
    Refuse,
    /// A verified address moves here: the other's is no longer verified (`ForceAliasCreation`).
    Move,
}

/// Stores a user with all names that lead to him. `before` is what this transaction read.
pub(crate) async fn save_user(
    tx: &Tx,
    pool: &Pool,
    before: Option<&User>,
    after: &User,
    taken: Taken,
) -> Result<()> {
    let old = before.map(|user| names_of(pool, user)).unwrap_or_default();
    let new = names_of(pool, after);
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        tx.delete(pool.place.key("name").text(name));
    }
    for (name, kind) in &new {
        let key = pool.place.key("name").text(name);
        if let Some(other) = tx.get_record::<NameRecord>(&key).await?
            && other.sub != after.sub
        {
            release(tx, pool, &other, kind, taken).await?;
        } else if *name != after.sub && user(tx, &pool.place, name).await?.is_some() {
            // A sub leads to its user too: nobody may take another's as a name.
            return Err(Error::UsernameExists("User already exists").into());
        }
        tx.put_record(key, &NameRecord { sub: after.sub.clone(), kind: (*kind).to_owned() });
    }
    if before.is_none() {
        count(tx, &pool.place, 1).await?;
    }
    tx.put_record(user_key(&pool.place, &after.sub), after);
    Ok(())
}

/// Takes a verified address from another user, or says that it cannot be had.
async fn release(tx: &Tx, pool: &Pool, other: &NameRecord, kind: &str, taken: Taken) -> Result<()> {
    let address = ["email", "phone_number"].contains(&other.kind.as_str());
    if taken == Taken::Move && address && other.kind == kind && !pool.makes_usernames() {
        if let Some(mut loser) = user(tx, &pool.place, &other.sub).await? {
            loser.verify(kind, false);
            tx.put_record(user_key(&pool.place, &loser.sub), &loser);
        }
        return Ok(());
    }
    Err(match (kind, pool.makes_usernames()) {
        ("email", true) => Error::UsernameExists("An account with the given email already exists."),
        ("phone_number", true) => {
            Error::UsernameExists("An account with the given phone_number already exists.")
        }
        ("email", false) => Error::AliasExists("An account with the email already exists."),
        ("phone_number", false) => {
            Error::AliasExists("An account with the phone_number already exists.")
        }
        ("preferred_username", _) => Error::AliasExists("Already found an entry for username"),
        _ => Error::UsernameExists("User already exists"),
    }
    .into())
}

/// Removes a user and all that hangs on him.
pub(crate) async fn delete_user(tx: &Tx, pool: &Pool, user: &User) -> Result<()> {
    let at = &pool.place;
    for name in names_of(pool, user).keys() {
        tx.delete(at.key("name").text(name));
    }
    for group in &user.groups {
        tx.delete(at.key("member").text(group).text(&user.sub));
    }
    end_sessions(tx, at, &user.sub).await?;
    tx.delete(at.key("trials").text(&user.sub));
    tx.delete(user_key(at, &user.sub));
    count(tx, at, -1).await
}

async fn count(tx: &Tx, at: &Place, by: i32) -> Result<()> {
    let Count(count) = tx.get_record(&at.key("count")).await?.unwrap_or_default();
    tx.put_record(at.key("count"), &Count(count.saturating_add(by).max(0)));
    Ok(())
}

/// How many users a pool has.
pub(crate) async fn users(read: &impl Read, at: &Place) -> Result<i32> {
    let Count(count) = read.get_record(&at.key("count")).await?.unwrap_or_default();
    Ok(count)
}

/// Where trials are counted: a user's own record, or the slot of a name that no user has. So an
/// unknown name is locked and limited as a known one is, in bounded space.
pub(crate) enum Subject<'a> {
    /// A user, by his sub.
    User(&'a str),
    /// Another name: its hash, of which the first bytes choose the slot.
    Nobody(&'a [u8; 32]),
}

impl Subject<'_> {
    fn key(&self, at: &Place) -> Key {
        match self {
            Self::User(sub) => at.key("trials").text(sub),
            Self::Nobody(hash) => {
                let [a, b, ..] = **hash;
                at.key("slot").u64(u64::from(u16::from_be_bytes([a, b])) % SLOTS)
            }
        }
    }

    fn owner(&self) -> String {
        match self {
            Self::User(_) => String::new(),
            Self::Nobody(hash) => crate::srp::hex(hash.as_slice()),
        }
    }

    pub(crate) async fn trials(&self, tx: &Tx, at: &Place) -> Result<Trials> {
        let owner = self.owner();
        let stored: Option<Trials> = tx.get_record(&self.key(at)).await?;
        let fresh = || Trials::of(owner.clone());
        Ok(stored.filter(|trials| trials.owner == owner).unwrap_or_else(fresh))
    }

    pub(crate) fn put(&self, tx: &Tx, at: &Place, trials: &Trials) {
        tx.put_record(self.key(at), trials);
    }
}

pub(crate) fn session_key(at: &Place, sub: &str, event: &str) -> Key {
    at.key("session").text(sub).text(event)
}

pub(crate) async fn session(
    read: &impl Read,
    at: &Place,
    sub: &str,
    event: &str,
) -> Result<Option<Session>> {
    Ok(read.get_record(&session_key(at, sub, event)).await?)
}

/// Ends all of a user's sessions: no refresh token and no access token of his is taken any more.
pub(crate) async fn end_sessions(tx: &Tx, at: &Place, sub: &str) -> Result<()> {
    tx.delete_range(&at.key("session").text(sub).prefix()).await?;
    Ok(())
}

pub(crate) fn group_key(at: &Place, name: &str) -> Key {
    at.key("group").text(name)
}

pub(crate) async fn group(read: &impl Read, at: &Place, name: &str) -> Result<Group> {
    let group: Option<Group> = read.get_record(&group_key(at, name)).await?;
    Ok(group.ok_or_else(|| Error::ResourceNotFound("Group not found.".to_owned()))?)
}

/// Claims a name that nobody can have had before; a clash of random ids is an error of ours.
pub(crate) async fn claim(tx: &Tx, kind: &str, name: &str, at: &Place) -> Result<()> {
    names::claim(tx, kind, name, &owner(at)).await.map_err(|why| match why {
        names::ClaimError::Store(why) => why.into(),
        names::ClaimError::Taken(_) => ServiceError::internal("an id was drawn twice"),
    })
}

/// Gives a name back.
pub(crate) async fn unclaim(tx: &Tx, kind: &str, name: &str, at: &Place) -> Result<()> {
    names::release(tx, kind, name, &owner(at)).await?;
    Ok(())
}
