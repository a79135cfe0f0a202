//! `POST /_cumulet/outputs`: what a web page has to know of a stack, as amplify_outputs.json.
//!
//! The file has Amplify Gen 2's schema, version 1.3. It has no place for the address of a cloud:
//! Amplify makes Cognito's from the region (amplify-js, `parseAmplifyOutputs`). So `custom` says
//! it, and a page takes it over before it configures Amplify:
//!
//! ```js
//! const config = parseAmplifyConfig(outputs); // from aws-amplify/utils
//! Object.assign(config.Auth.Cognito, outputs.custom.Cognito);
//! Amplify.configure({ ...config, API: { REST: outputs.custom.API } });
//! ```

use cumulet_api_apigateway::ops::{GetStages, GetStagesRequest};
use cumulet_api_apigatewayv2::ops::{GetApi, GetApiRequest};
use cumulet_api_cloudformation::types::{Stack, StackResourceSummary};
use cumulet_api_cognito_idp::ops::{
    DescribeUserPool, DescribeUserPoolClient, DescribeUserPoolClientRequest,
    DescribeUserPoolRequest, ListGroups, ListGroupsRequest,
};
use cumulet_api_cognito_idp::types::{
    GroupType, UserPoolClientType, UserPoolMfaType, UserPoolType,
};
use cumulet_service::Cx;
use http::Uri;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::Problem;
use super::stacks;
use crate::ports::Ports;

/// The version of the schema (aws-amplify/amplify-backend, client-config).
const VERSION: &str = "1.3";
/// Groups of a pool that are listed: the most that a page has.
const GROUPS: i32 = 60;

/// Which stack.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) stack: String,
}

pub(super) async fn post(cx: &Cx, ports: &Ports, question: Question) -> Result<Value, Problem> {
    let name = question.stack;
    let found = stacks::stacks(cx, Some(&name)).await?.into_iter().next();
    let stack = found.ok_or_else(|| Problem::wrong(format!("there is no stack {name}")))?;
    let resources = stacks::resources(cx, &name).await?;
    let mut custom = Map::new();
    custom.insert("stack".to_owned(), name.into());
    custom.insert("outputs".to_owned(), outputs(&stack));
    let apis = apis(cx, ports, &resources).await?;
    if !apis.is_empty() {
        custom.insert("API".to_owned(), Value::Object(apis));
    }
    let mut document = Map::new();
    document.insert("version".to_owned(), VERSION.into());
    if let Some(auth) = auth(cx, &resources).await? {
        document.insert("auth".to_owned(), auth);
        // The address ends in a slash, as the library's own ones do.
        let address = format!("{}/", cx.request().endpoint);
        custom.insert("Cognito".to_owned(), json!({ "userPoolEndpoint": address }));
    }
    document.insert("custom".to_owned(), Value::Object(custom));
    Ok(Value::Object(document))
}

/// The same for commands of this process. The error is in words for a person.
pub(crate) async fn of(cx: &Cx, ports: &Ports, stack: &str) -> Result<Value, String> {
    let question = Question { stack: stack.to_owned() };
    post(cx, ports, question).await.map_err(Problem::into_words)
}

fn outputs(stack: &Stack) -> Value {
    let outputs = stack.outputs.iter().flatten();
    let pairs = outputs.filter_map(|output| {
        Some((output.output_key.clone()?, Value::from(output.output_value.clone()?)))
    });
    Value::Object(pairs.collect())
}

/// The physical ids of the resources of a type, by logical id.
fn of_type<'a>(
    resources: &'a [StackResourceSummary],
    name: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let those = resources.iter().filter(move |resource| resource.resource_type == name);
    those.filter_map(|resource| {
        let physical = resource.physical_resource_id.as_deref()?;
        Some((resource.logical_resource_id.as_str(), physical))
    })
}

/// Endpoints as Amplify's REST category takes them, by the logical id of the API.
async fn apis(
    cx: &Cx,
    ports: &Ports,
    resources: &[StackResourceSummary],
) -> Result<Map<String, Value>, Problem> {
    let mut apis = Map::new();
    let mut add = |logical: &str, endpoint: String| {
        let api = json!({
            "endpoint": endpoint,
            "region": cx.region().as_str(),
            "apiName": logical,
        });
        apis.insert(logical.to_owned(), api);
    };
    for (logical, api_id) in of_type(resources, "AWS::ApiGatewayV2::Api") {
        let api = cx.call::<GetApi>(GetApiRequest { api_id: api_id.to_owned() }).await?;
        let named = api.api_endpoint.unwrap_or_default();
        // A port resolves in every browser, a name below `localhost` not in all.
        let uri: Option<Uri> = named.parse().ok();
        let own = uri.as_ref().and_then(Uri::host).and_then(|host| ports.url_of(host));
        add(logical, own.unwrap_or(named));
    }
    for (logical, rest_api_id) in of_type(resources, "AWS::ApiGateway::RestApi") {
        let host = format!("{rest_api_id}.execute-api.{}.localhost", cx.region());
        let root = match ports.url_of(&host) {
            Some(own) => own,
            None => format!("{}/_aws/execute-api/{rest_api_id}", cx.request().endpoint),
        };
        let request = GetStagesRequest { rest_api_id: rest_api_id.to_owned(), deployment_id: None };
        let stages = cx.call::<GetStages>(request).await?.item.unwrap_or_default();
        let mut named = stages.into_iter().filter_map(|stage| stage.stage_name);
        // SAM's deployments make a stage of their own beside the one that the template names.
        let made = |stage: &String| {
            of_type(resources, "AWS::ApiGateway::Stage").any(|(_, name)| name == stage)
        };
        if let Some(stage) = named.find(made) {
            add(logical, format!("{root}/{stage}"));
        }
    }
    Ok(apis)
}

/// The stack's user pool with a client that a page can use; `None` where it has none.
async fn auth(cx: &Cx, resources: &[StackResourceSummary]) -> Result<Option<Value>, Problem> {
    let pools: Vec<&str> = of_type(resources, "AWS::Cognito::UserPool").map(|(_, id)| id).collect();
    for (_, client) in of_type(resources, "AWS::Cognito::UserPoolClient") {
        for pool in &pools {
            let request = DescribeUserPoolClientRequest {
                user_pool_id: (*pool).to_owned(),
                client_id: client.to_owned(),
            };
            // A client of another pool is not found in this one.
            let Ok(found) = cx.call::<DescribeUserPoolClient>(request).await else { continue };
            let Some(client) = found.user_pool_client else { continue };
            // A page cannot keep a secret.
            if client.client_secret.is_some() {
                continue;
            }
            let request = DescribeUserPoolRequest { user_pool_id: (*pool).to_owned() };
            let pool = cx.call::<DescribeUserPool>(request).await?.user_pool.unwrap_or_default();
            let identity = of_type(resources, "AWS::Cognito::IdentityPool").next();
            let groups = groups(cx, pool.id.as_deref().unwrap_or_default()).await?;
            return Ok(Some(described(cx.region().as_str(), &pool, &client, identity, &groups)));
        }
    }
    Ok(None)
}

async fn groups(cx: &Cx, pool: &str) -> Result<Vec<GroupType>, Problem> {
    let request = ListGroupsRequest {
        user_pool_id: pool.to_owned(),
        limit: Some(GROUPS),
        ..ListGroupsRequest::default()
    };
    Ok(cx.call::<ListGroups>(request).await?.groups.unwrap_or_default())
}

/// `auth` of the schema.
fn described(
    region: &str,
    pool: &UserPoolType,
    client: &UserPoolClientType,
    identity: Option<(&str, &str)>,
    groups: &[GroupType],
) -> Value {
    let names = |names: Vec<&str>| Value::from(names);
    let mut auth = Map::new();
    let mut put = |name: &str, value: Value| drop(auth.insert(name.to_owned(), value));
    put("aws_region", region.into());
    put("user_pool_id", pool.id.clone().into());
    put("user_pool_client_id", client.client_id.clone().into());
    if let Some((_, id)) = identity {
        put("identity_pool_id", id.into());
    }
    let policy = pool.policies.as_ref().and_then(|policies| policies.password_policy.as_ref());
    if let Some(policy) = policy {
        put(
            "password_policy",
            json!({
                "min_length": policy.minimum_length,
                "require_lowercase": policy.require_lowercase.unwrap_or_default(),
                "require_uppercase": policy.require_uppercase.unwrap_or_default(),
                "require_numbers": policy.require_numbers.unwrap_or_default(),
                "require_symbols": policy.require_symbols.unwrap_or_default(),
            }),
        );
    }
    let attributes = pool.username_attributes.iter().flatten();
    put("username_attributes", names(attributes.map(|name| name.as_str()).collect()));
    let verified = pool.auto_verified_attributes.iter().flatten();
    put("user_verification_types", names(verified.map(|name| name.as_str()).collect()));
    let required = pool.schema_attributes.iter().flatten();
    let required = required.filter(|attribute| attribute.required == Some(true));
    let required = required.filter_map(|attribute| attribute.name.as_deref());
    // `sub` is in every schema, and nobody fills it in.
    let required = required.filter(|name| *name != "sub");
    put("standard_required_attributes", names(required.collect()));
    put(
        "mfa_configuration",
        match pool.mfa_configuration {
            Some(UserPoolMfaType::On) => "REQUIRED",
            Some(UserPoolMfaType::Optional) => "OPTIONAL",
            _ => "NONE",
        }
        .into(),
    );
    if !groups.is_empty() {
        let listed = groups.iter().filter_map(|group| {
            let name = group.group_name.clone()?;
            Some(json!({ name: { "precedence": group.precedence } }))
        });
        put("groups", listed.collect());
    }
    Value::Object(auth)
}
