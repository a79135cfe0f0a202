//! AWS's wire formats: the one crate that knows them. Pure, no I/O.
//!
//! [`Router`] finds the operation that a request's head names; [`read`] gives the reader of its
//! input in the operation's protocol; [`answer`] and [`failure`] spell what came of it.

pub mod json;

mod answer;
mod bucket_host;
mod failure;
mod message;
mod query;
mod rest;
mod route;
mod text;
mod time;
mod xml;

pub use answer::{answer, request_id};
pub use bucket_host::bucket_of_host;
pub use failure::{Failure, failure};
pub use message::Message;
pub use query::Form;
pub use route::{Routed, Router, Unroutable};
pub use time::http_date;

use cumulet_shape::{Protocol, ReadError, Reader};

/// The reader of an operation's input. `depth`: how deep the message may be nested.
pub fn read<'a>(
    protocol: Protocol,
    message: &'a mut Message<'_>,
    depth: usize,
) -> Result<Box<dyn Reader + 'a>, ReadError> {
    Ok(match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            // Clients send `{}`; the specification allows an empty body for an empty input.
            let body: &[u8] = if message.body.is_empty() { b"{}" } else { &message.body };
            Box::new(json::JsonReader::whole(body, depth)?)
        }
        Protocol::Query => Box::new(query::QueryReader::new(message.form()?, depth)),
        Protocol::RestJson | Protocol::RestXml => {
            Box::new(rest::RestReader::new(protocol, message, depth)?)
        }
        Protocol::RpcV2Cbor => return Err(ReadError::Syntax),
    })
}
