//! CreateUserPool: makes a user pool with signing keys of its own.
//!
//! Promises: the answer comes after the pool, its keys (sealed) and its id are durable. Refuses:
//! settings that break AWS's rules, and by name (501) what would have to be ignored: Lambda
//! triggers, required MFA, confirmation by link, enforced threat protection.

use cumulet_api_cognito_idp::ops::{CreateUserPool, CreateUserPoolRequest, CreateUserPoolResponse};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Direction, Key, Read as _};

use crate::model::PoolRecord;
use crate::pool::Pool;

use crate::Cognito;
use crate::error::Error;
use crate::keys;
use crate::pool::Place;
use crate::settings;
use crate::store;

impl Handle<CreateUserPool> for Cognito {
    async fn access(&self, cx: &Cx, input: &CreateUserPoolRequest) -> Result<Vec<Access>> {
        let access = Access::any(cx, "cognito-idp:CreateUserPool");
        Ok(vec![access.tagging(input.user_pool_tags.clone().unwrap_or_default())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateUserPoolRequest,
    ) -> Result<CreateUserPoolResponse> {
        let settings = settings::new_pool(input)?;
        // Nine letters and digits, as in AWS's ids.
        let id = format!("{}_{}", cx.region(), cx.ids().text(9, ALPHABET));
        let place = Place::of(cx, &id);
        let [access_key, id_key, seed] = keys::make(cx, &place).await?;
        let now = cx.now().millis();
        let stored = settings::stored(&settings)?;
        let record =
            PoolRecord { settings: stored, created: now, modified: now, access_key, id_key, seed };
        cx.store()
            .transact(|tx| {
                let (place, record) = (&place, &record);
                async move {
                    let all = Key::new("cognito", &place.account, &place.region).text("pool");
                    let there = tx.range(&all.prefix(), Direction::Forward, POOLS).await?;
                    if there.items.len() >= POOLS {
                        return Err(Error::Quota("Exceeded the number of user pools.").into());
                    }
                    store::claim(&tx, store::POOL_NAME, &place.id, place).await?;
                    tx.put_record(place.key("pool"), record);
                    cx.note_made(&tx, &place.id);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        let pool = Pool { place, record, settings };
        let shown = settings::shown(&cx.store().snapshot(), &pool).await?;
        Ok(CreateUserPoolResponse { user_pool: Some(shown) })
    }
}

/// What ids are made of.
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Pools of an account in a region, at most ("Quotas in Amazon Cognito").
const POOLS: usize = 1_000;
