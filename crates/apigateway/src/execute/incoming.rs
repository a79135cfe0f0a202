//! A request to an API, as events and logs tell of it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cumulet_base::{Body, Ids, Timestamp};
use cumulet_service::Cx;
use http::header::HOST;
use http::{HeaderMap, Request};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// "Payload size" of HTTP and REST APIs; and of answers, by Lambda's limit below it.
const MAX_BODY: usize = 10 << 20;

/// What is known of a request when its route is found.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) account: String,
    pub(crate) api: String,
    pub(crate) stage: String,
    pub(crate) method: String,
    /// As it was sent, with the stage's name where the URL has it.
    pub(crate) raw_path: String,
    /// Without the stage's name: what routes are matched with.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) domain: String,
    pub(crate) source_ip: String,
    pub(crate) protocol: &'static str,
    /// `$context.requestId`.
    pub(crate) request_id: String,
    /// `$context.extendedRequestId`, with HTTP APIs the same: 16 characters.
    pub(crate) extended_request_id: String,
    pub(crate) received: Timestamp,
    pub(crate) stage_variables: BTreeMap<String, String>,
}

/// Where a request arrives.
pub(crate) struct At<'a> {
    pub(crate) api: &'a str,
    pub(crate) stage: &'a str,
    /// As [`Incoming`] has them.
    pub(crate) path: String,
    pub(crate) raw_path: String,
    pub(crate) variables: BTreeMap<String, String>,
}

/// The request's body is longer than 10 MB, or broke off.
#[derive(Debug)]
pub(crate) struct Unreadable;

/// The request with its whole body.
pub(crate) async fn receive(
    cx: &Cx,
    at: At<'_>,
    request: Request<Body>,
) -> Result<Incoming, Unreadable> {
    let (parts, body) = request.into_parts();
    let authority = parts.uri.authority().map(ToString::to_string);
    let host = parts.headers.get(HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let host = authority.or(host).unwrap_or_default();
    let domain = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name.to_owned(),
        _ => host,
    };
    let body = body.collect(MAX_BODY).await.map_err(|_| Unreadable)?;
    let info = cx.request();
    let source_ip = info.source_ip.map_or_else(|| "127.0.0.1".to_owned(), |ip| ip.to_string());
    let id = extended_request_id(cx.ids());
    let mut incoming = Incoming {
        account: cx.account().as_str().to_owned(),
        api: at.api.to_owned(),
        stage: at.stage.to_owned(),
        method: parts.method.as_str().to_owned(),
        raw_path: at.raw_path,
        path: at.path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        domain,
        source_ip,
        protocol: if parts.version == http::Version::HTTP_2 { "HTTP/2.0" } else { "HTTP/1.1" },
        request_id: id.clone(),
        extended_request_id: id,
        received: info.received,
        stage_variables: at.variables,
    };
    incoming.forwarded(cx.ids(), info.secure);
    Ok(incoming)
}

/// The extended id of a new request.
fn extended_request_id(ids: &dyn Ids) -> String {
    let mut bytes = [0; 11];
    ids.fill(&mut bytes);
    STANDARD.encode(bytes)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Incoming {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// When it came, as the Common Log Format has it: `21/Nov/2026:00:00:00 +0000`.
    pub(crate) fn clf_time(&self) -> String {
        let (year, month, day, hour, minute, second, _) = self.received.civil();
        let month = MONTHS.get(usize::from(month).saturating_sub(1)).unwrap_or(&"Jan");
        format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
    }

    /// The query's names and values, decoded, in their order.
    pub(crate) fn query_pairs(&self) -> Vec<(String, String)> {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            })
            .collect()
    }

    /// A query parameter's first value.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// The body as events carry it, and whether that is base64.
    pub(crate) fn body(&self, binary: bool) -> (Value, bool) {
        if self.body.is_empty() {
            return (Value::Null, false);
        }
        match std::str::from_utf8(&self.body) {
            Ok(text) if !binary => (Value::String(text.to_owned()), false),
            _ => (Value::String(STANDARD.encode(&self.body)), true),
        }
    }

    /// Adds what API Gateway adds to a request's headers on its way to the integration.
    pub(crate) fn forwarded(&mut self, ids: &dyn Ids, secure: bool) {
        let add = |headers: &mut HeaderMap, name: &'static str, value: &str| {
            if let Ok(value) = http::HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        let passed = match self.header("x-forwarded-for") {
            Some(before) => format!("{before}, {}", self.source_ip),
            None => self.source_ip.clone(),
        };
        add(&mut self.headers, "x-forwarded-for", &passed);
        let (port, scheme) = if secure { ("443", "https") } else { ("80", "http") };
        add(&mut self.headers, "x-forwarded-port", port);
        add(&mut self.headers, "x-forwarded-proto", scheme);
        if !self.headers.contains_key("x-amzn-trace-id") {
            let root = ids.text(24, "0123456789abcdef");
            let root = format!("Root=1-{:08x}-{root}", self.received.secs());
            add(&mut self.headers, "x-amzn-trace-id", &root);
        }
    }
}

/// A map of texts, or null where there are none.
pub(crate) fn texts<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Value {
    let map: Map<String, Value> =
        pairs.into_iter().map(|(k, v)| (k.clone(), Value::String(v.clone()))).collect();
    if map.is_empty() { Value::Null } else { Value::Object(map) }
}
