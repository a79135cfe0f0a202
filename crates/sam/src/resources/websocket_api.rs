//! AWS::Serverless::WebSocketApi: a WebSocket API, its routes and its stage.

use crate::fault::Fault;
use crate::intrinsics::{arn, is_intrinsic, reference, sub, sub_with};
use crate::node::{Dict, Node, dict, list};
use crate::resource::{Resource, propagate_tags};
use crate::resources::{SamResource, api_v2, refer};
use crate::schema::{Form, Property, optional, required};
use crate::state::State;

const TAG: &str = "websocketapi:createdBy";
const DEFAULT_STAGE: &str = "default";
const PARTITION: &str = "${AWS::Partition}";

const SCHEMA: &[Property] = &[
    optional("ApiKeySelectionExpression", Form::Str),
    optional("AccessLogSettings", Form::Map),
    optional("Auth", Form::Map),
    optional("DefaultRouteSettings", Form::Map),
    optional("Description", Form::Str),
    optional("DisableExecuteApiEndpoint", Form::Bool),
    optional("Domain", Form::Map),
    optional("DisableSchemaValidation", Form::Bool),
    optional("FailOnWarnings", Form::Bool),
    optional("IpAddressType", Form::Str),
    optional("Name", Form::Str),
    optional("PropagateTags", Form::Bool),
    required("Routes", Form::Map),
    optional("RouteSettings", Form::Map),
    required("RouteSelectionExpression", Form::Str),
    optional("StageName", Form::StrOrMap),
    optional("StageVariables", Form::Map),
    optional("Tags", Form::Map),
];

const REFERABLE: [(&str, &str); 2] =
    [("Stage", "AWS::ApiGatewayV2::Stage"), ("DomainName", "AWS::ApiGatewayV2::DomainName")];

pub(super) fn transform(
    state: &mut State<'_>,
    api: &mut SamResource,
) -> Result<Vec<Resource>, Fault> {
    api.check("AWS::Serverless::WebSocketApi", SCHEMA)?;
    for key in ["Auth", "Domain", "Routes"] {
        api.resolve(state, key)?;
    }
    // Of the attributes AWS hands on DependsOn alone here.
    api.attributes = Dict::default();
    check(api)?;
    let mut tags = api.at("Tags").as_map().cloned().unwrap_or_default();
    tags.insert(TAG, "SAM");
    let result = websocket_api(api, &tags);
    // Record sets are not shared with other APIs of the zone, as those of HTTP APIs are.
    let shared = std::mem::take(&mut state.record_sets);
    let domain = api_v2::domain(state, api, TAG);
    state.record_sets = shared;
    let mut resources = domain?;
    let mut routes = Vec::new();
    let mut authorizer = None;
    for (key, spec) in api.at("Routes").as_map().into_iter().flat_map(Dict::iter) {
        let made = route(api, key, spec)?;
        routes.push(Node::from(&made.entry.id));
        resources.extend([made.entry, made.integration, made.permission]);
        authorizer = made.authorizer.or(authorizer);
    }
    resources.push(stage(api, routes)?);
    if let Some(authorizer) = authorizer {
        resources.push(authorizer);
        resources.extend(authorizer_permission(api));
    }
    resources.push(result);
    if api.at("Tags").is_map() {
        let propagate = api.at("PropagateTags").truthy();
        propagate_tags(&mut resources, &tags.into(), propagate);
    }
    refer(state, &api.id.text, &resources, &REFERABLE);
    Ok(resources)
}

fn check(api: &SamResource) -> Result<(), Fault> {
    if !api.at("Routes").truthy() {
        return Err(api.fault("WebSocket API must have at least one route."));
    }
    let kind = api.at("IpAddressType");
    if !kind.is_null() && !is_intrinsic(kind) && !kind.is("ipv4") && !kind.is("dualstack") {
        return Err(api.fault("IpAddressType must be 'ipv4' or 'dualstack'."));
    }
    if api.at("Domain").at("MutualTlsAuthentication").truthy() {
        return Err(
            api.fault("Mutual TLS domain name association is not supported for Websocket APIs.")
        );
    }
    if api.at("Auth").truthy() && api.at("Routes").at("$connect").is_null() {
        return Err(api.fault("Authorization is only available if there is a $connect route."));
    }
    Ok(())
}

fn websocket_api(api: &SamResource, tags: &Dict) -> Resource {
    let mut result = api
        .becomes("AWS::ApiGatewayV2::Api")
        .with("ProtocolType", "WEBSOCKET")
        .with("Tags", tags.clone());
    for key in [
        "ApiKeySelectionExpression",
        "Description",
        "DisableExecuteApiEndpoint",
        "DisableSchemaValidation",
        "IpAddressType",
        "RouteSelectionExpression",
    ] {
        result.set(key, api.at(key));
    }
    match api.at("Name") {
        Node::Null => result.set("Name", &api.id),
        name => result.set("Name", name),
    }
    result
}

/// What one route becomes.
struct Route {
    entry: Resource,
    integration: Resource,
    permission: Resource,
    authorizer: Option<Resource>,
}

fn route(api: &SamResource, key: &str, spec: &Node) -> Result<Route, Fault> {
    let prefix = format!("{}{}", api.id.text, route_name(api, key)?);
    let attributes = api.passed();
    let integration_id = format!("{prefix}Integration");
    let mut route =
        Resource::new(format!("{prefix}Route"), "AWS::ApiGatewayV2::Route", &attributes)
            .with("RouteKey", key)
            .with("ApiId", reference(&api.id))
            .with(
                "Target",
                dict! {
                    "Fn::Join" =>
                        list!["/", list!["integrations", reference(integration_id.as_str())]],
                },
            );
    for name in [
        "ApiKeyRequired",
        "ModelSelectionExpression",
        "OperationName",
        "RequestModels",
        "RouteResponseSelectionExpression",
    ] {
        route.set(name, spec.at(name));
    }
    if spec.at("RequestParameters").truthy() {
        if key != "$connect" {
            return Err(api.fault(
                "Request parameters are only supported for the $connect route in WebSocket APIs.",
            ));
        }
        route.set("RequestParameters", spec.at("RequestParameters"));
    }
    let authorizer = authorize(api, key, &mut route)?;
    let function = spec.at("FunctionArn");
    if function.is_null() {
        return Err(api.fault("Route must have associated function."));
    }
    let integration = Resource::new(integration_id, "AWS::ApiGatewayV2::Integration", &attributes)
        .with("ApiId", reference(&api.id))
        .with("IntegrationType", "AWS_PROXY")
        .with("IntegrationUri", invocation("FunctionArn", function))
        .with("TimeoutInMillis", spec.at("IntegrationTimeout"));
    let permission =
        Resource::new(format!("{prefix}Permission"), "AWS::Lambda::Permission", &attributes)
            .with("Action", "lambda:InvokeFunction")
            .with("FunctionName", function)
            .with("Principal", "apigateway.amazonaws.com")
            .with("SourceArn", route_arn(api, key));
    Ok(Route { entry: route, integration, permission, authorizer })
}

fn invocation(variable: &str, function: &Node) -> Node {
    let uri = format!(
        "arn:{PARTITION}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/\
         ${{{variable}}}/invocations"
    );
    sub_with(uri, dict! { variable => function })
}

fn stage_name(api: &SamResource) -> Node {
    api.at("StageName").some().cloned().unwrap_or_else(|| DEFAULT_STAGE.into())
}

fn route_arn(api: &SamResource, key: &str) -> Node {
    let id = &api.id.text;
    match stage_name(api) {
        Node::Text(stage) => {
            sub(arn(PARTITION, "execute-api", &format!("${{{id}.ApiId}}/{}/{key}", stage.text)))
        }
        other => sub_with(
            arn(PARTITION, "execute-api", &format!("${{{id}.ApiId}}/${{__StageName__}}/{key}")),
            dict! { "__StageName__" => other },
        ),
    }
}

/// The route's key as it stands in logical ids.
fn route_name(api: &SamResource, key: &str) -> Result<String, Fault> {
    let plain = match key {
        "$connect" | "$disconnect" | "$default" => key.trim_start_matches('$'),
        key if crate::logical_id::is_alphanumeric(key) => key,
        _ => {
            return Err(api.fault(format!(
                "Route key '{key}' must be alphanumeric. Only $connect, $disconnect, and $default \
                 special routes are supported."
            )));
        }
    };
    let mut characters = plain.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    Ok(first + &characters.as_str().to_lowercase())
}

/// Who may connect, where the API says so. Checked for every route, as AWS does.
fn authorize(
    api: &SamResource,
    key: &str,
    route: &mut Resource,
) -> Result<Option<Resource>, Fault> {
    let auth = api.at("Auth");
    if !auth.truthy() {
        return Ok(None);
    }
    let kind = auth.at("AuthType");
    let upper = kind.as_str().unwrap_or_default().to_uppercase();
    let only = auth.as_map().is_some_and(|auth| auth.len() == 1);
    match upper.as_str() {
        "" => {
            return Err(api.fault("AuthType must be specified for additional auth configurations."));
        }
        "CUSTOM" if !auth.at("AuthArn").truthy() => {
            return Err(api.fault("AuthArn must be specified if AuthType is CUSTOM."));
        }
        "AWS_IAM" | "NONE" if !only => {
            return Err(
                api.fault(format!("No additional configurations supported for AuthType {upper}."))
            );
        }
        "CUSTOM" | "AWS_IAM" | "NONE" => {}
        _ => return Err(api.fault("AuthType is not one of AWS_IAM, CUSTOM or NONE.")),
    }
    if key != "$connect" {
        return Ok(None);
    }
    if !kind.is("CUSTOM") {
        route.set("AuthorizationType", if kind.is("AWS_IAM") { "AWS_IAM" } else { "NONE" });
        return Ok(None);
    }
    let id = format!("{}ConnectAuthorizer", api.id.text);
    let name = auth.at("Name");
    let name = if name.truthy() { name.clone() } else { id.as_str().into() };
    let authorizer = Resource::new(id, "AWS::ApiGatewayV2::Authorizer", &api.passed())
        .with("ApiId", reference(&api.id))
        .with("AuthorizerType", "REQUEST")
        .with("AuthorizerUri", invocation("AuthArn", auth.at("AuthArn")))
        .with("AuthorizerCredentialsArn", auth.at("InvokeRole"))
        .with("IdentitySource", auth.at("IdentitySource"))
        .with("Name", name);
    route.set("AuthorizationType", "CUSTOM");
    route.set("AuthorizerId", authorizer.reference());
    Ok(Some(authorizer))
}

fn authorizer_permission(api: &SamResource) -> Option<Resource> {
    let auth = api.at("Auth");
    if !auth.at("AuthType").is("CUSTOM") || auth.at("InvokeRole").truthy() {
        return None;
    }
    let source = sub_with(
        arn(PARTITION, "execute-api", "${__ApiId__}/authorizers/*"),
        dict! { "__ApiId__" => reference(&api.id) },
    );
    let id = format!("{}AuthorizerPermission", api.id.text);
    Some(
        Resource::new(id, "AWS::Lambda::Permission", &api.passed())
            .with("Action", "lambda:InvokeFunction")
            .with("FunctionName", auth.at("AuthArn"))
            .with("Principal", "apigateway.amazonaws.com")
            .with("SourceArn", source),
    )
}

fn stage(api: &SamResource, routes: Vec<Node>) -> Result<Resource, Fault> {
    let name = stage_name(api);
    if name.is("$default") {
        return Err(api.fault("Stages cannot be named $default for WebSocket APIs."));
    }
    let prefix = match name.as_str() {
        Some(DEFAULT_STAGE) => "Default",
        Some(name) => name,
        None => "",
    };
    let id = format!("{}{prefix}Stage", api.id.text);
    let mut stage = Resource::new(id, "AWS::ApiGatewayV2::Stage", &api.passed())
        .with("ApiId", reference(&api.id))
        .with("Tags", dict! { TAG => "SAM" })
        .with("AutoDeploy", true)
        .with("StageName", name);
    for key in ["StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"] {
        stage.set(key, api.at(key));
    }
    if api.at("RouteSettings").truthy() {
        stage = stage.after(routes);
    }
    Ok(stage)
}
