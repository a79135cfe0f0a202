//! SSM Parameter Store: parameters with their versions, labels and secrets on the durable store.
//!
//! `ops/` has one file an operation; names, filters and the rules of values are pure. Of Systems
//! Manager's many other operations there is none.

mod answer;
mod error;
mod filter;
mod model;
mod name;
mod ops;
mod resources;
mod store;
mod tags;
mod value;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use cumulet_api_ssm::ops::{
    AddTagsToResource, DeleteParameter, DeleteParameters, DescribeParameters, GetParameter,
    GetParameterHistory, GetParameters, GetParametersByPath, LabelParameterVersion,
    ListTagsForResource, PutParameter, RemoveTagsFromResource, UnlabelParameterVersion,
};
use cumulet_service::{Resource, Service, operations};
use cumulet_shape::ServiceMeta;

/// The service.
#[derive(Debug)]
pub struct Ssm;

impl Service for Ssm {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_ssm::SERVICE
    }

    operations![
        AddTagsToResource,
        DeleteParameter,
        DeleteParameters,
        DescribeParameters,
        GetParameter,
        GetParameterHistory,
        GetParameters,
        GetParametersByPath,
        LabelParameterVersion,
        ListTagsForResource,
        PutParameter,
        RemoveTagsFromResource,
        UnlabelParameterVersion,
    ];

    fn resources(&self) -> Vec<&'static dyn Resource> {
        vec![&resources::Parameter]
    }
}
