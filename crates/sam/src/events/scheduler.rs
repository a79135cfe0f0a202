//! `ScheduleV2`: a schedule of EventBridge Scheduler.

use crate::events::{Event, Target, dead_letter};
use crate::fault::Fault;
use crate::node::{Dict, Node, dict};
use crate::resource::Resource;
use crate::roles;
use crate::schema::{Form, Property, literal, optional, required};

pub(super) const SCHEMA: &[Property] = &[
    optional("PermissionsBoundary", Form::Str),
    required("ScheduleExpression", Form::Str),
    optional("FlexibleTimeWindow", Form::Map),
    optional("Name", Form::Str),
    optional("State", Form::Str),
    optional("Description", Form::Str),
    optional("StartDate", Form::Str),
    optional("EndDate", Form::Str),
    optional("ScheduleExpressionTimezone", Form::Str),
    optional("GroupName", Form::Str),
    optional("KmsKeyArn", Form::Str),
    optional("Input", Form::Str),
    optional("RoleArn", Form::Str),
    optional("DeadLetterConfig", Form::Map),
    optional("RetryPolicy", Form::Map),
    literal("OmitName", Form::Bool),
];

pub(super) fn generate(
    event: &Event,
    target: &Target,
    state_machine: bool,
) -> Result<Vec<Resource>, Fault> {
    let mut schedule = schedule(event, target)?;
    let (queue_arn, queue) = dead_letter::queue(event, &target.attributes)?;
    let mut resources: Vec<Resource> = queue.into_iter().collect();
    let mut role_arn = event.at("RoleArn").clone();
    if !role_arn.truthy() {
        let role = role(event, target, state_machine, &queue_arn);
        role_arn = role.arn();
        resources.push(role);
    }
    let mut details = Dict::default();
    details.insert("Arn", target.arn.clone());
    details.insert("RoleArn", role_arn);
    details.insert_some("Input", event.at("Input"));
    if !event.at("DeadLetterConfig").is_null() {
        details.insert("DeadLetterConfig", dict! { "Arn" => queue_arn });
    }
    details.insert_some("RetryPolicy", event.at("RetryPolicy"));
    schedule.set("Target", details);
    resources.push(schedule);
    Ok(resources)
}

fn schedule(event: &Event, target: &Target) -> Result<Resource, Fault> {
    let mut schedule = Resource::new(&event.id, "AWS::Scheduler::Schedule", &target.attributes);
    for key in [
        "ScheduleExpression",
        "Description",
        "StartDate",
        "EndDate",
        "ScheduleExpressionTimezone",
        "GroupName",
        "KmsKeyArn",
    ] {
        schedule.set(key, event.at(key));
    }
    if event.at("State").truthy() {
        schedule.set("State", event.at("State"));
    }
    let name = event.at("Name");
    if event.at("OmitName").truthy() {
        if name.truthy() {
            return Err(Fault::event(&event.id.text, "Name cannot be set when OmitName is True"));
        }
    } else if name.truthy() {
        schedule.set("Name", name);
    } else {
        schedule.set("Name", &event.id);
    }
    let window = event.at("FlexibleTimeWindow");
    let default = dict! { "Mode" => "OFF" };
    schedule.set("FlexibleTimeWindow", if window.truthy() { window } else { &default });
    Ok(schedule)
}

fn role(event: &Event, target: &Target, state_machine: bool, queue_arn: &Node) -> Resource {
    let id = &event.id.text;
    let mut policies = vec![if state_machine {
        roles::start_execution(&target.arn, id)
    } else {
        roles::invoke_function(&target.arn, id)
    }];
    if queue_arn.truthy() {
        policies.push(roles::send_to_queue(queue_arn, id));
    }
    let boundary = event.at("PermissionsBoundary");
    let mut role = Resource::new(format!("{id}Role"), "AWS::IAM::Role", &target.attributes)
        .with("AssumeRolePolicyDocument", roles::assumed_by("scheduler.amazonaws.com"))
        .with("Policies", policies);
    if boundary.truthy() {
        role.set("PermissionsBoundary", boundary);
    }
    role
}
