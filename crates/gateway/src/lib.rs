//! The path of a request, from its head to its answer.
//!
//! `route → who signed it → a body that checks itself as it is read → decode and validate →
//! authorize → handle → encode`. Data planes ([`Sites`]) and the administration's pages leave the
//! path early.

mod control;
mod cors;
mod loopback;
mod refuse;
mod verify;
mod web;

use std::sync::Arc;

use cumulet_auth::sigv4::KeyCache;
use cumulet_base::Body;
use cumulet_net::{Address, Handler, Peer};
use cumulet_service::{BoxFuture, Cloud, Cx, Principal, RequestInfo, Sites};
use cumulet_wire::Router;
use http::header::{HOST, HeaderMap, HeaderValue, InvalidHeaderValue, REFERER, USER_AGENT};
use http::{Request, Response};

use crate::loopback::is_local_host;
pub use crate::loopback::is_loopback_host;
use crate::web::Found;
pub use crate::web::Web;

/// What is told to who comes to a loopback port by another name.
const FOREIGN: &str = "This port answers to 127.0.0.1, [::1], localhost, names below it and its \
                       site's own as the Host. A page elsewhere must not read what is on this \
                       machine (DNS rebinding).\n";
/// Signing keys that are kept ready; each takes about 200 bytes.
const SIGNING_KEYS: usize = 4096;

/// Answers every request to one cloud.
pub struct Gateway {
    cloud: Arc<Cloud>,
    router: Router,
    keys: KeyCache,
    sites: Vec<Arc<dyn Sites>>,
}

impl Gateway {
    /// A gateway to `cloud`. `sites` are asked in order.
    pub fn new(cloud: Arc<Cloud>, sites: Vec<Arc<dyn Sites>>) -> Self {
        let router = Router::new(cloud.registry().services().iter().map(|s| s.meta()).collect());
        Self { cloud, router, keys: KeyCache::new(SIGNING_KEYS), sites }
    }

    async fn visit(
        &self,
        found: Found,
        info: RequestInfo,
        request: Request<Body>,
    ) -> Response<Body> {
        // The signature covers the target as it was sent.
        let recognised = match found.0.signing_name() {
            Some(service) => self.recognise(service, request).await,
            None => Ok((Arc::new(Principal::Anonymous), request)),
        };
        let Ok((principal, request)) = recognised else {
            return refuse::plain(413, "The body is too long, or broke off.\n");
        };
        let parts = self.cloud.parts();
        let (account, region) = (parts.account.clone(), parts.region.clone());
        let cx = Cx::new(Arc::clone(&self.cloud), principal, account, region, Arc::new(info));
        web::visit(cx, found, request).await
    }

    fn request_info(&self, peer: &Peer, request: &Request<Body>) -> RequestInfo {
        let parts = self.cloud.parts();
        let header = |name| text(request.headers(), name).map(str::to_owned);
        let scheme = if peer.tls.is_some() { "https" } else { "http" };
        let host = authority(request).unwrap_or_default();
        RequestInfo {
            id: parts.ids.uuid(),
            received: parts.clock.now(),
            source_ip: match peer.addr {
                Address::Tcp(addr) => Some(addr.ip().to_canonical()),
                Address::Unix => None,
            },
            secure: peer.tls.is_some(),
            tls_version: peer.tls.as_ref().and_then(|tls| tls.version),
            signed: None,
            user_agent: header(USER_AGENT),
            referer: header(REFERER),
            endpoint: format!("{scheme}://{host}"),
        }
    }
}

/// The gateway as the loopback listener of one site has it: whichever of this machine's names a
/// request has for it, it is for that site, and nothing else is reached.
struct Pinned {
    gateway: Arc<Gateway>,
    host: String,
    value: HeaderValue,
    sites: Arc<dyn Sites>,
}

impl Gateway {
    /// What answers at a port that is the site's at `host` alone (lower case, without port), which
    /// `sites` finds. The site sees `host`; `RequestInfo::endpoint` says how the client spelled it.
    pub fn at(
        self: &Arc<Self>,
        host: &str,
        sites: Arc<dyn Sites>,
    ) -> Result<Arc<dyn Handler>, InvalidHeaderValue> {
        let (gateway, value) = (Arc::clone(self), HeaderValue::from_str(host)?);
        Ok(Arc::new(Pinned { gateway, host: host.to_owned(), value, sites }))
    }
}

impl Handler for Pinned {
    fn handle(&self, peer: Peer, mut request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let info = self.gateway.request_info(&peer, &request);
            let asked = authority(&request).unwrap_or_default();
            if !is_local_host(&asked) && bare_host(&asked) != self.host {
                return refuse::plain(421, FOREIGN);
            }
            request.headers_mut().insert(HOST, self.value.clone());
            let sites = std::slice::from_ref(&self.sites);
            match web::find(sites, &self.host, request.uri().path()) {
                Some(found) => self.gateway.visit(found, info, request).await,
                None => refuse::plain(404, "The site of this port is gone.\n"),
            }
        })
    }
}

impl Handler for Gateway {
    fn handle(&self, peer: Peer, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        let info = self.request_info(&peer, &request);
        let host = authority(&request).map(|host| bare_host(&host)).unwrap_or_default();
        match web::find(&self.sites, &host, request.uri().path()) {
            Some(found) => Box::pin(self.visit(found, info, request)),
            None => Box::pin(self.control(info, request)),
        }
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

fn text(headers: &HeaderMap, name: http::header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The host that the client asked for, with its port: HTTP/2's `:authority` or the Host header.
fn authority(request: &Request<Body>) -> Option<String> {
    let h2 = request.uri().authority().map(http::uri::Authority::as_str);
    h2.or_else(|| text(request.headers(), HOST)).map(str::to_owned)
}

/// A host in lower case and without port or final dot.
fn bare_host(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}
