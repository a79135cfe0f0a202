//! Resource types of this service's own.

mod custom;
mod nested;
mod nothing;

use cumulet_service::{Cx, Resource};

/// The resource types.
pub(crate) fn all() -> Vec<&'static dyn Resource> {
    vec![
        &custom::Custom,
        &nested::Nested,
        &nothing::Nothing("AWS::CDK::Metadata"),
        // Of use with a wait condition only, which there is none of; templates that must have a
        // resource and want none have it instead.
        &nothing::Nothing("AWS::CloudFormation::WaitConditionHandle"),
    ]
}

/// The resource type of this name.
pub(crate) fn find(cx: &Cx, name: &str) -> Option<&'static dyn Resource> {
    if name.starts_with("Custom::") {
        return Some(&custom::Custom);
    }
    cx.cloud().registry().resource(name)
}
