//! UpdateUserPoolClient: replaces a client's settings; what is omitted goes back to its default.
//! Its secret stays.

use cumulet_api_cognito_idp::ops::{
    UpdateUserPoolClient, UpdateUserPoolClientRequest, UpdateUserPoolClientResponse,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::Cognito;
use crate::settings;
use crate::store;
use crate::tokens;
use crate::users::{on_pool, pool_of};

impl Handle<UpdateUserPoolClient> for Cognito {
    async fn access(&self, cx: &Cx, input: &UpdateUserPoolClientRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:UpdateUserPoolClient", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateUserPoolClientRequest,
    ) -> Result<UpdateUserPoolClientResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let (place, id) = (&pool.place, &input.client_id);
        let client = cx
            .store()
            .transact(|tx| {
                let input = input.clone();
                async move {
                    let mut client = store::client(&tx, place, id).await?;
                    client.settings = settings::updated_client(&client, input)?;
                    client.record.settings = settings::stored(&client.settings)?;
                    client.record.modified = cx.now().millis();
                    tx.put_record(store::client_key(place, id), &client.record);
                    Ok::<_, ServiceError>(client)
                }
            })
            .await?;
        let secret = tokens::shown_secret(cx, &pool, &client)?;
        let shown = settings::shown_client(&client, secret);
        Ok(UpdateUserPoolClientResponse { user_pool_client: Some(shown) })
    }
}
