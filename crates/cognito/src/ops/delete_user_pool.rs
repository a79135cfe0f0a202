//! DeleteUserPool: removes a pool with its clients, users, groups and sessions.
//!
//! Promises: after the answer no client and no token of the pool is taken any more. A crash in the
//! middle leaves records of its users behind that nobody can reach and nothing removes yet.
//! Refuses: a pool that is protected.

use cumulet_api_cognito_idp::ops::{DeleteUserPool, DeleteUserPoolOutput, DeleteUserPoolRequest};
use cumulet_api_cognito_idp::types::DeletionProtectionType;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Component, Direction, Key, Read as _};

use crate::Cognito;
use crate::error::Error;
use crate::pool::Place;
use crate::store;
use crate::users::on_pool;

impl Handle<DeleteUserPool> for Cognito {
    async fn access(&self, cx: &Cx, input: &DeleteUserPoolRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:DeleteUserPool", &input.user_pool_id).await
    }

    async fn handle(&self, cx: &Cx, input: DeleteUserPoolRequest) -> Result<DeleteUserPoolOutput> {
        let place = Place::of(cx, &input.user_pool_id);
        cx.store()
            .transact(|tx| {
                let place = &place;
                async move {
                    let pool = store::pool(&tx, place).await?;
                    if pool.settings.deletion_protection == Some(DeletionProtectionType::Active) {
                        let text = "The user pool cannot be deleted because deletion protection is \
                                    activated. Deletion protection must be inactivated first.";
                        return Err(Error::invalid(text).into());
                    }
                    let all = place.key("client").prefix();
                    let clients = tx.range(&all, Direction::Forward, MOST).await?;
                    for (key, _) in clients.items {
                        let client = Key::components(&key).and_then(|mut parts| parts.pop());
                        if let Some(client) = client.as_ref().and_then(Component::as_text) {
                            store::unclaim(&tx, store::CLIENT_NAME, client, place).await?;
                        }
                        tx.delete(key);
                    }
                    store::unclaim(&tx, store::POOL_NAME, &place.id, place).await?;
                    tx.delete(place.key("pool"));
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        self.keys.forget(&place.id);
        for kind in KINDS {
            remove_all(cx, &place.key(kind)).await?;
        }
        Ok(DeleteUserPoolOutput {})
    }
}

/// What a pool has beside its record and its clients.
const KINDS: [&str; 8] = ["user", "name", "session", "trials", "slot", "group", "member", "count"];
/// Clients of a pool, and entries removed in one transaction.
const MOST: usize = 1_000;

/// Removes everything below `key`, in transactions of bounded size.
async fn remove_all(cx: &Cx, key: &Key) -> Result<()> {
    loop {
        let more = cx
            .store()
            .transact(|tx| async move {
                let page = tx.range(&key.prefix(), Direction::Forward, MOST).await?;
                for (key, _) in page.items {
                    tx.delete(key);
                }
                Ok::<_, ServiceError>(page.rest.is_some())
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}
