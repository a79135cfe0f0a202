//! CORS of HTTP APIs: configured, it answers preflights by itself and takes the place of whatever
//! CORS headers the integration sends ("Configuring CORS for HTTP APIs").

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, VARY,
};

use crate::http::model::Cors;

/// Whether this is a preflight: OPTIONS with an origin and the method that it asks for.
pub(crate) fn is_preflight(method: &str, headers: &HeaderMap) -> bool {
    method == "OPTIONS"
        && headers.contains_key(ORIGIN)
        && headers.contains_key("access-control-request-method")
}

/// Replaces the CORS headers of an answer.
pub(crate) fn apply(cors: &Cors, asked: &HeaderMap, preflight: bool, answer: &mut HeaderMap) {
    for name in [
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
    ] {
        answer.remove(name);
    }
    let Some(origin) = asked.get(ORIGIN).and_then(|value| value.to_str().ok()) else { return };
    let Some(allowed) = origin_allowed(cors, origin) else { return };
    put(answer, ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if allowed != "*" {
        answer.append(VARY, HeaderValue::from_static("origin"));
    }
    if cors.allow_credentials == Some(true) {
        put(answer, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if let Some(list) = joined(cors.expose_headers.as_ref()) {
        put(answer, ACCESS_CONTROL_EXPOSE_HEADERS, &list);
    }
    if preflight {
        if let Some(list) = joined(cors.allow_methods.as_ref()) {
            put(answer, ACCESS_CONTROL_ALLOW_METHODS, &list);
        }
        if let Some(list) = joined(cors.allow_headers.as_ref()) {
            put(answer, ACCESS_CONTROL_ALLOW_HEADERS, &list);
        }
        if let Some(age) = cors.max_age {
            put(answer, ACCESS_CONTROL_MAX_AGE, &age.to_string());
        }
    }
}

/// What to answer to a page of this origin; `None`: nothing. `https://*` stands for every origin
/// of that scheme, and `*` within a name for any part of it.
fn origin_allowed<'a>(cors: &Cors, origin: &'a str) -> Option<&'a str> {
    let origins = cors.allow_origins.as_deref().unwrap_or_default();
    if origins.iter().any(|pattern| pattern == "*") {
        return Some("*");
    }
    let fits = |pattern: &String| match pattern.split_once('*') {
        Some((start, end)) => {
            origin.len() >= start.len() + end.len()
                && origin.starts_with(start)
                && origin.ends_with(end)
        }
        None => pattern.eq_ignore_ascii_case(origin),
    };
    origins.iter().any(fits).then_some(origin)
}

fn joined(list: Option<&Vec<String>>) -> Option<String> {
    list.filter(|list| !list.is_empty()).map(|list| list.join(","))
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cors: &Cors, origin: &str, preflight: bool) -> HeaderMap {
        let (mut asked, mut answer) = (HeaderMap::new(), HeaderMap::new());
        asked.insert(ORIGIN, origin.parse().unwrap());
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, "https://of-the-function".parse().unwrap());
        apply(cors, &asked, preflight, &mut answer);
        answer
    }

    #[test]
    fn only_origins_that_are_listed_are_let_in() {
        let list = |items: &[&str]| Some(items.iter().map(|item| (*item).to_owned()).collect());
        let cases = [
            (&["*"][..], "https://a.test", Some("*")),
            (&["https://a.test"], "https://a.test", Some("https://a.test")),
            (&["https://a.test"], "https://b.test", None),
            (&["https://*"], "https://b.test", Some("https://b.test")),
            (&["https://*"], "http://b.test", None),
            (&["https://*.a.test"], "https://x.a.test", Some("https://x.a.test")),
            (&["https://*.a.test"], "https://a.test", None),
            (&[], "https://a.test", None),
        ];
        for (origins, origin, expected) in cases {
            let cors = Cors { allow_origins: list(origins), ..Cors::default() };
            let found = answer(&cors, origin, false);
            let found = found.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap());
            assert_eq!(found, expected, "{origins:?} {origin}");
        }
        let cors = Cors {
            allow_origins: list(&["*"]),
            allow_methods: list(&["GET", "POST"]),
            max_age: Some(5),
            ..Cors::default()
        };
        let found = answer(&cors, "https://a.test", true);
        assert_eq!(found.get(ACCESS_CONTROL_ALLOW_METHODS).unwrap(), "GET,POST");
        assert_eq!(found.get(ACCESS_CONTROL_MAX_AGE).unwrap(), "5");
        assert!(!answer(&cors, "https://a.test", false).contains_key(ACCESS_CONTROL_ALLOW_METHODS));
    }
}
