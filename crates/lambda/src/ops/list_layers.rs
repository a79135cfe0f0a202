//! ListLayers: the account's layers in the region, each with its newest version that suits.

use cumulet_api_lambda::ops::{ListLayers, ListLayersRequest, ListLayersResponse};
use cumulet_api_lambda::types::LayersListItem;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::Lambda;
use crate::layer;
use crate::model::{LayerRecord, LayerVersionRecord};
use crate::name::LayerName;
use crate::page::page;
use crate::store;

impl Handle<ListLayers> for Lambda {
    async fn access(&self, cx: &Cx, _: &ListLayersRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "lambda:ListLayers")])
    }

    async fn handle(&self, cx: &Cx, input: ListLayersRequest) -> Result<ListLayersResponse> {
        let snapshot = cx.store().snapshot();
        let all = store::layers(cx.account(), cx.region());
        let found = page(&snapshot, all, input.marker.as_deref(), input.max_items);
        let (records, next_marker): (Vec<LayerRecord>, _) = found.await?;
        let mut layers = Vec::with_capacity(records.len());
        for record in records {
            let (account, region) = (cx.account().clone(), cx.region().clone());
            let name = LayerName { account, region, name: record.name };
            let mut versions = snapshot.scan(name.versions().prefix(), Direction::Backward);
            while let Some((_, version)) = versions.next_record::<LayerVersionRecord>().await? {
                if layer::suits(&version, input.compatible_runtime, input.compatible_architecture) {
                    layers.push(LayersListItem {
                        layer_name: Some(name.name.clone()),
                        layer_arn: Some(name.arn().as_str().to_owned()),
                        latest_matching_version: Some(layer::item(&name, &version)),
                    });
                    break;
                }
            }
        }
        Ok(ListLayersResponse { next_marker, layers: Some(layers) })
    }
}
