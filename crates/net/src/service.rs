//! One request: from hyper to the handler and back.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use cumulet_base::Body;
use futures_util::FutureExt as _;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;

use crate::body::{Answer, from_hyper};
use crate::http1::{Flow, Note, RawTarget, Refusal, escape};
use crate::{Handler, Peer};

/// What every request of one connection has in common.
pub(crate) struct Conversation {
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) peer: Peer,
    pub(crate) flow: Arc<Flow>,
}

impl Conversation {
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Infallible> {
        let (exchange, note) = self.flow.begin();
        let head_only = request.method() == Method::HEAD;
        let response = match admit(request, note) {
            Ok(request) => self.handle(request).await,
            Err(refusal) => refused(refusal),
        };
        let (parts, body) = finish(response, head_only).into_parts();
        Ok(Response::from_parts(parts, Answer::new(body, exchange)))
    }

    async fn handle(&self, request: Request<Body>) -> Response<Body> {
        // A defect in one request's code must not end the others of its connection.
        let call =
            AssertUnwindSafe(async { self.handler.handle(self.peer.clone(), request).await });
        call.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a handler panicked");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the server failed at this request")
        })
    }
}

/// The request as the house sees it: a path and query that are a URI's, one `host` header.
fn admit(request: Request<Incoming>, note: Option<Note>) -> Result<Request<Body>, Refusal> {
    let mut raw = match note {
        None => None,
        Some(Note::Target(raw)) => Some(raw),
        Some(Note::Refused(refusal)) => return Err(refusal),
    };
    let (mut parts, incoming) = request.into_parts();
    if parts.uri.authority().is_some() || parts.version == Version::HTTP_2 {
        let (host, uri) = split(&parts.uri)?;
        // RFC 9112 section 3.2.2: the target's host replaces the header. In HTTP/2 the header is
        // usually absent, and must not say something else (RFC 9113 section 8.3.1).
        if let Some(host) = host {
            let other = parts.headers.get(HOST).is_some_and(|sent| sent != host);
            if other && parts.version == Version::HTTP_2 {
                return Err(Refusal::bad(":authority and host differ"));
            }
            parts.headers.insert(HOST, host);
        } else if parts.headers.get_all(HOST).iter().count() != 1 {
            return Err(Refusal::bad("a request has exactly one host"));
        }
        parts.uri = uri;
    }
    if parts.version == Version::HTTP_2 {
        raw = escape_target(&mut parts.uri)?;
    }
    if let Some(raw) = raw {
        parts.extensions.insert(raw);
    }
    Ok(Request::from_parts(parts, from_hyper(incoming)))
}

/// The host of an absolute URI, and its path and query alone.
fn split(uri: &Uri) -> Result<(Option<HeaderValue>, Uri), Refusal> {
    let malformed = Refusal::bad("the request target is malformed");
    let host = uri.authority().map(|authority| {
        // RFC 9110 section 4.2.4: user information in a target is a sign of deception.
        let text = authority.as_str();
        if text.contains('@') {
            return Err(malformed);
        }
        HeaderValue::from_str(text).map_err(|_| malformed)
    });
    let target = match uri.path_and_query().map(PathAndQuery::as_str) {
        None | Some("") => Uri::from_static("/"),
        Some(query) if query.starts_with('?') => {
            format!("/{query}").parse().map_err(|_| malformed)?
        }
        Some(target) => target.parse().map_err(|_| malformed)?,
    };
    Ok((host.transpose()?, target))
}

fn escape_target(uri: &mut Uri) -> Result<Option<RawTarget>, Refusal> {
    let sent = uri.path_and_query().map(PathAndQuery::as_str).unwrap_or_default();
    let Some(escaped) = escape(sent.as_bytes()) else { return Ok(None) };
    let raw = RawTarget(Bytes::copy_from_slice(sent.as_bytes()));
    *uri = Uri::from_maybe_shared(Bytes::from(escaped))
        .map_err(|_| Refusal::bad("the request target is malformed"))?;
    Ok(Some(raw))
}

/// Leaves to hyper what is hyper's to say: how the body is framed, when the connection closes.
fn finish(mut response: Response<Body>, head_only: bool) -> Response<Body> {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    let length = response.body().len();
    let headers = response.headers_mut();
    if headers
        .get(CONNECTION)
        .is_some_and(|option| !option.as_bytes().eq_ignore_ascii_case(b"close"))
    {
        headers.remove(CONNECTION);
    }
    headers.remove(KEEP_ALIVE);
    headers.remove(TRANSFER_ENCODING);
    if head_only {
        if let Some(length) = length.filter(|length| *length > 0) {
            headers.entry(CONTENT_LENGTH).or_insert_with(|| length.into());
        }
        *response.body_mut() = Body::empty();
    } else if length.is_some() {
        headers.remove(CONTENT_LENGTH);
    }
    response
}

fn refused(refusal: Refusal) -> Response<Body> {
    tracing::debug!(status = refusal.status.as_u16(), "refused a request: {}", refusal.why);
    let mut response = text(refusal.status, refusal.why);
    // Whoever sends such requests is not to be trusted with where the next one begins.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn text(status: StatusCode, why: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{why}\n")));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
