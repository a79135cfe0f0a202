//! AWS::Serverless::Api: a REST API with its deployment and stage.

use crate::fault::Fault;
use crate::intrinsics::{arn, reference, sub_with};
use crate::logical_id;
use crate::node::{Dict, Node, Text, dict, list};
use crate::openapi::{Authorizers, is_version_3, matches_version};
use crate::python::{self, Json};
use crate::resource::{Resource, propagate_tags, tag_list};
use crate::resources::code::S3Pointer;
use crate::resources::{SamResource, api_domain, refer, rest_definition, usage_plan};
use crate::schema::{Form, Property, literal, optional, required};
use crate::state::State;

const KIND: &str = "AWS::Serverless::Api";

const SCHEMA: &[Property] = &[
    optional("__MANAGE_SWAGGER", Form::Bool),
    optional("Name", Form::StrOrMap),
    required("StageName", Form::StrOrMap),
    optional("Tags", Form::Map),
    optional("PropagateTags", Form::Bool),
    optional("DefinitionBody", Form::Map),
    optional("DefinitionUri", Form::StrOrMap),
    literal("MergeDefinitions", Form::Bool),
    optional("CacheClusterEnabled", Form::Bool),
    optional("CacheClusterSize", Form::Str),
    optional("Variables", Form::Map),
    optional("EndpointConfiguration", Form::StrOrMap),
    optional("MethodSettings", Form::List),
    optional("BinaryMediaTypes", Form::List),
    optional("MinimumCompressionSize", Form::Int),
    optional("Cors", Form::StrOrMap),
    optional("Auth", Form::Map),
    optional("GatewayResponses", Form::Map),
    optional("AccessLogSetting", Form::Map),
    optional("CanarySetting", Form::Map),
    optional("TracingEnabled", Form::Bool),
    optional("OpenApiVersion", Form::Str),
    optional("Models", Form::Map),
    optional("Domain", Form::Map),
    optional("FailOnWarnings", Form::Bool),
    optional("Description", Form::Str),
    optional("Mode", Form::Str),
    optional("DisableExecuteApiEndpoint", Form::Bool),
    optional("ApiKeySourceType", Form::Str),
    literal("AlwaysDeploy", Form::Bool),
    optional("Policy", Form::StrOrMap),
    optional("SecurityPolicy", Form::Str),
    optional("EndpointAccessMode", Form::Str),
];

/// What authors may name: `!Ref MyApi.Stage`.
const REFERABLE: [(&str, &str); 7] = [
    ("Stage", "AWS::ApiGateway::Stage"),
    ("Deployment", "AWS::ApiGateway::Deployment"),
    ("DomainName", "AWS::ApiGateway::DomainName"),
    ("DomainNameV2", "AWS::ApiGateway::DomainNameV2"),
    ("UsagePlan", "AWS::ApiGateway::UsagePlan"),
    ("UsagePlanKey", "AWS::ApiGateway::UsagePlanKey"),
    ("ApiKey", "AWS::ApiGateway::ApiKey"),
];

pub(super) fn transform(
    state: &mut State<'_>,
    api: &mut SamResource,
) -> Result<Vec<Resource>, Fault> {
    api.check(KIND, SCHEMA)?;
    for key in ["BinaryMediaTypes", "Domain", "Auth"] {
        api.resolve(state, key)?;
    }
    check(api)?;
    let rest_api = rest_api(state, api)?;
    let domain = api_domain::build(state, api)?;
    let (deployment, stage) = deploy(state, api, &rest_api);
    let mut resources = vec![rest_api, deployment];
    resources.extend(authorizer_permissions(state, api)?);
    resources.extend(domain);
    resources.extend(usage_plan::build(state, api, &stage)?);
    resources.push(stage);
    propagate_tags(&mut resources, api.at("Tags"), api.at("PropagateTags").truthy());
    refer(state, &api.id.text, &resources, &REFERABLE);
    Ok(resources)
}

fn check(api: &SamResource) -> Result<(), Fault> {
    if api.at("DefinitionUri").truthy() && api.at("DefinitionBody").truthy() {
        return Err(
            api.fault("Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.")
        );
    }
    if api.at("DefinitionUri").truthy() && api.at("MergeDefinitions").truthy() {
        return Err(api.fault("Cannot set 'MergeDefinitions' to True when using `DefinitionUri`."));
    }
    let version = api.at("OpenApiVersion");
    if version.truthy() && !matches_version(version, &['2', '3']) {
        return Err(api.fault("The OpenApiVersion value must be of the format '3.0.0'."));
    }
    Ok(())
}

fn rest_api(state: &State<'_>, api: &mut SamResource) -> Result<Resource, Fault> {
    let mut result = api.becomes("AWS::ApiGateway::RestApi");
    result.set("BinaryMediaTypes", api.at("BinaryMediaTypes"));
    result.set("MinimumCompressionSize", api.at("MinimumCompressionSize"));
    let endpoint = api.at("EndpointConfiguration");
    if endpoint.truthy() {
        set_endpoint(api, &mut result, endpoint)?;
    } else if !has_edge_endpoints(state.context.partition) {
        set_endpoint(api, &mut result, &"REGIONAL".into())?;
    }
    let body = rest_definition::complete(state, api)?;
    if api.at("FailOnWarnings").truthy() {
        result.set("FailOnWarnings", api.at("FailOnWarnings"));
    }
    let uri = api.at("DefinitionUri");
    if uri.truthy() {
        let pointer = S3Pointer::read(&api.id.text, "DefinitionUri", uri)?;
        result.set("BodyS3Location", pointer.location(Dict::python()));
    } else if body.truthy() {
        result.set("Body", body);
    }
    for key in [
        "Name",
        "Description",
        "Mode",
        "ApiKeySourceType",
        "Policy",
        "SecurityPolicy",
        "EndpointAccessMode",
    ] {
        if api.at(key).truthy() {
            result.set(key, api.at(key));
        }
    }
    Ok(result)
}

/// Where there are none, an API is regional unless its author says otherwise.
fn has_edge_endpoints(partition: &str) -> bool {
    !partition.starts_with("aws-iso") && !matches!(partition, "aws-us-gov" | "aws-cn" | "aws-eusc")
}

fn set_endpoint(api: &SamResource, result: &mut Resource, value: &Node) -> Result<(), Fault> {
    let kind = value.at("Type");
    if !kind.truthy() {
        result.set("EndpointConfiguration", dict! { "Types" => list![value] });
        result.set("Parameters", dict! { "endpointConfigurationTypes" => value });
        return Ok(());
    }
    let has = |key: &str| value.as_map().is_some_and(|value| value.contains(key));
    if has("VPCEndpointIds") && has("VpcEndpointIds") {
        return Err(api.fault(
            "'VPCEndpointIds' and 'VpcEndpointIds' cannot be used together in \
             EndpointConfiguration.",
        ));
    }
    let mut config = Dict::default();
    config.insert("Types", list![kind]);
    for key in ["VPCEndpointIds", "VpcEndpointIds"] {
        if value.at(key).truthy() {
            config.insert("VpcEndpointIds", value.at(key).clone());
        }
    }
    if has("IpAddressType") {
        config.insert("IpAddressType", value.at("IpAddressType").clone());
    }
    result.set("EndpointConfiguration", config);
    result.set("Parameters", dict! { "endpointConfigurationTypes" => kind });
    Ok(())
}

fn deploy(state: &State<'_>, api: &SamResource, rest_api: &Resource) -> (Resource, Resource) {
    let id = &api.id.text;
    let attributes = api.passed();
    let mut deployment =
        Resource::new(format!("{id}Deployment"), "AWS::ApiGateway::Deployment", &attributes)
            .with("RestApiId", rest_api.reference());
    if !api.at("OpenApiVersion").truthy() {
        // CloudFormation once needed a stage here; SAM keeps it for those who have it.
        deployment.set("StageName", "Stage");
    }
    let body =
        rest_api.properties.get("Body").or_else(|| rest_api.properties.get("BodyS3Location"));
    if let Some(body) = body.filter(|body| body.truthy()) {
        let digest = logical_id::hex(&hashed(state, api, body));
        deployment.id = Text::from(format!("{}{}", deployment.id.text, logical_id::short(&digest)));
        deployment.set("Description", format!("RestApi deployment id: {digest}"));
    }
    let name = api.at("StageName").as_str().unwrap_or_default();
    let stage_id = if logical_id::is_alphanumeric(name) {
        format!("{id}{name}Stage")
    } else {
        logical_id::with_hash(&format!("{id}Stage"), &name.into())
    };
    let mut stage = Resource::new(stage_id, "AWS::ApiGateway::Stage", &attributes)
        .with("RestApiId", reference(&api.id))
        .with("DeploymentId", deployment.reference());
    for key in [
        "StageName",
        "CacheClusterEnabled",
        "CacheClusterSize",
        "Variables",
        "MethodSettings",
        "AccessLogSetting",
        "CanarySetting",
        "TracingEnabled",
    ] {
        stage.set(key, api.at(key));
    }
    if !api.at("Tags").is_null() {
        stage.set("Tags", tag_list(api.at("Tags")));
    }
    (deployment, stage)
}

/// What a deployment depends on: a change in it makes a new one.
fn hashed(state: &State<'_>, api: &SamResource, body: &Node) -> String {
    if api.at("AlwaysDeploy").truthy() {
        return state.context.now.to_string();
    }
    let mut parts = vec![python::repr(body)];
    if api.at("OpenApiVersion").truthy() {
        parts.push(python::str(api.at("OpenApiVersion")));
    }
    if api.at("Domain").truthy() {
        parts.push(Json::DEFAULT.write(api.at("Domain")));
    }
    if let Some(names) = state.function_names.get(&api.id.text).filter(|names| !names.is_empty()) {
        parts.push(names.clone());
    }
    parts.join("||")
}

/// Lets the API invoke the functions of its authorizers.
fn authorizer_permissions(state: &State<'_>, api: &SamResource) -> Result<Vec<Resource>, Fault> {
    let auth = api.at("Auth");
    if !auth.truthy() {
        return Ok(Vec::new());
    }
    let authorizers = Authorizers::read(&api.id.text, auth.at("Authorizers"), &Node::Null)?;
    let source = sub_with(
        arn(state.context.partition, "execute-api", "${__ApiId__}/authorizers/*"),
        dict! { "__ApiId__" => reference(&api.id) },
    );
    let wanted = authorizers
        .list
        .iter()
        .filter(|one| one.function_arn.truthy() && !one.no_default_permissions);
    Ok(wanted
        .map(|authorizer| {
            let id = format!("{}{}AuthorizerPermission", api.id.text, authorizer.name.text);
            Resource::new(id, "AWS::Lambda::Permission", &api.passed())
                .with("Action", "lambda:InvokeFunction")
                .with("FunctionName", authorizer.function_arn.clone())
                .with("Principal", "apigateway.amazonaws.com")
                .with("SourceArn", source.clone())
        })
        .collect())
}

/// Whether a definition is of OpenAPI 3, as far as the API and the definition say.
pub(super) fn is_openapi_3(api: &SamResource, body: &Node) -> bool {
    let (own, given) = (api.at("OpenApiVersion"), body.at("openapi"));
    let version = if !given.is_null() && own.is_null() { given } else { own };
    version.truthy() && is_version_3(version)
}
