//! The leave that operations on mappings need.
//!
//! "Actions, resources, and condition keys for AWS Lambda": CreateEventSourceMapping and
//! ListEventSourceMappings name no resource, the others the mapping; all but the list have
//! `lambda:FunctionArn`.

use cumulet_service::{Access, Cx, Result};

use super::{MappingName, MappingRecord};
use crate::name::FunctionName;

const FUNCTION: &str = "lambda:FunctionArn";

/// Leave for `action` on a mapping, if it is there, with what it says of its function and itself.
pub(crate) async fn on_mapping(
    cx: &Cx,
    action: &'static str,
    name: &MappingName,
) -> Result<Access> {
    let access = Access::on(cx, action, name.arn());
    let access = Access { owner: name.account.clone(), ..access };
    let record: Option<MappingRecord> = name.find(&cx.store().snapshot()).await?;
    Ok(match record {
        Some(record) => with_function(access, &record.function_name(name)).tagged(record.tags),
        None => access,
    })
}

/// With the function that a mapping is for, or is to be for.
pub(crate) fn with_function(access: Access, function: &FunctionName) -> Access {
    access.with(FUNCTION, vec![function.named_arn().as_str().to_owned()])
}
