//! A route of an HTTP API.

use crate::events::api::{
    Method, check_defined, check_types, integration_uri, none_without_default, without_slash,
};
use crate::events::{Event, Target, permission};
use crate::fault::{Fault, Of};
use crate::implicit::api_id;
use crate::intrinsics::{arn, sub_with};
use crate::node::{Dict, Node, dict};
use crate::openapi::{ANY_METHOD, DEFAULT_PATH, HttpEditor, wildcard};
use crate::resource::Resource;
use crate::schema::{Form, Property, optional};
use crate::state::State;

const PARTITION: &str = "${AWS::Partition}";

pub(super) const SCHEMA: &[Property] = &[
    optional("Path", Form::Str),
    optional("Method", Form::Str),
    optional("ApiId", Form::Str),
    optional("Stage", Form::Str),
    optional("Auth", Form::Map),
    optional("TimeoutInMillis", Form::Int),
    optional("RouteSettings", Form::Map),
    optional("PayloadFormatVersion", Form::Str),
];

pub(super) fn check_api(state: &State<'_>, event: &Event) -> Result<(), Fault> {
    let id = api_id(event.at("ApiId")).as_str().unwrap_or_default();
    if state.resources().contains(id) {
        return Ok(());
    }
    Err(event.fault(
        "ApiId must be a valid reference to an 'AWS::Serverless::HttpApi' resource in same \
         template.",
    ))
}

pub(super) fn generate(
    state: &mut State<'_>,
    event: &Event,
    target: &Target,
) -> Result<Vec<Resource>, Fault> {
    let method = Method::of(event, "ApiId");
    let permission = allow_api(state, event, target, &method)?;
    let body = state.properties(method.api).at("DefinitionBody");
    if !body.is_null() {
        let body = integrate(state, event, target, &method, body)?;
        if let Some(properties) = state.properties_mut(method.api) {
            properties.insert("DefinitionBody", body);
        }
    }
    Ok(permission.into_iter().collect())
}

fn allow_api(
    state: &State<'_>,
    event: &Event,
    target: &Target,
    method: &Method<'_>,
) -> Result<Option<Resource>, Fault> {
    let mut path = without_slash(&method.path.text);
    let body = state.properties(method.api).at("DefinitionBody");
    let mut editor = None;
    if body.truthy() {
        editor = Some(
            HttpEditor::new(body).map_err(|fault| Fault::resource(method.api, fault.message()))?,
        );
    }
    if path == DEFAULT_PATH {
        path = "";
    } else if let Some(editor) = &mut editor
        && editor.default_route_leads_to(&target.id.text)?
    {
        return Ok(None);
    }
    let path = wildcard(path, false);
    let every = method.verb.text == "any" || method.verb.text == ANY_METHOD;
    let mut resource = "${__ApiId__}/${__Stage__}".to_owned();
    if method.verb.text == "any" && path == format!("/{DEFAULT_PATH}") {
        resource.push_str(&path);
    } else {
        let name = if every { "*".to_owned() } else { method.verb.text.to_uppercase() };
        resource = format!("{resource}/{name}{path}");
    }
    let source = sub_with(
        arn(PARTITION, "execute-api", &resource),
        dict! { "__ApiId__" => event.at("ApiId"), "__Stage__" => "*" },
    );
    Ok(Some(permission(&event.id.text, "", target, "apigateway.amazonaws.com", source)))
}

fn integrate(
    state: &State<'_>,
    event: &Event,
    target: &Target,
    method: &Method<'_>,
    body: &Node,
) -> Result<Node, Fault> {
    let (path, name) = (&method.path.text, &method.verb);
    let api = state.properties(method.api);
    let mut editor = HttpEditor::new(body)?;
    if api.at("__MANAGE_SWAGGER").truthy() && editor.paths().has_integration(path, name)? {
        return Err(event.fault(format!(
            "API method '{}' defined multiple times for path '{path}'.",
            name.text
        )));
    }
    let uri = integration_uri(target, PARTITION, false);
    editor.add_lambda_integration(&method.path, name, &uri, target.condition())?;
    if event.at("Auth").truthy() {
        add_auth(event, method, api, &mut editor)?;
    }
    if event.at("TimeoutInMillis").truthy() {
        editor.paths().set_timeout(path, name, event.at("TimeoutInMillis"))?;
    }
    let parameters: Vec<&str> =
        path.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    if !parameters.is_empty() {
        editor.add_path_parameters(path, name, &parameters)?;
    }
    if event.at("PayloadFormatVersion").truthy() {
        editor.set_payload_version(path, name, event.at("PayloadFormatVersion"))?;
    }
    Ok(editor.finish())
}

fn add_auth(
    event: &Event,
    method: &Method<'_>,
    api: &Node,
    editor: &mut HttpEditor,
) -> Result<(), Fault> {
    let empty = Node::from(Dict::default());
    let api_auth = match api.as_map().and_then(|api| api.get("Auth")) {
        None => &empty,
        Some(auth) => auth,
    };
    Of::Resource(method.api).map("Auth", api_auth)?;
    let Node::Map(mut auth) = event.at("Auth").clone() else { return Ok(()) };
    let default = api_auth.at("DefaultAuthorizer");
    if !auth.at("Authorizer").truthy() {
        if !default.truthy() {
            return Err(event.fault(
                "'Auth' section requires either an explicit 'Authorizer' set or a \
                 'DefaultAuthorizer' configured on the HttpApi.",
            ));
        }
        auth.insert("Authorizer", default.clone());
    }
    let name = auth.at("Authorizer").clone();
    // An API without any `Auth` has authorizers, but none.
    let authorizers = if api_auth.truthy() { api_auth.at("Authorizers") } else { api_auth };
    let iam = *api_auth.at("EnableIamAuthorizer") == Node::Bool(true);
    if name.is("NONE") {
        if !default.truthy() {
            return Err(none_without_default(method));
        }
    } else if !(name.is("AWS_IAM") && iam) {
        check_types(method, &name, authorizers)?;
        check_defined(method, &name, authorizers)?;
    }
    let scopes = auth.at("AuthorizationScopes");
    if scopes.truthy() && scopes.as_list().is_none() {
        return Err(method.fault(
            "Unable to set Authorizer",
            " because 'AuthorizationScopes' must be a list of strings.",
        ));
    }
    editor.add_auth_to_method(&method.path.text, &method.verb, &auth.into(), authorizers)
}
