//! What stacks there are and what is in them, as the account's root sees them.

use cumulet_api_cloudformation::ops::{
    DescribeStacks, DescribeStacksInput, ListStackResources, ListStackResourcesInput,
};
use cumulet_api_cloudformation::types::{Stack, StackResourceSummary};
use cumulet_api_lambda::ops::{
    GetFunctionConfiguration, GetFunctionConfigurationRequest, ListFunctions, ListFunctionsRequest,
};
use cumulet_api_lambda::types::FunctionConfiguration;
use cumulet_service::{Cx, Result};

use super::answer::Problem;

/// Pages of a list that are read; a page has 50 to 100 entries.
const PAGES: usize = 100;

pub(super) const FUNCTION: &str = "AWS::Lambda::Function";

/// All stacks, or the one of this name.
pub(super) async fn stacks(cx: &Cx, name: Option<&str>) -> Result<Vec<Stack>> {
    let mut found = Vec::new();
    let mut next_token = None;
    for _ in 0..PAGES {
        let stack_name = name.map(str::to_owned);
        let page =
            cx.call::<DescribeStacks>(DescribeStacksInput { stack_name, next_token }).await?;
        found.extend(page.stacks.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The resources of a stack.
pub(super) async fn resources(cx: &Cx, stack: &str) -> Result<Vec<StackResourceSummary>> {
    let mut found = Vec::new();
    let mut next_token = None;
    for _ in 0..PAGES {
        let input = ListStackResourcesInput { stack_name: stack.to_owned(), next_token };
        let page = cx.call::<ListStackResources>(input).await?;
        found.extend(page.stack_resource_summaries.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    Ok(found)
}

/// All functions.
pub(super) async fn functions(cx: &Cx) -> Result<Vec<FunctionConfiguration>> {
    let mut found = Vec::new();
    let mut marker = None;
    for _ in 0..PAGES {
        let input = ListFunctionsRequest { marker, ..ListFunctionsRequest::default() };
        let page = cx.call::<ListFunctions>(input).await?;
        found.extend(page.functions.unwrap_or_default());
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The name of a function that is called by its own name or by its logical id in a stack.
pub(super) async fn function_called(
    cx: &Cx,
    name: &str,
    stack: Option<&str>,
) -> Result<String, Problem> {
    let input = GetFunctionConfigurationRequest {
        function_name: name.to_owned(),
        ..GetFunctionConfigurationRequest::default()
    };
    if stack.is_none() && cx.call::<GetFunctionConfiguration>(input).await.is_ok() {
        return Ok(name.to_owned());
    }
    let mut found = Vec::new();
    let mut there_are = Vec::new();
    for stack in stacks(cx, stack).await? {
        for resource in resources(cx, &stack.stack_name).await? {
            let Some(physical) = resource.physical_resource_id else { continue };
            if resource.resource_type != FUNCTION {
                continue;
            }
            if name == resource.logical_resource_id || name == physical {
                found.push((stack.stack_name.clone(), physical));
            } else {
                there_are.push(resource.logical_resource_id);
            }
        }
    }
    match found.as_slice() {
        [(_, physical)] => Ok(physical.clone()),
        [] => Err(Problem::wrong(format!(
            "there is no function {name}. {}",
            if there_are.is_empty() {
                "No stack has functions: is the application deployed?".to_owned()
            } else {
                there_are.sort_unstable();
                there_are.dedup();
                format!("The stacks have: {}", there_are.join(", "))
            }
        ))),
        several => {
            let stacks: Vec<&str> = several.iter().map(|(stack, _)| stack.as_str()).collect();
            Err(Problem::wrong(format!(
                "several stacks have a function {name}: choose one with --stack ({})",
                stacks.join(", ")
            )))
        }
    }
}
