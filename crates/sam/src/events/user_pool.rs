//! Triggers of a Cognito user pool of the same template.

use crate::events::{Event, Target, permission};
use crate::fault::{Fault, Of};
use crate::intrinsics::get_att;
use crate::node::{Dict, Node};
use crate::resource::{Resource, handed_on};
use crate::schema::{Form, Property, required};
use crate::state::State;

const KIND: &str = "AWS::Cognito::UserPool";

pub(super) const SCHEMA: &[Property] = &[
    required("UserPool", Form::Str),
    Property { name: "Trigger", form: Form::StrOrList, required: true, intrinsics: false },
];

pub(super) fn check_pool(state: &State<'_>, event: &Event) -> Result<(), Fault> {
    if let Some(id) = event.at("UserPool").as_map().and_then(|pool| pool.get("Ref")) {
        let Some(id) = id.as_str() else {
            return Err(Fault::event(&event.id.text, "Ref in Userpool is not a string."));
        };
        if state.resources().contains(id) {
            return Ok(());
        }
    }
    Err(event.fault("Cognito events must reference a Cognito UserPool in the same template."))
}

pub(super) fn generate(
    state: &mut State<'_>,
    event: &Event,
    target: &Target,
) -> Result<Vec<Resource>, Fault> {
    let id = event.at("UserPool").at("Ref").as_text().cloned().unwrap_or_else(|| "".into());
    let prefix = format!("{}Cognito", target.id.text);
    let source = get_att(&id, "Arn");
    let permission = permission(&prefix, "", target, "cognito-idp.amazonaws.com", source);
    let Some(pool) = state.resource_mut(&id.text) else { return Ok(vec![permission]) };
    add_triggers(pool, &id.text, event, target)?;
    let mut resource = Resource::new(&id, KIND, &handed_on(&pool.clone().into()))
        .after(pool.at("DependsOn").clone());
    if !pool.at("Type").is(KIND) {
        return Err(Fault::resource(
            &id.text,
            format!(
                "Resource has incorrect Type; expected '{KIND}', got '{}'",
                crate::python::str(pool.at("Type"))
            ),
        ));
    }
    if let Node::Map(properties) = pool.at("Properties") {
        resource.properties = properties.clone();
    }
    Ok(vec![permission, resource])
}

fn add_triggers(pool: &mut Dict, id: &str, event: &Event, target: &Target) -> Result<(), Fault> {
    let empty = || Node::from(Dict::default());
    let properties = pool.entry("Properties", empty);
    if properties.is_null() {
        *properties = empty();
    }
    let Node::Map(properties) = properties else {
        return Err(Fault::resource(id, "Properties of a resource must be an object."));
    };
    let config = properties.entry("LambdaConfig", empty);
    if config.is_null() {
        *config = empty();
    }
    Of::Resource(id).map("LambdaConfig", config)?;
    let Node::Map(config) = config else { return Ok(()) };
    let triggers = match event.at("Trigger") {
        Node::List(items) => items.clone(),
        one => vec![one.clone()],
    };
    for trigger in triggers {
        let Some(trigger) = trigger.as_text() else { continue };
        if config.contains(&trigger.text) {
            return Err(event.fault(format!(
                "Cognito trigger \"{}\" defined multiple times.",
                crate::python::str(event.at("Trigger"))
            )));
        }
        config.insert(trigger, target.arn.clone());
    }
    Ok(())
}
