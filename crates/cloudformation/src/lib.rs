//! CloudFormation: stacks of resources, made and changed as their templates say.
//!
//! An operation on a stack is checked and written down in `ops/`, and carried out by the durable
//! job in [`engine`]. What a template means is crate `template`'s to know; how a resource is made,
//! each service's, which registers its types.

mod asked;
mod begin;
mod capabilities;
mod change_set;
#[cfg(test)]
mod chaos;
mod context;
mod describe;
mod engine;
mod error;
mod model;
mod ops;
mod page;
mod preview;
mod request;
mod responses;
mod source;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use cumulet_api_cloudformation::ops::{
    CancelUpdateStack, CreateChangeSet, CreateStack, DeleteChangeSet, DeleteStack,
    DescribeChangeSet, DescribeStackEvents, DescribeStackResource, DescribeStackResources,
    DescribeStacks, ExecuteChangeSet, GetTemplate, GetTemplateSummary, ListChangeSets, ListExports,
    ListImports, ListStackResources, ListStacks, UpdateStack, UpdateTerminationProtection,
    ValidateTemplate,
};
use cumulet_service::{Cloud, Error, Resource, Service, operations};
use cumulet_shape::{Faults, OperationMeta, ServiceMeta};

pub use responses::Responses;

/// The service. It keeps nothing but what lies in the store.
#[derive(Debug, Clone, Copy)]
pub struct CloudFormation;

impl Service for CloudFormation {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_cloudformation::SERVICE
    }

    fn invalid(&self, _: &'static OperationMeta, faults: &Faults) -> Error {
        error::Error::Validation(faults.to_string()).into()
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        types::all()
    }

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        engine::register(cloud);
    }

    operations![
        CancelUpdateStack,
        CreateChangeSet,
        CreateStack,
        DeleteChangeSet,
        DeleteStack,
        DescribeChangeSet,
        DescribeStackEvents,
        DescribeStackResource,
        DescribeStackResources,
        DescribeStacks,
        ExecuteChangeSet,
        GetTemplate,
        GetTemplateSummary,
        ListChangeSets,
        ListExports,
        ListImports,
        ListStackResources,
        ListStacks,
        UpdateStack,
        UpdateTerminationProtection,
        ValidateTemplate
    ];
}
