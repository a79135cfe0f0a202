//! What a host name leads to.

use std::borrow::Cow;
use std::sync::Arc;

use cumulet_base::Body;
use http::{Request, Response};

use crate::{BoxFuture, Cx};

/// A data plane over plain HTTP: an API's stage, a distribution, a website, a function's URL.
pub trait Site: Send + Sync + 'static {
    /// Answers a request. The path is the site's own; what led to the site is cut off.
    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>>;

    /// For which service requests to this site may be signed (`execute-api`). Where one is, the
    /// context is for who signed it; a signature that is wrong leaves it for nobody, with a
    /// [`Distrust`] among the request's extensions. `None`: signatures mean nothing here.
    fn signing_name(&self) -> Option<&'static str> {
        None
    }
}

/// Why a request to a site is not believed to be from whom its signature names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distrust {
    /// The error's code, as JSON protocols spell it: `InvalidSignatureException`.
    pub error: Cow<'static, str>,
    /// What a person reads.
    pub message: String,
}

/// Finds sites by host name or path; each service that has sites registers one.
pub trait Sites: Send + Sync + 'static {
    /// The site at `host` (lower case, without port), or at the start of `path`, and how many bytes
    /// of the path led to it.
    fn find(&self, host: &str, path: &str) -> Option<(Arc<dyn Site>, usize)>;
}
