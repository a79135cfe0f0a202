//! What a service implements.

use std::sync::Arc;

use cumulet_shape::{Faults, Operation, OperationMeta, ServiceMeta};

use crate::{Access, Cloud, Cx, Endpoint, Error, Resource, Result, Telemetry};

/// One operation of a service.
pub trait Handle<O: Operation>: Send + Sync + 'static {
    /// Every leave that this input needs. An operation that anyone may call returns none, and says
    /// why; one that answers per entry asks [`Cx::allows`] itself.
    fn access(&self, cx: &Cx, input: &O::Input)
    -> impl Future<Output = Result<Vec<Access>>> + Send;

    /// Does it. The input is valid and the principal may.
    fn handle(&self, cx: &Cx, input: O::Input) -> impl Future<Output = Result<O::Output>> + Send;
}

/// A service: its operations, its resources, its background work.
pub trait Service: Send + Sync + 'static {
    /// The service as its clients see it.
    fn meta(&self) -> &'static ServiceMeta;

    /// Its operations; [`crate::operations!`] writes this.
    fn endpoints(self: Arc<Self>) -> Vec<Box<dyn Endpoint>>;

    /// The error for an input that breaks constraints of the model.
    fn invalid(&self, _operation: &'static OperationMeta, faults: &Faults) -> Error {
        Error::faults(faults)
    }

    /// How a stack makes this service's resources.
    fn resources(&self) -> Vec<&'static dyn Resource> {
        Vec::new()
    }

    /// The sink of log lines, where this service is the one that keeps them.
    fn telemetry(self: Arc<Self>) -> Option<Arc<dyn Telemetry>> {
        None
    }

    /// Begins background work. Called once, when the cloud is complete.
    fn start(self: Arc<Self>, _cloud: &Arc<Cloud>) {}
}

/// Lists the operations of a service inside its `impl Service`:
/// `operations![CreateTable, PutItem];`
#[macro_export]
macro_rules! operations {
    ($($operation:ty),* $(,)?) => {
        fn endpoints(
            self: ::std::sync::Arc<Self>,
        ) -> ::std::vec::Vec<::std::boxed::Box<dyn $crate::Endpoint>> {
            ::std::vec![$($crate::Slot::<Self, $operation>::boxed(&self)),*]
        }
    };
}
