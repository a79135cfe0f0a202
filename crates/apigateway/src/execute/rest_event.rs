//! The event that a function behind a REST API receives ("Input format of a Lambda function for
//! proxy integration"): payload format 1.0, where members without a value are null.

use cumulet_base::AccountId;
use cumulet_service::Principal;
use serde_json::{Map, Value, json};

use super::incoming::{Incoming, texts};
use super::mock::media_type;
use super::routing::Parameters;

/// What routing and authorization found out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) resource_id: String,
    /// `/pets/{id}`
    pub(crate) resource_path: String,
    pub(crate) deployment_id: String,
    pub(crate) parameters: Parameters,
    /// What the authorizer tells the function: a token's claims, or its own context.
    pub(crate) authorizer: Option<Map<String, Value>>,
    /// Who signed the request, where the method asks for that.
    pub(crate) signer: Option<Principal>,
}

/// Headers that events show with capitals, as CloudFront and API Gateway write them. All others are
/// in lower case, as clients of HTTP/2 send them: how one of HTTP/1.1 wrote a name is not kept.
const CAPITALS: [(&str, &str); 14] = [
    ("accept", "Accept"),
    ("accept-encoding", "Accept-Encoding"),
    ("accept-language", "Accept-Language"),
    ("authorization", "Authorization"),
    ("cookie", "Cookie"),
    ("host", "Host"),
    ("referer", "Referer"),
    ("user-agent", "User-Agent"),
    ("via", "Via"),
    ("x-amz-date", "X-Amz-Date"),
    ("x-amzn-trace-id", "X-Amzn-Trace-Id"),
    ("x-forwarded-for", "X-Forwarded-For"),
    ("x-forwarded-port", "X-Forwarded-Port"),
    ("x-forwarded-proto", "X-Forwarded-Proto"),
];

fn spelled(name: &str) -> &str {
    CAPITALS.iter().find(|(lower, _)| *lower == name).map_or(name, |(_, capital)| capital)
}

/// Whether a media type is among an API's binary ones; `*/*` stands for all.
pub(crate) fn is_binary(types: &[String], media: &str) -> bool {
    types.iter().any(|one| one == "*/*" || one.eq_ignore_ascii_case(media))
}

/// The event. `binary` are the API's binary media types.
pub(crate) fn event(incoming: &Incoming, found: &Found, binary: &[String]) -> Value {
    let (mut headers, mut many) = (Map::new(), Map::new());
    for name in incoming.headers.keys() {
        let all = incoming.headers.get_all(name).iter();
        let all: Vec<String> =
            all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
        let name = spelled(name.as_str());
        headers.insert(name.to_owned(), all.last().cloned().into());
        many.insert(name.to_owned(), all.into());
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
    let media = media_type(incoming.header("content-type"));
    let (body, base64) = if is_binary(binary, &media) {
        let (body, base64) = incoming.body(true);
        (body, base64)
    } else if incoming.body.is_empty() {
        (Value::Null, false)
    } else {
        // What is no text loses what is none, as with AWS, where no binary type is set.
        (Value::from(String::from_utf8_lossy(&incoming.body).into_owned()), false)
    };
    json!({
        "resource": found.resource_path,
        "path": incoming.path,
        "httpMethod": incoming.method,
        "headers": or_null(headers),
        "multiValueHeaders": or_null(many),
        "queryStringParameters": or_null(query),
        "multiValueQueryStringParameters": or_null(query_many),
        "pathParameters": texts(&found.parameters),
        "stageVariables": texts(&incoming.stage_variables),
        "requestContext": context(incoming, found),
        "body": body,
        "isBase64Encoded": base64,
    })
}

fn context(incoming: &Incoming, found: &Found) -> Value {
    let mut context = json!({
        "resourceId": found.resource_id,
        "resourcePath": found.resource_path,
        "httpMethod": incoming.method,
        "extendedRequestId": incoming.extended_request_id,
        "requestTime": incoming.clf_time(),
        "path": incoming.raw_path,
        "accountId": incoming.account,
        "protocol": incoming.protocol,
        "stage": incoming.stage,
        "domainPrefix": incoming.domain.split('.').next(),
        "requestTimeEpoch": incoming.received.millis(),
        "requestId": incoming.request_id,
        "identity": identity(incoming, found.signer.as_ref()),
        "domainName": incoming.domain,
        "deploymentId": found.deployment_id,
        "apiId": incoming.api,
    });
    // Without an authorizer there is no such member.
    if let (Some(said), Some(members)) = (&found.authorizer, context.as_object_mut()) {
        members.insert("authorizer".to_owned(), said.clone().into());
    }
    context
}

fn identity(incoming: &Incoming, signer: Option<&Principal>) -> Value {
    let account = signer.and_then(Principal::account);
    let account = account.as_ref().map(AccountId::as_str);
    let user = signer.map(Principal::user_id);
    json!({
        "cognitoIdentityPoolId": null,
        "accountId": account,
        "cognitoIdentityId": null,
        "caller": user,
        "sourceIp": incoming.source_ip,
        "principalOrgId": null,
        "accessKey": null,
        "cognitoAuthenticationType": null,
        "cognitoAuthenticationProvider": null,
        "userArn": signer.map(Principal::arn),
        "userAgent": incoming.header("user-agent"),
        "user": user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::event::tests::incoming;

    #[test]
    fn an_event_has_every_member() {
        let mut incoming =
            Incoming { stage: "prod".into(), raw_path: "/prod/pets/7".into(), ..incoming() };
        incoming.request_id = "id".into();
        let found = Found {
            resource_id: "r1".into(),
            resource_path: "/pets/{id}".into(),
            deployment_id: "d1".into(),
            parameters: [("id".to_owned(), "7".to_owned())].into(),
            authorizer: json!({ "claims": { "sub": "u1" } }).as_object().cloned(),
            signer: None,
        };
        let expected = json!({
            "resource": "/pets/{id}",
            "path": "/pets/7",
            "httpMethod": "POST",
            "headers": {
                "Accept": "b", "Cookie": "c1=1; c2=2", "User-Agent": "test",
                "content-type": "application/json"
            },
            "multiValueHeaders": {
                "Accept": ["a", "b"], "Cookie": ["c1=1; c2=2"], "User-Agent": ["test"],
                "content-type": ["application/json"]
            },
            "queryStringParameters": { "x": "a b", "y": "" },
            "multiValueQueryStringParameters": { "x": ["1", "a b"], "y": [""] },
            "pathParameters": { "id": "7" },
            "stageVariables": null,
            "requestContext": {
                "resourceId": "r1",
                "authorizer": { "claims": { "sub": "u1" } },
                "resourcePath": "/pets/{id}",
                "httpMethod": "POST",
                "extendedRequestId": "ext",
                "requestTime": "21/Nov/2026:00:00:00 +0000",
                "path": "/prod/pets/7",
                "accountId": "123456789012",
                "protocol": "HTTP/1.1",
                "stage": "prod",
                "domainPrefix": "a1",
                "requestTimeEpoch": 1_795_219_200_000_i64,
                "requestId": "id",
                "identity": {
                    "cognitoIdentityPoolId": null, "accountId": null, "cognitoIdentityId": null,
                    "caller": null, "sourceIp": "127.0.0.1", "principalOrgId": null,
                    "accessKey": null, "cognitoAuthenticationType": null,
                    "cognitoAuthenticationProvider": null, "userArn": null, "userAgent": "test",
                    "user": null
                },
                "domainName": "a1.execute-api.us-east-1.localhost",
                "deploymentId": "d1",
                "apiId": "a1",
            },
            "body": "{}",
            "isBase64Encoded": false,
        });
        assert_eq!(event(&incoming, &found, &[]), expected);
        let binary = event(&incoming, &found, &["application/json".to_owned()]);
        assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("e30="), &json!(true)));
        incoming.body = Vec::from([0xff]).into();
        assert_eq!(event(&incoming, &found, &[])["body"], "\u{fffd}");
        incoming.body = Vec::new().into();
        let none = event(&incoming, &Found::default(), &["*/*".to_owned()]);
        assert_eq!(none["body"], Value::Null);
        assert!(none["requestContext"].get("authorizer").is_none());
        assert_eq!(none["pathParameters"], Value::Null);
    }
}
