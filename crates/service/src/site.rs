//! What a host name leads to.

use std::sync::Arc;

use cumulet_base::Body;
use http::{Request, Response};

use crate::{BoxFuture, Cx};

/// A data plane over plain HTTP: an API's stage, a distribution, a website, a function's URL.
pub trait Site: Send + Sync + 'static {
    /// Answers a request. The path is the site's own; what led to the site is cut off.
    fn serve<'a>(&'a self, cx: Cx, request: Request<Body>) -> BoxFuture<'a, Response<Body>>;
}

/// Finds sites by host name or path; each service that has sites registers one.
pub trait Sites: Send + Sync + 'static {
    /// The site at `host` (lower case, without port), or at the start of `path`, and how many bytes
    /// of the path led to it.
    fn find(&self, host: &str, path: &str) -> Option<(Arc<dyn Site>, usize)>;
}
