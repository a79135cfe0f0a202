//! PublishLayerVersion: another version of a layer, made with its first.
//!
//! Promises: the version never changes; functions that use it keep it when it is deleted.
//! Refuses: what CreateFunction refuses of a package.

use cumulet_api_lambda::ops::{
    PublishLayerVersion, PublishLayerVersionRequest, PublishLayerVersionResponse,
};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::access::on_layer;
use crate::code;
use crate::layer;
use crate::model::{LayerRecord, LayerVersionRecord};
use crate::name::LayerName;
use crate::package::{Owner, Package};
use crate::source::{Source, fetch};

impl Handle<PublishLayerVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &PublishLayerVersionRequest) -> Result<Vec<Access>> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        Ok(vec![on_layer(cx, "lambda:PublishLayerVersion", &name, name.arn())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PublishLayerVersionRequest,
    ) -> Result<PublishLayerVersionResponse> {
        let name = LayerName::parse(cx, &input.layer_name)?;
        let source = Source {
            operation: "PublishLayerVersion",
            zip: input.content.zip_file.as_ref(),
            bucket: input.content.s3_bucket.as_deref(),
            key: input.content.s3_key.as_deref(),
            object_version: input.content.s3_object_version.as_deref(),
            image: None,
        };
        let zip = fetch(cx, source).await?;
        let owner = Owner { account: &name.account, region: &name.region };
        let package = self.packages.take(cx, owner, zip).await?;
        let stored = store(cx, &name, &input, &package).await;
        if !matches!(stored, Ok((_, true))) {
            super::drop_blob(cx, &package).await;
        }
        let shown = layer::describe(&name, &stored?.0);
        Ok(PublishLayerVersionResponse {
            content: shown.content,
            layer_arn: shown.layer_arn,
            layer_version_arn: shown.layer_version_arn,
            description: shown.description,
            created_date: shown.created_date,
            version: shown.version,
            compatible_architectures: shown.compatible_architectures,
            compatible_runtimes: shown.compatible_runtimes,
            license_info: shown.license_info,
        })
    }
}

async fn store(
    cx: &Cx,
    name: &LayerName,
    input: &PublishLayerVersionRequest,
    package: &Package,
) -> Result<(LayerVersionRecord, bool)> {
    let now = cx.now();
    cx.store()
        .transact(|tx: Tx| async move {
            let number = name.load(&tx).await?.map_or(1, |layer| layer.next_version);
            let runtimes = input.compatible_runtimes.iter().flatten();
            let architectures = input.compatible_architectures.iter().flatten();
            let record = LayerVersionRecord {
                number,
                code: package.code.clone(),
                description: input.description.clone().unwrap_or_default(),
                license: input.license_info.clone(),
                runtimes: runtimes.map(|runtime| runtime.as_str().to_owned()).collect(),
                architectures: architectures.map(|one| one.as_str().to_owned()).collect(),
                created: now.millis(),
            };
            let owner = Owner { account: &name.account, region: &name.region };
            let taken = code::take(&tx, owner, package).await?;
            tx.put_record(
                name.key(),
                &LayerRecord { name: name.name.clone(), next_version: number + 1 },
            );
            tx.put_record(name.versions().u64(number), &record);
            cx.note_made(&tx, name.version_arn(number).as_str());
            Ok::<_, ServiceError>((record, taken))
        })
        .await
}
