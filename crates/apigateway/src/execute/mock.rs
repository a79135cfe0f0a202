//! MOCK integrations, as far as literals go: a request template that gives a status, and response
//! templates without a variable. That is what answers preflights of CORS.

use cumulet_base::Body;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use regex::{Regex, RegexBuilder};

use super::gateway_response::Refusal;
use super::incoming::Incoming;
use super::mapping::Source;
use crate::error::Error;
use crate::rest::model::{IntegrationRecord, IntegrationResponse};

const JSON: &str = "application/json";
/// Bytes of a compiled pattern.
const PATTERN: usize = 1 << 20;

/// A pattern that must fit the whole of a text; `None` where it is none.
pub(crate) fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{text})$")).size_limit(PATTERN).build().ok()
}

/// A template that says no more than its text.
fn is_literal(template: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || "{!#*".contains(c);
    let mut rest = template;
    while let Some(at) = rest.find(['$', '#']) {
        rest = rest.get(at + 1..).unwrap_or_default();
        if rest.starts_with(begins) {
            return false;
        }
    }
    true
}

pub(crate) fn check_literal(template: &str) -> Result<(), Error> {
    if is_literal(template) {
        Ok(())
    } else {
        Err(Error::NotHere("mapping templates of REST APIs"))
    }
}

/// Whether a request template gives a status.
pub(crate) fn check(template: &str) -> Result<(), Error> {
    check_literal(template)?;
    let wrong = || Error::bad("A MOCK integration's request template must give a statusCode.");
    status_of(template).map(drop).ok_or_else(wrong)
}

/// The status in `{"statusCode": 200}`, whose name AWS lets stand without quotes.
fn status_of(template: &str) -> Option<u16> {
    let (_, after) = template.split_once("statusCode")?;
    let after = after.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?;
    let after = after.trim_start().trim_start_matches(['"', '\'']);
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let status = after.get(..digits)?.parse().ok()?;
    (100..=599).contains(&status).then_some(status)
}

/// The media type in a header's value, without parameters; JSON where there is none.
pub(crate) fn media_type(value: Option<&str>) -> String {
    let kind = value.and_then(|value| value.split([';', ',']).next()).map(str::trim);
    kind.filter(|kind| !kind.is_empty()).unwrap_or(JSON).to_ascii_lowercase()
}

/// What a MOCK answers.
pub(crate) fn answer(
    integration: &IntegrationRecord,
    incoming: &Incoming,
    source: &Source<'_>,
) -> Result<Response<Body>, Refusal> {
    let status = requested(integration, incoming)?;
    let selected = select(integration, status).ok_or_else(Refusal::configuration)?;
    let code = selected.status_code.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    let templates = selected.response_templates.iter().flatten().collect::<Vec<_>>();
    let wanted = media_type(incoming.header("accept"));
    let of = |media: &str| templates.iter().find(|(name, _)| name.eq_ignore_ascii_case(media));
    let template = of(&wanted).or_else(|| of(JSON)).or_else(|| templates.first());
    let media = template.map_or(JSON, |(media, _)| media.as_str());
    let text = template.map(|(_, text)| (*text).clone()).unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = code.ok_or_else(Refusal::configuration)?;
    let mut put = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    };
    put(CONTENT_TYPE.as_str(), media);
    for (name, expression) in selected.response_parameters.iter().flatten() {
        if let Some(name) = name.strip_prefix("method.response.header.")
            && let Some(value) = source.value(expression)
        {
            put(name, &value);
        }
    }
    Ok(response)
}

/// The status that the request's template gives, or the request itself where it is passed through.
fn requested(integration: &IntegrationRecord, incoming: &Incoming) -> Result<u16, Refusal> {
    let kind = media_type(incoming.header("content-type"));
    let templates = integration.request_templates.clone().unwrap_or_default();
    let template = templates.iter().find(|(name, _)| name.eq_ignore_ascii_case(&kind));
    let text = match (template, integration.passthrough_behavior.as_deref()) {
        (Some((_, template)), _) => template.clone(),
        (None, Some("NEVER")) => return Err(Refusal::media_type()),
        (None, Some("WHEN_NO_TEMPLATES")) if !templates.is_empty() => {
            return Err(Refusal::media_type());
        }
        (None, _) => String::from_utf8_lossy(&incoming.body).into_owned(),
    };
    status_of(&text).ok_or_else(Refusal::configuration)
}

/// The response whose pattern fits the status, or the one without a pattern.
fn select(integration: &IntegrationRecord, status: u16) -> Option<&IntegrationResponse> {
    let all = integration.integration_responses.as_ref()?;
    let given = |one: &&IntegrationResponse| {
        one.selection_pattern.as_ref().is_some_and(|pattern| !pattern.is_empty())
    };
    let fits = |one: &&IntegrationResponse| {
        let pattern = one.selection_pattern.as_deref().and_then(pattern);
        pattern.is_some_and(|pattern| pattern.is_match(&status.to_string()))
    };
    let fitting = all.values().filter(given).find(fits);
    fitting.or_else(|| all.values().find(|one| !given(one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::access_log::Variables;
    use crate::execute::event::tests::incoming;
    use serde_json::json;

    #[test]
    fn statuses_are_read_as_people_write_them() {
        let cases = [
            ("{\n  \"statusCode\" : 200\n}\n", Some(200)),
            ("{ statusCode: 204 }", Some(204)),
            (r#"{"statusCode": "404"}"#, Some(404)),
            ("{}", None),
            (r#"{"statusCode": 9}"#, None),
            ("", None),
        ];
        for (template, expected) in cases {
            assert_eq!(status_of(template), expected, "{template}");
        }
        for template in ["#set($x = 1)", "$input.body", "${x}", "## no", "a #if(true)"] {
            assert!(!is_literal(template), "{template}");
        }
        for template in ["{}", "5 $", "# 1", "{\"a\": \"#\"}"] {
            assert!(is_literal(template), "{template}");
        }
        bolero::check!().with_type::<String>().with_iterations(3_000).for_each(|text| {
            status_of(text);
            is_literal(text);
            pattern(text);
        });
    }

    #[test]
    fn a_preflight_is_answered() {
        let integration: IntegrationRecord = serde_json::from_value(json!({
            "type": "MOCK",
            "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
            "integrationResponses": {
                "204": {
                    "statusCode": "204",
                    "responseParameters": {
                        "method.response.header.Access-Control-Allow-Origin": "'*'",
                        "method.response.header.X-None": "integration.response.header.x"
                    }
                },
                "400": { "statusCode": "400", "selectionPattern": "4\\d\\d" }
            }
        }))
        .unwrap();
        let context = Variables::new();
        let source = Source { incoming: &incoming(), context: &context };
        let response = answer(&integration, &incoming(), &source).unwrap();
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert!(!response.headers().contains_key("x-none"));
        assert_eq!(select(&integration, 404).unwrap().status_code, "400");
        let mut other = incoming();
        other.headers.insert("content-type", "text/plain".parse().unwrap());
        let passed = answer(&integration, &other, &source).unwrap_err();
        assert_eq!(passed, Refusal::configuration());
        let strict =
            IntegrationRecord { passthrough_behavior: Some("NEVER".into()), ..integration };
        assert_eq!(answer(&strict, &other, &source).unwrap_err(), Refusal::media_type());
    }
}
