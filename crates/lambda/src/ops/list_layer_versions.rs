//! ListLayerVersions: a layer's versions, newest first.

use cumulet_api_lambda::ops::{
    ListLayerVersions, ListLayerVersionsRequest, ListLayerVersionsResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::Lambda;
use crate::access::on_layer;
use crate::error::Error;
use crate::layer;
use crate::model::LayerVersionRecord;
use crate::name::LayerName;
use crate::page::PAGE;

impl Handle<ListLayerVersions> for Lambda {
    async fn access(&self, cx: &Cx, input: &ListLayerVersionsRequest) -> Result<Vec<Access>> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        Ok(vec![on_layer(cx, "lambda:ListLayerVersions", &name, name.arn())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListLayerVersionsRequest,
    ) -> Result<ListLayerVersionsResponse> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        let limit = input.max_items.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE);
        let limit = limit.clamp(1, PAGE);
        let mut range = name.versions().prefix();
        if let Some(marker) = input.marker.as_deref().filter(|marker| !marker.is_empty()) {
            let invalid = |_| Error::Invalid("Invalid Marker.".to_owned());
            let last: u64 = marker.parse().map_err(invalid)?;
            range = range.before(&name.versions().u64(last));
        }
        let mut scan = cx.store().snapshot().scan(range, Direction::Backward);
        let mut found = Vec::new();
        let mut next_marker = None;
        while let Some((_, version)) = scan.next_record::<LayerVersionRecord>().await? {
            if !layer::suits(&version, input.compatible_runtime, input.compatible_architecture) {
                continue;
            }
            if found.len() == limit {
                next_marker = found.last().map(|last: &LayerVersionRecord| last.number.to_string());
                break;
            }
            found.push(version);
        }
        let layer_versions = found.iter().map(|version| layer::item(&name, version)).collect();
        Ok(ListLayerVersionsResponse { next_marker, layer_versions: Some(layer_versions) })
    }
}
