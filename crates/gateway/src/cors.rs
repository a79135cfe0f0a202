//! Browsers: the question before a request of another origin, and what its answer lets a page see.

use std::sync::Arc;

use cumulet_base::Body;
use cumulet_service::{CrossOrigin, Cx, Principal, RequestInfo, Result};
use cumulet_shape::ServiceMeta;
use cumulet_wire::Routed;
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, ORIGIN,
};
use http::request::Parts;
use http::{Method, Response};

use crate::{Gateway, refuse, text};

/// Headers that one preflight may ask for.
const MAX_HEADERS: usize = 100;

/// The answer to a preflight that a service open to every origin would give.
fn open(parts: &Parts) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    if let Some(asked) = Asked::of(parts, &[]).filter(|asked| asked.headers.len() <= MAX_HEADERS) {
        *response.headers_mut() = asked.as_cross_origin().open();
    }
    response
}

/// A request of another origin, apart from the request itself.
pub(crate) struct Asked {
    origin: String,
    method: String,
    headers: Vec<String>,
    labels: Vec<(&'static str, String)>,
    preflight: bool,
}

/// Whether a browser asks what it may ask.
pub(crate) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(ORIGIN)
        && parts.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Asked {
    /// What a request asks with its `Origin`, if it has one.
    pub(crate) fn of(parts: &Parts, labels: &[(&'static str, String)]) -> Option<Self> {
        let origin = text(&parts.headers, ORIGIN)?.to_owned();
        let labels = labels.to_vec();
        let preflight = is_preflight(parts);
        let asked = text(&parts.headers, ACCESS_CONTROL_REQUEST_METHOD).filter(|_| preflight);
        let method = asked.unwrap_or(parts.method.as_str()).to_owned();
        let headers = text(&parts.headers, ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let names = headers.split(',').map(|name| name.trim().to_ascii_lowercase());
        let names = names.filter(|name| !name.is_empty()).take(MAX_HEADERS + 1).collect();
        Some(Self { origin, method, headers: names, labels, preflight })
    }
}

impl Asked {
    fn as_cross_origin(&self) -> CrossOrigin<'_> {
        let Self { origin, method, headers, labels, preflight } = self;
        CrossOrigin { origin, method, headers, labels, preflight: *preflight }
    }
}

impl Gateway {
    /// Answers the question before a request.
    pub(crate) async fn preflight(
        &self,
        parts: &Parts,
        scope: Option<&str>,
        info: RequestInfo,
    ) -> Response<Body> {
        let method = text(&parts.headers, ACCESS_CONTROL_REQUEST_METHOD);
        let Some(method) = method.and_then(|name| Method::from_bytes(name.as_bytes()).ok()) else {
            return refuse::plain(400, "Access-Control-Request-Method is no method.\n");
        };
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let routed = self.router.route(&method, path, query, &parts.headers, scope);
        // A preflight names its headers, not their values: that of a JSON service, whose operation
        // stands in `X-Amz-Target`, leads nowhere. They all answer every origin.
        let Ok(Routed::Operation { service, protocol, labels, .. }) = routed else {
            return open(parts);
        };
        let asked = Asked::of(parts, &labels).filter(|asked| asked.headers.len() <= MAX_HEADERS);
        let Some(asked) = asked else {
            return refuse::plain(400, "The preflight cannot be read.\n");
        };
        let info = Arc::new(info);
        match self.cors(service, &asked, &info).await {
            Ok(headers) => {
                let mut response = Response::new(Body::empty());
                *response.headers_mut() = headers;
                response
            }
            Err(error) => refuse::error(protocol, service, &info.id, path, &error),
        }
    }

    /// What `service` lets a page see.
    pub(crate) async fn cors(
        &self,
        service: &'static ServiceMeta,
        asked: &Asked,
        info: &Arc<RequestInfo>,
    ) -> Result<HeaderMap> {
        let mut services = self.cloud.registry().services().iter();
        let Some(found) = services.find(|found| found.meta().name == service.name) else {
            return Ok(HeaderMap::new());
        };
        let parts = self.cloud.parts();
        let cx = Cx::new(
            Arc::clone(&self.cloud),
            Arc::new(Principal::Anonymous),
            parts.account.clone(),
            parts.region.clone(),
            Arc::clone(info),
        );
        found.cors(&cx, &asked.as_cross_origin()).await
    }
}
