//! What an API answers by itself: one of AWS's gateway responses, as the API has changed it
//! ("Gateway response types").

use std::borrow::Cow;
use std::collections::HashMap;

use cumulet_base::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::mapping::Source;
use crate::rest::model::GatewayResponseRecord;

/// Every type, and its status where it has one of its own.
pub(crate) const KINDS: [(&str, Option<u16>); 21] = [
    ("ACCESS_DENIED", Some(403)),
    ("API_CONFIGURATION_ERROR", Some(500)),
    ("AUTHORIZER_CONFIGURATION_ERROR", Some(500)),
    ("AUTHORIZER_FAILURE", Some(500)),
    ("BAD_REQUEST_BODY", Some(400)),
    ("BAD_REQUEST_PARAMETERS", Some(400)),
    ("DEFAULT_4XX", None),
    ("DEFAULT_5XX", None),
    ("EXPIRED_TOKEN", Some(403)),
    ("INTEGRATION_FAILURE", Some(504)),
    ("INTEGRATION_TIMEOUT", Some(504)),
    ("INVALID_API_KEY", Some(403)),
    ("INVALID_SIGNATURE", Some(403)),
    ("MISSING_AUTHENTICATION_TOKEN", Some(403)),
    ("QUOTA_EXCEEDED", Some(429)),
    ("REQUEST_TOO_LARGE", Some(413)),
    ("RESOURCE_NOT_FOUND", Some(404)),
    ("THROTTLED", Some(429)),
    ("UNAUTHORIZED", Some(401)),
    ("UNSUPPORTED_MEDIA_TYPE", Some(415)),
    ("WAF_FILTERED", Some(403)),
];
/// The template of all of them, until an API has its own.
pub(crate) const TEMPLATE: &str = r#"{"message":$context.error.messageString}"#;

/// Why a request is answered by the API itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The response's type.
    pub(crate) kind: &'static str,
    /// Its status, where the API does not say another.
    pub(crate) status: u16,
    /// `x-amzn-ErrorType`.
    pub(crate) error: Cow<'static, str>,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(
        kind: &'static str,
        error: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let known = KINDS.iter().find(|(name, _)| *name == kind);
        let status = known.and_then(|(_, status)| *status).unwrap_or(500);
        Self { kind, status, error: error.into(), message: message.into() }
    }

    /// No such path or method, or no signature where one is asked for.
    pub(crate) fn missing_token() -> Self {
        Self::new(
            "MISSING_AUTHENTICATION_TOKEN",
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    }

    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new("UNAUTHORIZED", "UnauthorizedException", message)
    }

    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new("ACCESS_DENIED", "AccessDeniedException", message)
    }

    /// The API is not as it should be.
    pub(crate) fn configuration() -> Self {
        let error = "InternalServerErrorException";
        Self::new("API_CONFIGURATION_ERROR", error, "Internal server error")
    }

    /// A function's answer that is none: 502, of no type of its own.
    pub(crate) fn malformed() -> Self {
        let error = "InternalServerErrorException";
        Self { status: 502, ..Self::new("DEFAULT_5XX", error, "Internal server error") }
    }

    pub(crate) fn timeout() -> Self {
        let error = "InternalServerErrorException";
        Self::new("INTEGRATION_TIMEOUT", error, "Endpoint request timed out")
    }

    pub(crate) fn parameters(message: String) -> Self {
        Self::new("BAD_REQUEST_PARAMETERS", "BadRequestException", message)
    }

    pub(crate) fn body() -> Self {
        Self::new("BAD_REQUEST_BODY", "BadRequestException", "Invalid request body")
    }

    pub(crate) fn media_type() -> Self {
        Self::new("UNSUPPORTED_MEDIA_TYPE", "BadRequestException", "Unsupported Media Type")
    }

    /// Not to be changed by an API, as AWS has it.
    pub(crate) fn too_large() -> Self {
        let error = "RequestEntityTooLargeException";
        Self::new("REQUEST_TOO_LARGE", error, "Request Too Long")
    }

    /// `$context.error.messageString`: the message in quotes, or null.
    pub(crate) fn message_string(&self) -> String {
        let message = Some(self.message.as_str()).filter(|message| !message.is_empty());
        serde_json::Value::from(message).to_string()
    }

    /// Integrations' own troubles are worded by other code at AWS: it puts a space there.
    fn body_text(&self) -> String {
        let message = self.message_string();
        let spaced = ["DEFAULT_5XX", "INTEGRATION_TIMEOUT", "API_CONFIGURATION_ERROR"];
        let space = if spaced.contains(&self.kind) { " " } else { "" };
        // Its authorization spells the member with a capital.
        let name = if self.kind == "ACCESS_DENIED" { "Message" } else { "message" };
        format!("{{\"{name}\":{space}{message}}}")
    }
}

/// The answer: by the API's own response of this type, or by that for all of 4XX or 5XX.
pub(crate) fn answer(
    refusal: &Refusal,
    own: &HashMap<String, GatewayResponseRecord>,
    source: &Source<'_>,
) -> Response<Body> {
    let general = if refusal.status < 500 { "DEFAULT_4XX" } else { "DEFAULT_5XX" };
    let own = match refusal.kind {
        "REQUEST_TOO_LARGE" => None,
        kind => own.get(kind).or_else(|| own.get(general)),
    };
    let template = own.and_then(|own| {
        let json = own.response_templates.get_key_value("application/json");
        json.or_else(|| own.response_templates.iter().next())
    });
    let (media, text) = match template {
        Some((media, template)) if template != TEMPLATE => (media.as_str(), source.fill(template)),
        _ => ("application/json", refusal.body_text()),
    };
    let mut response = Response::new(Body::from(text));
    let status = own.and_then(|own| own.status_code.as_deref()?.parse().ok());
    *response.status_mut() =
        StatusCode::from_u16(status.unwrap_or(refusal.status)).unwrap_or_default();
    let mut put = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    };
    put(CONTENT_TYPE.as_str(), media);
    put("x-amzn-errortype", &refusal.error);
    for (name, expression) in own.into_iter().flat_map(|own| &own.response_parameters) {
        if let Some(name) = name.strip_prefix("gatewayresponse.header.")
            && let Some(value) = source.value(expression)
        {
            put(name, &value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::access_log::Variables;
    use crate::execute::event::tests::incoming;

    fn check(refusal: &Refusal, own: &[GatewayResponseRecord], expected: (u16, &str, &str)) {
        let own = own.iter().map(|own| (own.response_type.clone(), own.clone())).collect();
        let message = serde_json::Value::from(refusal.message.as_str()).to_string();
        let context = Variables::from([
            ("error.messageString".into(), message),
            ("requestId".into(), "r1".to_owned()),
        ]);
        let source = Source { incoming: &incoming(), context: &context };
        let response = answer(refusal, &own, &source);
        let body = std::str::from_utf8(response.body().whole().unwrap_or_default()).unwrap();
        let cors = response.headers().get("access-control-allow-origin");
        let cors = cors.map_or("", |value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), body, cors), expected);
    }

    #[test]
    fn apis_change_what_they_answer() {
        let missing = Refusal::missing_token();
        check(&missing, &[], (403, r#"{"message":"Missing Authentication Token"}"#, ""));
        check(&Refusal::malformed(), &[], (502, r#"{"message": "Internal server error"}"#, ""));
        let record =
            |kind: &str, status: Option<&str>, template: Option<&str>| GatewayResponseRecord {
                response_type: kind.to_owned(),
                status_code: status.map(str::to_owned),
                response_parameters: [(
                    "gatewayresponse.header.Access-Control-Allow-Origin".to_owned(),
                    "'*'".to_owned(),
                )]
                .into(),
                response_templates: template
                    .map(|template| ("application/json".to_owned(), template.to_owned()))
                    .into_iter()
                    .collect(),
                default_response: false,
            };
        let general = record("DEFAULT_4XX", None, None);
        let expected = (403, r#"{"message":"Missing Authentication Token"}"#, "*");
        check(&missing, std::slice::from_ref(&general), expected);
        let template = r#"{"m":$context.error.messageString,"id":"$context.requestId","$x":"$"}"#;
        let own = record("MISSING_AUTHENTICATION_TOKEN", Some("404"), Some(template));
        let expected = (404, r#"{"m":"Missing Authentication Token","id":"r1","$x":"$"}"#, "*");
        check(&missing, &[general, own], expected);
    }
}
