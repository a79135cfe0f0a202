//! What a host name leads to.

use std::borrow::Cow;
use std::sync::Arc;

use cumulet_base::Body;
use cumulet_store::{Key, Snapshot};
use http::{Request, Response};

use crate::{BoxFuture, Cx, Result};

/// The domain of sites on this machine: names below it are loopback's (RFC 6761 section 6.3).
pub const LOCAL_DOMAIN: &str = "localhost";

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

    /// The prefixes of keys whose commits may change what [`Sites::hosts`] says.
    fn listed_under(&self) -> Vec<Key> {
        Vec::new()
    }

    /// The host of each site that has one, `most` at most: one name a site, below
    /// [`LOCAL_DOMAIN`], by which [`Sites::find`] finds it.
    fn hosts<'a>(
        &'a self,
        _read: &'a Snapshot,
        _most: usize,
    ) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}
