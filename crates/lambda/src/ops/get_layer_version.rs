//! GetLayerVersion: a version of a layer.

use cumulet_api_lambda::ops::{GetLayerVersion, GetLayerVersionRequest};
use cumulet_api_lambda::types::GetLayerVersionResponse;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_layer;
use crate::layer;
use crate::name::LayerName;

impl Handle<GetLayerVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetLayerVersionRequest) -> Result<Vec<Access>> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        let number = u64::try_from(input.version_number).unwrap_or_default();
        Ok(vec![on_layer(cx, "lambda:GetLayerVersion", &name, name.version_arn(number))])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetLayerVersionRequest,
    ) -> Result<GetLayerVersionResponse> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        let number = u64::try_from(input.version_number).unwrap_or_default();
        let record = name.load_version(&cx.store().snapshot(), number).await?;
        Ok(layer::describe(&name, &record))
    }
}
