//! The outgoing client: HTTP/1.1 over plain text and TLS, to where a policy allows.
//!
//! It follows no redirect, knows no proxy and stores no cookie: what a request says is what is
//! sent, once.

mod dial;
mod pool;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use cumulet_base::{Body, BodyError};
use futures_util::Stream;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, Version};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::time::{Duration, Instant, Sleep, sleep_until, timeout_at};

use crate::body::from_hyper;
use crate::destination::DestinationPolicy;
use crate::tls::CertificateError;
use dial::Dialer;
use pool::{Connection, Pool};

/// The bounds of outgoing requests.
#[derive(Debug, Clone)]
pub struct ClientLimits {
    /// To resolve a name, connect, and shake hands.
    pub connect: Duration,
    /// From the request's first byte to the end of the answer's head.
    pub head: Duration,
    /// From the call to the last byte of the answer.
    pub total: Duration,
    /// How long a connection is kept for the next request.
    pub idle: Duration,
    /// Connections that are kept, over all hosts.
    pub pooled: usize,
    /// Bytes of an answer's head.
    pub response_head: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            head: Duration::from_secs(30),
            total: Duration::from_secs(300),
            idle: Duration::from_secs(20),
            pooled: 64,
            response_head: 64 << 10,
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum FetchError {
    /// The request's address is not an absolute `http` or `https` one, or its host is malformed
    /// (or has user information before it). Here is the host alone: the rest may be a secret.
    Address(String),
    /// The host has no address.
    Resolve(String, io::Error),
    /// The policy does not allow the address that the host has.
    Refused(String, SocketAddr),
    /// No connection could be opened.
    Connect(SocketAddr, io::Error),
    /// The TLS handshake failed, perhaps because the certificate is not to be trusted.
    Tls(String, io::Error),
    /// It took longer than the named limit: `connect`, `head` or `total`.
    TimedOut(&'static str),
    /// The connection broke, or the answer is not HTTP.
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(host) => write!(
                f,
                "the address (host {host:?}) is not an absolute http or https one without user \
                 information"
            ),
            Self::Resolve(host, error) => write!(f, "cannot resolve {host}: {error}"),
            Self::Refused(host, addr) => {
                write!(f, "{host} is at {addr}, where requests may not go")
            }
            Self::Connect(addr, error) => write!(f, "cannot connect to {addr}: {error}"),
            Self::Tls(host, error) => write!(f, "no secure connection to {host}: {error}"),
            Self::TimedOut(what) => write!(f, "no answer in time (limit: {what})"),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
        }
    }
}

impl std::error::Error for FetchError {}

/// Sends requests. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    limits: ClientLimits,
    dialer: Arc<Dialer>,
    pool: Arc<Pool>,
}

impl Client {
    /// A client that trusts the certificate authorities of this machine, read when the first
    /// https request is sent, and those in `extra_roots` (PEM, any number in each).
    pub fn new(limits: ClientLimits, extra_roots: &[&str]) -> Result<Self, CertificateError> {
        let mut roots = Vec::new();
        for pem in extra_roots {
            for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.push(root.map_err(|_| CertificateError::Pem)?);
            }
        }
        let pool = Arc::new(Pool::new(limits.pooled, limits.idle));
        let dialer = Arc::new(Dialer::new(roots, limits.response_head));
        Ok(Self { limits, dialer, pool })
    }

    /// Sends a request to the absolute address in its `uri()`. The answer's body is read from the
    /// connection as its reader asks, who also bounds its size (`Body::collect`).
    pub async fn fetch(
        &self,
        request: Request<Body>,
        policy: &dyn DestinationPolicy,
    ) -> Result<Response<Body>, FetchError> {
        let end = Instant::now() + self.limits.total;
        let (origin, mut request) = prepare(request)?;
        while let Some(connection) = self.pool.take(&origin, policy) {
            match self.exchange(connection, request, end).await {
                Ok(response) => return Ok(response),
                // The server closed it while it was idle: nothing was sent.
                Err((FetchError::Broken(_), Some(unsent))) => request = *unsent,
                Err((error, _)) => return Err(error),
            }
        }
        let by = end.min(Instant::now() + self.limits.connect);
        let connection = timeout_at(by, self.dialer.dial(origin, policy, by))
            .await
            .map_err(|_| FetchError::TimedOut("connect"))??;
        self.exchange(connection, request, end).await.map_err(|(error, _)| error)
    }

    /// Sends a request over one connection. An error carries the request where none of it left.
    async fn exchange(
        &self,
        mut connection: Connection,
        request: Request<Body>,
        end: Instant,
    ) -> Result<Response<Body>, (FetchError, Option<Box<Request<Body>>>)> {
        let by = end.min(Instant::now() + self.limits.head);
        let sending = async {
            connection.sender.ready().await?;
            Ok(())
        };
        let ready: Result<(), hyper::Error> =
            timeout_at(by, sending).await.map_err(|_| (FetchError::TimedOut("head"), None))?;
        if let Err(error) = ready {
            return Err((FetchError::Broken(error.into()), Some(Box::new(request))));
        }
        let response = timeout_at(by, connection.sender.try_send_request(request))
            .await
            .map_err(|_| (FetchError::TimedOut("head"), None))?
            .map_err(|mut error| {
                let unsent = error.take_message().map(Box::new);
                (FetchError::Broken(error.into_error().into()), unsent)
            })?;
        let (parts, incoming) = response.into_parts();
        let body = from_hyper(incoming);
        if body.is_empty() {
            self.pool.put(connection);
            return Ok(Response::from_parts(parts, body));
        }
        let length = body.len();
        let bounded = Bounded {
            body,
            lease: Some((connection, Arc::clone(&self.pool))),
            end: Box::pin(sleep_until(end)),
        };
        Ok(Response::from_parts(parts, Body::stream(bounded, length)))
    }
}

/// Where requests go that can share connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) https: bool,
    /// In lower case, IPv6 addresses without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Splits a request into where it goes and what is sent there.
fn prepare(request: Request<Body>) -> Result<(Origin, Request<Body>), FetchError> {
    let (mut parts, body) = request.into_parts();
    let malformed = || FetchError::Address(parts.uri.host().unwrap_or_default().to_owned());
    let https = match parts.uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(malformed()),
    };
    let authority = parts.uri.authority().ok_or_else(malformed)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(malformed());
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
    let origin = Origin { https, host, port };
    let sent_host = HeaderValue::from_str(authority.as_str()).map_err(|_| malformed())?;
    let target = match parts.uri.path_and_query().map_or("/", |target| target.as_str()) {
        query if query.starts_with('?') => format!("/{query}"),
        target => target.to_owned(),
    };
    let target = target.parse::<Uri>().map_err(|_| malformed())?;
    parts.uri = target;
    parts.version = Version::HTTP_11;
    remove_hop_headers(&mut parts.headers);
    // Both follow from the body, and must not contradict it.
    parts.headers.remove(CONTENT_LENGTH);
    match parts.headers.get_all(HOST).iter().count() {
        1 => {}
        _ => drop(parts.headers.insert(HOST, sent_host)),
    }
    Ok((origin, Request::from_parts(parts, body)))
}

/// What concerns one connection and not the message (RFC 9110 section 7.6.1).
fn remove_hop_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let fixed = [
        CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
    ];
    for name in named.into_iter().chain(fixed) {
        headers.remove(name);
    }
}

/// An answer's body, until the request's time is over. Gives its connection back at its end.
struct Bounded {
    body: Body,
    lease: Option<(Connection, Arc<Pool>)>,
    end: Pin<Box<Sleep>>,
}

impl Stream for Bounded {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.end.as_mut().poll(cx).is_ready() {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the answer took too long");
            self.lease = None;
            return Poll::Ready(Some(Err(BodyError::Broken(late.into()))));
        }
        let frame = http_body::Body::poll_frame(Pin::new(&mut self.body), cx);
        frame.map(|frame| match frame {
            Some(Ok(frame)) => frame.into_data().ok().map(Ok),
            Some(Err(error)) => {
                self.lease = None;
                Some(Err(error))
            }
            None => {
                if let Some((connection, pool)) = self.lease.take() {
                    pool.put(connection);
                }
                None
            }
        })
    }
}
