//! AWS::Lambda::Version.
//!
//! `Ref` gives the version's ARN. "Update requires: Replacement" for everything: a version never
//! changes.

use cumulet_api_lambda::ops::{
    DeleteFunction, DeleteFunctionRequest, PublishVersion, PublishVersionRequest,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Made, Resource, Result};
use serde_json::{Map, Value};

use super::properties::Properties;
use super::unless_gone;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Version;

impl Resource for Version {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::Version"
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
            let input =
                DeleteFunctionRequest { function_name: physical_id.to_owned(), qualifier: None };
            unless_gone(cx.call::<DeleteFunction>(input).await)
        })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let input = PublishVersionRequest {
        function_name: properties.needed("FunctionName")?,
        description: properties.text("Description")?,
        code_sha256: properties.text("CodeSha256")?,
        ..PublishVersionRequest::default()
    };
    let arn = match cx.make_once::<PublishVersion>(input).await? {
        Made::Now(made) => made.function_arn.unwrap_or_default(),
        Made::Before(arn) => arn,
    };
    let version = arn.rsplit(':').next().unwrap_or_default();
    let mut attributes = Map::new();
    attributes.insert("FunctionArn".to_owned(), Value::String(arn.clone()));
    attributes.insert("Version".to_owned(), version.into());
    Ok(Actual { physical_id: arn, attributes })
}
