//! AWS::Lambda::LayerVersion.
//!
//! `Ref` gives the version's ARN. "Update requires: Replacement" for everything.

use cumulet_api_lambda::ops::{
    DeleteLayerVersion, DeleteLayerVersionRequest, PublishLayerVersion, PublishLayerVersionRequest,
};
use cumulet_api_lambda::types::{Architecture, LayerVersionContentInput, Runtime};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Made, Resource, Result};
use serde_json::{Map, Value};

use super::properties::Properties;
use super::unless_gone;
use crate::error::Error;
use crate::name::LayerName;

/// The resource type.
#[derive(Debug)]
pub(crate) struct LayerVersion;

impl Resource for LayerVersion {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::LayerVersion"
    }

    fn replaces(&self, _: &str) -> bool {
        true
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, changed.after))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (layer, number) = LayerName::parse_version(physical_id)?;
            let input = DeleteLayerVersionRequest {
                layer_name: layer.arn().as_str().to_owned(),
                version_number: i64::try_from(number).unwrap_or_default(),
            };
            unless_gone(cx.call::<DeleteLayerVersion>(input).await)
        })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let missing = || Error::Invalid("The property Content is required.".to_owned());
    let content = properties.part("Content")?.ok_or_else(missing)?;
    let runtimes = properties.texts("CompatibleRuntimes")?;
    let architectures = properties.texts("CompatibleArchitectures")?;
    let input = PublishLayerVersionRequest {
        layer_name: properties.text("LayerName")?.unwrap_or_else(|| desired.name.to_owned()),
        description: properties.text("Description")?,
        license_info: properties.text("LicenseInfo")?,
        content: LayerVersionContentInput {
            s3_bucket: content.text("S3Bucket")?,
            s3_key: content.text("S3Key")?,
            s3_object_version: content.text("S3ObjectVersion")?,
            ..LayerVersionContentInput::default()
        },
        compatible_runtimes: known(runtimes, Runtime::from_wire),
        compatible_architectures: known(architectures, Architecture::from_wire),
    };
    let arn = match cx.make_once::<PublishLayerVersion>(input).await? {
        Made::Now(made) => made.layer_version_arn.unwrap_or_default(),
        Made::Before(arn) => arn,
    };
    let mut attributes = Map::new();
    attributes.insert("LayerVersionArn".to_owned(), Value::String(arn.clone()));
    Ok(Actual { physical_id: arn, attributes })
}

/// What a layer claims to suit; runtimes that nobody here knows suit nobody.
fn known<T>(texts: Option<Vec<String>>, read: fn(&str) -> Option<T>) -> Option<Vec<T>> {
    texts.map(|texts| texts.iter().filter_map(|text| read(text)).collect())
}
