//! What operations on users share: how a user is shown, found by an administrator and changed.

use std::collections::BTreeMap;

use cumulet_api_cognito_idp::types::{
    AttributeType, CodeDeliveryDetailsType, UserStatusType, UserType,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Result};
use cumulet_store::Tx;

use crate::Cognito;
use crate::codes::{Purpose, details};
use crate::error::Error;
use crate::flow::Named;
use crate::model::{Status, User};
use crate::pool::{Client, Place, Pool};
use crate::schema;
use crate::store::{self, Subject, Taken};
use crate::trials::Trials;

/// The one leave that an operation on a pool needs, with the pool's tags.
pub(crate) async fn on_pool(cx: &Cx, action: &'static str, pool: &str) -> Result<Vec<Access>> {
    Ok(vec![on(cx, action, &Place::of(cx, pool)).await?])
}

/// The same for a pool in its place, which may be gone.
pub(crate) async fn on(cx: &Cx, action: &'static str, place: &Place) -> Result<Access> {
    let tags = store::tags(&cx.store().snapshot(), place).await?;
    Ok(Access::on(cx, action, place.arn()).tagged(tags))
}

/// The pool that a signed request names.
pub(crate) async fn pool_of(cx: &Cx, id: &str) -> Result<Pool> {
    store::pool(&cx.store().snapshot(), &Place::of(cx, id)).await
}

/// A status as the API spells it.
pub(crate) fn status(user: &User) -> UserStatusType {
    match user.status {
        Status::Unconfirmed => UserStatusType::Unconfirmed,
        Status::Confirmed => UserStatusType::Confirmed,
        Status::ResetRequired => UserStatusType::ResetRequired,
        Status::ForceChangePassword => UserStatusType::ForceChangePassword,
    }
}

/// A user's attributes, `sub` among them, those that `seen` lets through.
pub(crate) fn attributes(user: &User, seen: impl Fn(&str) -> bool) -> Vec<AttributeType> {
    let pair = |name: &str, value: &str| AttributeType {
        name: name.to_owned(),
        value: Some(value.to_owned()),
    };
    let others = user.attributes.iter().filter(|(name, _)| seen(name));
    let others = others.map(|(name, value)| pair(name, value));
    others.chain(std::iter::once(pair("sub", &user.sub))).collect()
}

/// A user as lists show him.
pub(crate) fn shown(user: &User) -> UserType {
    UserType {
        username: Some(user.username.clone()),
        attributes: Some(attributes(user, |_| true)),
        user_create_date: Some(Timestamp::from_millis(user.created)),
        user_last_modified_date: Some(Timestamp::from_millis(user.modified)),
        enabled: Some(user.enabled),
        user_status: Some(status(user)),
        mfa_options: None,
    }
}

/// A user who does not exist yet.
pub(crate) fn new_user(
    cx: &Cx,
    pool: &Pool,
    name: &str,
    mut attributes: BTreeMap<String, String>,
) -> Result<User> {
    let sub = cx.ids().uuid();
    let username = if pool.makes_usernames() {
        // The name that is given is the address that he signs in with.
        let kind = ["email", "phone_number"].into_iter().find(|kind| {
            let fits = if *kind == "email" { schema::is_email } else { schema::is_phone };
            pool.signs_in_with(kind) && fits(name)
        });
        let kind = kind.ok_or_else(|| {
            match (pool.signs_in_with("email"), pool.signs_in_with("phone_number")) {
                (true, false) => Error::invalid("Username should be an email."),
                (false, true) => Error::invalid("Username should be a phone number."),
                _ => Error::invalid("Username should be either an email or a phone number."),
            }
        })?;
        if attributes.get(kind).is_some_and(|given| given != name) {
            let text = format!("Username and {kind} attribute must be the same.");
            return Err(Error::invalid(text).into());
        }
        attributes.insert(kind.to_owned(), name.to_owned());
        sub.clone()
    } else {
        if pool.has_alias("email") && schema::is_email(name) {
            let text = "Username cannot be of email format, since user pool is configured \
                        for email alias.";
            return Err(Error::invalid(text).into());
        }
        if pool.has_alias("phone_number") && schema::is_phone(name) {
            let text = "Username cannot be of phone number format, since user pool is configured \
                        for phone number alias.";
            return Err(Error::invalid(text).into());
        }
        name.to_owned()
    };
    let schema = pool.settings.schema_attributes.as_deref().unwrap_or_default();
    schema::check(schema, &attributes)?;
    let now = cx.now().millis();
    Ok(User {
        sub,
        username,
        status: Status::Unconfirmed,
        enabled: true,
        created: now,
        modified: now,
        attributes,
        password: None,
        temporary_until: None,
        history: Vec::new(),
        groups: Vec::new(),
        pending: BTreeMap::new(),
    })
}

/// Refuses attributes that a client may not write.
pub(crate) fn check_writes(
    client: &Client,
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<()> {
    if names.into_iter().all(|name| client.writes(name.as_ref())) {
        return Ok(());
    }
    Err(Error::NotAuthorized("A client attempted to write unauthorized attribute").into())
}

/// Changes one user in a transaction: finds him, has `change` change him, stores him.
pub(crate) async fn change<F>(cx: &Cx, pool: &Pool, name: &str, change: F) -> Result<User>
where
    F: Fn(&mut User) -> Result<()> + Send + Sync,
{
    change_with(cx, pool, name, |_, mut user| {
        let changed = change(&mut user).map(|()| user);
        async move { changed }
    })
    .await
}

/// [`change`] where more than the user is written.
pub(crate) async fn change_with<F, Fut>(cx: &Cx, pool: &Pool, name: &str, change: F) -> Result<User>
where
    F: Fn(Tx, User) -> Fut + Send + Sync,
    Fut: Future<Output = Result<User>> + Send,
{
    let now = cx.now().millis();
    cx.store()
        .transact(|tx| {
            let change = &change;
            async move {
                let before = store::known_user(&tx, pool, name).await?;
                let mut after = change(tx.clone(), before.clone()).await?;
                // Later than before even in the same millisecond: steps of a sign-in compare it.
                after.modified = now.max(before.modified + 1);
                store::save_user(&tx, pool, Some(&before), &after, Taken::Refuse).await?;
                Ok::<_, ServiceError>(after)
            }
        })
        .await
}

/// Removes a user.
pub(crate) async fn delete(cx: &Cx, pool: &Pool, name: &str) -> Result<()> {
    cx.store()
        .transact(|tx| async move {
            let user = store::known_user(&tx, pool, name).await?;
            store::delete_user(&tx, pool, &user).await
        })
        .await
}

/// Removes attributes that the pool does not require.
pub(crate) async fn delete_attributes(
    cx: &Cx,
    pool: &Pool,
    name: &str,
    names: &[String],
) -> Result<()> {
    let schema = pool.settings.schema_attributes.as_deref().unwrap_or_default();
    for name in names {
        let known = schema.iter().any(|known| known.name.as_ref() == Some(name));
        // In place of a username an address cannot go either.
        let needed = schema::required(schema).any(|required| required == name)
            || name == "sub"
            || pool.signs_in_with(name);
        if !known || needed {
            let text = format!("Cannot delete attribute {name}");
            return Err(Error::invalid(text).into());
        }
        schema::check_mutable(schema, name)?;
    }
    change(cx, pool, name, |user| {
        for name in names {
            user.attributes.remove(name);
            user.attributes.remove(&format!("{name}_verified"));
            user.pending.remove(name);
        }
        Ok(())
    })
    .await
    .map(drop)
}

impl Cognito {
    /// Sends a code to a user's first address of those wanted, or pretends to where `send` is not
    /// set or there is none.
    pub(crate) async fn send_or_pretend(
        &self,
        cx: &Cx,
        pool: &Pool,
        named: &Named,
        (purpose, send): (Purpose<'_>, bool),
        (wanted, verified): (&[&'static str], bool),
    ) -> Result<CodeDeliveryDetailsType> {
        let to = named.user().filter(|_| send);
        let to = to.and_then(|user| Some((user, Self::reachable(user, wanted, verified)?)));
        cx.store()
            .transact(|tx| {
                let to = &to;
                async move {
                    if let Some((user, to)) = to {
                        return self.send_code(cx, &tx, pool, user, purpose, *to).await;
                    }
                    let subject = named.subject();
                    Self::pretend_to_send(cx, &tx, pool, &subject, purpose).await?;
                    Ok(invented_details(&named.hash(), wanted))
                }
            })
            .await
    }

    /// Counts an attempt at a signed-in user's password as failed, before it is looked at.
    pub(crate) async fn count_attempt(&self, cx: &Cx, pool: &Pool, sub: &str) -> Result<()> {
        let now = cx.now().millis();
        with_trials(cx, pool, sub, |trials| trials.begin_sign_in(now)).await
    }

    /// The password was right after all.
    pub(crate) async fn forgive_attempts(&self, cx: &Cx, pool: &Pool, sub: &str) -> Result<()> {
        with_trials(cx, pool, sub, |trials| {
            trials.succeeded();
            Ok(())
        })
        .await
    }

    /// A user changes attributes of his own. A new address is verified by a code: it takes effect
    /// at once, or after that where the pool's owner wants it so.
    pub(crate) async fn update_own_attributes(
        &self,
        cx: &Cx,
        pool: &Pool,
        sub: &str,
        changes: &BTreeMap<String, String>,
    ) -> Result<Vec<CodeDeliveryDetailsType>> {
        let schema = pool.settings.schema_attributes.as_deref().unwrap_or_default();
        schema::check(schema, changes)?;
        for name in changes.keys() {
            schema::check_mutable(schema, name)?;
        }
        let sent = std::sync::Mutex::new(Vec::new());
        let guarded = || sent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change_with(cx, pool, sub, |tx, mut user| {
            let guarded = &guarded;
            async move {
                guarded().clear();
                for (name, value) in changes {
                    let address = ["email", "phone_number"].contains(&name.as_str());
                    if !address || user.attribute(name) == Some(value) {
                        user.attributes.insert(name.clone(), value.clone());
                        continue;
                    }
                    if pool.verifies_before_update(name) {
                        user.pending.insert(name.clone(), value.clone());
                    } else {
                        user.attributes.insert(name.clone(), value.clone());
                        user.pending.remove(name);
                        user.verify(name, false);
                    }
                    if pool.auto_verifies(name) {
                        let to = (name.as_str(), value.as_str());
                        let purpose = Purpose::Attribute(name);
                        let details = self.send_code(cx, &tx, pool, &user, purpose, to).await?;
                        guarded().push(details);
                    }
                }
                Ok(user)
            }
        })
        .await?;
        let sent = std::mem::take(&mut *guarded());
        Ok(sent)
    }

    /// The addresses that a code for `wanted` may go to, first choice first.
    pub(crate) fn reachable<'a>(
        user: &'a User,
        wanted: &[&'static str],
        verified: bool,
    ) -> Option<(&'static str, &'a str)> {
        wanted.iter().find_map(|name| {
            let address = user.attribute(name).filter(|address| !address.is_empty())?;
            (!verified || user.verified(name)).then_some((*name, address))
        })
    }
}

async fn with_trials<F>(cx: &Cx, pool: &Pool, sub: &str, change: F) -> Result<()>
where
    F: Fn(&mut Trials) -> std::result::Result<(), Error> + Send + Sync,
{
    cx.store()
        .transact(|tx| {
            let change = &change;
            async move {
                let subject = Subject::User(sub);
                let mut trials = subject.trials(&tx, &pool.place).await?;
                change(&mut trials)?;
                subject.put(&tx, &pool.place, &trials);
                Ok::<_, ServiceError>(())
            }
        })
        .await
}

/// Where a code for somebody who does not exist is said to have gone: the same on every try.
fn invented_details(hash: &[u8; 32], wanted: &[&'static str]) -> CodeDeliveryDetailsType {
    let letter = |at: usize| char::from(b'a' + hash.get(at).copied().unwrap_or(0) % 26);
    if wanted.contains(&"email") || wanted.is_empty() {
        return details("email", &format!("{}@{}", letter(0), letter(1)));
    }
    let digits = u32::from(hash.first().copied().unwrap_or(0)) * 39 % 10_000;
    details("phone_number", &format!("+1555555{digits:04}"))
}
