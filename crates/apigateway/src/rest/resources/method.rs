//! AWS::ApiGateway::Method: a method, its responses, its integration and that one's responses.

use cumulet_api_apigateway::ops::{
    DeleteMethod, PutIntegration, PutIntegrationResponse, PutMethod, PutMethodResponse,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};
use serde_json::{Map, Value};

use super::{Members, call, lowered, pairs, remove, text};

#[derive(Debug)]
pub(super) struct Method;

impl Resource for Method {
    fn type_name(&self) -> &'static str {
        "AWS::ApiGateway::Method"
    }

    fn replaces(&self, property: &str) -> bool {
        ["RestApiId", "ResourceId", "HttpMethod"].contains(&property)
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            let again = cx.made_before().await?.is_some();
            if !again {
                put(cx, desired.properties).await?;
            }
            fill(cx, desired.properties, again).await?;
            Ok(Actual { physical_id: desired.name.to_owned(), attributes: Map::new() })
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            // Stages serve deployments, so that nobody sees it being made anew.
            remove::<DeleteMethod>(cx, place(changed.before)).await?;
            put(cx, changed.after.properties).await?;
            fill(cx, changed.after.properties, false).await?;
            let physical_id = changed.physical_id.to_owned();
            Ok(Actual { physical_id, attributes: Map::new() })
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, _: &'a str) -> BoxFuture<'a, Result<()>> {
        // A method is known by its properties only; it goes with its resource.
        Box::pin(async { Ok(()) })
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        _: &'a str,
        before: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(remove::<DeleteMethod>(cx, place(before)))
    }
}

fn place(properties: &Members) -> Members {
    pairs([
        ("restapi_id", text(properties, "RestApiId").into()),
        ("resource_id", text(properties, "ResourceId").into()),
        ("http_method", text(properties, "HttpMethod").into()),
    ])
}

/// Makes the method itself.
async fn put(cx: &Cx, properties: &Members) -> Result<()> {
    let mut method = lowered(properties);
    for name in ["resourceId", "httpMethod", "integration", "methodResponses"] {
        method.shift_remove(name);
    }
    method.entry("authorizationType").or_insert_with(|| "NONE".into());
    method.extend(place(properties));
    call::<PutMethod>(cx, method).await.map(drop)
}

/// Gives the method what belongs to it; where `again`, an earlier run may have come as far as any
/// part of it.
async fn fill(cx: &Cx, properties: &Members, again: bool) -> Result<()> {
    let place = place(properties);
    let responses = properties.get("MethodResponses");
    put_responses::<PutMethodResponse>(cx, &place, responses, again).await?;
    // Put again, an integration has lost its responses.
    put_integration(cx, &place, properties.get("Integration")).await
}

async fn put_integration(cx: &Cx, place: &Members, integration: Option<&Value>) -> Result<()> {
    let Some(integration) = integration.and_then(Value::as_object) else { return Ok(()) };
    let mut members = lowered(integration);
    members.shift_remove("integrationResponses");
    if let Some(method) = members.shift_remove("integrationHttpMethod") {
        members.insert("httpMethod".to_owned(), method);
    }
    members.extend(place.clone());
    call::<PutIntegration>(cx, members).await?;
    let responses = integration.get("IntegrationResponses");
    put_responses::<PutIntegrationResponse>(cx, place, responses, false).await
}

async fn put_responses<O: cumulet_shape::Operation>(
    cx: &Cx,
    place: &Members,
    responses: Option<&Value>,
    again: bool,
) -> Result<()> {
    for response in responses.and_then(Value::as_array).into_iter().flatten() {
        let Some(response) = response.as_object() else { continue };
        let mut members = lowered(response);
        let status = members.shift_remove("statusCode").unwrap_or_default();
        members.insert("status_code".to_owned(), status);
        members.extend(place.clone());
        match call::<O>(cx, members).await {
            Err(error) if again && error.code == "ConflictException" => {}
            put => drop(put?),
        }
    }
    Ok(())
}
