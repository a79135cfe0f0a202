//! A member that is the message's body as it comes.

use cumulet_base::Body;

use crate::{Faults, Kind, ReadError, Reader, Schema, Shape, Writer};

/// A body that streams in or out beside the other members.
#[derive(Debug, Default)]
pub struct Streaming(pub Body);

impl Shape for Streaming {
    const KIND: Kind = Kind::Stream;

    fn read(_: Schema, r: &mut dyn Reader, _: &mut Faults) -> Result<Self, ReadError> {
        r.stream().map(Self)
    }

    /// Nothing: the gateway takes the body out and sends it behind the head.
    fn write(&self, _: Schema, _: &mut dyn Writer) {}

    fn take_stream(&mut self) -> Option<Body> {
        Some(std::mem::take(&mut self.0))
    }
}
