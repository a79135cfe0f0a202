//! GetLayerVersionByArn: a version of a layer, by its ARN.

use cumulet_api_lambda::ops::{GetLayerVersionByArn, GetLayerVersionByArnRequest};
use cumulet_api_lambda::types::GetLayerVersionResponse;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Lambda;
use crate::access::on_layer;
use crate::layer;
use crate::name::LayerName;

impl Handle<GetLayerVersionByArn> for Lambda {
    async fn access(&self, cx: &Cx, input: &GetLayerVersionByArnRequest) -> Result<Vec<Access>> {
        let (name, number) = LayerName::parse_version(&input.arn)?;
        Ok(vec![on_layer(cx, "lambda:GetLayerVersion", &name, name.version_arn(number))])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetLayerVersionByArnRequest,
    ) -> Result<GetLayerVersionResponse> {
        let (name, number) = LayerName::parse_version(&input.arn)?;
        let record = name.load_version(&cx.store().snapshot(), number).await?;
        Ok(layer::describe(&name, &record))
    }
}
