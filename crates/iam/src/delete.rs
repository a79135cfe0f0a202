//! Removing users, groups and roles, which must have been stripped of everything before.

use cumulet_service::Cx;
use cumulet_store::{Direction, Key, Read as _, Tx};

use crate::attached;
use crate::error::{Error, Result};
use crate::model::Group;
use crate::store::{self, Holder};

/// Removes `name`, when it has no policies and is `bare` otherwise.
pub(crate) async fn holder<H: Holder>(
    cx: &Cx,
    name: &str,
    bare: impl Fn(&H) -> Result<()> + Send + Sync,
) -> Result<()> {
    let (account, bare) = (cx.account(), &bare);
    cx.store()
        .transact(async |tx: Tx| {
            let entity: H = store::get(&tx, account, name).await?;
            bare(&entity)?;
            remove(&tx, cx, &entity)
        })
        .await
}

/// Removes the group `name`, when nothing lies under `members`.
pub(crate) async fn group(cx: &Cx, name: &str, members: &Key) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let group: Group = store::get(&tx, account, name).await?;
            if !tx.range(&members.prefix(), Direction::Forward, 1).await?.items.is_empty() {
                let message = "Cannot delete entity, must remove users from group first.";
                return Err(Error::DeleteConflict(message));
            }
            remove(&tx, cx, &group)
        })
        .await
}

fn remove<H: Holder>(tx: &Tx, cx: &Cx, entity: &H) -> Result<()> {
    let grants = entity.grants();
    if grants.is_some_and(|grants| !grants.attached.is_empty()) {
        let message = "Cannot delete entity, must detach all policies first.";
        return Err(Error::DeleteConflict(message));
    }
    if grants.is_some_and(|grants| !grants.inline.is_empty()) {
        return Err(Error::DeleteConflict("Cannot delete entity, must delete policies first."));
    }
    attached::note_all(tx, cx.account(), entity, false);
    tx.delete(store::key::<H>(cx.account(), entity.name()));
    Ok(())
}
