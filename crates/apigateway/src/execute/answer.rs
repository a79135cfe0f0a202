//! What a function's result means as an HTTP response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_base::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};
use serde_json::Value;

/// A function's result for payload format 2.0, where what has no `statusCode` is the body itself;
/// `None` where it is malformed.
pub(crate) fn v2(payload: &[u8]) -> Option<Response<Body>> {
    let result: Value = serde_json::from_slice(payload).ok()?;
    if result.get("statusCode").is_none() {
        // A text is the body as it is; anything else its JSON.
        let body = match &result {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Some(response);
    }
    proxy(&result, HeaderValue::from_static("text/plain;charset=UTF-8"))
}

/// A function's result for payload format 1.0; `None` where it is malformed.
pub(crate) fn v1(payload: &[u8], default_type: &'static str) -> Option<Response<Body>> {
    let result: Value = serde_json::from_slice(payload).ok()?;
    result.get("statusCode")?;
    proxy(&result, HeaderValue::from_static(default_type))
}

fn proxy(result: &Value, default_type: HeaderValue) -> Option<Response<Body>> {
    let status = match result.get("statusCode")? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let text = match result.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return None,
    };
    let encoded = result.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false);
    let body = if encoded { STANDARD.decode(text).ok()? } else { text.as_bytes().to_vec() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    headers(result, &mut response)?;
    response.headers_mut().entry(CONTENT_TYPE).or_insert(default_type);
    Some(response)
}

fn headers(result: &Value, response: &mut Response<Body>) -> Option<()> {
    let many = result.get("multiValueHeaders").and_then(Value::as_object);
    for (name, values) in many.into_iter().flatten() {
        for value in values.as_array()? {
            append(response, name, value)?;
        }
    }
    let single = result.get("headers").and_then(Value::as_object);
    for (name, value) in single.into_iter().flatten() {
        // Both maps are merged; a pair that stands in both appears once ("Output format of a
        // Lambda function for proxy integration").
        let there = many.is_some_and(|many| many.keys().any(|key| key.eq_ignore_ascii_case(name)));
        if !there {
            append(response, name, value)?;
        }
    }
    for cookie in result.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        append(response, SET_COOKIE.as_str(), cookie)?;
    }
    Some(())
}

/// Headers that are about the connection or computed, and so never the function's to set.
const OWN: [&str; 5] =
    ["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"];

fn append(response: &mut Response<Body>, name: &str, value: &Value) -> Option<()> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null => return Some(()),
        _ => return None,
    };
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    if !OWN.contains(&name.as_str()) {
        response.headers_mut().append(name, HeaderValue::from_str(&text).ok()?);
    }
    Some(())
}

/// An answer of API Gateway's own: `{"message":"Forbidden"}`.
pub(crate) fn message(status: u16, words: &str) -> Response<Body> {
    let text = serde_json::json!({ "message": words }).to_string();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(response: &Response<Body>) -> String {
        let mut lines = vec![response.status().as_u16().to_string()];
        let headers = response.headers().iter();
        lines.extend(headers.map(|(k, v)| format!("{k}: {}", v.to_str().unwrap())));
        let body = response.body().whole().unwrap_or_default();
        lines.push(String::from_utf8_lossy(body).into_owned());
        lines.join("|")
    }

    #[test]
    fn results_become_responses() {
        let cases = [
            (r#"{"a":1}"#, r#"200|content-type: application/json|{"a":1}"#),
            (r#""hi""#, "200|content-type: application/json|hi"),
            (
                r#"{"statusCode":201,"headers":{"X-A":"b"},"cookies":["c=1","d=2"],"body":"ok"}"#,
                "201|x-a: b|set-cookie: c=1|set-cookie: d=2|content-type: text/plain;charset=UTF-8|ok",
            ),
            (
                r#"{"statusCode":"200","headers":{"content-type":"image/png"},"body":"aGk=","isBase64Encoded":true}"#,
                "200|content-type: image/png|hi",
            ),
            (
                r#"{"statusCode":200,"multiValueHeaders":{"A":["1","2"]},"headers":{"a":"3"}}"#,
                "200|a: 1|a: 2|content-type: text/plain;charset=UTF-8|",
            ),
        ];
        for (result, expected) in cases {
            assert_eq!(shown(&v2(result.as_bytes()).unwrap()), expected, "{result}");
        }
    }

    #[test]
    fn malformed_results_are_refused() {
        for result in [
            "",
            r#"{"statusCode":"x"}"#,
            r#"{"statusCode":99999}"#,
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":{"a b":"1"}}"#,
            r#"{"statusCode":200,"headers":{"a":"\r\nx: y"}}"#,
        ] {
            assert!(v2(result.as_bytes()).is_none(), "{result}");
        }
        assert!(v1(b"{}", "application/json").is_none());
    }

    #[test]
    fn any_result_can_be_read() {
        bolero::check!().with_type::<Vec<u8>>().with_iterations(3_000).for_each(|bytes| {
            v2(bytes);
            v1(bytes, "application/json");
        });
    }
}
