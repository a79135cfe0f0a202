//! AWS::Serverless::HttpApi: an HTTP API and its stage.

use crate::fault::{Fault, Of};
use crate::intrinsics::{arn, is_intrinsic, is_no_value, reference, sub_with};
use crate::logical_id;
use crate::node::{Dict, Node, dict, list};
use crate::openapi::{DEFAULT_PATH, HttpEditor};
use crate::resource::Resource;
use crate::resources::code::S3Pointer;
use crate::resources::http_authorizer::{self, HttpAuthorizer};
use crate::resources::{SamResource, api_v2, refer};
use crate::schema::{Form, Property, literal, optional};
use crate::state::State;

const KIND: &str = "AWS::Serverless::HttpApi";
const TAG: &str = "httpapi:createdBy";
const DEFAULT_STAGE: &str = "$default";

const SCHEMA: &[Property] = &[
    optional("__MANAGE_SWAGGER", Form::Bool),
    literal("Name", Form::Any),
    optional("StageName", Form::StrOrMap),
    optional("Tags", Form::Map),
    optional("PropagateTags", Form::Bool),
    optional("DefinitionBody", Form::Map),
    optional("DefinitionUri", Form::StrOrMap),
    optional("StageVariables", Form::Map),
    optional("CorsConfiguration", Form::BoolOrMap),
    optional("AccessLogSettings", Form::Map),
    optional("DefaultRouteSettings", Form::Map),
    optional("Auth", Form::Map),
    optional("RouteSettings", Form::Map),
    optional("Domain", Form::Map),
    optional("FailOnWarnings", Form::Bool),
    optional("Description", Form::Str),
    optional("DisableExecuteApiEndpoint", Form::Bool),
];

const REFERABLE: [(&str, &str); 2] =
    [("Stage", "AWS::ApiGatewayV2::Stage"), ("DomainName", "AWS::ApiGatewayV2::DomainName")];

pub(super) fn transform(
    state: &mut State<'_>,
    api: &mut SamResource,
) -> Result<Vec<Resource>, Fault> {
    api.check(KIND, SCHEMA)?;
    for key in ["CorsConfiguration", "Domain"] {
        api.resolve(state, key)?;
    }
    if api.at("DefinitionUri").truthy() && api.at("DefinitionBody").truthy() {
        return Err(
            api.fault("Specify either 'DefinitionUri' or 'DefinitionBody' property and not both.")
        );
    }
    let authorizers = http_authorizer::read_all(&api.id.text, api.at("Auth"));
    let mut body = api.at("DefinitionBody").clone();
    add_cors(api, &mut body)?;
    let authorizers = add_auth(state, api, &mut body, authorizers)?;
    let tags = add_tags(api, &mut body)?;
    let mut result = api.becomes("AWS::ApiGatewayV2::Api");
    if api.at("FailOnWarnings").truthy() {
        result.set("FailOnWarnings", api.at("FailOnWarnings"));
    }
    add_endpoint(api, &mut body)?;
    add_info(api, &mut body)?;
    rename_default_path(api, &mut body);
    let uri = api.at("DefinitionUri");
    if uri.truthy() {
        let pointer = S3Pointer::read(&api.id.text, "DefinitionUri", uri)?;
        result.set("BodyS3Location", pointer.location(Dict::default()));
    } else if body.truthy() {
        result.set("Body", body);
    } else {
        return Err(api.fault(
            "'DefinitionUri' or 'DefinitionBody' are required properties of an \
             'AWS::Serverless::HttpApi'. Add a value for one of these properties or add a \
             'HttpApi' event to an 'AWS::Serverless::Function'.",
        ));
    }
    let mut resources = api_v2::domain(state, api, TAG)?;
    resources.extend(permissions(api, &authorizers));
    resources.push(stage(api, &tags));
    // Tags go to the domain and the stage where SAM knows the definition.
    if !api.at("DefinitionBody").is_null() && tags.truthy() {
        for resource in &mut resources {
            resource.assign_tags(&tags);
        }
    }
    resources.push(result);
    refer(state, &api.id.text, &resources, &REFERABLE);
    Ok(resources)
}

fn inline_only(api: &SamResource, body: &Node, message: &str) -> Result<(), Fault> {
    if body.truthy() { Ok(()) } else { Err(api.fault(message)) }
}

fn valid_only(api: &SamResource, body: &Node, what: &str) -> Result<(), Fault> {
    if HttpEditor::is_valid(body) {
        return Ok(());
    }
    Err(api.fault(format!(
        "Unable to add {what} because 'DefinitionBody' does not contain a valid OpenApi \
         definition."
    )))
}

fn add_cors(api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    const KEYS: [&str; 6] = [
        "AllowMethods",
        "AllowHeaders",
        "AllowOrigins",
        "MaxAge",
        "ExposeHeaders",
        "AllowCredentials",
    ];
    let given = api.at("CorsConfiguration");
    if !given.truthy() {
        return Ok(());
    }
    inline_only(
        api,
        body,
        "Cors works only with inline OpenApi specified in 'DefinitionBody' property.",
    )?;
    let mut cors = Dict::default();
    match given {
        Node::Bool(_) => cors.insert("AllowOrigins", list!["*"]),
        _ if is_intrinsic(given) => cors.insert("AllowOrigins", given.clone()),
        Node::Map(given) => {
            if let Some((key, _)) = given.iter().find(|(key, _)| !KEYS.contains(key)) {
                return Err(api.fault(format!("Invalid key '{key}' for 'Cors' property.")));
            }
            cors = given.clone();
        }
        _ => return Err(api.fault("Invalid value for 'Cors' property.")),
    }
    valid_only(api, body, "Cors configuration")?;
    let wildcard = *cors.at("AllowOrigins") == list!["*"];
    if *cors.at("AllowCredentials") == Node::Bool(true) && wildcard {
        return Err(api.fault(
            "Unable to add Cors configuration because 'AllowCredentials' can not be true when \
             'AllowOrigin' is \"'*'\" or not set.",
        ));
    }
    let mut editor = HttpEditor::new(body)?;
    editor.add_cors(&cors)?;
    *body = editor.finish();
    Ok(())
}

fn add_auth(
    state: &State<'_>,
    api: &SamResource,
    body: &mut Node,
    authorizers: Result<Vec<HttpAuthorizer>, Fault>,
) -> Result<Vec<HttpAuthorizer>, Fault> {
    let auth = api.at("Auth");
    if !auth.truthy() {
        return Ok(Vec::new());
    }
    inline_only(
        api,
        body,
        "Auth works only with inline OpenApi specified in the 'DefinitionBody' property.",
    )?;
    let names = ["Authorizers", "DefaultAuthorizer", "EnableIamAuthorizer"];
    let known = |auth: &Dict| auth.iter().all(|(key, _)| names.contains(&key));
    if !auth.as_map().is_some_and(known) {
        return Err(api.fault("Invalid value for 'Auth' property"));
    }
    valid_only(api, body, "Auth configuration")?;
    let authorizers = authorizers?;
    let mut editor = HttpEditor::new(body)?;
    for authorizer in &authorizers {
        let scheme = authorizer.scheme(state.context.partition)?;
        editor.add_security_scheme(&authorizer.name, scheme);
    }
    let default = auth.at("DefaultAuthorizer");
    if default.truthy() && !is_no_value(default) {
        let default = Of::Resource(&api.id.text).string("Auth.DefaultAuthorizer", default)?;
        let Some(authorizer) = authorizers.iter().find(|one| one.name.text == default.text) else {
            return Err(api.fault(format!(
                "Unable to set DefaultAuthorizer because '{}' was not defined in 'Authorizers'.",
                default.text
            )));
        };
        let scopes = authorizer.scopes.some().cloned().unwrap_or_else(|| list![]);
        for path in editor.path_names() {
            editor.set_default_authorizer(&path.text, default, &scopes)?;
        }
    }
    *body = editor.finish();
    Ok(authorizers)
}

/// The author's tags and SAM's own, in the definition. Gives them as they are then.
fn add_tags(api: &SamResource, body: &mut Node) -> Result<Node, Fault> {
    let given = api.at("Tags");
    if given.truthy() {
        inline_only(
            api,
            body,
            "Tags works only with inline OpenApi specified in the 'DefinitionBody' property.",
        )?;
        valid_only(api, body, "`Tags`")?;
    }
    if !HttpEditor::is_valid(body) {
        return Ok(given.clone());
    }
    let mut tags = given.as_map().cloned().unwrap_or_default();
    tags.insert(TAG, "SAM");
    let mut editor = HttpEditor::new(body)?;
    editor.add_tags(&tags)?;
    *body = editor.finish();
    Ok(tags.into())
}

fn add_endpoint(api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    let disable = api.at("DisableExecuteApiEndpoint");
    if disable.is_null() {
        return Ok(());
    }
    inline_only(
        api,
        body,
        "DisableExecuteApiEndpoint works only within 'DefinitionBody' property.",
    )?;
    let mut editor = HttpEditor::new(body)?;
    editor.set_endpoint(disable)?;
    *body = editor.finish();
    Ok(())
}

/// The API's name and description stand in its definition.
fn add_info(api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    for (property, key) in [("Name", "title"), ("Description", "description")] {
        let value = api.at(property);
        if !value.truthy() {
            continue;
        }
        inline_only(
            api,
            body,
            &format!(
                "{property} works only with inline OpenApi specified in the 'DefinitionBody' \
                 property."
            ),
        )?;
        let info = body.at("info");
        if !info.is_null() && !info.is_map() {
            return Err(api.fault("Invalid 'DefinitionBody': The value of 'info' should be a map."));
        }
        let existing = info.at(key);
        let own = if key == "title" {
            *existing == HttpEditor::default_title()
        } else {
            !existing.truthy()
        };
        if !own {
            return Err(api.fault(format!(
                "Unable to set {property} because it is already defined within inline OpenAPI \
                 specified in the 'DefinitionBody' property."
            )));
        }
        let mut editor = HttpEditor::new(body)?;
        editor.set_info(key, value);
        *body = editor.finish();
    }
    Ok(())
}

/// API Gateway warns of `$default` without a slash.
fn rename_default_path(api: &SamResource, body: &mut Node) {
    if !api.at("FailOnWarnings").truthy() {
        return;
    }
    if let Some(Node::Map(paths)) = body.as_map_mut().and_then(|body| body.get_mut("paths"))
        && let Some(item) = paths.remove(DEFAULT_PATH)
    {
        paths.insert(format!("/{DEFAULT_PATH}"), item);
    }
}

fn permissions(api: &SamResource, authorizers: &[HttpAuthorizer]) -> Vec<Resource> {
    let source = sub_with(
        arn("${AWS::Partition}", "execute-api", "${__ApiId__}/authorizers/*"),
        dict! { "__ApiId__" => reference(&api.id) },
    );
    let wanted =
        authorizers.iter().filter(|one| one.function_arn.truthy() && one.default_permissions);
    wanted
        .map(|authorizer| {
            let id = format!("{}{}AuthorizerPermission", api.id.text, authorizer.name.text);
            Resource::new(id, "AWS::Lambda::Permission", &api.passed())
                .with("Action", "lambda:InvokeFunction")
                .with("FunctionName", authorizer.function_arn.clone())
                .with("Principal", "apigateway.amazonaws.com")
                .with("SourceArn", source.clone())
        })
        .collect()
}

fn stage(api: &SamResource, tags: &Node) -> Resource {
    let default = Node::from(DEFAULT_STAGE);
    let name = match api.at("StageName") {
        name if name.truthy() => name,
        _ => &default,
    };
    let id = &api.id.text;
    let id = match name.as_str().unwrap_or_default() {
        DEFAULT_STAGE => format!("{id}ApiGatewayDefaultStage"),
        text if logical_id::is_alphanumeric(text) => format!("{id}{text}Stage"),
        text => logical_id::with_hash(&format!("{id}Stage"), &text.into()),
    };
    let mut stage = Resource::new(id, "AWS::ApiGatewayV2::Stage", &api.passed())
        .with("ApiId", reference(&api.id))
        .with("StageName", name)
        .with("Tags", tags)
        .with("AutoDeploy", true);
    for key in ["StageVariables", "AccessLogSettings", "DefaultRouteSettings", "RouteSettings"] {
        stage.set(key, api.at(key));
    }
    stage
}
