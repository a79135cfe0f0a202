//! What host names and paths lead to: sites of this cloud, and the world outside.

use std::sync::Arc;

use cumulet_base::Body;
use cumulet_net::{Client, DestinationPolicy, FetchError as NetError};
use cumulet_service::{BoxFuture, Cx, Fetch, FetchError, RequestInfo, Site, Sites};
use http::header::{HOST, HeaderValue, REFERER, USER_AGENT};
use http::uri::{PathAndQuery, Uri};
use http::{Request, Response};

use crate::{bare_host, refuse, text};

/// A site, and how many bytes of the path led to it.
pub(crate) type Found = (Arc<dyn Site>, usize);

/// The site at `host` (lower case, without port) or at the start of `path`.
pub(crate) fn find(sites: &[Arc<dyn Sites>], host: &str, path: &str) -> Option<Found> {
    sites.iter().find_map(|sites| sites.find(host, path))
}

/// Hands a request to a site, without what of its path led there.
pub(crate) async fn visit(
    cx: Cx,
    (site, cut): Found,
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
    site.serve(cx, request).await
}

/// The way of services to sites: within this process where they are this cloud's own.
pub struct Web {
    sites: Vec<Arc<dyn Sites>>,
    client: Client,
    policy: Arc<dyn DestinationPolicy>,
}

impl Web {
    /// A way to `sites`, asked in order, and by `client` to where `policy` allows.
    pub fn new(
        sites: Vec<Arc<dyn Sites>>,
        client: Client,
        policy: Arc<dyn DestinationPolicy>,
    ) -> Self {
        Self { sites, client, policy }
    }

    async fn go(&self, cx: Cx, request: Request<Body>) -> Result<Response<Body>, FetchError> {
        let host = request.uri().authority().map(|authority| bare_host(authority.as_str()));
        let host = host.unwrap_or_default();
        match find(&self.sites, &host, request.uri().path()) {
            Some(found) => within(cx, found, request).await,
            None => {
                self.client.fetch(request, self.policy.as_ref()).await.map_err(|why| said(&why))
            }
        }
    }
}

/// Visits a site of this cloud. It sees a request as from a neighbour on the network: the path
/// alone as its target, the host in the header, no address of a client but in what the sender's
/// headers say.
async fn within(
    cx: Cx,
    found: Found,
    mut request: Request<Body>,
) -> Result<Response<Body>, FetchError> {
    let malformed = || FetchError::Unreachable("the URL cannot be sent".to_owned());
    let uri = request.uri().clone();
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let slash = if target.starts_with('/') { "" } else { "/" };
    *request.uri_mut() = format!("{slash}{target}").parse::<Uri>().map_err(|_| malformed())?;
    if !request.headers().contains_key(HOST) {
        let host = HeaderValue::from_str(authority).map_err(|_| malformed())?;
        request.headers_mut().insert(HOST, host);
    }
    let header = |name| text(request.headers(), name).map(str::to_owned);
    let scheme = uri.scheme_str().unwrap_or("http");
    let before = cx.request();
    let info = RequestInfo {
        id: before.id.clone(),
        received: cx.now(),
        source_ip: None,
        secure: scheme == "https",
        tls_version: None,
        signed: None,
        user_agent: header(USER_AGENT),
        referer: header(REFERER),
        endpoint: format!("{scheme}://{authority}"),
    };
    let parts = cx.cloud().parts();
    let (account, region) = (parts.account.clone(), parts.region.clone());
    let cx = cx.with_request(info).in_account(account).in_region(region);
    Ok(visit(cx, found, request).await)
}

fn said(why: &NetError) -> FetchError {
    match why {
        NetError::TimedOut(_) => FetchError::TimedOut(why.to_string()),
        other => FetchError::Unreachable(other.to_string()),
    }
}

impl Fetch for Web {
    fn fetch(
        &self,
        cx: Cx,
        request: Request<Body>,
    ) -> BoxFuture<'_, Result<Response<Body>, FetchError>> {
        Box::pin(self.go(cx, request))
    }
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}
