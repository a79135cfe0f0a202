//! `Auth.UsagePlan`: a usage plan with a key, for one API or shared by several.

use crate::fault::Fault;
use crate::intrinsics::{any_of, reference};
use crate::node::{Dict, Node, dict, list};
use crate::resource::Resource;
use crate::resources::SamResource;
use crate::state::State;

const CONDITION: &str = "SharedUsagePlanCondition";

const FIELDS: [&str; 6] =
    ["CreateUsagePlan", "Description", "Quota", "Tags", "Throttle", "UsagePlanName"];

/// What the APIs that share a plan have brought together so far.
#[derive(Debug, Default)]
pub(crate) struct SharedUsagePlan {
    apis: Vec<Node>,
    stages: Vec<Node>,
    stage_keys: Vec<Node>,
    conditions: Vec<Node>,
    any_without_condition: bool,
    deletion_policy: Node,
    update_replace_policy: Node,
}

/// The plan, the key, and the link between them.
pub(super) fn build(
    state: &mut State<'_>,
    api: &SamResource,
    stage: &Resource,
) -> Result<Vec<Resource>, Fault> {
    let plan = api.at("Auth").at("UsagePlan");
    if plan.is_null() {
        return Ok(Vec::new());
    }
    let Some(plan) = plan.as_map() else {
        return Err(api.fault("'UsagePlan' must be a dictionary"));
    };
    if plan.iter().any(|(key, _)| !FIELDS.contains(&key)) {
        return Err(api.fault("Invalid property for 'UsagePlan'"));
    }
    let shared = match plan.at("CreateUsagePlan") {
        Node::Null => {
            return Err(api.fault("'CreateUsagePlan' is a required field for UsagePlan."));
        }
        create if create.is("NONE") => return Ok(Vec::new()),
        create if create.is("SHARED") => true,
        create if create.is("PER_API") => false,
        _ => {
            return Err(
                api.fault("'CreateUsagePlan' accepts one of ['SHARED', 'PER_API', 'NONE'].")
            );
        }
    };
    let prefix = if shared { "Serverless" } else { &api.id.text };
    let api_stage = dict! { "ApiId" => reference(&api.id), "Stage" => stage.reference() };
    let stage_key = dict! { "RestApiId" => reference(&api.id), "StageName" => stage.reference() };
    let (attributes, apis, stages, keys) = if shared {
        let attributes = share(state, api)?;
        let all = &mut state.usage_plan;
        add_once(&mut all.apis, Node::from(&api.id));
        add_once(&mut all.stages, api_stage);
        add_once(&mut all.stage_keys, stage_key);
        (attributes, all.apis.clone(), all.stages.clone(), all.stage_keys.clone())
    } else {
        (api.passed(), vec![Node::from(&api.id)], vec![api_stage], vec![stage_key])
    };
    let plan_id = format!("{prefix}UsagePlan");
    let mut result = Resource::new(plan_id.as_str(), "AWS::ApiGateway::UsagePlan", &attributes)
        .after(apis)
        .with("ApiStages", stages);
    for field in ["UsagePlanName", "Description", "Quota", "Tags", "Throttle"] {
        if plan.at(field).truthy() {
            result.set(field, plan.at(field));
        }
    }
    let key_id = format!("{prefix}ApiKey");
    let key = Resource::new(key_id.as_str(), "AWS::ApiGateway::ApiKey", &attributes)
        .after(list![plan_id.as_str()])
        .with("Enabled", true)
        .with("StageKeys", keys);
    let link = Resource::new(
        format!("{prefix}UsagePlanKey"),
        "AWS::ApiGateway::UsagePlanKey",
        &attributes,
    )
    .after(list![key_id.as_str()])
    .with("KeyId", reference(key_id.as_str()))
    .with("KeyType", "API_KEY")
    .with("UsagePlanId", reference(plan_id.as_str()));
    Ok(vec![result, key, link])
}

fn add_once(all: &mut Vec<Node>, one: Node) {
    if !all.contains(&one) {
        all.push(one);
    }
}

/// The attributes of what is shared: the most careful policies, and a condition where every API
/// has one.
fn share(state: &mut State<'_>, api: &SamResource) -> Result<Dict, Fault> {
    let passed = api.passed();
    let plan = &mut state.usage_plan;
    let deletion = passed.at("DeletionPolicy");
    if deletion.truthy() && (!plan.deletion_policy.truthy() || deletion.is("Retain")) {
        plan.deletion_policy = deletion.clone();
    }
    let replace = passed.at("UpdateReplacePolicy");
    let stronger =
        replace.is("Retain") || (replace.is("Snapshot") && plan.update_replace_policy.is("Delete"));
    if replace.truthy() && (!plan.update_replace_policy.truthy() || stronger) {
        plan.update_replace_policy = replace.clone();
    }
    let condition = passed.at("Condition").clone();
    if condition.truthy() && !plan.any_without_condition {
        add_condition(state, condition)?;
    } else if !plan.any_without_condition {
        plan.any_without_condition = true;
        if let Some(conditions) = state.output_conditions()
            && conditions.contains(CONDITION)
        {
            conditions.remove(CONDITION);
        }
    }
    let plan = &state.usage_plan;
    let mut attributes = Dict::default();
    attributes.insert_some("DeletionPolicy", &plan.deletion_policy);
    attributes.insert_some("UpdateReplacePolicy", &plan.update_replace_policy);
    if !plan.conditions.is_empty() && !plan.any_without_condition {
        attributes.insert("Condition", CONDITION);
    }
    Ok(attributes)
}

fn add_condition(state: &mut State<'_>, condition: Node) -> Result<(), Fault> {
    if state.usage_plan.conditions.contains(&condition) {
        return Ok(());
    }
    state.usage_plan.conditions.push(condition.clone());
    let all = state.usage_plan.conditions.clone();
    let Some(conditions) = state.output_conditions() else {
        return Err(Fault::Template(
            "Can't have condition without having 'Conditions' section in the template".to_owned(),
        ));
    };
    // One condition is written by name alone, as AWS does.
    conditions.insert(CONDITION, if all.len() > 1 { any_of(&all) } else { condition });
    Ok(())
}
