//! DescribeUserPool: the settings of a pool, completed with defaults.

use cumulet_api_cognito_idp::ops::{
    DescribeUserPool, DescribeUserPoolRequest, DescribeUserPoolResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Cognito;
use crate::settings;
use crate::users::{on_pool, pool_of};

impl Handle<DescribeUserPool> for Cognito {
    async fn access(&self, cx: &Cx, input: &DescribeUserPoolRequest) -> Result<Vec<Access>> {
        on_pool(cx, "cognito-idp:DescribeUserPool", &input.user_pool_id).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeUserPoolRequest,
    ) -> Result<DescribeUserPoolResponse> {
        let pool = pool_of(cx, &input.user_pool_id).await?;
        let shown = settings::shown(&cx.store().snapshot(), &pool).await?;
        Ok(DescribeUserPoolResponse { user_pool: Some(shown) })
    }
}
