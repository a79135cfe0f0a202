//! What a service implements.

use std::sync::Arc;

use cumulet_base::Arn;
use cumulet_shape::{Faults, Operation, OperationMeta, ServiceMeta};
use cumulet_store::Key;

use http::HeaderMap;

use crate::{
    Access, BoxFuture, Cloud, CrossOrigin, Cx, Endpoint, Error, Resource, Result, Telemetry,
};

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

    /// The headers by which a browser lets a page of another origin see an answer of this service.
    /// An error refuses a preflight; to the answer of any other request it adds nothing.
    fn cors<'a>(
        &'a self,
        _cx: &'a Cx,
        asked: &'a CrossOrigin<'a>,
    ) -> BoxFuture<'a, Result<HeaderMap>> {
        Box::pin(async { Ok(asked.open()) })
    }

    /// How a stack makes this service's resources.
    fn resources(&self) -> Vec<&'static dyn Resource> {
        Vec::new()
    }

    /// The part of the store that every commit touches which adds to what reading `arn` gives,
    /// where that is a stream of this service. Who reads it to its end waits for that
    /// ([`Cx::watch`]) instead of asking again and again.
    fn feed(&self, _arn: &Arn) -> Option<Key> {
        None
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
