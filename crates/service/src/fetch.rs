//! The door of HTTP: from a service to other sites of this cloud, and out into the world.

use std::fmt;

use cumulet_base::Body;
use http::{Request, Response};

use crate::{BoxFuture, Cx};

/// Leads requests to where their URLs say: crate `gateway` implements it.
pub trait Fetch: Send + Sync + 'static {
    /// Answers a request whose `uri()` is absolute. A host of this cloud's own is visited within
    /// this process, as `cx`; any other leaves, where the policy on destinations lets it.
    fn fetch(
        &self,
        cx: Cx,
        request: Request<Body>,
    ) -> BoxFuture<'_, Result<Response<Body>, FetchError>>;
}

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The host cannot be resolved, connected to or trusted, requests may not go there, or it
    /// speaks no HTTP. The text is for the log: it may name addresses.
    Unreachable(String),
    /// There was no answer in time.
    TimedOut(String),
    /// The request has passed through this many sites of this cloud: they lead to each other.
    Loop(u8),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::TimedOut(why) => f.write_str(why),
            Self::Loop(hops) => write!(f, "{hops} sites deep: do they lead to each other?"),
        }
    }
}

impl std::error::Error for FetchError {}
