//! What a function's result means as the answer of a REST API ("Output format of a Lambda function
//! for proxy integration").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_base::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::Value;

use super::mock::media_type;
use super::rest_event::is_binary;

/// Members that a result may have; one of any other is malformed. AWS says "must be of this
/// format", and means it.
const MEMBERS: [&str; 5] =
    ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"];

/// Headers that answers of integrations may not set under their own name ("Amazon API Gateway
/// important notes for REST APIs").
const REMAPPED: [&str; 15] = [
    "authorization",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "range",
    "server",
    "trailer",
    "upgrade",
    "user-agent",
    "www-authenticate",
];

/// The response; `None` where the result is malformed. `accept` is the request's header.
pub(crate) fn read(
    payload: &[u8],
    binary: &[String],
    accept: Option<&str>,
) -> Option<Response<Body>> {
    let result: Value = serde_json::from_slice(payload).ok()?;
    let members = result.as_object()?;
    if members.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
        return None;
    }
    let status = match result.get("statusCode") {
        None | Some(Value::Null) => 200,
        Some(Value::Number(number)) => number.as_u64()?,
        Some(Value::String(text)) => text.parse().ok()?,
        Some(_) => return None,
    };
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let text = match result.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return None,
    };
    let encoded = match result.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(encoded)) => *encoded,
        Some(Value::String(text)) => text.parse().ok()?,
        Some(_) => return None,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    headers(&result, &mut response)?;
    let own = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    // The first type that the client takes decides, or the answer's own.
    let wanted = accept.is_some_and(|accept| is_binary(binary, &media_type(Some(accept))));
    let wanted = wanted || is_binary(binary, &media_type(own));
    *response.body_mut() = if encoded && wanted {
        Body::from(STANDARD.decode(text).ok()?)
    } else {
        Body::from(text.as_bytes().to_vec())
    };
    Some(response)
}

fn headers(result: &Value, response: &mut Response<Body>) -> Option<()> {
    let object = |name| match result.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Object(members)) => Some(Some(members)),
        Some(_) => None,
    };
    let (many, single) = (object("multiValueHeaders")?, object("headers")?);
    for (name, values) in many.into_iter().flatten() {
        for value in values.as_array()? {
            append(response, name, value)?;
        }
    }
    for (name, value) in single.into_iter().flatten() {
        // "If the same key-value pair is specified in both, only the values from
        // multiValueHeaders will appear."
        let there = many.is_some_and(|many| many.keys().any(|key| key.eq_ignore_ascii_case(name)));
        if !there {
            append(response, name, value)?;
        }
    }
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().entry(CONTENT_TYPE).or_insert(json);
    Some(())
}

fn append(response: &mut Response<Body>, name: &str, value: &Value) -> Option<()> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null => return Some(()),
        _ => return None,
    };
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let name = match name.as_str() {
        "transfer-encoding" | "keep-alive" => return Some(()),
        lower if REMAPPED.contains(&lower) => {
            HeaderName::from_bytes(format!("x-amzn-remapped-{lower}").as_bytes()).ok()?
        }
        _ => name,
    };
    response.headers_mut().append(name, HeaderValue::from_str(&text).ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(result: &str, binary: &[&str], accept: Option<&str>) -> Option<String> {
        let binary: Vec<String> = binary.iter().map(|&kind| kind.to_owned()).collect();
        let response = read(result.as_bytes(), &binary, accept)?;
        let mut lines = vec![response.status().as_u16().to_string()];
        let headers = response.headers().iter();
        lines.extend(headers.map(|(k, v)| format!("{k}: {}", v.to_str().unwrap())));
        let body = response.body().whole().unwrap_or_default();
        lines.push(String::from_utf8_lossy(body).into_owned());
        Some(lines.join("|"))
    }

    #[test]
    fn results_become_responses() {
        let image =
            r#"{"headers":{"content-type":"image/png"},"body":"aGk=","isBase64Encoded":true}"#;
        let cases: [(&str, &[&str], Option<&str>, &str); 8] = [
            ("{}", &[], None, "200|content-type: application/json|"),
            (
                r#"{"statusCode":"201","headers":{"X-A":1,"b":true,"c":null},"body":"ok"}"#,
                &[],
                None,
                "201|x-a: 1|b: true|content-type: application/json|ok",
            ),
            (
                r#"{"multiValueHeaders":{"Set-Cookie":["a=1","b=2"]},"headers":{"set-cookie":"c=3"}}"#,
                &[],
                None,
                "200|set-cookie: a=1|set-cookie: b=2|content-type: application/json|",
            ),
            (
                r#"{"headers":{"Server":"me","Transfer-Encoding":"chunked","Content-Length":"9"}}"#,
                &[],
                None,
                "200|x-amzn-remapped-server: me|x-amzn-remapped-content-length: 9|content-type: application/json|",
            ),
            (image, &[], Some("image/png"), "200|content-type: image/png|aGk="),
            (image, &["*/*"], None, "200|content-type: image/png|hi"),
            (image, &["image/png"], Some("text/html, */*"), "200|content-type: image/png|hi"),
            (image, &["image/webp"], Some("image/webp,*/*"), "200|content-type: image/png|hi"),
        ];
        for (result, binary, accept, expected) in cases {
            assert_eq!(shown(result, binary, accept).as_deref(), Some(expected), "{result}");
        }
    }

    #[test]
    fn malformed_results_are_refused() {
        for result in [
            "",
            "null",
            r#""text""#,
            "[]",
            r#"{"message":"hi"}"#,
            r#"{"statusCode":"x"}"#,
            r#"{"statusCode":99999}"#,
            r#"{"statusCode":200,"body":{"a":1}}"#,
            r#"{"statusCode":200,"headers":[]}"#,
            r#"{"statusCode":200,"headers":{"a":["1"]}}"#,
            r#"{"statusCode":200,"multiValueHeaders":{"a":"1"}}"#,
            r#"{"statusCode":200,"headers":{"a":"\r\nx: y"}}"#,
        ] {
            assert!(shown(result, &[], None).is_none(), "{result}");
        }
        let broken = r#"{"body":"%","isBase64Encoded":true}"#;
        assert!(shown(broken, &["*/*"], None).is_none());
        bolero::check!().with_type::<Vec<u8>>().with_iterations(3_000).for_each(|bytes| {
            read(bytes, &["*/*".to_owned()], Some("*/*"));
        });
    }
}
