//! What stands between the socket and hyper's HTTP/1 parser.
//!
//! hyper is lenient where the RFC lets it be, loses bytes of some request targets (a signature
//! depends on each of them), and has one timeout for two things. So requests are framed here
//! first, strictly: hyper only ever sees heads that read one way.

mod buffer;
mod chunked;
mod flow;
mod framed;
mod head;
mod target;

pub(crate) use flow::{Exchange, Flow, Note};
pub(crate) use framed::{FrameLimits, Framed};
pub(crate) use head::Refusal;
pub use target::raw_target;
pub(crate) use target::{RawTarget, escape};
