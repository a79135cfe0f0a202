//! Who is in which group: kept in the user's record, with an index by group.

use cumulet_service::Cx;
use cumulet_store::{Read as _, Tx};

use crate::error::{Error, Result};
use crate::model::{Group, User};
use crate::store;

/// Groups that one user can be in ("IAM and AWS STS quotas").
const MOST: usize = 10;

/// Puts `user` into `group`.
pub(crate) async fn add(cx: &Cx, group: &str, user: &str) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let group: Group = store::get(&tx, account, group).await?;
            let mut user: User = store::get(&tx, account, user).await?;
            user.groups.insert(group.name.clone());
            if user.groups.len() > MOST {
                let message = format!("Cannot exceed quota for GroupsPerUser: {MOST}");
                return Err(Error::LimitExceeded(message));
            }
            tx.put(store::members(account, &group.name).text(&user.name), "");
            store::put(&tx, account, &user);
            Ok(())
        })
        .await
}

/// Takes `user` out of `group`.
pub(crate) async fn remove(cx: &Cx, group: &str, user: &str) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let group: Group = store::get(&tx, account, group).await?;
            let mut user: User = store::get(&tx, account, user).await?;
            let member = store::members(account, &group.name).text(&user.name);
            if tx.get(&member).await?.is_none() {
                let message = format!("User {} is not in group {}.", user.name, group.name);
                return Err(Error::NoSuchEntity(message));
            }
            user.groups.remove(&group.name);
            tx.delete(member);
            store::put(&tx, account, &user);
            Ok(())
        })
        .await
}
