//! DeleteUserPoolClient: removes a client. Its refresh tokens are of no use from then on, and its
//! access tokens are refused by this cloud's own operations.

use cumulet_api_cognito_idp::ops::{
    DeleteUserPoolClient, DeleteUserPoolClientOutput, DeleteUserPoolClientRequest,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::Cognito;
use crate::pool::Place;
use crate::store;
use crate::users::on_pool;

impl Handle<DeleteUserPoolClient> for Cognito {
    async fn access(&self, cx: &Cx, input: &DeleteUserPoolClientRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:DeleteUserPoolClient", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteUserPoolClientRequest,
    ) -> Result<DeleteUserPoolClientOutput> {
        let place = Place::of(cx, &input.user_pool_id);
        cx.store()
            .transact(|tx| {
                let (place, id) = (&place, &input.client_id);
                async move {
                    store::client(&tx, place, id).await?;
                    store::unclaim(&tx, store::CLIENT_NAME, id, place).await?;
                    tx.delete(store::client_key(place, id));
                    Ok::<_, ServiceError>(())
                }
            })
            .await?;
        Ok(DeleteUserPoolClientOutput {})
    }
}
