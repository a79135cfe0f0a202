//! UpdateUserPool: replaces a pool's settings.
//!
//! What is omitted goes back to its default, as with AWS; schema, aliases and the way of comparing
//! names stay. Refuses what CreateUserPool refuses.

use cumulet_api_cognito_idp::ops::{UpdateUserPool, UpdateUserPoolRequest, UpdateUserPoolResponse};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::Cognito;
use crate::pool::Place;
use crate::settings;
use crate::store;
use crate::users::on_pool;

impl Handle<UpdateUserPool> for Cognito {
    async fn access(&self, cx: &Cx, input: &UpdateUserPoolRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:UpdateUserPool", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateUserPoolRequest,
    ) -> Result<UpdateUserPoolResponse> {
        let place = Place::of(cx, &input.user_pool_id);
        cx.store()
            .transact(|tx| {
                let (place, input) = (&place, input.clone());
                async move {
                    let mut pool = store::pool(&tx, place).await?;
                    let settings = settings::updated_pool(&pool, input)?;
                    pool.record.settings = settings::stored(&settings)?;
                    pool.record.modified = cx.now().millis();
                    tx.put_record(place.key("pool"), &pool.record);
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        Ok(UpdateUserPoolResponse {})
    }
}
