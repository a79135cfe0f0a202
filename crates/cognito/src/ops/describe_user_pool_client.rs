//! DescribeUserPoolClient: the settings of a client, with its secret.

use cumulet_api_cognito_idp::ops::{
    DescribeUserPoolClient, DescribeUserPoolClientRequest, DescribeUserPoolClientResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::settings;
use crate::store;
use crate::tokens;
use crate::users::{on_pool, pool_of};

impl Handle<DescribeUserPoolClient> for Cognito {
    async fn access(&self, cx: &Cx, input: &DescribeUserPoolClientRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:DescribeUserPoolClient", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeUserPoolClientRequest,
    ) -> Result<DescribeUserPoolClientResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let client = store::client(&cx.store().snapshot(), &pool.place, &input.client_id).await?;
        let secret = tokens::shown_secret(cx, &pool, &client)?;
        let shown = settings::shown_client(&client, secret);
        Ok(DescribeUserPoolClientResponse { user_pool_client: Some(shown) })
    }
}
