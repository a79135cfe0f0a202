//! What a wire type is: a schema, a way to be read and a way to be written.
//!
//! Every input, output, exception and nested structure of an AWS API is a plain Rust type that
//! implements [`Shape`], by the derive of the same name. The codecs of crate `wire` implement
//! [`Reader`] and [`Writer`]; neither side knows the other, and all calls go through `dyn`, so that
//! an operation more costs its data and not another copy of every codec.
//!
//! ```
//! use cumulet_shape::Shape;
//!
//! #[derive(Debug, Clone, Default, Shape)]
//! pub struct GetFunctionRequest {
//!     #[shape(wire = "FunctionName", at = "uri", required, min = 1, max = 170)]
//!     pub function_name: String,
//!     #[shape(wire = "Qualifier", at = "query", min = 1, max = 128)]
//!     pub qualifier: Option<String>,
//! }
//! ```

extern crate self as cumulet_shape;

mod fault;
mod operation;
mod read;
mod schema;
mod streaming;
mod types;
mod validate;
mod write;

pub use cumulet_shape_derive::Shape;
pub use fault::{Constraint, Fault, Faults};
pub use operation::{
    AuthKind, Exception, ExceptionMeta, Operation, OperationMeta, Protocol, Route, ServiceMeta,
};
pub use read::{EachEntry, EachItem, EachMember, ReadError, Reader, read_structure};
pub use schema::{Kind, Location, Member, Pattern, Rules, Schema, Structure, TimeFormat};
pub use streaming::Streaming;
pub use types::Timestamp;
pub use validate::{shown, validate};
pub use write::{Writer, write_member};

pub use bytes::Bytes;
pub use cumulet_base::Body;
/// Any JSON value: a user's own document.
pub use serde_json::Value as Document;

/// A type that travels over the wire.
pub trait Shape: Sized + Send + 'static {
    /// What kind of value this is.
    const KIND: Kind;

    /// Reads a value. What breaks a constraint but can be read goes into `faults`.
    fn read(schema: Schema, r: &mut dyn Reader, faults: &mut Faults) -> Result<Self, ReadError>;

    /// Writes this value.
    fn write(&self, schema: Schema, w: &mut dyn Writer);

    /// Whether there is a value to write; only `Option` may say no.
    fn is_present(&self) -> bool {
        true
    }

    /// Takes the streaming body out of an input or output that has one.
    fn take_stream(&mut self) -> Option<Body> {
        None
    }
}

/// A [`Shape`] whose type is no longer known: an operation's output on its way to the codec.
pub trait AnyShape: std::any::Any + Send {
    /// Writes the value as what it is.
    fn write_any(&self, w: &mut dyn Writer);
    /// What it is.
    fn kind(&self) -> Kind;
    /// See [`Shape::take_stream`].
    fn take_stream_any(&mut self) -> Option<Body>;
    /// For a downcast to the concrete type.
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send>;
}

impl<T: Shape> AnyShape for T {
    fn write_any(&self, w: &mut dyn Writer) {
        self.write(Schema::of::<T>(), w);
    }

    fn kind(&self) -> Kind {
        T::KIND
    }

    fn take_stream_any(&mut self) -> Option<Body> {
        self.take_stream()
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send> {
        self
    }
}

impl std::fmt::Debug for dyn AnyShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnyShape").finish_non_exhaustive()
    }
}
