//! The `Globals` section: properties that every resource of a type takes over.

use crate::fault::Fault;
use crate::intrinsics::is_intrinsic;
use crate::node::{Dict, Node, list};
use crate::openapi::is_version_3;
use crate::python;
use crate::state::State;

/// What each section may hold, in AWS's order, which shows in messages.
const SECTIONS: [(&str, &[&str]); 8] = [
    (
        "Function",
        &[
            "Handler",
            "Runtime",
            "CodeUri",
            "DeadLetterQueue",
            "Description",
            "MemorySize",
            "Timeout",
            "VpcConfig",
            "Environment",
            "Tags",
            "PropagateTags",
            "Tracing",
            "KmsKeyArn",
            "AutoPublishAlias",
            "AutoPublishAliasAllProperties",
            "Layers",
            "DeploymentPreference",
            "RolePath",
            "PermissionsBoundary",
            "ReservedConcurrentExecutions",
            "ProvisionedConcurrencyConfig",
            "AssumeRolePolicyDocument",
            "EventInvokeConfig",
            "FileSystemConfigs",
            "CodeSigningConfigArn",
            "Architectures",
            "SnapStart",
            "EphemeralStorage",
            "FunctionUrlConfig",
            "RuntimeManagementConfig",
            "LoggingConfig",
            "RecursiveLoop",
            "SourceKMSKeyArn",
            "TenancyConfig",
            "DurableConfig",
            "CapacityProviderConfig",
            "FunctionScalingConfig",
            "PublishToLatestPublished",
            "VersionDeletionPolicy",
        ],
    ),
    (
        "Api",
        &[
            "Auth",
            "Name",
            "DefinitionUri",
            "CacheClusterEnabled",
            "CacheClusterSize",
            "MergeDefinitions",
            "Variables",
            "EndpointConfiguration",
            "MethodSettings",
            "BinaryMediaTypes",
            "MinimumCompressionSize",
            "Cors",
            "GatewayResponses",
            "AccessLogSetting",
            "CanarySetting",
            "TracingEnabled",
            "OpenApiVersion",
            "Domain",
            "AlwaysDeploy",
            "PropagateTags",
            "SecurityPolicy",
            "EndpointAccessMode",
        ],
    ),
    (
        "HttpApi",
        &[
            "Auth",
            "AccessLogSettings",
            "StageVariables",
            "Tags",
            "CorsConfiguration",
            "DefaultRouteSettings",
            "Domain",
            "RouteSettings",
            "FailOnWarnings",
            "PropagateTags",
        ],
    ),
    ("SimpleTable", &["SSESpecification"]),
    ("StateMachine", &["PropagateTags"]),
    ("LayerVersion", &["PublishLambdaVersion"]),
    (
        "CapacityProvider",
        &[
            "VpcConfig",
            "OperatorRole",
            "Tags",
            "InstanceRequirements",
            "ScalingConfig",
            "KmsKeyArn",
            "PropagateTags",
        ],
    ),
    (
        "WebSocketApi",
        &[
            "AccessLogSettings",
            "ApiKeySelectionExpression",
            "DefaultRouteSettings",
            "DisableExecuteApiEndpoint",
            "DisableSchemaValidation",
            "Domain",
            "FailOnWarnings",
            "IpAddressType",
            "PropagateTags",
            "RouteSelectionExpression",
            "RouteSettings",
            "StageVariables",
            "Tags",
        ],
    ),
];

/// Merges the section into the resources and removes it.
pub(crate) fn apply(state: &mut State<'_>) -> Result<(), Fault> {
    let globals = match state.source.get("Globals") {
        None => Dict::default(),
        Some(section) => check(section).map_err(|fault| Fault::Document(vec![fault]))?.clone(),
    };
    for id in state.ids_of(&[])? {
        let resource = state.resources().at(&id.text);
        let kind = resource.at("Type").as_str().unwrap_or_default();
        let section = kind.strip_prefix("AWS::Serverless::").unwrap_or_default();
        let Some(section) = globals.get(section) else { continue };
        let section = without_ignored(&id.text, section, resource.at("IgnoreGlobals"))
            .map_err(|fault| Fault::Document(vec![fault]))?;
        let own = match resource.at("Properties") {
            Node::Null => Dict::default().into(),
            properties => properties.clone(),
        };
        let merged = merge(&section, &own);
        if let Some(resource) = state.resource_mut(&id.text) {
            resource.insert("Properties", merged);
        }
    }
    state.source.remove("Globals");
    set_openapi_versions(state);
    Ok(())
}

fn check(section: &Node) -> Result<&Dict, Fault> {
    let Some(section) = section.as_map() else {
        return Err(Fault::Globals("It must be a non-empty dictionary".to_owned()));
    };
    for (name, properties) in section.iter() {
        let Some((_, supported)) = SECTIONS.iter().find(|(one, _)| *one == name) else {
            let mut names: Vec<&str> = SECTIONS.iter().map(|(one, _)| *one).collect();
            names.sort_unstable();
            return Err(Fault::Globals(format!(
                "'{name}' is not supported. Must be one of the following values - {}",
                printed(&names)
            )));
        };
        let Some(properties) = properties.as_map() else {
            return Err(Fault::Globals("Value of ${section} must be a dictionary".to_owned()));
        };
        for (key, _) in properties.iter() {
            if !supported.contains(&key) {
                return Err(Fault::Globals(format!(
                    "'{key}' is not a supported property of '{name}'. Must be one of the \
                     following values - {}",
                    printed(supported)
                )));
            }
        }
    }
    Ok(section)
}

fn printed(names: &[&str]) -> String {
    python::repr(&names.iter().map(|name| Node::from(*name)).collect::<Vec<_>>().into())
}

fn without_ignored(id: &str, section: &Node, ignored: &Node) -> Result<Node, Fault> {
    let prefix = format!("Resource {id} has invalid resource attribute 'IgnoreGlobals'");
    if !ignored.truthy() {
        return Ok(section.clone());
    }
    if ignored.is("*") {
        return Ok(Dict::default().into());
    }
    let (Node::List(items), Node::Map(section)) = (ignored, section) else {
        return Err(Fault::resource(id, format!("{prefix}.")));
    };
    let mut rest = section.clone();
    for item in items {
        if item.as_str().and_then(|key| rest.remove(key)).is_none() {
            let item = python::str(item);
            return Err(Fault::resource(id, format!("{prefix} on item '{item}'.")));
        }
    }
    Ok(rest.into())
}

/// What the resource says wins; lists are joined, mappings merged; functions count as scalars.
fn merge(global: &Node, local: &Node) -> Node {
    match (global, local) {
        (Node::Map(all), Node::Map(own)) if !is_intrinsic(global) && !is_intrinsic(local) => {
            let mut merged = all.copy();
            for (key, unicode, value) in own.iter_flavoured() {
                let value = match merged.get(key) {
                    Some(existing) => merge(existing, value),
                    None => value.clone(),
                };
                merged.insert(crate::node::Text { text: key.to_owned(), unicode }, value);
            }
            merged.into()
        }
        (Node::List(all), Node::List(own)) => {
            let Node::List(mut joined) = list![] else { return local.clone() };
            joined.extend(all.iter().chain(own).cloned());
            joined.into()
        }
        _ => local.clone(),
    }
}

/// A definition that SAM manages is of the version that the API asks for.
fn set_openapi_versions(state: &mut State<'_>) {
    let Some(resources) = state.resources_mut() else { return };
    for resource in resources.values_mut() {
        if !resource.at("Type").is("AWS::Serverless::Api") {
            continue;
        }
        let Some(Node::Map(properties)) =
            resource.as_map_mut().and_then(|dict| dict.get_mut("Properties"))
        else {
            continue;
        };
        if !properties.contains("OpenApiVersion")
            || !properties.contains("__MANAGE_SWAGGER")
            || !is_version_3(properties.at("OpenApiVersion"))
        {
            continue;
        }
        if properties.at("OpenApiVersion").as_str().is_none() {
            let text = python::str(properties.at("OpenApiVersion"));
            properties.insert("OpenApiVersion", text);
        }
        let version = properties.at("OpenApiVersion").clone();
        if let Some(Node::Map(body)) = properties.get_mut("DefinitionBody") {
            body.insert("openapi", version);
            if body.at("swagger").truthy() {
                body.remove("swagger");
            }
        }
    }
}
