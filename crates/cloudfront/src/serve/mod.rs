//! The data plane: from a viewer's request to its answer.

mod fill;
mod flight;
mod headers;
mod origin;
mod page;
mod policy;
mod site;
mod view;

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::{Body, Ids};
use cumulet_service::Cx;
use cumulet_store::{Store, StoreError, View};
use http::header::{AGE, HeaderMap, HeaderName, HeaderValue, VIA};
use http::{Method, Request, Response, StatusCode};

use crate::cache::answer::answer;
use crate::cache::freshness::Ttl;
use crate::cache::key::{Names, select_query};
use crate::cache::store::{Cache, Object};
use crate::config::rules::{Behaviour, Distribution, ViewerProtocol};
use flight::{Flights, Join, Landed};
use headers::Viewer;
use origin::{Ask, Fault};
pub use site::Distributions;
pub(crate) use site::follow;
use view::Compiled;

/// "Maximum length of a URL": bytes of path and query.
const MOST_URL: usize = 8192;
/// What `X-Amz-Cf-Pop` says: this cloud is one place.
const POP: &str = "LOCAL1-C1";
const ID_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The data plane of all distributions.
pub(crate) struct Cdn {
    view: View<Compiled>,
    cache: Cache,
    flights: Flights,
}

/// How an answer was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Hit,
    Miss,
    /// The origin said that what is kept has not changed.
    Refresh,
}

/// One request, with all that is known of it.
#[derive(Clone, Copy)]
struct Visit<'a> {
    cx: &'a Cx,
    distribution: &'a Distribution,
    behaviour: &'a Behaviour,
    viewer: Viewer<'a>,
}

type Answered = (Response<Body>, Source);

impl Cdn {
    /// The data plane of what the store holds.
    pub(crate) async fn open(store: &Store) -> Result<Arc<Self>, StoreError> {
        let view = view::open(store).await?;
        Ok(Arc::new(Self { view, cache: Cache::default(), flights: Flights::default() }))
    }

    /// Answers a request to the distribution at `host`.
    pub(crate) async fn serve(
        &self,
        cx: &Cx,
        host: &str,
        request: Request<Body>,
    ) -> Response<Body> {
        let compiled = match self.view.get().await {
            Ok(compiled) => compiled,
            Err(error) => {
                tracing::error!(%error, "the distributions cannot be read");
                return page::error(503, "The distribution cannot be looked up now.");
            }
        };
        let Some(distribution) = compiled.find(host).filter(|found| found.enabled) else {
            let words = "There is no distribution at this host, or it is disabled.";
            return page::error(403, words);
        };
        let id = request_id(cx.ids());
        let (parts, body) = request.into_parts();
        let sent = parts.uri.path();
        // "The default root object" stands for the root alone, never for a folder.
        let root = format!("/{}", distribution.root);
        let path = if sent == "/" || sent.is_empty() { root.as_str() } else { sent };
        let viewer = Viewer {
            method: &parts.method,
            path,
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            secure: cx.request().secure,
            ip: cx.request().source_ip,
            id: &id,
        };
        let behaviour = distribution.behaviour(path);
        let visit = Visit { cx, distribution, behaviour, viewer };
        let mut response = match refusal(&visit, sent, &body) {
            Some(refusal) => refusal,
            None => self.answer(visit, body).await,
        };
        finish(&visit, &mut response);
        response
    }

    /// The answer of a behaviour, or the page that stands for its error.
    async fn answer(&self, visit: Visit<'_>, body: Body) -> Response<Body> {
        let (mut response, source) = self.behave(visit, body).await;
        let status = response.status();
        if let Some(rule) = visit.distribution.errors.get(&status.as_u16())
            && let Some((page, code)) = &rule.page
            && let Some(replaced) = self.error_page(visit, page, *code).await
        {
            response = replaced;
        }
        let cache = match source {
            _ if status.as_u16() >= 400 => "Error from cloudfront",
            Source::Hit => "Hit from cloudfront",
            Source::Miss => "Miss from cloudfront",
            Source::Refresh => "RefreshHit from cloudfront",
        };
        let name = HeaderName::from_static("x-cache");
        response.headers_mut().insert(name, HeaderValue::from_static(cache));
        response
    }

    /// The page that is answered with status `code`, from the behaviour that its path has; `None`
    /// where it cannot be had ("If CloudFront can't get the custom error page").
    async fn error_page(&self, visit: Visit<'_>, page: &str, code: u16) -> Option<Response<Body>> {
        let mut asked = visit.viewer.headers.clone();
        headers::forget_copy(&mut asked);
        let method = Method::GET;
        let viewer =
            Viewer { method: &method, path: page, query: "", headers: &asked, ..visit.viewer };
        let behaviour = visit.distribution.behaviour(page);
        let visited = Visit { behaviour, viewer, ..visit };
        let (mut response, _) = self.behave(visited, Body::empty()).await;
        if response.status() != StatusCode::OK {
            return None;
        }
        *response.status_mut() = StatusCode::from_u16(code).ok()?;
        if *visit.viewer.method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Some(response)
    }

    async fn behave(&self, visit: Visit<'_>, body: Body) -> Answered {
        match visit.behaviour.ttl {
            Some(ttl) if matches!(*visit.viewer.method, Method::GET | Method::HEAD) => {
                self.cached(visit, ttl).await
            }
            _ => (direct(&visit, body).await, Source::Miss),
        }
    }

    /// An answer from the cache, or one that fills it.
    async fn cached(&self, visit: Visit<'_>, ttl: Ttl) -> Answered {
        let Visit { cx, distribution, behaviour, viewer } = visit;
        let Viewer { path, query, .. } = viewer;
        let key = behaviour.key.key(&distribution.id, path, query, viewer.headers);
        let until = tokio::time::Instant::now() + cx.limits().cdn_wait;
        loop {
            let mut kept = self.kept(&visit, &key);
            if let Some(object) = &kept
                && object.is_fresh(cx.now())
            {
                return (show(&visit, object, Source::Hit), Source::Hit);
            }
            // A HEAD's answer has nothing to keep.
            if *viewer.method == Method::HEAD {
                return (direct(&visit, Body::empty()).await, Source::Miss);
            }
            let receiver = match self.flights.join(&key) {
                Join::Wait(receiver) => receiver,
                Join::Lead(lead) => {
                    // Another's fetch may have landed since the look at the cache.
                    kept = self.kept(&visit, &key);
                    if let Some(object) = &kept
                        && object.is_fresh(cx.now())
                    {
                        lead.land(Landed::Object(Arc::clone(object)));
                        return (show(&visit, object, Source::Hit), Source::Hit);
                    }
                    // Boxed, as every way to an origin: a hit must not make room for one.
                    return Box::pin(self.fill(&visit, &key, ttl, lead, kept)).await;
                }
            };
            match tokio::time::timeout_at(until, flight::wait(receiver)).await {
                Ok(Some(Landed::Object(object))) if distribution.holds(&object) => {
                    return (show(&visit, &object, Source::Hit), Source::Hit);
                }
                // It was asked for before an invalidation that this viewer comes after; or whoever
                // fetched it went away. One of those who waited takes his place.
                Ok(Some(Landed::Object(_)) | None) => {}
                Ok(Some(Landed::Unshared | Landed::NotYet)) | Err(_) => {
                    return (direct(&visit, Body::empty()).await, Source::Miss);
                }
            }
        }
    }

    /// What is kept under a key and not invalidated.
    fn kept(&self, visit: &Visit<'_>, key: &[u8]) -> Option<Arc<Object>> {
        let object = self.cache.get(key)?;
        if visit.distribution.holds(&object) {
            return Some(object);
        }
        self.cache.remove(key);
        None
    }
}

/// The id of a request: 56 characters.
fn request_id(ids: &dyn Ids) -> String {
    let mut id = ids.text(54, ID_ALPHABET);
    id.push_str("==");
    id
}

/// What is answered without asking anybody.
fn refusal(visit: &Visit<'_>, sent: &str, body: &Body) -> Option<Response<Body>> {
    let Visit { cx, behaviour, viewer, .. } = visit;
    if sent.len() + viewer.query.len() >= MOST_URL {
        return Some(page::error(413, "The URL is longer than 8,192 bytes."));
    }
    if !behaviour.methods.contains(viewer.method) {
        let words = "This distribution is not configured to allow the HTTP request method that \
                     was used for this request.";
        return Some(page::error(403, words));
    }
    if matches!(*viewer.method, Method::GET | Method::HEAD) && !body.is_empty() {
        return Some(page::error(403, "A GET request has no body here."));
    }
    let endpoint = &cx.request().endpoint;
    if viewer.secure || is_own_port(endpoint) {
        return None;
    }
    match behaviour.viewer {
        ViewerProtocol::Allow => None,
        ViewerProtocol::Refuse => {
            Some(page::error(403, "This content is only available over HTTPS."))
        }
        ViewerProtocol::Redirect => {
            let host = endpoint.split_once("://").map_or("", |(_, host)| host);
            let mark = if viewer.query.is_empty() { "" } else { "?" };
            // Every port of this cloud speaks both, so the port stays.
            Some(page::redirect(&format!("https://{host}{sent}{mark}{}", viewer.query)))
        }
    }
}

/// Whether a viewer came to the distribution's own loopback port, by an address and not by a name.
///
/// Plain HTTP to loopback is as good as TLS there: nobody can listen in, browsers take it for a
/// secure context (W3C Secure Contexts section 3.1), and the local authority's certificates, which
/// TLS would show, are trusted only where its owner has said so. By a distribution's own name a
/// viewer is redirected as everywhere.
fn is_own_port(endpoint: &str) -> bool {
    let authority = endpoint.split_once("://").map_or("", |(_, authority)| authority);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An answer of the origin that is not kept.
async fn direct(visit: &Visit<'_>, body: Body) -> Response<Body> {
    let Visit { cx, distribution, behaviour, .. } = *visit;
    let asked = ask(visit, body, false);
    match Box::pin(origin::ask(cx, distribution, &behaviour.origin, asked)).await {
        Ok(mut response) => {
            headers::from_origin(visit.behaviour, response.headers_mut());
            response
        }
        Err(fault) => failed(visit, &fault),
    }
}

/// The request to the origin; `whole` where its answer is to be kept.
fn ask(visit: &Visit<'_>, body: Body, whole: bool) -> Ask {
    let Visit { distribution, behaviour, viewer, .. } = visit;
    let mut headers = headers::to_origin(distribution, behaviour, viewer, whole);
    if headers::keeps_host(behaviour)
        && let Some(host) = viewer.headers.get(http::header::HOST)
    {
        headers.insert(http::header::HOST, host.clone());
    }
    let query = match (&behaviour.key.query, &behaviour.forward.query) {
        (Names::All, _) | (_, Names::All) => viewer.query.to_owned(),
        (key, forward) => select_query(viewer.query, |name| key.has(name) || forward.has(name)),
    };
    Ask {
        method: viewer.method.clone(),
        path: viewer.path.to_owned(),
        query,
        headers,
        body,
        secure: viewer.secure,
    }
}

/// The page for an origin that gave no answer.
fn failed(visit: &Visit<'_>, fault: &Fault) -> Response<Body> {
    let domain = &visit.behaviour.origin.domain;
    match fault {
        Fault::Unreachable(why) => {
            tracing::warn!(domain, why, "an origin cannot be reached");
            page::error(502, "CloudFront wasn't able to connect to the origin.")
        }
        Fault::TimedOut(why) => {
            tracing::warn!(domain, why, "an origin did not answer in time");
            page::error(504, "The origin did not answer in time.")
        }
    }
}

/// What is kept, as an answer to this viewer.
fn show(visit: &Visit<'_>, object: &Object, source: Source) -> Response<Body> {
    let Viewer { method, headers: asked, .. } = visit.viewer;
    let head_only = *method == Method::HEAD;
    let (status, headers, body) = (object.status, &object.headers, &object.body);
    let mut response = answer(status, headers, body, asked, head_only);
    if source == Source::Hit {
        let age = object.age + visit.cx.now().since(object.stored).as_secs();
        response.headers_mut().insert(AGE, HeaderValue::from(age));
    }
    response
}

/// Adds what every answer has.
fn finish(visit: &Visit<'_>, response: &mut Response<Body>) {
    let Visit { distribution, behaviour, viewer, .. } = visit;
    let headers: &mut HeaderMap = response.headers_mut();
    if let Some(policy) = &behaviour.response {
        policy::apply(policy, viewer.headers, *viewer.method == Method::OPTIONS, headers);
    }
    headers.append(VIA, distribution.via.clone());
    let pop = HeaderValue::from_static(POP);
    headers.insert(HeaderName::from_static("x-amz-cf-pop"), pop);
    if let Ok(id) = HeaderValue::from_str(viewer.id) {
        headers.insert(HeaderName::from_static("x-amz-cf-id"), id);
    }
}

/// How long an answer of unknown length is read before it is passed on as it comes.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ports_are_reached_by_address() {
        for (endpoint, own) in [
            ("http://127.0.0.1:4600", true),
            ("http://localhost:4600", true),
            ("http://[::1]:4600", true),
            ("http://d1.cloudfront.localhost:4566", false),
            ("http://d1.cloudfront.net", false),
            ("http://192.0.2.1:4566", false),
            ("", false),
        ] {
            assert_eq!(is_own_port(endpoint), own, "{endpoint}");
        }
    }
}
