//! Another name or path for a user, with all that leads to the user by name.

use cumulet_base::AccountId;
use cumulet_service::Cx;
use cumulet_store::{Read as _, Tx, names};

use crate::error::Result;
use crate::model::User;
use crate::{attached, store, user_keys};

/// Gives the user `name` another name, path or both.
pub(crate) async fn user(
    cx: &Cx,
    name: &str,
    new_name: Option<&str>,
    new_path: Option<&str>,
) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let before: User = store::get(&tx, account, name).await?;
            let mut user = before.clone();
            if let Some(path) = new_path {
                path.clone_into(&mut user.path);
            }
            if let Some(new) = new_name.filter(|new| *new != name) {
                let key = store::key::<User>(account, new);
                // Another case of the same name is free: it is the user's own.
                if key != store::key::<User>(account, name) && tx.get(&key).await?.is_some() {
                    return Err(store::taken::<User>(new));
                }
                new.clone_into(&mut user.name);
                tx.delete(store::key::<User>(account, name));
                lead(&tx, account, &before, &user).await?;
            }
            store::put(&tx, account, &user);
            Ok(())
        })
        .await
}

/// Lets access keys, groups and policies lead to the new name.
async fn lead(tx: &Tx, account: &AccountId, before: &User, user: &User) -> Result<()> {
    for key in &user.keys {
        let owner = user_keys::owner(account, &before.name);
        names::release(tx, store::ACCESS_KEY, &key.id, &owner).await?;
        let owner = user_keys::owner(account, &user.name);
        names::claim(tx, store::ACCESS_KEY, &key.id, &owner).await?;
    }
    for group in &user.groups {
        tx.delete(store::members(account, group).text(&before.name));
        tx.put(store::members(account, group).text(&user.name), "");
    }
    attached::note_all(tx, account, before, false);
    attached::note_all(tx, account, user, true);
    Ok(())
}
