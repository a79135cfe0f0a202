//! An operation whose types are no longer known: how the gateway and the one door hold it.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use cumulet_shape::{AnyShape, Faults, Operation, OperationMeta, Reader, Schema, Shape, validate};

use crate::{Access, BoxFuture, Cx, Error, Handle, Result, Service};

/// An operation of a service, ready to take input.
pub trait Endpoint: Send + Sync {
    /// The operation.
    fn meta(&self) -> &'static OperationMeta;
    /// Reads and validates input from the wire.
    fn decode(&self, r: &mut dyn Reader) -> Result<Box<dyn Call>>;
    /// Validates input from a neighbour; it must be the operation's `Input`.
    fn accept(&self, input: Box<dyn Any + Send>) -> Result<Box<dyn Call>>;
}

/// A valid input, waiting to be run.
pub trait Call: Send {
    /// Every leave that it needs, but for what it asks of [`Cx::allows`] while it runs.
    fn access<'a>(&'a self, cx: &'a Cx) -> BoxFuture<'a, Result<Vec<Access>>>;
    /// Authorizes and handles it.
    fn run(self: Box<Self>, cx: Cx) -> BoxFuture<'static, Result<Box<dyn AnyShape>>>;
}

/// Operation `O` of service `S`.
pub struct Slot<S, O> {
    service: Arc<S>,
    operation: PhantomData<fn() -> O>,
}

impl<S, O> Slot<S, O>
where
    S: Service + Handle<O>,
    O: Operation,
{
    /// The operation, boxed for the registry.
    pub fn boxed(service: &Arc<S>) -> Box<dyn Endpoint> {
        Box::new(Self { service: Arc::clone(service), operation: PhantomData })
    }

    fn ready(&self, input: O::Input, mut faults: Faults) -> Result<Box<dyn Call>> {
        validate(&input, &mut faults);
        if !faults.is_empty() {
            return Err(self.service.invalid(O::META, &faults));
        }
        let service = Arc::clone(&self.service);
        Ok(Box::new(Ready::<S, O> { service, input }))
    }
}

impl<S, O> Endpoint for Slot<S, O>
where
    S: Service + Handle<O>,
    O: Operation,
{
    fn meta(&self) -> &'static OperationMeta {
        O::META
    }

    fn decode(&self, r: &mut dyn Reader) -> Result<Box<dyn Call>> {
        let mut faults = Faults::default();
        let schema = Schema::of::<O::Input>();
        let input =
            O::Input::read(schema, r, &mut faults).map_err(|why| Error::unreadable(&why))?;
        self.ready(input, faults)
    }

    fn accept(&self, input: Box<dyn Any + Send>) -> Result<Box<dyn Call>> {
        let input = input.downcast::<O::Input>();
        let input = input.map_err(|_| Error::internal("an input of another type"))?;
        self.ready(*input, Faults::default())
    }
}

struct Ready<S, O: Operation> {
    service: Arc<S>,
    input: O::Input,
}

impl<S, O> Call for Ready<S, O>
where
    S: Service + Handle<O>,
    O: Operation,
{
    fn access<'a>(&'a self, cx: &'a Cx) -> BoxFuture<'a, Result<Vec<Access>>> {
        Box::pin(Handle::<O>::access(self.service.as_ref(), cx, &self.input))
    }

    fn run(self: Box<Self>, cx: Cx) -> BoxFuture<'static, Result<Box<dyn AnyShape>>> {
        Box::pin(async move {
            let Self { service, input } = *self;
            for access in Handle::<O>::access(service.as_ref(), &cx, &input).await? {
                cx.authorize(&access).await?;
            }
            let output = Handle::<O>::handle(service.as_ref(), &cx, input).await?;
            Ok(Box::new(output) as Box<dyn AnyShape>)
        })
    }
}
