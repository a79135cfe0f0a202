//! `DeploymentPreference`: gradual deployments by CodeDeploy.

use crate::fault::Fault;
use crate::intrinsics::{
    WRONG_IF, combined, get_att, if_items, is_if, is_intrinsic, is_no_value, reference, sub_with,
};
use crate::node::{Dict, Node, dict, list};
use crate::resource::{Resource, tag_list};
use crate::resources::SamResource;
use crate::roles::assumed_by;
use crate::state::State;

const APPLICATION: &str = "ServerlessDeploymentApplication";
const ROLE: &str = "CodeDeployServiceRole";
const CONDITION: &str = "ServerlessCodeDeployCondition";

/// CodeDeploy's own deployment configurations, which SAM names in short.
const CONFIGURATIONS: [&str; 9] = [
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
    "AllAtOnce",
];

/// How one function is deployed.
#[derive(Debug, Clone)]
pub(crate) struct Preference {
    enabled: bool,
    kind: Node,
    alarms: Node,
    role: Node,
    triggers: Node,
    condition: Node,
    tags: Node,
}

/// Notes how a function is deployed, and has its alias updated so.
pub(super) fn add(
    state: &mut State<'_>,
    function: &SamResource,
    alias: Option<&mut Resource>,
) -> Result<(), Fault> {
    let config = function.at("DeploymentPreference");
    let resolve = |key: &str| state.resolved_with_mappings(config.at(key));
    let enabled = match resolve("Enabled")? {
        Node::Null => config.as_map().is_none_or(|config| !config.contains("Enabled")),
        Node::Text(text) if text.text == "false" || text.text == "False" => false,
        other => other.truthy(),
    };
    let passes_condition = passes_condition(state, function)?;
    if !enabled {
        let disabled = Preference {
            enabled,
            kind: Node::Null,
            alarms: Node::Null,
            role: Node::Null,
            triggers: Node::Null,
            condition: Node::Null,
            tags: Node::Null,
        };
        state.deployments.insert(function.id.text.clone(), disabled);
        return Ok(());
    }
    if config.as_map().is_some_and(|config| !config.contains("Type")) {
        return Err(function.fault("'DeploymentPreference' is missing required Property 'Type'"));
    }
    let hooks = config.at("Hooks");
    if !hooks.is_null() && !hooks.is_map() {
        return Err(
            function.fault("'Hooks' property of 'DeploymentPreference' must be a dictionary")
        );
    }
    let condition = function.passed().at("Condition").clone();
    let tags = function.at("Tags");
    let propagate = function.at("PropagateTags").truthy() && tags.truthy();
    let preference = Preference {
        enabled,
        kind: resolve("Type")?,
        alarms: config.at("Alarms").clone(),
        role: config.at("Role").clone(),
        triggers: config.at("TriggerConfigurations").clone(),
        condition: if passes_condition { condition } else { Node::Null },
        tags: if propagate { tags.clone() } else { Node::Null },
    };
    state.deployments.insert(function.id.text.clone(), preference);
    let Some(alias) = alias else {
        return Err(function
            .fault("'DeploymentPreference' requires AutoPublishAlias property to be specified."));
    };
    let mut update = Dict::default();
    update.insert("ApplicationName", reference(APPLICATION));
    update.insert("DeploymentGroupName", reference(group_id(&function.id.text)));
    update.insert_some("BeforeAllowTrafficHook", hooks.at("PreTraffic"));
    update.insert_some("AfterAllowTrafficHook", hooks.at("PostTraffic"));
    alias.attributes.insert("UpdatePolicy", dict! { "CodeDeployLambdaAliasUpdate" => update });
    Ok(())
}

fn passes_condition(state: &State<'_>, function: &SamResource) -> Result<bool, Fault> {
    const NAME: &str = "PassthroughCondition";
    let given = function.at("DeploymentPreference").at(NAME);
    if given.is_null() {
        return Ok(false);
    }
    match state.resolved_with_mappings(given)? {
        Node::Bool(flag) => Ok(flag),
        Node::Text(text) if text.text.eq_ignore_ascii_case("true") => Ok(true),
        Node::Text(text) if text.text.eq_ignore_ascii_case("false") => Ok(false),
        other if is_intrinsic(&other) => Err(function.fault(format!(
            "Unsupported intrinsic: the only intrinsic functions supported for property {NAME} \
             are FindInMap and parameter Refs."
        ))),
        _ => Err(function.fault(format!("Invalid value for property {NAME}."))),
    }
}

fn group_id(function: &str) -> String {
    format!("{function}DeploymentGroup")
}

/// Adds the CodeDeploy application, its role, and a deployment group for each function.
pub(crate) fn finish(state: &mut State<'_>) {
    let preferences: Vec<(String, Preference)> = state
        .deployments
        .iter()
        .filter(|(_, preference)| preference.enabled)
        .map(|(id, preference)| (id.clone(), preference.clone()))
        .collect();
    if preferences.is_empty() {
        return;
    }
    let mut names: Vec<Node> = Vec::new();
    let mut tags = Dict::default();
    for (_, preference) in &preferences {
        if preference.condition.truthy() && !names.contains(&preference.condition) {
            names.push(preference.condition.clone());
        }
        if let Node::Map(more) = &preference.tags {
            tags.update(more);
        }
    }
    // The shared resources have a condition where every function has one.
    let conditional = preferences.iter().all(|(_, preference)| preference.condition.truthy());
    let condition = match names.as_slice() {
        _ if !conditional => Node::Null,
        [only] => only.clone(),
        _ => {
            let new = combined(&names, CONDITION);
            if let Some(conditions) = state.output_conditions() {
                for (name, definition) in new {
                    conditions.insert(name, definition);
                }
            }
            CONDITION.into()
        }
    };
    let mut attributes = Dict::default();
    attributes.insert_some("Condition", &condition);
    let tags: Node = tags.into();
    let shared = |mut resource: Resource, state: &mut State<'_>| {
        if tags.truthy() {
            resource.set("Tags", tag_list(&tags));
        }
        if let Some(output) = state.output_resources() {
            output.insert(&resource.id, resource.to_node());
        }
    };
    let application = Resource::new(APPLICATION, "AWS::CodeDeploy::Application", &attributes)
        .with("ComputePlatform", "Lambda");
    shared(application, state);
    if !preferences.iter().all(|(_, preference)| preference.role.truthy()) {
        let policy = match state.context.partition {
            "aws-iso" | "aws-iso-b" => "service-role/AWSCodeDeployRoleForLambdaLimited",
            _ => "service-role/AWSCodeDeployRoleForLambda",
        };
        let role = Resource::new(ROLE, "AWS::IAM::Role", &attributes)
            .with("AssumeRolePolicyDocument", assumed_by("codedeploy.amazonaws.com"))
            .with("ManagedPolicyArns", list![state.managed_policy(policy)]);
        shared(role, state);
    }
    for (id, preference) in &preferences {
        match group(id, preference) {
            Ok(group) => {
                if let Some(output) = state.output_resources() {
                    output.insert(&group.id, group.to_node());
                }
            }
            Err(fault) => state.note_all(fault),
        }
    }
}

fn group(function: &str, preference: &Preference) -> Result<Resource, Fault> {
    let mut attributes = Dict::default();
    if preference.condition.truthy() {
        attributes.insert("Condition", preference.condition.clone());
    }
    let alarms =
        alarms(&preference.alarms).map_err(|message| Fault::resource(function, message))?;
    let role =
        if preference.role.truthy() { preference.role.clone() } else { get_att(ROLE, "Arn") };
    let mut group = Resource::new(
        group_id(function),
        "AWS::CodeDeploy::DeploymentGroup",
        &attributes,
    )
    .with("AlarmConfiguration", alarms)
    .with("ApplicationName", reference(APPLICATION))
    .with(
        "AutoRollbackConfiguration",
        dict! {
            "Enabled" => true,
            "Events" => list![
                "DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"
            ],
        },
    )
    .with("DeploymentConfigName", full_name(&preference.kind, None))
    .with(
        "DeploymentStyle",
        dict! {
            "DeploymentType" => "BLUE_GREEN",
            "DeploymentOption" => "WITH_TRAFFIC_CONTROL",
        },
    )
    .with("ServiceRoleArn", role);
    if preference.triggers.truthy() {
        group.set("TriggerConfigurations", preference.triggers.clone());
    }
    if preference.tags.truthy() {
        group.set("Tags", tag_list(&preference.tags));
    }
    Ok(group)
}

fn alarms(given: &Node) -> Result<Node, String> {
    if !given.truthy() || is_no_value(given) {
        return Ok(Node::Null);
    }
    if !is_if(given) {
        return alarm_list(given);
    }
    let Some([condition, yes, no]) = if_items(given) else { return Err(WRONG_IF.to_owned()) };
    Ok(dict! { "Fn::If" => list![condition, alarm_list(yes)?, alarm_list(no)?] })
}

fn alarm_list(given: &Node) -> Result<Node, String> {
    let Some(alarms) = given.as_list() else { return Err("Alarms must be a list".to_owned()) };
    if alarms.first().is_none_or(is_no_value) {
        return Ok(Dict::default().into());
    }
    let alarms: Vec<Node> = alarms.iter().map(|alarm| dict! { "Name" => alarm }).collect();
    Ok(dict! { "Enabled" => true, "Alarms" => alarms })
}

/// Short names become CodeDeploy's, wherever functions leave them.
fn full_name(node: &Node, under: Option<&str>) -> Node {
    const PATTERN: &str = "CodeDeployDefault.Lambda${ConfigName}";
    match node {
        Node::List(items) => Node::List(items.iter().map(|item| full_name(item, None)).collect()),
        Node::Map(dict) if is_intrinsic(node) => {
            let mut result = Dict::default();
            for (key, value) in dict.iter() {
                result.insert(key, full_name(value, Some(key)));
            }
            result.into()
        }
        Node::Text(text) if CONFIGURATIONS.contains(&text.text.as_str()) => {
            let values = dict! { "ConfigName" => text };
            if under == Some("Fn::Sub") {
                return list![PATTERN, values];
            }
            sub_with(PATTERN, values)
        }
        other => other.clone(),
    }
}
