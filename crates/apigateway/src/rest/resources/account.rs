//! AWS::ApiGateway::Account: the one there is in a region. It stays when its stack goes.

use cumulet_api_apigateway::ops::UpdateAccount;
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};
use serde_json::Map;

use super::{Members, operation, patch, patch_text};

#[derive(Debug)]
pub(super) struct Account;

impl Resource for Account {
    fn type_name(&self) -> &'static str {
        "AWS::ApiGateway::Account"
    }

    fn replaces(&self, _: &str) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            put(cx, desired.properties).await?;
            Ok(actual(desired.name))
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            put(cx, changed.after.properties).await?;
            Ok(actual(changed.physical_id))
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, _: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

fn actual(name: &str) -> Actual {
    Actual { physical_id: name.to_owned(), attributes: super::pairs([("Id", name.into())]) }
}

async fn put(cx: &Cx, properties: &Members) -> Result<()> {
    let role = properties.get("CloudWatchRoleArn").map(patch_text);
    let operations = vec![operation("/cloudwatchRoleArn", role)];
    patch::<UpdateAccount>(cx, Map::new(), operations).await
}
