//! The definition of a REST API, completed by what the other properties say.

use std::collections::BTreeSet;

use crate::fault::{Fault, Of};
use crate::intrinsics::is_intrinsic;
use crate::node::{Dict, Node, Text, python};
use crate::openapi::{Authorizers, Cors, RestEditor};
use crate::python;
use crate::resources::SamResource;
use crate::resources::api::is_openapi_3;
use crate::state::State;

const AUTH: [&str; 8] = [
    "Authorizers",
    "DefaultAuthorizer",
    "InvokeRole",
    "AddDefaultAuthorizerToCorsPreflight",
    "AddApiKeyRequiredToCorsPreflight",
    "ApiKeyRequired",
    "ResourcePolicy",
    "UsagePlan",
];

/// The definition with CORS, authorization, responses, media types and models.
///
/// The API's own `Domain` and the like are not touched.
pub(super) fn complete(state: &State<'_>, api: &SamResource) -> Result<Node, Fault> {
    let mut body = api.at("DefinitionBody").clone();
    add_cors(api, &mut body)?;
    add_auth(state, api, &mut body)?;
    add_gateway_responses(api, &mut body)?;
    let media_types = api.at("BinaryMediaTypes");
    if media_types.truthy() && body.truthy() {
        let mut editor = RestEditor::new(&body)?;
        editor.add_binary_media_types(media_types);
        body = editor.finish();
    }
    add_models(api, &mut body)?;
    let disable = api.at("DisableExecuteApiEndpoint");
    if !disable.is_null() {
        inline_only(
            api,
            &body,
            "DisableExecuteApiEndpoint works only within 'DefinitionBody' property.",
        )?;
        let mut editor = RestEditor::new(&body)?;
        editor.disable_execute_api_endpoint(disable)?;
        body = editor.finish();
    }
    if !api.at("DefinitionUri").truthy() && body.truthy() {
        to_openapi_3(api, &mut body)?;
    }
    Ok(body)
}

fn inline_only(api: &SamResource, body: &Node, message: &str) -> Result<(), Fault> {
    if body.truthy() { Ok(()) } else { Err(api.fault(message)) }
}

/// `what` is what cannot be added to a definition that is none.
fn valid_only(api: &SamResource, body: &Node, what: &str) -> Result<(), Fault> {
    if RestEditor::is_valid(body) {
        return Ok(());
    }
    Err(api.fault(format!(
        "Unable to add {what} because 'DefinitionBody' does not contain a valid Swagger \
         definition."
    )))
}

fn add_cors(api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    const WILDCARD: &str = "'*'";
    let given = api.at("Cors");
    if !given.truthy() {
        return Ok(());
    }
    inline_only(
        api,
        body,
        "Cors works only with inline Swagger specified in 'DefinitionBody' property.",
    )?;
    let mut cors = Cors {
        origin: WILDCARD.into(),
        headers: Node::Null,
        methods: Node::Null,
        max_age: Node::Null,
        credentials: false.into(),
    };
    if given.as_str().is_some() || is_intrinsic(given) {
        cors.origin = given.clone();
    } else if let Some(given) = given.as_map() {
        for (key, value) in given.iter() {
            let field = match key {
                "AllowMethods" => &mut cors.methods,
                "AllowHeaders" => &mut cors.headers,
                "AllowOrigin" => &mut cors.origin,
                "MaxAge" => &mut cors.max_age,
                "AllowCredentials" => &mut cors.credentials,
                _ => return Err(api.fault(format!("Invalid key '{key}' for 'Cors' property."))),
            };
            *field = value.clone();
        }
    } else {
        return Err(api.fault("Invalid value for 'Cors' property"));
    }
    valid_only(api, body, "Cors configuration")?;
    if cors.credentials == Node::Bool(true) && cors.origin.is(WILDCARD) {
        return Err(api.fault(
            "Unable to add Cors configuration because 'AllowCredentials' can not be true when \
             'AllowOrigin' is \"'*'\" or not set",
        ));
    }
    let mut editor = RestEditor::new(body)?;
    let mut seen = BTreeSet::new();
    for path in editor.path_names() {
        let plain = if path.text == "/" { "/" } else { path.text.trim_end_matches('/') };
        if !seen.insert(plain.to_owned()) {
            continue;
        }
        editor.add_cors(&path.text, &cors).map_err(|fault| match fault {
            fault @ Fault::Template(_) => api.fault(fault.message()),
            other => other,
        })?;
    }
    *body = editor.finish();
    Ok(())
}

fn add_auth(state: &State<'_>, api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    let auth = api.at("Auth");
    if !auth.truthy() {
        return Ok(());
    }
    inline_only(
        api,
        body,
        "Auth works only with inline Swagger specified in 'DefinitionBody' property.",
    )?;
    let known = |auth: &Dict| auth.iter().all(|(key, _)| AUTH.contains(&key));
    if !auth.as_map().is_some_and(known) {
        return Err(api.fault("Invalid value for 'Auth' property"));
    }
    valid_only(api, body, "Auth configuration")?;
    let mut editor = RestEditor::new(body)?;
    let default = auth.at("DefaultAuthorizer");
    let flag = |key: &str| match auth.as_map().and_then(|auth| auth.get(key)) {
        None => true,
        Some(flag) => flag.truthy(),
    };
    let authorizers = Authorizers::read(&api.id.text, auth.at("Authorizers"), default)?;
    if !authorizers.list.is_empty() {
        editor.add_security_definitions(&authorizers.list, state.context.partition)?;
        let on_preflight = flag("AddDefaultAuthorizerToCorsPreflight");
        set_default_authorizer(api, &mut editor, default, &authorizers, on_preflight)?;
    }
    if auth.at("ApiKeyRequired").truthy() {
        editor.add_api_key_definition()?;
        let on_preflight = flag("AddApiKeyRequiredToCorsPreflight");
        for path in editor.path_names() {
            editor.set_default_api_key(&path.text, on_preflight)?;
        }
    }
    let policy = auth.at("ResourcePolicy");
    if policy.truthy() {
        if !policy.is_map() {
            return Err(Fault::structure(
                "ResourcePolicy must be a map (ResourcePolicyStatement).",
            ));
        }
        for path in editor.path_names() {
            editor.add_resource_policy(policy, &path, api.at("StageName"))?;
        }
        if policy.at("CustomStatements").truthy() {
            editor.add_custom_statements(policy.at("CustomStatements"));
        }
    }
    *body = editor.finish();
    to_openapi_3(api, body)
}

fn set_default_authorizer(
    api: &SamResource,
    editor: &mut RestEditor,
    default: &Node,
    authorizers: &Authorizers,
    on_preflight: bool,
) -> Result<(), Fault> {
    if !default.truthy() {
        return Ok(());
    }
    let Some(default) = default.as_text() else {
        return Err(api.fault("DefaultAuthorizer is not a string."));
    };
    if authorizers.get(&default.text).is_none() {
        return Err(api.fault(format!(
            "Unable to set DefaultAuthorizer because '{}' was not defined in 'Authorizers'.",
            default.text
        )));
    }
    for path in editor.path_names() {
        editor.set_default_authorizer(&path.text, default, authorizers, on_preflight)?;
    }
    Ok(())
}

fn add_gateway_responses(api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    let given = api.at("GatewayResponses");
    if !given.truthy() {
        return Ok(());
    }
    inline_only(
        api,
        body,
        "GatewayResponses works only with inline Swagger specified in 'DefinitionBody' property.",
    )?;
    let Some(given) = given.as_map() else { return Ok(()) };
    for (name, response) in given.iter() {
        check_response(api, name, response)?;
    }
    valid_only(api, body, "Auth configuration")?;
    let mut editor = RestEditor::new(body)?;
    let mut responses = Dict::python();
    for (name, unicode, response) in given.iter_flavoured() {
        let response = gateway_response(api, name, response)?;
        responses.insert(Text { text: name.to_owned(), unicode }, response);
    }
    editor.add_gateway_responses(&responses);
    *body = editor.finish();
    Ok(())
}

fn check_response(api: &SamResource, name: &str, response: &Node) -> Result<(), Fault> {
    if is_intrinsic(response) {
        return Err(api.fault(
            "Unable to set GatewayResponses attribute because intrinsic functions are not \
             supported for this field.",
        ));
    }
    let Some(response) = response.as_map() else {
        return Err(api.fault(format!(
            "Invalid property type '{}' for GatewayResponses. Expected an object of type \
             'GatewayResponse'.",
            response.type_name()
        )));
    };
    for (key, _) in response.iter() {
        if !["ResponseParameters", "ResponseTemplates", "StatusCode"].contains(&key) {
            return Err(api.fault(format!(
                "Invalid property '{key}' in 'GatewayResponses' property '{name}'."
            )));
        }
    }
    Ok(())
}

fn gateway_response(api: &SamResource, name: &str, response: &Node) -> Result<Node, Fault> {
    const KINDS: [(&str, &str); 3] =
        [("Headers", "header"), ("Paths", "path"), ("QueryStrings", "querystring")];
    let of = Of::Resource(&api.id.text);
    let parameters = response.at("ResponseParameters");
    let mut prefixed = Dict::python();
    if parameters.truthy() {
        let place = format!("GatewayResponses.{name}.ResponseParameters");
        let parameters = of.map(&place, parameters)?;
        for (key, _) in parameters.iter() {
            if !KINDS.iter().any(|(kind, _)| *kind == key) {
                return Err(api.fault(format!("Invalid gateway response parameter '{key}'")));
            }
        }
    }
    let status = match response.at("StatusCode") {
        Node::Null => String::new(),
        given => python::str(given),
    };
    let numeric = (1..=3).contains(&status.len()) && status.bytes().all(|b| b.is_ascii_digit());
    if response.at("StatusCode").truthy() && !numeric {
        return Err(api.fault("Property 'StatusCode' must be numeric"));
    }
    for (kind, prefix) in KINDS {
        let Some(values) = parameters.as_map().and_then(|all| all.get(kind)) else { continue };
        let values = of.map(&format!("ResponseParameters.{kind}"), values)?;
        for (key, unicode, value) in values.iter_flavoured() {
            let text = format!("gatewayresponse.{prefix}.{key}");
            prefixed.insert(Text { text, unicode }, value.clone());
        }
    }
    let templates = response.at("ResponseTemplates");
    let empty = Dict::python().into();
    let mut result = python! {
        "responseParameters" => prefixed,
        "responseTemplates" => if templates.truthy() { templates } else { &empty },
    };
    if let (false, Node::Map(result)) = (status.is_empty(), &mut result) {
        result.insert("statusCode", status);
    }
    Ok(result)
}

fn add_models(api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    let given = api.at("Models");
    if !given.truthy() {
        return Ok(());
    }
    inline_only(
        api,
        body,
        "Models works only with inline Swagger specified in 'DefinitionBody' property.",
    )?;
    valid_only(api, body, "Models definitions")?;
    let Some(models) =
        given.as_map().filter(|models| models.iter().all(|(_, model)| model.is_map()))
    else {
        return Err(api.fault("Invalid value for 'Models' property"));
    };
    let mut editor = RestEditor::new(body)?;
    editor.add_models(models)?;
    *body = editor.finish();
    to_openapi_3(api, body)
}

/// Moves what Swagger 2 and OpenAPI 3 have in different places.
fn to_openapi_3(api: &SamResource, body: &mut Node) -> Result<(), Fault> {
    if !body.at("swagger").is_null() || !is_openapi_3(api, body) {
        return Ok(());
    }
    let Node::Map(body) = body else { return Ok(()) };
    for (from, to) in [("securityDefinitions", "securitySchemes"), ("definitions", "schemas")] {
        if !body.at(from).truthy() {
            continue;
        }
        let mut components = match body.at("components") {
            Node::Map(components) if !components.is_empty() => components.clone(),
            _ => Dict::python(),
        };
        components.insert(to, body.at(from).clone());
        body.insert("components", components);
        body.remove(from);
    }
    let is_map = |node: &Node, message: String| {
        if node.is_map() { Ok(()) } else { Err(Fault::structure(message)) }
    };
    let Some(paths) = body.get_mut("paths").filter(|paths| paths.truthy()) else { return Ok(()) };
    is_map(paths, "Value of paths must be a dictionary according to Swagger spec.".to_owned())?;
    let Node::Map(paths) = paths else { return Ok(()) };
    for path in paths.keys() {
        let Some(item) = paths.get_mut(&path.text) else { continue };
        let path = &path.text;
        is_map(
            item,
            format!("Value of '{path}' path must be a dictionary according to Swagger spec."),
        )?;
        let options = item.as_map_mut().and_then(|item| item.get_mut("options"));
        let Some(options) = options.filter(|options| options.truthy()) else { continue };
        is_map(
            options,
            format!(
                "Value of options method for path {path} must be a dictionary according to \
                 Swagger spec."
            ),
        )?;
        if let Node::Map(options) = options {
            convert_options(path, options)?;
        }
    }
    Ok(())
}

/// In OpenAPI 3 a header has a schema.
fn convert_options(path: &str, options: &mut Dict) -> Result<(), Fault> {
    for field in ["produces", "consumes"] {
        if options.contains(field) {
            options.remove(field);
        }
    }
    let Some(responses) = options.get_mut("responses") else { return Ok(()) };
    let wrong = |what: &str| {
        Fault::structure(format!("Invalid responses in options method for path {path}: {what}."))
    };
    if responses.is_null() {
        return Ok(());
    }
    let responses = responses.as_map_mut().ok_or_else(|| wrong("It should be a map"))?;
    let Some(ok) = responses.get_mut("200").filter(|ok| !ok.is_null()) else { return Ok(()) };
    let ok = ok.as_map_mut().ok_or_else(|| wrong("The value of '200' should be a map"))?;
    let Some(headers) = ok.get_mut("headers").filter(|headers| headers.truthy()) else {
        return Ok(());
    };
    let Node::Map(headers) = headers else {
        return Err(Fault::structure(format!(
            "Value of response's headers in options method for path {path} must be a dictionary \
             according to Swagger spec."
        )));
    };
    for header in headers.values_mut() {
        *header = python! { "schema" => header.clone() };
    }
    Ok(())
}
