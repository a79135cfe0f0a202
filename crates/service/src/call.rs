//! All operations of all services.

use std::collections::HashMap;
use std::sync::Arc;

use cumulet_shape::{Operation, ServiceMeta};

use crate::{Call, Endpoint, Error, Resource, Result, Service};

/// Finds services, operations and resource types by name.
pub struct Registry {
    services: Vec<Arc<dyn Service>>,
    /// By service name, then operation name.
    endpoints: HashMap<&'static str, HashMap<&'static str, Box<dyn Endpoint>>>,
    resources: HashMap<&'static str, &'static dyn Resource>,
}

impl Registry {
    pub(crate) fn new(services: Vec<Arc<dyn Service>>) -> Self {
        let mut endpoints: HashMap<_, HashMap<_, _>> = HashMap::new();
        let mut resources = HashMap::new();
        for service in &services {
            for endpoint in Arc::clone(service).endpoints() {
                let operations = endpoints.entry(service.meta().name).or_default();
                operations.insert(endpoint.meta().name, endpoint);
            }
            resources.extend(service.resources().into_iter().map(|r| (r.type_name(), r)));
        }
        Self { services, endpoints, resources }
    }

    /// Every service.
    pub fn services(&self) -> &[Arc<dyn Service>] {
        &self.services
    }

    /// The operation called `name` of `service`; 501 by name where the model has it and this cloud
    /// does not.
    pub fn endpoint(&self, service: &'static ServiceMeta, name: &str) -> Result<&dyn Endpoint> {
        let operations = self.endpoints.get(service.name);
        if let Some(endpoint) = operations.and_then(|operations| operations.get(name)) {
            return Ok(endpoint.as_ref());
        }
        match service.routes.iter().find(|route| route.name == name) {
            Some(route) => Err(Error::not_implemented(service.name, route.name)),
            None => Err(Error::unknown_operation("")),
        }
    }

    /// A neighbour's input, validated and ready to run.
    pub fn accept<O: Operation>(&self, input: O::Input) -> Result<Box<dyn Call>> {
        self.endpoint(O::META.service, O::META.name)?.accept(Box::new(input))
    }

    /// The resource type called `name`, such as `AWS::DynamoDB::Table`.
    pub fn resource(&self, name: &str) -> Option<&'static dyn Resource> {
        self.resources.get(name).copied()
    }
}
