//! Browsers that call a service's endpoint from a page of another origin.
//!
//! AWS's endpoints answer every origin (`Access-Control-Allow-Origin: *`), and safely so: a request
//! counts by its signature or the token in it, never by a cookie. (S3 asks its buckets instead: an
//! answer that says already who may read it is left as it is.)

use cumulet_base::Body;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, Response};

/// What a page may read of an answer. `Date` among them: SDKs correct their clock by it.
const EXPOSED: &str = "date,x-amz-crc32,x-amz-id-2,x-amz-request-id,x-amzn-errortype,\
    x-amzn-requestid,x-amzn-trace-id,etag";
const METHODS: &str = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS";
/// Seconds that a browser remembers a preflight's answer (AWS's endpoints say two days).
const MAX_AGE: &str = "172800";

/// Whether a browser asks if it may ask.
pub(crate) fn is_preflight(request: &Request<Body>) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// It may, with the headers it names.
pub(crate) fn preflight(request: &Request<Body>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let wanted = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    headers.insert(VARY, HeaderValue::from_static("access-control-request-headers"));
    if let Some(wanted) = wanted {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    }
    response
}

/// Lets the page read the answer.
pub(crate) fn expose(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    if !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, headers: &[(&'static str, &'static str)]) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method.parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        request
    }

    #[test]
    fn a_preflight_is_answered_with_what_it_asks_for() {
        let asked = ask(
            "OPTIONS",
            &[
                ("origin", "http://a.test"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "x-amz-target,content-type"),
            ],
        );
        assert!(is_preflight(&asked));
        let answer = preflight(&asked);
        let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(header("access-control-allow-origin"), "*");
        assert_eq!(header("access-control-allow-headers"), "x-amz-target,content-type");
        assert!(!is_preflight(&ask("OPTIONS", &[("origin", "http://a.test")])));
        assert!(!is_preflight(&ask("POST", &[("access-control-request-method", "POST")])));
    }

    #[test]
    fn an_answer_that_names_its_readers_keeps_them() {
        let mut response = Response::new(Body::empty());
        expose(&mut response);
        assert_eq!(response.headers().get("access-control-allow-origin").unwrap(), "*");
        let mut response = Response::new(Body::empty());
        let own = HeaderValue::from_static("http://a.test");
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, own);
        expose(&mut response);
        assert_eq!(response.headers().get("access-control-allow-origin").unwrap(), "http://a.test");
        assert!(!response.headers().contains_key(ACCESS_CONTROL_EXPOSE_HEADERS));
    }
}
