//! The events that functions receive: payload formats 2.0 and 1.0 ("Create AWS Lambda proxy
//! integrations for HTTP APIs").

use serde_json::{Map, Value, json};

use super::incoming::{Incoming, texts};
use super::routing::Parameters;

/// What routing and authorization found out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// `GET /pets/{id}`, or `$default`.
    pub(crate) route_key: String,
    pub(crate) parameters: Parameters,
    /// A token's claims, as texts, and the scopes that the route asks for.
    pub(crate) jwt: Option<(Map<String, Value>, Option<Vec<String>>)>,
}

/// Payload format 2.0.
pub(crate) fn v2(incoming: &Incoming, found: &Found) -> Value {
    let mut headers = Map::new();
    for name in incoming.headers.keys().filter(|name| *name != http::header::COOKIE) {
        headers.insert(name.as_str().to_owned(), Value::String(joined(incoming, name.as_str())));
    }
    let mut query: Map<String, Value> = Map::new();
    for (name, value) in incoming.query_pairs() {
        let joined = match query.get(&name).and_then(Value::as_str) {
            Some(before) => format!("{before},{value}"),
            None => value,
        };
        query.insert(name, Value::String(joined));
    }
    let mut event = Map::new();
    event.insert("version".into(), "2.0".into());
    event.insert("routeKey".into(), found.route_key.clone().into());
    event.insert("rawPath".into(), incoming.raw_path.clone().into());
    event.insert("rawQueryString".into(), incoming.query.clone().into());
    let cookies = cookies(incoming);
    if !cookies.is_empty() {
        event.insert("cookies".into(), cookies.into());
    }
    event.insert("headers".into(), headers.into());
    if !query.is_empty() {
        event.insert("queryStringParameters".into(), query.into());
    }
    event.insert("requestContext".into(), context_v2(incoming, found));
    // Members without a value are left out, not null.
    for (name, values) in
        [("pathParameters", &found.parameters), ("stageVariables", &incoming.stage_variables)]
    {
        if !values.is_empty() {
            event.insert(name.into(), texts(values));
        }
    }
    let (body, base64) = incoming.body(!is_text(incoming.header("content-type")));
    if !body.is_null() {
        event.insert("body".into(), body);
    }
    event.insert("isBase64Encoded".into(), base64.into());
    event.into()
}

fn context_v2(incoming: &Incoming, found: &Found) -> Value {
    let mut context = json!({
        "accountId": incoming.account,
        "apiId": incoming.api,
        "domainName": incoming.domain,
        "domainPrefix": incoming.domain.split('.').next(),
        "http": {
            "method": incoming.method,
            "path": incoming.raw_path,
            "protocol": incoming.protocol,
            "sourceIp": incoming.source_ip,
            "userAgent": incoming.header("user-agent").unwrap_or_default(),
        },
        "requestId": incoming.request_id,
        "routeKey": found.route_key,
        "stage": incoming.stage,
        "time": incoming.clf_time(),
        "timeEpoch": incoming.received.millis(),
    });
    if let (Some((claims, scopes)), Some(context)) = (&found.jwt, context.as_object_mut()) {
        let authorizer = json!({ "jwt": { "claims": claims, "scopes": scopes } });
        context.insert("authorizer".into(), authorizer);
    }
    context
}

/// Payload format 1.0 of an HTTP API. Members without a value are null.
pub(crate) fn v1(incoming: &Incoming, found: &Found) -> Value {
    let resource = found.route_key.split_once(' ').map_or("$default", |(_, path)| path);
    let (mut headers, mut many) = (Map::new(), Map::new());
    for name in incoming.headers.keys() {
        let all = values(incoming, name.as_str());
        headers.insert(name.as_str().to_owned(), all.last().cloned().into());
        many.insert(name.as_str().to_owned(), all.into());
    }
    let (mut query, mut query_many) = (Map::new(), Map::new());
    for (name, value) in incoming.query_pairs() {
        let all = query_many.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(all) = all.as_array_mut() {
            all.push(value.clone().into());
        }
        query.insert(name, value.into());
    }
    let or_null = |map: Map<String, Value>| {
        if map.is_empty() { Value::Null } else { Value::Object(map) }
    };
    let authorizer = found.jwt.as_ref().map_or_else(
        || json!({}),
        |(claims, scopes)| json!({ "claims": claims, "scopes": scopes }),
    );
    let (body, base64) = incoming.body(!is_text(incoming.header("content-type")));
    json!({
        "version": "1.0",
        "resource": resource,
        "path": incoming.raw_path,
        "httpMethod": incoming.method,
        "headers": headers,
        "multiValueHeaders": many,
        "queryStringParameters": or_null(query),
        "multiValueQueryStringParameters": or_null(query_many),
        "requestContext": {
            "accountId": incoming.account,
            "apiId": incoming.api,
            "authorizer": authorizer,
            "domainName": incoming.domain,
            "domainPrefix": incoming.domain.split('.').next(),
            "extendedRequestId": incoming.request_id,
            "httpMethod": incoming.method,
            "identity": identity(incoming),
            "path": incoming.raw_path,
            "protocol": incoming.protocol,
            "requestId": incoming.request_id,
            "requestTime": incoming.clf_time(),
            "requestTimeEpoch": incoming.received.millis(),
            "resourceId": found.route_key,
            "resourcePath": resource,
            "stage": incoming.stage,
        },
        "pathParameters": texts(&found.parameters),
        "stageVariables": texts(&incoming.stage_variables),
        "body": body,
        "isBase64Encoded": base64,
    })
}

/// Who called, as far as an HTTP API tells in format 1.0.
fn identity(incoming: &Incoming) -> Value {
    json!({
        "accessKey": null,
        "accountId": null,
        "caller": null,
        "cognitoAmr": null,
        "cognitoAuthenticationProvider": null,
        "cognitoAuthenticationType": null,
        "cognitoIdentityId": null,
        "cognitoIdentityPoolId": null,
        "principalOrgId": null,
        "sourceIp": incoming.source_ip,
        "user": null,
        "userAgent": incoming.header("user-agent"),
        "userArn": null,
    })
}

fn values(incoming: &Incoming, name: &str) -> Vec<String> {
    let all = incoming.headers.get_all(name).iter();
    all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

fn joined(incoming: &Incoming, name: &str) -> String {
    values(incoming, name).join(",")
}

fn cookies(incoming: &Incoming) -> Vec<String> {
    let all = values(incoming, "cookie").join(";");
    all.split(';').map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned).collect()
}

/// Whether a body of this type is text in an event. That forms are not, as with AWS, is known from
/// its users' reports; no page of AWS lists the types.
fn is_text(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return true };
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"]
            .contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use cumulet_base::Timestamp;
    use http::HeaderMap;

    pub(crate) fn incoming() -> Incoming {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("accept", "a"),
            ("accept", "b"),
            ("cookie", "c1=1; c2=2"),
            ("user-agent", "test"),
            ("content-type", "application/json"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        Incoming {
            account: "123456789012".into(),
            api: "a1".into(),
            stage: "$default".into(),
            method: "POST".into(),
            raw_path: "/pets/7".into(),
            path: "/pets/7".into(),
            query: "x=1&x=a%20b&y".into(),
            headers,
            body: "{}".into(),
            domain: "a1.execute-api.us-east-1.localhost".into(),
            source_ip: "127.0.0.1".into(),
            protocol: "HTTP/1.1",
            request_id: "ext".into(),
            extended_request_id: "ext".into(),
            received: Timestamp::from_millis(1_795_219_200_000),
            stage_variables: Parameters::new(),
        }
    }

    fn found() -> Found {
        let claims = json!({ "sub": "u1" }).as_object().cloned().unwrap();
        Found {
            route_key: "POST /pets/{id}".into(),
            parameters: [("id".to_owned(), "7".to_owned())].into(),
            jwt: Some((claims, None)),
        }
    }

    #[test]
    fn format_2_joins_values_and_leaves_out_what_is_empty() {
        let expected = json!({
            "version": "2.0",
            "routeKey": "POST /pets/{id}",
            "rawPath": "/pets/7",
            "rawQueryString": "x=1&x=a%20b&y",
            "cookies": ["c1=1", "c2=2"],
            "headers": {
                "accept": "a,b", "user-agent": "test", "content-type": "application/json"
            },
            "queryStringParameters": { "x": "1,a b", "y": "" },
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "a1",
                "authorizer": { "jwt": { "claims": { "sub": "u1" }, "scopes": null } },
                "domainName": "a1.execute-api.us-east-1.localhost",
                "domainPrefix": "a1",
                "http": {
                    "method": "POST", "path": "/pets/7", "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1", "userAgent": "test"
                },
                "requestId": "ext",
                "routeKey": "POST /pets/{id}",
                "stage": "$default",
                "time": "21/Nov/2026:00:00:00 +0000",
                "timeEpoch": 1_795_219_200_000_i64,
            },
            "pathParameters": { "id": "7" },
            "body": "{}",
            "isBase64Encoded": false,
        });
        assert_eq!(v2(&incoming(), &found()), expected);
    }

    #[test]
    fn format_1_has_every_value_and_nulls() {
        let event = v1(&incoming(), &found());
        assert_eq!(event["headers"]["accept"], "b");
        assert_eq!(event["multiValueHeaders"]["accept"], json!(["a", "b"]));
        assert_eq!(event["multiValueQueryStringParameters"]["x"], json!(["1", "a b"]));
        assert_eq!(event["resource"], "/pets/{id}");
        assert_eq!(event["stageVariables"], Value::Null);
        assert_eq!(event["requestContext"]["authorizer"]["claims"]["sub"], "u1");
    }

    #[test]
    fn bodies_that_are_no_text_are_base64() {
        let cases = [
            ("application/json", "{}", false),
            ("image/png", "x", true),
            ("application/x-www-form-urlencoded", "a=b", true),
            ("application/problem+json; charset=utf-8", "{}", false),
        ];
        for (kind, body, expected) in cases {
            let mut incoming = incoming();
            incoming.headers.insert("content-type", kind.parse().unwrap());
            incoming.body = body.into();
            assert_eq!(v2(&incoming, &found())["isBase64Encoded"], expected, "{kind}");
        }
        let invalid = Incoming { body: vec![0xff_u8].into(), ..incoming() };
        assert_eq!(v2(&invalid, &found())["body"], "/w==");
    }
}
