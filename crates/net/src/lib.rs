//! Listeners, TLS, HTTP/1.1 and HTTP/2, and the outgoing client.
//!
//! The only crate that names hyper and rustls. The rest of the house sees a plain
//! `http::Request<Body>` become an `http::Response<Body>`. What a request's bytes may look like is
//! decided here, so that no other crate meets an ambiguous one:
//!
//! - `uri()` is a path and query of visible ASCII (or `*`); [`raw_target`] has the bytes as sent.
//! - There is exactly one `host` header, except in HTTP/1.0, where there may be none.
//! - The body ends where `content-length` or its last chunk says, else reading it fails.

mod body;
mod client;
mod connection;
mod destination;
mod http1;
mod listener;
mod local_ca;
mod service;
mod socket;
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use cumulet_base::Body;
use http::{Request, Response};

pub use client::{Client, ClientLimits, FetchError};
pub use destination::{AllowAll, DestinationPolicy, PublicOnly, is_public};
pub use http1::raw_target;
pub use listener::{BindError, Listener};
pub use local_ca::{CaError, LocalCa};
pub use tls::{Certificate, CertificateError, Certificates, NoCertificates};

/// What answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. The future is dropped where the client goes away before it is done.
    fn handle(
        &self,
        peer: Peer,
        request: Request<Body>,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send + '_>>;
}

/// Who sent a request, and over what.
#[derive(Debug, Clone)]
pub struct Peer {
    /// The client's end of the connection.
    pub addr: Address,
    /// This server's end of it.
    pub local: Address,
    /// What the TLS handshake said; `None` over plain text.
    pub tls: Option<Arc<TlsInfo>>,
}

impl Peer {
    /// Whether the client is on this machine: a loopback address or a Unix socket.
    pub fn is_loopback(&self) -> bool {
        match self.addr {
            Address::Tcp(addr) => addr.ip().to_canonical().is_loopback(),
            Address::Unix => true,
        }
    }
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a Unix socket, whose clients have no address.
    Unix,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) => addr.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

/// What a TLS handshake said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsInfo {
    /// The host that the client asked for, in lower case; absent for addresses.
    pub sni: Option<String>,
    /// `h2` or `http/1.1`, where the client offered a choice.
    pub alpn: Option<String>,
    /// `1.2` or `1.3`.
    pub version: Option<&'static str>,
}
