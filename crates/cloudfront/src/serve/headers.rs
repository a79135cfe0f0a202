//! Which headers go to the origin, and which of its answer's come back.
//!
//! "HTTP request headers and CloudFront behavior" and "How CloudFront processes responses",
//! developer guide.

use std::net::IpAddr;

use http::Method;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap,
    HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT, VARY, VIA,
};

use crate::cache::key::{Names, cookie_header};
use crate::config::rules::{Behaviour, Distribution};

/// What a viewer asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) secure: bool,
    pub(crate) ip: Option<IpAddr>,
    /// `X-Amz-Cf-Id`.
    pub(crate) id: &'a str,
}

/// What concerns a connection, or is CloudFront's own to say: never passed on as it came.
const NEVER: [&str; 24] = [
    "accept-encoding",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-cache",
    "x-edge-location",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-real-ip",
    "authorization",
];

/// What is about the request's body or its conditions: passed on whatever the policies say.
const ALWAYS: [&str; 17] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-md5",
    "content-type",
    "date",
    "from",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "range",
    "warning",
];

/// What a behaviour without policies takes away too.
const LEGACY_REMOVED: [&str; 5] =
    ["accept", "accept-charset", "accept-language", "origin", "referer"];

/// What a fetch that fills the cache must not have: it is about one viewer's copy.
const VIEWERS_COPY: [&str; 6] =
    ["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"];

/// The headers of a request to the origin, without `Host`. `whole`: the answer is to be kept, so it
/// is asked for as a whole.
pub(crate) fn to_origin(
    distribution: &Distribution,
    behaviour: &Behaviour,
    viewer: &Viewer<'_>,
    whole: bool,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(viewer.headers.len() + 8);
    for (name, value) in viewer.headers {
        if goes_on(behaviour, viewer.method, name) && !(whole && is_one_of(&VIEWERS_COPY, name)) {
            headers.append(name, value.clone());
        }
    }
    let named = |name: &HeaderName| is_named(behaviour, name);
    let user_agent = viewer.headers.get(USER_AGENT).filter(|_| named(&USER_AGENT));
    let own = HeaderValue::from_static("Amazon CloudFront");
    headers.insert(USER_AGENT, user_agent.cloned().unwrap_or(own));
    let key = &behaviour.key;
    if let Some(encodings) = key.encodings(viewer.headers) {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encodings));
    } else if !key.gzip
        && !key.brotli
        && named(&ACCEPT_ENCODING)
        && let Some(sent) = viewer.headers.get(ACCEPT_ENCODING)
    {
        headers.insert(ACCEPT_ENCODING, sent.clone());
    }
    let cookie = |name: &str| key.cookies.has(name) || behaviour.forward.cookies.has(name);
    if let Some(cookies) = cookie_header(viewer.headers, cookie) {
        headers.insert(COOKIE, cookies);
    }
    for via in viewer.headers.get_all(VIA) {
        headers.append(VIA, via.clone());
    }
    headers.append(VIA, distribution.via.clone());
    forwarded(&mut headers, behaviour, viewer);
    for (name, value) in &behaviour.origin.headers {
        headers.insert(name, value.clone());
    }
    headers
}

/// Adds what tells the origin of the viewer.
fn forwarded(headers: &mut HeaderMap, behaviour: &Behaviour, viewer: &Viewer<'_>) {
    let mut put = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    let before = viewer.headers.get_all("x-forwarded-for").iter();
    let mut passed: Vec<String> =
        before.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
    passed.extend(viewer.ip.map(|ip| ip.to_string()));
    if !passed.is_empty() {
        put(HeaderName::from_static("x-forwarded-for"), &passed.join(", "));
    }
    put(HeaderName::from_static("x-amz-cf-id"), viewer.id);
    for name in behaviour.forward.added.iter().chain(&behaviour.key.headers) {
        match name.as_str() {
            "cloudfront-forwarded-proto" => {
                put(name.clone(), if viewer.secure { "https" } else { "http" });
            }
            "cloudfront-viewer-address" => {
                // The port is not known here; AWS shows the viewer's.
                if let Some(ip) = viewer.ip {
                    put(name.clone(), &format!("{ip}:0"));
                }
            }
            _ => {}
        }
    }
}

fn is_one_of(names: &[&str], name: &HeaderName) -> bool {
    names.contains(&name.as_str())
}

/// Whether a policy names a header.
fn is_named(behaviour: &Behaviour, name: &HeaderName) -> bool {
    behaviour.key.headers.contains(name) || behaviour.forward.headers.has(name.as_str())
}

/// Whether a viewer's header goes on to the origin.
fn goes_on(behaviour: &Behaviour, method: &Method, name: &HeaderName) -> bool {
    if *name == AUTHORIZATION {
        // A list of exceptions that does not name it means it too ("Configure CloudFront to forward
        // the Authorization header").
        let reads = matches!(*method, Method::GET | Method::HEAD);
        return is_named(behaviour, name) || !reads;
    }
    // What CloudFront itself says with these names must not be forged.
    if is_one_of(&NEVER, name) || name.as_str().starts_with("cloudfront-") {
        return false;
    }
    is_named(behaviour, name)
        || is_one_of(&ALWAYS, name)
        || (behaviour.forward.legacy && !is_one_of(&LEGACY_REMOVED, name))
}

/// Whether the origin sees the viewer's `Host` and not its own.
pub(crate) fn keeps_host(behaviour: &Behaviour) -> bool {
    is_named(behaviour, &HOST)
}

/// Takes away what of an origin's answer is not for viewers, or not for the cache.
pub(crate) fn from_origin(behaviour: &Behaviour, headers: &mut HeaderMap) {
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
        EXPECT,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("x-cache"),
        HeaderName::from_static("x-amz-cf-id"),
        HeaderName::from_static("x-amz-cf-pop"),
    ];
    for name in named.into_iter().chain(fixed) {
        // What a length says is said again with the body.
        if name != CONTENT_LENGTH {
            headers.remove(name);
        }
    }
    let cookies = behaviour.key.cookies != Names::None || behaviour.forward.cookies != Names::None;
    vary(behaviour, cookies, headers);
    // What everybody gets must not hand one viewer's session to another.
    if behaviour.ttl.is_some() && !cookies {
        headers.remove(http::header::SET_COOKIE);
    }
}

/// `Vary` keeps what the cache looks at, and nothing else.
fn vary(behaviour: &Behaviour, cookies: bool, headers: &mut HeaderMap) {
    let kept: Vec<String> = headers
        .get_all(VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| {
            let parsed = name.parse::<HeaderName>().ok();
            name.eq_ignore_ascii_case("accept-encoding")
                || (cookies && name.eq_ignore_ascii_case("cookie"))
                || *name == "*"
                || parsed.is_some_and(|name| is_named(behaviour, &name))
        })
        .map(str::to_owned)
        .collect();
    headers.remove(VARY);
    if let Ok(value) = HeaderValue::from_str(&kept.join(", "))
        && !kept.is_empty()
    {
        headers.insert(VARY, value);
    }
}

/// Takes away what is about the viewer's own copy of what he asked for.
pub(crate) fn forget_copy(headers: &mut HeaderMap) {
    for name in VIEWERS_COPY {
        headers.remove(name);
    }
}

/// Whether the viewer asks for a part, which the origin is to cut out.
pub(crate) fn asks_for_part(headers: &HeaderMap) -> bool {
    headers.contains_key(RANGE)
}
