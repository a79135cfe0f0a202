//! AWS::Serverless::StateMachine.

use crate::events::{self, Target};
use crate::fault::Fault;
use crate::intrinsics::{get_att, is_intrinsic};
use crate::node::{Dict, Node, dict, list};
use crate::policies;
use crate::python::Json;
use crate::resource::{Resource, propagate_tags, tag_list_of_sam};
use crate::resources::SamResource;
use crate::resources::code::S3Pointer;
use crate::resources::function::xray_policy;
use crate::roles::{self, Role};
use crate::schema::{Form, Property, literal, optional};
use crate::state::State;

const SCHEMA: &[Property] = &[
    optional("Definition", Form::Map),
    optional("DefinitionUri", Form::StrOrMap),
    optional("Logging", Form::Map),
    optional("Role", Form::Str),
    literal("RolePath", Form::Any),
    optional("DefinitionSubstitutions", Form::Map),
    optional("Events", Form::Maps),
    optional("Name", Form::Str),
    optional("Type", Form::Str),
    optional("Tags", Form::Map),
    optional("PropagateTags", Form::Bool),
    optional("Policies", Form::PolicyList),
    optional("Tracing", Form::Map),
    optional("PermissionsBoundary", Form::Str),
    literal("AutoPublishAlias", Form::Any),
    literal("DeploymentPreference", Form::Any),
    literal("UseAliasAsEventTarget", Form::Bool),
];

pub(super) fn transform(
    state: &mut State<'_>,
    machine: &mut SamResource,
) -> Result<Vec<Resource>, Fault> {
    let id = machine.id.text.clone();
    policies::expand_templates(&id, &mut machine.properties)?;
    machine.check("AWS::Serverless::StateMachine", SCHEMA)?;
    let linked = events::read(state, machine, events::STATE_MACHINE)
        .map_err(|fault| fault.of_resource(&id))?;
    let mut result = machine.becomes("AWS::StepFunctions::StateMachine");
    set_definition(machine, &mut result)?;
    let mut resources = Vec::new();
    if machine.at("Role").truthy() && machine.at("Policies").truthy() {
        return Err(machine.fault(
            "Specify either 'Role' or 'Policies' (but not both at the same time) or neither of \
             them",
        ));
    }
    if machine.at("Role").truthy() {
        result.set("RoleArn", machine.at("Role"));
    } else {
        let role = role(state, machine)?;
        result.set("RoleArn", role.arn());
        resources.push(role);
    }
    for (property, key) in [
        ("StateMachineName", "Name"),
        ("StateMachineType", "Type"),
        ("LoggingConfiguration", "Logging"),
        ("TracingConfiguration", "Tracing"),
    ] {
        result.set(property, machine.at(key));
    }
    result.set("Tags", tags(machine));
    let published = publish(machine, &result)?;
    let target = match &published {
        Some((_, alias)) if machine.at("UseAliasAsEventTarget").truthy() => Target::of(alias),
        _ => Target::of(&result),
    };
    let boundary = machine.at("PermissionsBoundary");
    let generated = events::generate_for_state_machine(state, &target, boundary, &linked)?;
    if let Some((version, alias)) = published {
        resources.extend([version, alias]);
    }
    resources.push(result);
    resources.extend(generated);
    propagate_tags(&mut resources, machine.at("Tags"), machine.at("PropagateTags").truthy());
    Ok(resources)
}

fn tags(machine: &SamResource) -> Vec<Node> {
    tag_list_of_sam("stateMachine:createdBy", machine.at("Tags"))
}

fn set_definition(machine: &SamResource, result: &mut Resource) -> Result<(), Fault> {
    let given = machine.at("DefinitionSubstitutions");
    if given.truthy() {
        result.set("DefinitionSubstitutions", given);
    }
    let (definition, uri) = (machine.at("Definition"), machine.at("DefinitionUri"));
    match (definition.truthy(), uri.truthy()) {
        (true, true) => {
            Err(machine
                .fault("Specify either 'Definition' or 'DefinitionUri' property and not both."))
        }
        (true, false) => {
            let mut definition = definition.clone();
            let mut found = Dict::default();
            substitute(&mut definition, &mut found);
            if !found.is_empty() {
                let all =
                    result.properties.entry("DefinitionSubstitutions", || Dict::default().into());
                if let Node::Map(all) = all {
                    all.update(&found);
                }
            }
            let lines: Vec<Node> =
                Json::INDENTED.write(&definition).split('\n').map(Node::from).collect();
            result.set("DefinitionString", dict! { "Fn::Join" => list!["\n", Node::List(lines)] });
            Ok(())
        }
        (false, true) => {
            let pointer = S3Pointer::read(&machine.id.text, "DefinitionUri", uri)?;
            result.set("DefinitionS3Location", pointer.location(Dict::default()));
            Ok(())
        }
        (false, false) => {
            Err(machine.fault("Either 'Definition' or 'DefinitionUri' property must be specified."))
        }
    }
}

/// Takes functions and dynamic references out of the definition and leaves `${…}` for them.
fn substitute(node: &mut Node, found: &mut Dict) {
    let mut visit = |child: &mut Node| {
        let dynamic = |text: &str| text.starts_with("{{resolve:") && text.ends_with("}}");
        if is_intrinsic(child) || child.as_str().is_some_and(dynamic) {
            let name = format!("definition_substitution_{}", found.len() + 1);
            let value = std::mem::replace(child, format!("${{{name}}}").into());
            found.insert(name, value);
        } else {
            substitute(child, found);
        }
    };
    match node {
        Node::List(items) => items.iter_mut().for_each(visit),
        Node::Map(dict) => {
            let mut keys = dict.keys();
            keys.sort_by(|a, b| a.text.cmp(&b.text));
            for key in keys {
                if let Some(child) = dict.get_mut(&key.text) {
                    visit(child);
                }
            }
        }
        _ => {}
    }
}

fn role(state: &State<'_>, machine: &SamResource) -> Result<Resource, Fault> {
    let mut policies = policies::entries(machine.at("Policies"));
    if *machine.at("Tracing").at("Enabled") == Node::Bool(true) {
        policies.push(xray_policy(state).into());
    }
    Role {
        owner: &machine.id.text,
        attributes: &machine.passed(),
        assume: roles::assumed_by("states.amazonaws.com"),
        policies: &policies.into(),
        managed: Vec::new(),
        documents: Vec::new(),
        path: machine.at("RolePath"),
        boundary: machine.at("PermissionsBoundary"),
        tags: tags(machine),
    }
    .build(state)
}

/// The version and the alias that points at it, where the author asks for an alias.
fn publish(
    machine: &SamResource,
    result: &Resource,
) -> Result<Option<(Resource, Resource)>, Fault> {
    let name = machine.at("AutoPublishAlias");
    if !name.truthy() {
        for key in ["UseAliasAsEventTarget", "DeploymentPreference"] {
            if machine.at(key).truthy() {
                return Err(machine.fault(format!(
                    "'{key}' requires 'AutoPublishAlias' property to be specified."
                )));
            }
        }
        return Ok(None);
    }
    let id = &machine.id.text;
    let attributes = machine.passed();
    let mut retained = attributes.clone();
    for key in ["DeletionPolicy", "UpdateReplacePolicy"] {
        if !retained.contains(key) {
            retained.insert(key, "Retain");
        }
    }
    let kind = "AWS::StepFunctions::StateMachineVersion";
    let version = Resource::new(format!("{id}Version"), kind, &retained)
        .with("StateMachineArn", result.reference())
        .with("StateMachineRevisionId", get_att(&result.id, "StateMachineRevisionId"));
    let mut preference = match machine.at("DeploymentPreference") {
        Node::Map(given) if !given.is_empty() => given.clone(),
        _ => {
            let mut all = Dict::default();
            all.insert("Type", "ALL_AT_ONCE");
            all
        }
    };
    preference.insert("StateMachineVersionArn", version.reference());
    let alias_id = format!("{id}Alias{}", crate::python::str(name));
    let kind = "AWS::StepFunctions::StateMachineAlias";
    let alias = Resource::new(alias_id, kind, &attributes)
        .with("Name", name)
        .with("DeploymentPreference", preference);
    Ok(Some((version, alias)))
}
