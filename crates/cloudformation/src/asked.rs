//! Condition keys of what a request says of a stack ("Actions, resources, and condition keys for
//! AWS CloudFormation").

use cumulet_api_cloudformation::types::{ResourceToImport, Tag};
use cumulet_service::Access;

/// What requests that make or change a stack have in common.
pub(crate) struct Keys<'a> {
    pub(crate) template_url: Option<&'a str>,
    pub(crate) stack_policy_url: Option<&'a str>,
    pub(crate) resource_types: Option<&'a [String]>,
    pub(crate) tags: Option<&'a [Tag]>,
}

impl Keys<'_> {
    /// The leave that the stack needs, first of `needed`, with the condition keys of this.
    pub(crate) fn of(&self, mut needed: Vec<Access>) -> Vec<Access> {
        if let Some(first) = needed.first_mut() {
            *first = self.on(first.clone());
        }
        needed
    }

    fn on(&self, access: Access) -> Access {
        let access = access
            .with_some("cloudformation:TemplateUrl", self.template_url)
            .with_some("cloudformation:StackPolicyUrl", self.stack_policy_url);
        let access = match self.resource_types {
            Some(types) => access.with("cloudformation:ResourceTypes", types.to_vec()),
            None => access,
        };
        let tags = self.tags.unwrap_or_default().iter();
        access.tagging(tags.map(|tag| (tag.key.clone(), tag.value.clone())))
    }
}

/// With the types of resources that are to be taken into the stack.
pub(crate) fn importing(access: Access, resources: &[ResourceToImport]) -> Access {
    if resources.is_empty() {
        return access;
    }
    let types = resources.iter().map(|one| one.resource_type.clone()).collect();
    access.with("cloudformation:ImportResourceTypes", types)
}

/// With the name of the change set that is meant; of an ARN only the name.
pub(crate) fn change_set(access: Access, named: &str) -> Access {
    let name = match named.split_once(":changeSet/") {
        Some((_, rest)) => rest.split('/').next().unwrap_or(rest),
        None => named,
    };
    access.with("cloudformation:ChangeSetName", vec![name.to_owned()])
}
