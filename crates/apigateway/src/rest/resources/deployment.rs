//! AWS::ApiGateway::Deployment. All of it but its description is another deployment.

use cumulet_api_apigateway::ops::{
    CreateDeployment, DeleteDeployment, DeleteStage, GetStage, UpdateDeployment,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};
use serde_json::{Map, Value};

use super::{Members, call, changed_members, lowered, make, pairs, patch, refuse, remove, text};
use crate::carry;

const NAME: &str = "AWS::ApiGateway::Deployment";

#[derive(Debug)]
pub(super) struct Deployment;

impl Resource for Deployment {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn replaces(&self, property: &str) -> bool {
        property != "Description"
    }

    fn part_of(&self) -> Option<&'static str> {
        Some("RestApiId")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            refuse(NAME, desired.properties, &["DeploymentCanarySettings"])?;
            let mut members = lowered(desired.properties);
            // The stage's settings: those that this request takes.
            let stage = members.shift_remove("stageDescription").unwrap_or_default();
            if let Some(stage) = stage.as_object() {
                let known = ["Description", "Variables", "TracingEnabled", "CacheClusterEnabled"];
                for name in stage.keys().filter(|name| !known.contains(&name.as_str())) {
                    refuse(&format!("{NAME}: StageDescription"), stage, &[name])?;
                }
                let mut stage = lowered(stage);
                if let Some(description) = stage.shift_remove("description") {
                    stage.insert("stageDescription".to_owned(), description);
                }
                members.extend(stage);
            }
            Ok(actual(&make::<CreateDeployment>(cx, members, "id").await?))
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let (before, after) = (changed.before, changed.after.properties);
            let operations = changed_members(&[("Description", "/description")], before, after);
            let place = place(after, changed.physical_id);
            patch::<UpdateDeployment>(cx, place, operations).await?;
            Ok(actual(changed.physical_id))
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, _: &'a str) -> BoxFuture<'a, Result<()>> {
        // A deployment is not known by its id alone; it goes with its API.
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            // The stage that came with it, which no other resource of the stack may be.
            if let Some(stage) = carry::text(before, "StageName") {
                let api = text(before, "RestApiId");
                let stage = pairs([("restapi_id", api.into()), ("stage_name", stage.into())]);
                match call::<GetStage>(cx, stage.clone()).await {
                    Ok(found) if text(&found, "deploymentId") == physical_id => {
                        remove::<DeleteStage>(cx, stage).await?;
                    }
                    _ => {}
                }
            }
            remove::<DeleteDeployment>(cx, place(before, physical_id)).await
        })
    }
}

fn place(properties: &Members, id: &str) -> Members {
    let api = text(properties, "RestApiId");
    pairs([("restapi_id", api.into()), ("deployment_id", id.into())])
}

fn actual(id: &str) -> Actual {
    Actual { physical_id: id.to_owned(), attributes: pairs([("DeploymentId", id.into())]) }
}
