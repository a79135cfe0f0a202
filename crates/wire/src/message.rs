//! A request as the codecs see it.

use bytes::Bytes;
use cumulet_base::Body;
use cumulet_shape::ReadError;
use http::{HeaderMap, Method};

use crate::Form;

/// Head and body of one request. The target is raw: as the client sent it.
#[derive(Debug)]
pub struct Message<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path below the service, still percent-encoded.
    pub path: &'a str,
    /// What follows the question mark, still percent-encoded.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The labels of the operation's path, decoded: see [`crate::Routed`].
    pub labels: Vec<(&'static str, String)>,
    /// The body, where the operation takes it whole.
    pub body: Bytes,
    /// The body, where it streams.
    pub stream: Option<Body>,
    /// The query protocol's parameters, where the router had to read them already.
    pub form: Option<Form>,
}

impl Message<'_> {
    /// The query protocol's parameters: those of the target and those of the body.
    pub(crate) fn form(&mut self) -> Result<&Form, ReadError> {
        if self.form.is_none() {
            self.form = Some(Form::parse(self.query, &self.body)?);
        }
        self.form.as_ref().ok_or(ReadError::Syntax)
    }
}
