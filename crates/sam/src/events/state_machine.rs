//! What starts executions of a state machine.

use crate::events::api::{Method, add_auth};
use crate::events::{Event, Target, rule as rules};
use crate::fault::Fault;
use crate::intrinsics::sub;
use crate::node::{Node, Text, dict};
use crate::openapi::{RestEditor, StateMachineIntegration};
use crate::resource::Resource;
use crate::roles;
use crate::schema::{Form, Property, literal, optional, required};
use crate::state::State;

pub(super) const SCHEDULE: &[Property] = &[
    required("Schedule", Form::Str),
    optional("Input", Form::Str),
    optional("Enabled", Form::Bool),
    optional("State", Form::Str),
    optional("Name", Form::Str),
    optional("Description", Form::Str),
    optional("DeadLetterConfig", Form::Map),
    optional("RetryPolicy", Form::Map),
    literal("Target", Form::Map),
    literal("RoleArn", Form::Str),
];

pub(super) const PATTERN: &[Property] = &[
    optional("EventBusName", Form::Str),
    optional("RuleName", Form::Str),
    optional("Pattern", Form::Map),
    optional("Input", Form::Str),
    optional("InputPath", Form::Str),
    optional("DeadLetterConfig", Form::Map),
    optional("RetryPolicy", Form::Map),
    optional("State", Form::Str),
    literal("Target", Form::Map),
    optional("InputTransformer", Form::Map),
];

pub(super) const API: &[Property] = &[
    required("Path", Form::Str),
    required("Method", Form::Str),
    required("RestApiId", Form::Str),
    optional("Stage", Form::Str),
    optional("Auth", Form::Map),
    literal("UnescapeMappingTemplate", Form::Bool),
];

fn role(event: &Event, target: &Target, principal: &str, boundary: &Node) -> Resource {
    let id = format!("{}Role", event.id.text);
    let policy = roles::start_execution(&target.arn, &id);
    let mut role = Resource::new(id, "AWS::IAM::Role", &target.attributes)
        .with("AssumeRolePolicyDocument", roles::assumed_by(principal))
        .with("Policies", vec![policy]);
    if boundary.truthy() {
        role.set("PermissionsBoundary", boundary);
    }
    role
}

pub(super) fn rule(
    event: &Event,
    target: &Target,
    boundary: &Node,
) -> Result<Vec<Resource>, Fault> {
    let rule = rules::rule(event, target)?;
    let mut details = rules::target_of(event, target, "StepFunctionsTarget");
    let mut role_resource = None;
    if event.at("RoleArn").is_null() {
        let role = role(event, target, "events.amazonaws.com", boundary);
        details.insert("RoleArn", role.arn());
        role_resource = Some(role);
    } else {
        details.insert("RoleArn", event.at("RoleArn").clone());
    }
    let mut resources = rules::finish(event, rule, details, &target.attributes)?;
    resources.extend(role_resource);
    Ok(resources)
}

pub(super) fn api(
    state: &mut State<'_>,
    event: &Event,
    target: &Target,
    boundary: &Node,
) -> Result<Vec<Resource>, Fault> {
    let method = Method::of(event, "RestApiId");
    let role = role(event, target, "apigateway.amazonaws.com", boundary);
    let api = state.properties(method.api);
    let body = api.at("DefinitionBody");
    if !api.at("__MANAGE_SWAGGER").truthy() || body.is_null() {
        return Ok(vec![role]);
    }
    let mut editor = RestEditor::new(body)?;
    if editor.paths().has_integration(&method.path.text, &method.verb)? {
        return Err(event.fault(format!(
            "API method \"{}\" defined multiple times for path \"{}\".",
            method.verb.text, method.path.text
        )));
    }
    let integration = StateMachineIntegration {
        uri: sub("arn:${AWS::Partition}:apigateway:${AWS::Region}:states:action/StartExecution"),
        credentials: role.arn(),
        templates: request_template(event, target),
        condition: target.condition(),
    };
    editor.add_state_machine_integration(&method.path, &method.verb, &integration)?;
    if event.at("Auth").truthy() {
        // The stage is known to events of functions only.
        add_auth(state, &method, api, &Text::from(""), &mut editor)?;
    }
    if let Some(properties) = state.properties_mut(method.api) {
        properties.insert("DefinitionBody", editor.finish());
    }
    Ok(vec![role])
}

/// The mapping template that makes a StartExecution call of a request.
fn request_template(event: &Event, target: &Target) -> Node {
    let replace =
        if event.at("UnescapeMappingTemplate").truthy() { r#".replaceAll("\\'","'")"# } else { "" };
    let text = format!(
        "{{\"input\": \"$util.escapeJavaScript($input.json('$')){replace}\", \
         \"stateMachineArn\": \"${{{}}}\"}}",
        target.id.text
    );
    dict! { "application/json" => sub(text) }
}
