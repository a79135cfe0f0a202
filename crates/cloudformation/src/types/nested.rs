//! AWS::CloudFormation::Stack: a stack as a resource of another. `Ref` gives its ARN, attributes
//! are `Outputs.<name>`.
//!
//! The outer stack waits until the inner one rests. What the outer one's owner has acknowledged
//! (capabilities) holds for the inner one too.

use std::time::Duration;

use cumulet_api_cloudformation::ops::{
    CreateStack, CreateStackInput, DeleteStack, DeleteStackInput, DescribeStacks,
    DescribeStacksInput, UpdateStack, UpdateStackInput,
};
use cumulet_api_cloudformation::types::{Capability, Parameter, Stack, Tag};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Made, Resource, Result};
use serde_json::{Map, Value};

/// How often the inner stack is looked at.
const PAUSE: Duration = Duration::from_millis(200);
/// Characters of a stack's name.
const MAX_NAME: usize = 128;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Nested;

impl Resource for Nested {
    fn type_name(&self) -> &'static str {
        "AWS::CloudFormation::Stack"
    }

    fn replaces(&self, _: &str) -> bool {
        false
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(update(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(delete(cx, physical_id))
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let asked = Asked::read(desired)?;
    let input = CreateStackInput {
        stack_name: shorten(desired.name),
        template_url: Some(asked.url),
        parameters: Some(asked.parameters),
        tags: Some(asked.tags),
        notification_ar_ns: asked.notified,
        timeout_in_minutes: asked.minutes,
        capabilities: Some(acknowledged()),
        ..CreateStackInput::default()
    };
    let id = match cx.make_once::<CreateStack>(input).await? {
        Made::Now(made) => made.stack_id.unwrap_or_default(),
        Made::Before(id) => id,
    };
    let stack = rested(cx, &id).await?;
    match stack.stack_status.as_str() {
        "CREATE_COMPLETE" => Ok(actual(stack)),
        _ => Err(failed(&stack, "created")),
    }
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let asked = Asked::read(changed.after)?;
    // An update that was begun before a crash may still be under way.
    rested(cx, changed.physical_id).await?;
    let input = UpdateStackInput {
        stack_name: changed.physical_id.to_owned(),
        template_url: Some(asked.url),
        parameters: Some(asked.parameters),
        tags: Some(asked.tags),
        notification_ar_ns: asked.notified,
        capabilities: Some(acknowledged()),
        ..UpdateStackInput::default()
    };
    let needless = match cx.call::<UpdateStack>(input).await {
        Err(error) if error.message.starts_with("No updates are to be performed") => true,
        done => done.map(|_| false)?,
    };
    let stack = rested(cx, changed.physical_id).await?;
    if needless || stack.stack_status.as_str() == "UPDATE_COMPLETE" {
        Ok(actual(stack))
    } else {
        Err(failed(&stack, "updated"))
    }
}

async fn delete(cx: &Cx, id: &str) -> Result<()> {
    if gone(&rested(cx, id).await) {
        return Ok(());
    }
    let input = DeleteStackInput { stack_name: id.to_owned(), ..DeleteStackInput::default() };
    cx.call::<DeleteStack>(input).await?;
    let stack = rested(cx, id).await;
    match stack {
        stack if gone(&stack) => Ok(()),
        stack => Err(failed(&stack?, "deleted")),
    }
}

fn gone(stack: &Result<Stack>) -> bool {
    match stack {
        Ok(stack) => stack.stack_status.as_str() == "DELETE_COMPLETE",
        Err(error) => error.message.ends_with("does not exist"),
    }
}

/// The stack once nothing is done to it.
async fn rested(cx: &Cx, id: &str) -> Result<Stack> {
    loop {
        let input = DescribeStacksInput { stack_name: Some(id.to_owned()), ..Default::default() };
        let stacks = cx.call::<DescribeStacks>(input).await?.stacks.unwrap_or_default();
        let stack = stacks.into_iter().next();
        let stack = stack.ok_or_else(|| Error::internal("an answer without a stack"))?;
        if !stack.stack_status.as_str().ends_with("_IN_PROGRESS") {
            return Ok(stack);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn failed(stack: &Stack, verb: &str) -> Error {
    let id = stack.stack_id.as_deref().unwrap_or_default();
    let why = stack.stack_status_reason.as_deref().unwrap_or_default();
    Error::validation(format!("Embedded stack {id} was not successfully {verb}: {why}"))
}

fn actual(stack: Stack) -> Actual {
    let outputs = stack.outputs.into_iter().flatten();
    let attributes = outputs.filter_map(|output| {
        let name = format!("Outputs.{}", output.output_key?);
        Some((name, Value::String(output.output_value?)))
    });
    Actual { attributes: attributes.collect(), physical_id: stack.stack_id.unwrap_or_default() }
}

fn acknowledged() -> Vec<Capability> {
    vec![
        Capability::CapabilityIam,
        Capability::CapabilityNamedIam,
        Capability::CapabilityAutoExpand,
    ]
}

/// A name that fits, with its random end.
fn shorten(name: &str) -> String {
    let Some(over) = name.len().checked_sub(MAX_NAME) else { return name.to_owned() };
    let (start, end) = name.rsplit_once('-').unwrap_or((name, ""));
    let kept = start.get(..start.len().saturating_sub(over)).unwrap_or_default();
    format!("{}-{end}", kept.trim_end_matches('-'))
}

/// The properties, read.
struct Asked {
    url: String,
    parameters: Vec<Parameter>,
    tags: Vec<Tag>,
    notified: Option<Vec<String>>,
    minutes: Option<i32>,
}

impl Asked {
    fn read(desired: Desired<'_>) -> Result<Self> {
        let mut tags: Vec<Tag> = desired
            .tags
            .iter()
            .map(|(key, value)| Tag { key: key.clone(), value: value.clone() })
            .collect();
        let mut read = Self {
            url: String::new(),
            parameters: Vec::new(),
            tags: Vec::new(),
            notified: None,
            minutes: None,
        };
        for (property, value) in desired.properties {
            let wrong = || Error::validation(format!("Stack: {property} cannot be {value}."));
            match property.as_str() {
                "TemplateURL" => value.as_str().ok_or_else(wrong)?.clone_into(&mut read.url),
                "Parameters" => read.parameters = parameters(value).ok_or_else(wrong)?,
                "TimeoutInMinutes" => {
                    let minutes = text(value).and_then(|text| text.parse().ok());
                    read.minutes = Some(minutes.ok_or_else(wrong)?);
                }
                "NotificationARNs" => {
                    let list = value.as_array().ok_or_else(wrong)?;
                    read.notified = Some(list.iter().filter_map(text).collect());
                }
                "Tags" => {
                    for tag in value.as_array().ok_or_else(wrong)? {
                        let part = |name: &str| tag.get(name).and_then(text).ok_or_else(wrong);
                        let (key, value) = (part("Key")?, part("Value")?);
                        tags.retain(|tag| tag.key != key);
                        tags.push(Tag { key, value });
                    }
                }
                other => {
                    let words = format!("Stack: the property {other} is not supported.");
                    return Err(Error::validation(words));
                }
            }
        }
        read.tags = tags;
        Ok(read)
    }
}

/// Lists are handed on as their items with commas between them.
fn parameters(value: &Value) -> Option<Vec<Parameter>> {
    let one = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>()?.join(","),
            value => text(value)?,
        };
        Some(Parameter {
            parameter_key: Some(key.clone()),
            parameter_value: Some(value),
            ..Parameter::default()
        })
    };
    let map: &Map<String, Value> = value.as_object()?;
    map.iter().map(one).collect()
}

/// Templates have numbers and truths where texts are wanted.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
