//! A method of a REST API.

use std::sync::LazyLock;

use regex::Regex;

use crate::events::{Event, Target, permission};
use crate::fault::{Fault, Of};
use crate::implicit::api_id;
use crate::intrinsics::{arn, is_intrinsic, sub_with};
use crate::node::{Dict, Node, Text, dict, python};
use crate::openapi::{self, LambdaIntegration, RequestParameter, RestEditor};
use crate::python;
use crate::resource::Resource;
use crate::schema::{Form, Property, optional, required};
use crate::state::State;

pub(super) const SCHEMA: &[Property] = &[
    required("Path", Form::Str),
    required("Method", Form::Str),
    required("RestApiId", Form::Str),
    optional("Stage", Form::Str),
    optional("Auth", Form::Map),
    optional("RequestModel", Form::Map),
    optional("RequestParameters", Form::List),
    optional("TimeoutInMillis", Form::Int),
    optional("ResponseTransferMode", Form::Str),
];

/// A method of an API, as messages name it.
#[derive(Debug)]
pub(super) struct Method<'a> {
    pub(super) event: &'a Event,
    pub(super) api: &'a str,
    pub(super) path: Text,
    pub(super) verb: Text,
}

impl<'a> Method<'a> {
    pub(super) fn of(event: &'a Event, property: &str) -> Self {
        let method = event.text("Method");
        Self {
            event,
            api: api_id(event.at(property)).as_str().unwrap_or_default(),
            path: event.text("Path"),
            verb: Text { text: method.text.to_lowercase(), unicode: method.unicode },
        }
    }

    pub(super) fn fault(&self, before: &str, after: &str) -> Fault {
        self.event.fault(format!(
            "{before} on API method [{}] for path [{}]{after}",
            self.verb.text, self.path.text
        ))
    }
}

pub(super) fn check_api(state: &State<'_>, event: &Event) -> Result<(), Fault> {
    let Some(id) = api_id(event.at("RestApiId")).as_str() else { return Ok(()) };
    let api = Of::Event(&event.name).map_or(
        state.resources().at(id),
        "RestApiId property of Api event must reference a valid resource in the same template.",
    )?;
    if let Some(properties) = api.get("Properties") {
        let properties = Of::Attribute(id).map("Properties", properties)?;
        if properties.at("StageName").is("") {
            return Err(Fault::resource(id, "StageName cannot be empty."));
        }
    }
    Ok(())
}

pub(super) fn generate(
    state: &mut State<'_>,
    event: &Event,
    target: &Target,
) -> Result<Vec<Resource>, Fault> {
    let method = Method::of(event, "RestApiId");
    let stage = match state.properties(method.api).at("StageName") {
        Node::Text(name) => name.clone(),
        _ => "Stage".into(),
    };
    let permission = allow_api(state, event, target, &method, &stage.text);
    let api = state.properties(method.api);
    if api.at("__MANAGE_SWAGGER").truthy() || api.at("MergeDefinitions").truthy() {
        integrate(state, event, target, &method, &stage)?;
    }
    override_auth(state, event, &method, &stage)?;
    Ok(vec![permission])
}

fn allow_api(
    state: &State<'_>,
    event: &Event,
    target: &Target,
    method: &Method<'_>,
    stage: &str,
) -> Resource {
    let path = without_slash(&method.path.text);
    let path = openapi_wildcard(path);
    let name =
        if method.verb.text == "any" { "*".to_owned() } else { method.verb.text.to_uppercase() };
    let resource = format!("${{__ApiId__}}/${{__Stage__}}/{name}{path}");
    let source = sub_with(
        arn(state.context.partition, "execute-api", &resource),
        dict! { "__ApiId__" => event.at("RestApiId"), "__Stage__" => "*" },
    );
    permission(&event.id.text, stage, target, "apigateway.amazonaws.com", source)
}

fn openapi_wildcard(path: &str) -> String {
    openapi::wildcard(path, true)
}

/// A path without its last slash, unless it is nothing else.
pub(super) fn without_slash(path: &str) -> &str {
    match path.strip_suffix('/') {
        Some(rest) if !rest.is_empty() => rest,
        _ => path,
    }
}

/// The URI by which API Gateway invokes a function.
pub(super) fn integration_uri(target: &Target, partition: &str, streams: bool) -> Node {
    let (version, call) = if streams {
        ("2021-11-15", "response-streaming-invocations")
    } else {
        ("2015-03-31", "invocations")
    };
    let (short, unicode) = match target.arn.at("Fn::GetAtt").as_list() {
        Some([Node::Text(id), attribute]) => {
            (format!("{}.{}", id.text, python::str(attribute)), id.unicode)
        }
        _ => (python::str(target.arn.at("Ref")), false),
    };
    let text = format!(
        "arn:{partition}:apigateway:${{AWS::Region}}:lambda:path/{version}/functions/\
         ${{{short}}}/{call}"
    );
    python! { "Fn::Sub" => Text { text, unicode } }
}

fn integrate(
    state: &mut State<'_>,
    event: &Event,
    target: &Target,
    method: &Method<'_>,
    stage: &Text,
) -> Result<(), Fault> {
    let api = state.properties(method.api);
    let body = api.at("DefinitionBody");
    if body.is_null() {
        return Ok(());
    }
    let merges = api.at("MergeDefinitions").truthy();
    let skeleton = RestEditor::skeleton();
    let mut editor = RestEditor::new(if merges { &skeleton } else { body })?;
    if editor.paths().has_integration(&method.path.text, &method.verb)? {
        return Err(event.fault(format!(
            "API method \"{}\" defined multiple times for path \"{}\".",
            method.verb.text, method.path.text
        )));
    }
    let empty = Node::from(Dict::python());
    let or_empty = |node: &Node| if node.truthy() { node.clone() } else { empty.clone() };
    let method_auth = or_empty(event.at("Auth"));
    let api_auth = or_empty(api.at("Auth"));
    Of::Event(&event.name).map("Auth", &method_auth)?;
    Of::Resource(method.api).map("Auth", &api_auth)?;
    let streams = event.at("ResponseTransferMode").is("RESPONSE_STREAM");
    let integration = LambdaIntegration {
        uri: integration_uri(target, state.context.partition, streams),
        method_auth: &method_auth,
        api_auth: &api_auth,
        condition: target.condition(),
        streams,
        partition: state.context.partition,
    };
    editor.add_lambda_integration(&method.path, &method.verb, &integration)?;
    if event.at("Auth").truthy() {
        add_auth(state, method, api, stage, &mut editor)?;
    }
    if event.at("TimeoutInMillis").truthy() {
        let timeout = event.at("TimeoutInMillis");
        editor.paths().set_timeout(&method.path.text, &method.verb, timeout)?;
    }
    if event.at("RequestModel").truthy() {
        add_request_model(method, api, &mut editor)?;
    }
    if event.at("RequestParameters").truthy() {
        let parameters = request_parameters(event)?;
        editor.add_request_parameters(&method.path.text, &method.verb, &parameters)?;
    }
    let body = if merges { merged(method, body, editor)? } else { editor.finish() };
    if let Some(properties) = state.properties_mut(method.api) {
        properties.insert("DefinitionBody", body);
    }
    Ok(())
}

/// `OverrideApiAuth`: the method's own authorization in a definition that the author wrote.
fn override_auth(
    state: &mut State<'_>,
    event: &Event,
    method: &Method<'_>,
    stage: &Text,
) -> Result<(), Fault> {
    let auth = event.at("Auth");
    let api = state.properties(method.api);
    let body = api.at("DefinitionBody");
    if !body.truthy() || !auth.at("OverrideApiAuth").truthy() {
        return Ok(());
    }
    if !["Authorizer", "ApiKeyRequired", "ResourcePolicy"].iter().any(|key| auth.at(key).truthy()) {
        return Err(event.fault(
            "Must define one of: Authorizer, ApiKeyRequired or ResourcePolicy when using the \
             OverrideApiAuth property.",
        ));
    }
    let mut editor = RestEditor::new(body)?;
    add_auth(state, method, api, stage, &mut editor)?;
    let body = editor.finish();
    if let Some(properties) = state.properties_mut(method.api) {
        properties.insert("DefinitionBody", body);
    }
    Ok(())
}

/// The method's `Auth`.
pub(super) fn add_auth(
    state: &State<'_>,
    method: &Method<'_>,
    api: &Node,
    stage: &Text,
    editor: &mut RestEditor,
) -> Result<(), Fault> {
    let (event, path) = (method.event, &method.path);
    let auth = event.at("Auth");
    let api_auth = state.resolved(api.at("Auth"))?;
    let authorizers = api_auth.at("Authorizers");
    check_authorizer(method, auth.at("Authorizer"), &api_auth)?;
    let scopes = auth.at("AuthorizationScopes");
    if scopes.truthy() {
        Of::Event(&event.name).list("Auth.AuthorizationScopes", scopes)?;
        if !auth.at("Authorizer").truthy() {
            return Err(event.fault("AuthorizationScopes works only when Authorizer is set"));
        }
    }
    let key = auth.at("ApiKeyRequired");
    if !key.is_null() && !key.truthy() && !api_auth.at("ApiKeyRequired").truthy() {
        return Err(method.fault(
            "Unable to set ApiKeyRequired [False]",
            " because the related API does not specify any ApiKeyRequired.",
        ));
    }
    if auth.at("Authorizer").truthy() || !key.is_null() {
        editor.add_auth_to_method(&path.text, &method.verb, auth, authorizers)?;
    }
    let policy = auth.at("ResourcePolicy");
    if policy.truthy() {
        Of::Resource(&event.name).map("Auth.ResourcePolicy", policy)?;
        editor.add_resource_policy(policy, path, &stage.into())?;
        if policy.at("CustomStatements").truthy() {
            editor.add_custom_statements(policy.at("CustomStatements"));
        }
    }
    Ok(())
}

fn check_authorizer(method: &Method<'_>, name: &Node, api_auth: &Node) -> Result<(), Fault> {
    if !name.truthy() {
        return Ok(());
    }
    let authorizers = api_auth.at("Authorizers");
    if authorizers.truthy() {
        Of::Resource(method.api).map("Auth.Authorizers", authorizers)?;
    }
    if name.is("AWS_IAM") {
        return Ok(());
    }
    if name.is("NONE") {
        if api_auth.at("DefaultAuthorizer").truthy() {
            return Ok(());
        }
        return Err(none_without_default(method));
    }
    check_defined(method, name, authorizers)
}

pub(super) fn none_without_default(method: &Method<'_>) -> Fault {
    method.fault(
        "Unable to set Authorizer",
        " because 'NONE' is only a valid value when a DefaultAuthorizer on the API is specified.",
    )
}

/// An authorizer must be among those of the API.
pub(super) fn check_defined(
    method: &Method<'_>,
    name: &Node,
    authorizers: &Node,
) -> Result<(), Fault> {
    let before = format!("Unable to set Authorizer [{}]", python::str(name));
    if !authorizers.truthy() {
        return Err(
            method.fault(&before, " because the related API does not define any Authorizers.")
        );
    }
    check_types(method, name, authorizers)?;
    let key = name.as_str().unwrap_or_default();
    if !authorizers.at(key).truthy() {
        return Err(method.fault(&before, " because it wasn't defined in the API's Authorizers."));
    }
    Ok(())
}

pub(super) fn check_types(
    method: &Method<'_>,
    name: &Node,
    authorizers: &Node,
) -> Result<(), Fault> {
    if name.as_str().is_some() && authorizers.is_map() {
        return Ok(());
    }
    Err(method.fault(
        &format!("Unable to set Authorizer [{}]", python::str(name)),
        ". The method authorizer must be a string with a corresponding dict entry in the api \
         authorizer.",
    ))
}

fn add_request_model(
    method: &Method<'_>,
    api: &Node,
    editor: &mut RestEditor,
) -> Result<(), Fault> {
    let event = method.event;
    let config = Of::Event(&event.name).map("RequestModel", event.at("RequestModel"))?;
    let model = config.at("Model");
    if !model.truthy() {
        return Ok(());
    }
    let before = format!("Unable to set RequestModel [{}]", python::str(model));
    let models = api.at("Models");
    if !models.truthy() {
        return Err(method.fault(&before, " because the related API does not define any Models."));
    }
    if !is_intrinsic(models) && !models.is_map() {
        return Err(
            method.fault(&before, " because the related API Models defined is of invalid type.")
        );
    }
    let Some(model) = model.as_text() else {
        return Err(
            method.fault(&before, " because the related API does not contain valid Models.")
        );
    };
    if !models.at(&model.text).truthy() {
        return Err(method.fault(&before, " because it wasn't defined in the API's Models."));
    }
    let path = &method.path.text;
    editor.add_request_model(path, &method.verb, model, config.at("Required"))?;
    let (body, parameters) = (config.at("ValidateBody"), config.at("ValidateParameters"));
    if body.is_null() && parameters.is_null() {
        return Ok(());
    }
    let flag = |node: &Node| if node.is_null() { Some(false) } else { node.as_bool() };
    let (Some(body), Some(parameters)) = (flag(body), flag(parameters)) else {
        return Err(method.fault(
            &format!("Unable to set Validator to RequestModel [{}]", model.text),
            " ValidateBody and ValidateParameters must be a boolean type, strings or intrinsics \
             are not supported.",
        ));
    };
    editor.add_request_validator(path, &method.verb, body, parameters)
}

fn request_parameters(event: &Event) -> Result<Vec<RequestParameter>, Fault> {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^method\.request\.(querystring|path|header)\.").ok());
    let wrong =
        |what: &str| event.fault(format!("Invalid value for 'RequestParameters' property. {what}"));
    let check = |name: &str| {
        if NAME.as_ref().is_some_and(|regex| regex.is_match(name)) {
            return Ok(());
        }
        Err(wrong(
            "Keys must be in the format 'method.request.[querystring|path|header].{value}', e.g \
             'method.request.header.Authorization'.",
        ))
    };
    let off = || Node::from(false);
    let mut result = Vec::new();
    for parameter in event.at("RequestParameters").as_list().unwrap_or_default() {
        match parameter {
            Node::Text(name) => {
                check(&name.text)?;
                result.push(RequestParameter {
                    name: name.clone(),
                    required: off(),
                    caching: off(),
                });
            }
            Node::Map(dict) => {
                let Some((name, unicode, settings)) = dict.iter_flavoured().next() else {
                    continue;
                };
                check(name)?;
                let known = |settings: &Dict| {
                    settings.iter().all(|(key, _)| key == "Required" || key == "Caching")
                };
                if !settings.as_map().is_some_and(known) {
                    return Err(wrong(
                        "Values must be an object, e.g { Required: true, Caching: false }",
                    ));
                }
                let get = |key: &str| settings.at(key).some().cloned().unwrap_or_else(off);
                result.push(RequestParameter {
                    name: Text { text: name.to_owned(), unicode },
                    required: get("Required"),
                    caching: get("Caching"),
                });
            }
            _ => return Err(wrong("Property must be either a string or an object")),
        }
    }
    Ok(result)
}

/// `MergeDefinitions`: what SAM generates, over what the author wrote for the method.
fn merged(method: &Method<'_>, source: &Node, editor: RestEditor) -> Result<Node, Fault> {
    let (path, name) = (&method.path.text, &method.verb);
    let wrong = |place: String| {
        Fault::resource(
            method.api,
            format!("Property 'DefinitionBody' is invalid: The value of '{place}' should be a map"),
        )
    };
    let Some(source) = source.as_map() else { return Ok(source.clone()) };
    let mut body = source.copy();
    let generated = editor.finish();
    let generated = generated.at("paths").at(path).at(&openapi::normalized(name).text).clone();
    let paths = match body.at("paths") {
        paths if paths.truthy() => paths.clone(),
        _ => Dict::default().into(),
    };
    let Node::Map(mut paths) = paths else { return Err(wrong("paths".to_owned())) };
    let existing = match paths.at(path) {
        Node::Null => Node::Null,
        Node::Map(item) => item.at(&name.text).clone(),
        _ => return Err(wrong(path.clone())),
    };
    let mut merged = Dict::default();
    if existing.truthy() {
        let place = format!("DefinitionBody.paths.{path}.{}", name.text);
        merged.update(Of::Resource(method.api).map(&place, &existing)?);
    }
    if let Node::Map(generated) = &generated {
        merged.update(generated);
    }
    let item = paths.entry(&method.path, || Dict::default().into());
    if item.is_null() {
        *item = Dict::default().into();
    }
    if let Node::Map(item) = item {
        item.insert(name, merged);
    }
    if body.at("paths").truthy() {
        body.insert("paths", paths);
    }
    Ok(body.into())
}
