//! Asking an origin: a bucket by its operations, anything else over HTTP.

use std::time::Duration;

use cumulet_api_s3::ops::{GetObject, GetObjectRequest, HeadObject, HeadObjectRequest};
use cumulet_base::Body;
use cumulet_service::{CrossOrigin, Cx, Error, FetchError, Origin as Raised, Principal};
use cumulet_shape::{Operation as _, Protocol};
use cumulet_wire::{Failure, http_date};
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, HeaderMap, HeaderName,
    HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, ORIGIN, RANGE,
};
use http::{Method, Request, Response, Uri};
use percent_encoding::percent_decode_str;

use crate::config::rules::{Distribution, Origin, OriginKind, Scheme};

/// The name by which buckets' policies know CloudFront.
const PRINCIPAL: &str = "cloudfront.amazonaws.com";

/// A request to an origin.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    /// With the viewer's `Host`, where that goes on.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    /// Whether the viewer came over TLS.
    pub(crate) secure: bool,
}

/// Why an origin gave no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It cannot be reached, or speaks no HTTP: 502.
    Unreachable(String),
    /// It took too long: 504.
    TimedOut(String),
}

/// Asks an origin.
pub(crate) async fn ask(
    cx: &Cx,
    distribution: &Distribution,
    origin: &Origin,
    ask: Ask,
) -> Result<Response<Body>, Fault> {
    match &origin.kind {
        OriginKind::Bucket { name, signed } => {
            let principal = if *signed { principal(distribution) } else { Principal::Anonymous };
            let account = distribution.account.clone();
            let cx = cx.acting_as(principal).in_account(account);
            Ok(bucket(&cx, origin, name, &ask).await)
        }
        OriginKind::Custom { http, https, scheme, read } => {
            let secure = match scheme {
                Scheme::Http => false,
                Scheme::Https => true,
                Scheme::AsViewer => ask.secure,
            };
            let address =
                if secure { address("https", *https, 443) } else { address("http", *http, 80) };
            custom(cx, distribution, origin, &address, *read, ask).await
        }
    }
}

fn principal(distribution: &Distribution) -> Principal {
    Principal::service_for(PRINCIPAL, &distribution.account, &distribution.arn)
}

/// The scheme, and the port where it is not the scheme's own.
fn address(scheme: &'static str, port: u16, usual: u16) -> (&'static str, String) {
    (scheme, if port == usual { String::new() } else { format!(":{port}") })
}

async fn custom(
    cx: &Cx,
    distribution: &Distribution,
    origin: &Origin,
    (scheme, port): &(&'static str, String),
    read: Duration,
    ask: Ask,
) -> Result<Response<Body>, Fault> {
    let Ask { method, path, query, mut headers, mut body, .. } = ask;
    let mark = if query.is_empty() { "" } else { "?" };
    let url = format!("{scheme}://{}{port}{}{path}{mark}{query}", origin.domain, origin.path);
    let unsendable = || Fault::Unreachable("the URL cannot be sent".to_owned());
    let uri: Uri = url.parse().map_err(|_| unsendable())?;
    if !headers.contains_key(HOST) {
        let host = HeaderValue::from_str(&format!("{}{port}", origin.domain));
        headers.insert(HOST, host.map_err(|_| unsendable())?);
    }
    // What has a body is sent once ("Origin response timeout": only GET and HEAD are repeated).
    let repeatable = body.is_empty() && matches!(method, Method::GET | Method::HEAD);
    let attempts = if repeatable { origin.attempts } else { 1 };
    let mut fault = unsendable();
    for _ in 0..attempts {
        let mut request = Request::new(std::mem::take(&mut body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers.clone();
        let fetched = cx.fetch(request, principal(distribution));
        fault = match tokio::time::timeout(read, fetched).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(FetchError::TimedOut(why))) => Fault::TimedOut(why),
            Ok(Err(error @ FetchError::Loop(_))) => {
                return Err(Fault::Unreachable(error.to_string()));
            }
            Ok(Err(error)) => Fault::Unreachable(error.to_string()),
            Err(_) => Fault::TimedOut(format!("no answer within {} s", read.as_secs())),
        };
    }
    Err(fault)
}

/// Asks a bucket as `cx`'s principal. Reading is all that it offers here: uploads through a
/// distribution are refused as by a website.
async fn bucket(cx: &Cx, origin: &Origin, name: &str, ask: &Ask) -> Response<Body> {
    let path = format!("{}{}", origin.path, ask.path);
    let key = percent_decode_str(path.strip_prefix('/').unwrap_or(&path)).decode_utf8();
    let Ok(key) = key else {
        let words = "Couldn't parse the specified URI.";
        return refused(cx, &path, &Error::custom("InvalidURI", 400, words));
    };
    let text = |name: HeaderName| {
        ask.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let date = |name: HeaderName| text(name).and_then(|value| http_date(&value));
    macro_rules! input {
        ($input:ident) => {
            $input {
                bucket: name.to_owned(),
                key: key.clone().into_owned(),
                range: text(RANGE),
                if_match: text(IF_MATCH),
                if_none_match: text(IF_NONE_MATCH),
                if_modified_since: date(IF_MODIFIED_SINCE),
                if_unmodified_since: date(IF_UNMODIFIED_SINCE),
                ..$input::default()
            }
        };
    }
    let id = &cx.request().id;
    let answer = match ask.method {
        Method::GET => cx.call::<GetObject>(input!(GetObjectRequest)).await.map(|output| {
            cumulet_wire::answer(Protocol::RestXml, GetObject::META, Box::new(output), id)
        }),
        Method::HEAD => cx.call::<HeadObject>(input!(HeadObjectRequest)).await.map(|output| {
            cumulet_wire::answer(Protocol::RestXml, HeadObject::META, Box::new(output), id)
        }),
        Method::OPTIONS => return preflight(cx, name, &path, ask).await,
        _ => {
            let words = "The specified method is not allowed against this resource.";
            Err(Error::custom("MethodNotAllowed", 405, words))
        }
    };
    let mut response = answer.unwrap_or_else(|error| refused(cx, &path, &error));
    if let Some(headers) = cross_origin(cx, name, ask).await {
        response.headers_mut().extend(headers);
    }
    response
}

/// A bucket's refusal, as its own endpoint would spell it.
fn refused(cx: &Cx, path: &str, error: &Error) -> Response<Body> {
    if error.fault {
        let cause = error.cause.as_deref().unwrap_or_default();
        let request_id = &cx.request().id;
        tracing::error!(request_id, code = %error.code, cause, "an origin failed");
    }
    let failure = Failure {
        code: &error.code,
        status: error.status,
        fault: error.fault,
        message: &error.message,
        namespace: None,
        message_member: error.message_member,
        detail: error.detail.as_deref(),
        framework: matches!(error.origin, Raised::Framework | Raised::Validate),
        request_id: &cx.request().id,
        elements: &error.elements,
        headers: &error.headers,
        resource: path,
    };
    cumulet_wire::failure(Protocol::RestXml, &cumulet_api_s3::SERVICE, &failure)
}

/// The headers that let pages of other origins see a bucket's answer, where its rules do.
async fn cross_origin(cx: &Cx, bucket: &str, ask: &Ask) -> Option<HeaderMap> {
    let origin = ask.headers.get(ORIGIN)?.to_str().ok()?;
    let text = |name| ask.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let preflight = ask.method == Method::OPTIONS;
    let method = if preflight { text(ACCESS_CONTROL_REQUEST_METHOD)? } else { ask.method.as_str() };
    let headers = text(ACCESS_CONTROL_REQUEST_HEADERS).filter(|_| preflight).unwrap_or_default();
    let headers: Vec<String> = headers
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let labels = [("Bucket", bucket.to_owned())];
    let asked = CrossOrigin { origin, method, headers: &headers, labels: &labels, preflight };
    let services = cx.cloud().registry().services();
    let s3 = services.iter().find(|service| service.meta().name == cumulet_api_s3::SERVICE.name)?;
    s3.cors(cx, &asked).await.ok()
}

async fn preflight(cx: &Cx, bucket: &str, path: &str, ask: &Ask) -> Response<Body> {
    let Some(headers) = cross_origin(cx, bucket, ask).await else {
        let words = "CORSResponse: This CORS request is not allowed.";
        return refused(cx, path, &Error::custom("AccessForbidden", 403, words));
    };
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = headers;
    response
}
