//! Users' access keys: kept in the user's record, found by their ids through the store's names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_api_iam::types::{AccessKey, AccessKeyMetadata, StatusType};
use cumulet_base::{AccountId, Timestamp};
use cumulet_service::{Cx, temporary};
use cumulet_store::Tx;
use cumulet_store::names::{self, Owner};

use crate::access_keys::PURPOSE;
use crate::error::{Error, Result};
use crate::model::{StoredKey, User};
use crate::store;

/// Access keys that one user can have ("IAM and AWS STS quotas").
const MOST: usize = 2;

/// What the name of a user's access key leads to.
pub(crate) fn owner(account: &AccountId, user: &str) -> Owner {
    Owner {
        service: "iam".to_owned(),
        account: account.as_str().to_owned(),
        region: String::new(),
        resource: user.to_owned(),
    }
}

/// Makes an access key for `user`.
pub(crate) async fn create(cx: &Cx, user: &str) -> Result<AccessKey> {
    let account = cx.account();
    let id = temporary::access_key_id(cx.ids(), "AKIA");
    let secret = temporary::secret_access_key(cx.ids());
    let sealed = cx.sealer().seal(PURPOSE, id.as_bytes(), secret.as_bytes());
    let sealed = sealed.map_err(|why| Error::Internal(why.to_string()))?;
    let created = cx.now();
    let key = StoredKey {
        id: id.clone(),
        secret: STANDARD.encode(sealed),
        active: true,
        created: created.millis(),
    };
    let key = &key;
    cx.store()
        .transact(async |tx: Tx| {
            let mut user: User = store::get(&tx, account, user).await?;
            if user.keys.len() >= MOST {
                let message = format!("Cannot exceed quota for AccessKeysPerUser: {MOST}");
                return Err(Error::LimitExceeded(message));
            }
            user.keys.push(key.clone());
            names::claim(&tx, store::ACCESS_KEY, &key.id, &owner(account, &user.name)).await?;
            store::put(&tx, account, &user);
            cx.note_made(&tx, &key.id);
            Ok(())
        })
        .await?;
    Ok(AccessKey {
        user_name: user.to_owned(),
        access_key_id: id,
        status: StatusType::Active,
        secret_access_key: secret.to_string(),
        create_date: Some(created),
    })
}

/// Lets `user`'s key `id` be accepted or refused.
pub(crate) async fn set_active(cx: &Cx, user: &str, id: &str, active: bool) -> Result<()> {
    let edit = |user: &mut User| {
        let key = user.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| missing(id))?;
        key.active = active;
        Ok(())
    };
    store::change(cx, user, edit).await
}

/// Removes `user`'s key `id`.
pub(crate) async fn delete(cx: &Cx, user: &str, id: &str) -> Result<()> {
    let account = cx.account();
    cx.store()
        .transact(async |tx: Tx| {
            let mut user: User = store::get(&tx, account, user).await?;
            let before = user.keys.len();
            user.keys.retain(|key| key.id != id);
            if user.keys.len() == before {
                return Err(missing(id));
            }
            names::release(&tx, store::ACCESS_KEY, id, &owner(account, &user.name)).await?;
            store::put(&tx, account, &user);
            Ok(())
        })
        .await
}

fn missing(id: &str) -> Error {
    Error::NoSuchEntity(format!("The Access Key with id {id} cannot be found."))
}

/// A key as lists tell it.
pub(crate) fn metadata(user: &str, key: StoredKey) -> AccessKeyMetadata {
    let status = if key.active { StatusType::Active } else { StatusType::Inactive };
    AccessKeyMetadata {
        user_name: Some(user.to_owned()),
        access_key_id: Some(key.id),
        status: Some(status),
        create_date: Some(Timestamp::from_millis(key.created)),
    }
}
