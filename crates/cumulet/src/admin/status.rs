//! `GET /_cumulet/status`: the cloud at a glance: its stacks, what they say of themselves, its
//! functions.

use std::collections::BTreeMap;

use cumulet_service::{Cx, Result};
use serde::{Deserialize, Serialize};

use super::sites::{self, Site};
use super::stacks::{self, FUNCTION};
use crate::ports::Ports;

/// The cloud at a glance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) url: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) version: String,
    /// Seconds since it started.
    pub(crate) uptime: u64,
    /// The rung of isolation that functions run on, and what it means.
    pub(crate) isolation: String,
    pub(crate) stacks: Vec<Stack>,
    /// Sites with a port of their own.
    pub(crate) sites: Vec<Site>,
    /// Functions that no stack made, and those of stacks.
    pub(crate) functions: Vec<Function>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stack {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    /// When it last changed, RFC 3339.
    pub(crate) changed: String,
    pub(crate) outputs: Vec<Output>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) description: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) runtime: Option<String>,
    pub(crate) state: Option<String>,
    /// The stack that made it, and its logical id there.
    pub(crate) stack: Option<String>,
    pub(crate) logical_id: Option<String>,
}

/// What the administration knows by itself.
pub(super) struct Glance<'a> {
    pub(super) url: &'a str,
    pub(super) isolation: String,
    pub(super) uptime: u64,
}

pub(super) async fn get(cx: &Cx, glance: Glance<'_>, ports: &Ports) -> Result<Status> {
    let mut made_by = BTreeMap::new();
    let mut found = Vec::new();
    for stack in stacks::stacks(cx, None).await? {
        for resource in stacks::resources(cx, &stack.stack_name).await? {
            if let (FUNCTION, Some(physical)) =
                (resource.resource_type.as_str(), resource.physical_resource_id)
            {
                made_by.insert(physical, (stack.stack_name.clone(), resource.logical_resource_id));
            }
        }
        let outputs = stack.outputs.unwrap_or_default().into_iter().map(|output| Output {
            key: output.output_key.unwrap_or_default(),
            value: output.output_value.unwrap_or_default(),
            description: output.description,
        });
        found.push(Stack {
            name: stack.stack_name,
            status: stack.stack_status.as_str().to_owned(),
            reason: stack.stack_status_reason,
            changed: stack.last_updated_time.unwrap_or(stack.creation_time).iso8601(false),
            outputs: outputs.collect(),
        });
    }
    let functions = stacks::functions(cx).await?.into_iter().map(|function| {
        let name = function.function_name.unwrap_or_default();
        let (stack, logical_id) = made_by.remove(&name).unzip();
        Function {
            runtime: function.runtime.map(|runtime| runtime.as_str().to_owned()),
            state: function.state.map(|state| state.as_str().to_owned()),
            name,
            stack,
            logical_id,
        }
    });
    Ok(Status {
        url: glance.url.to_owned(),
        region: cx.region().as_str().to_owned(),
        account: cx.account().as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime: glance.uptime,
        isolation: glance.isolation,
        stacks: found,
        sites: sites::get(ports),
        functions: functions.collect(),
    })
}
