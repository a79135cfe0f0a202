//! AWS::Lambda::EventInvokeConfig.
//!
//! `Ref` gives the function's name and the qualifier.

use cumulet_api_lambda::ops::{
    DeleteFunctionEventInvokeConfig, DeleteFunctionEventInvokeConfigRequest,
    PutFunctionEventInvokeConfig, PutFunctionEventInvokeConfigRequest,
};
use cumulet_api_lambda::types::{DestinationConfig, OnFailure, OnSuccess};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};

use super::properties::Properties;
use super::{joined, split, unless_gone};

/// The resource type.
#[derive(Debug)]
pub(crate) struct EventInvokeConfig;

impl Resource for EventInvokeConfig {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::EventInvokeConfig"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "FunctionName" | "Qualifier")
    }

    fn is_noted(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, changed.after))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (function_name, qualifier) = split(physical_id);
            let input = DeleteFunctionEventInvokeConfigRequest {
                function_name,
                qualifier: Some(qualifier),
            };
            unless_gone(cx.call::<DeleteFunctionEventInvokeConfig>(input).await)
        })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let function_name = properties.needed("FunctionName")?;
    let qualifier = properties.needed("Qualifier")?;
    let physical_id = joined(&function_name, &qualifier);
    let input = PutFunctionEventInvokeConfigRequest {
        function_name,
        qualifier: Some(qualifier),
        maximum_retry_attempts: properties.integer("MaximumRetryAttempts")?,
        maximum_event_age_in_seconds: properties.integer("MaximumEventAgeInSeconds")?,
        destination_config: destinations(properties)?,
    };
    cx.call::<PutFunctionEventInvokeConfig>(input).await?;
    Ok(Actual { physical_id, ..Actual::default() })
}

fn destinations(properties: Properties<'_>) -> Result<Option<DestinationConfig>> {
    let Some(config) = properties.part("DestinationConfig")? else { return Ok(None) };
    let to = |name| config.part(name)?.map(|part| part.text("Destination")).transpose();
    Ok(Some(DestinationConfig {
        on_success: to("OnSuccess")?.map(|destination| OnSuccess { destination }),
        on_failure: to("OnFailure")?.map(|destination| OnFailure { destination }),
    }))
}
