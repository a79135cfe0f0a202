//! Requests that a browser makes for a page of another origin.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap, HeaderValue,
};

/// What a page may read of an answer. `Date` among them: SDKs correct their clock by it.
const EXPOSED: &str = "date,x-amz-crc32,x-amz-request-id,x-amzn-errormessage,x-amzn-errortype,\
    x-amzn-requestid,x-amzn-trace-id,etag";
const METHODS: &str = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS";
/// Seconds that a browser remembers a preflight's answer (AWS's endpoints say two days).
const MAX_AGE: &str = "172800";

/// What a browser asks, or has asked, for a page (Fetch standard, "HTTP CORS protocol").
#[derive(Debug)]
pub struct CrossOrigin<'a> {
    /// The page's origin: `https://app.example`, or `null`.
    pub origin: &'a str,
    /// The request's method; of a preflight, the one that it asks for.
    pub method: &'a str,
    /// The headers that a preflight asks for, in lower case.
    pub headers: &'a [String],
    /// The labels of the operation's path, decoded: S3's `Bucket`.
    pub labels: &'a [(&'static str, String)],
    /// Whether this is the question before the request.
    pub preflight: bool,
}

impl CrossOrigin<'_> {
    /// Headers that let every page in, as AWS's endpoints do. That is safe where a request counts
    /// by its signature or the token in it and never by a cookie.
    pub fn open(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if self.preflight {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
            if let Ok(asked) = HeaderValue::from_str(&self.headers.join(",")) {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
            }
        } else {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_may_ask_with_the_headers_it_names() {
        let headers = ["x-amz-target".to_owned(), "content-type".to_owned()];
        let ask = |preflight| CrossOrigin {
            origin: "http://a.test",
            method: "POST",
            headers: &headers,
            labels: &[],
            preflight,
        };
        let answer = ask(true).open();
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "*");
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_HEADERS).unwrap(), "x-amz-target,content-type");
        let answer = ask(false).open();
        assert!(answer.contains_key(ACCESS_CONTROL_EXPOSE_HEADERS));
        assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_HEADERS));
    }
}
