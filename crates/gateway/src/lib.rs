//! The path of a request, from its head to its answer.
//!
//! `route → who signed it → a body that checks itself as it is read → decode and validate →
//! authorize → handle → encode`. Data planes ([`Sites`]) and the administration's pages leave the
//! path early.

mod control;
mod cors;
mod refuse;
mod verify;

use std::sync::Arc;

use cumulet_auth::sigv4::KeyCache;
use cumulet_base::Body;
use cumulet_net::{Address, Handler, Peer};
use cumulet_service::{BoxFuture, Cloud, Cx, Principal, RequestInfo, Sites};
use cumulet_wire::Router;
use http::header::{HOST, HeaderMap, REFERER, USER_AGENT};
use http::{Request, Response};

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

    async fn respond(&self, peer: Peer, request: Request<Body>) -> Response<Body> {
        let info = self.request_info(&peer, &request);
        if let Some((site, cut)) = self.site(&request) {
            return self.visit(site.as_ref(), cut, info, request).await;
        }
        self.control(info, request).await
    }

    /// The site that the request's host or path leads to.
    fn site(&self, request: &Request<Body>) -> Option<(Arc<dyn cumulet_service::Site>, usize)> {
        let host = authority(request).map(|host| bare_host(&host));
        let host = host.as_deref().unwrap_or_default();
        self.sites.iter().find_map(|sites| sites.find(host, request.uri().path()))
    }

    async fn visit(
        &self,
        site: &dyn cumulet_service::Site,
        cut: usize,
        info: RequestInfo,
        mut request: Request<Body>,
    ) -> Response<Body> {
        if cut > 0 {
            let uri = request.uri();
            let path = uri.path().get(cut..).unwrap_or_default();
            let slash = if path.starts_with('/') { "" } else { "/" };
            let query = uri.query().map(|q| format!("?{q}")).unwrap_or_default();
            match format!("{slash}{path}{query}").parse() {
                Ok(uri) => *request.uri_mut() = uri,
                Err(_) => return refuse::plain(400, "The path is not a path.\n"),
            }
        }
        let parts = self.cloud.parts();
        let (account, region) = (parts.account.clone(), parts.region.clone());
        let principal = Arc::new(Principal::Anonymous);
        let cx = Cx::new(Arc::clone(&self.cloud), principal, account, region, Arc::new(info));
        site.serve(cx, request).await
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

impl Handler for Gateway {
    fn handle(&self, peer: Peer, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(self.respond(peer, request))
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
