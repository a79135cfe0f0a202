//! What a host name leads to.

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
