//! Which rule of a bucket answers a page of another origin.
//!
//! Source: "Using cross-origin resource sharing (CORS)" in the S3 user guide.

use cumulet_service::CrossOrigin;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::model::{CorsRecord, CorsRule};

/// The kind of configuration.
pub(crate) const CORS: &str = "cors";

/// The headers of the first rule that allows what is asked; `None` where none does.
pub(crate) fn answer(record: &CorsRecord, asked: &CrossOrigin<'_>) -> Option<HeaderMap> {
    let rule = record.rules.iter().find(|rule| allows(rule, asked))?;
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if rule.origins.iter().any(|origin| origin == "*") {
        put("access-control-allow-origin", "*");
    } else {
        put("access-control-allow-origin", asked.origin);
        put("access-control-allow-credentials", "true");
    }
    put("access-control-allow-methods", &rule.methods.join(", "));
    if !rule.expose.is_empty() {
        put("access-control-expose-headers", &rule.expose.join(", "));
    }
    if asked.preflight {
        if !asked.headers.is_empty() {
            put("access-control-allow-headers", &asked.headers.join(", "));
        }
        if let Some(seconds) = rule.max_age {
            put("access-control-max-age", &seconds.to_string());
        }
    }
    put("vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    Some(headers)
}

fn allows(rule: &CorsRule, asked: &CrossOrigin<'_>) -> bool {
    rule.origins.iter().any(|pattern| matches(pattern, asked.origin, false))
        && rule.methods.iter().any(|method| method == asked.method)
        && asked
            .headers
            .iter()
            .all(|header| rule.headers.iter().any(|pattern| matches(pattern, header, true)))
}

/// Whether `text` is of `pattern`, which has one `*` at most.
fn matches(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let (pattern, text) = if ignore_case {
        (pattern.to_ascii_lowercase(), text.to_ascii_lowercase())
    } else {
        (pattern.to_owned(), text.to_owned())
    };
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> CorsRule {
        let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        CorsRule {
            origins: list(origins),
            methods: list(methods),
            headers: list(headers),
            max_age: Some(60),
            ..CorsRule::default()
        }
    }

    fn ask(record: &CorsRecord, origin: &str, method: &str, headers: &[&str]) -> Option<HeaderMap> {
        let headers: Vec<String> = headers.iter().map(|&text| text.to_owned()).collect();
        let asked = CrossOrigin { origin, method, headers: &headers, labels: &[], preflight: true };
        answer(record, &asked)
    }

    #[test]
    fn the_first_rule_that_allows_all_of_it_answers() {
        let record = CorsRecord {
            rules: vec![
                rule(&["https://*.a.example"], &["PUT"], &["x-amz-*", "Content-Type"]),
                rule(&["*"], &["GET"], &[]),
            ],
        };
        let put = ask(&record, "https://w.a.example", "PUT", &["x-amz-date", "content-type"]);
        let put = put.unwrap();
        assert_eq!(put["access-control-allow-origin"], "https://w.a.example");
        assert_eq!(put["access-control-allow-credentials"], "true");
        assert_eq!(put["access-control-allow-headers"], "x-amz-date, content-type");
        assert_eq!(put["access-control-max-age"], "60");
        let get = ask(&record, "https://b.example", "GET", &[]).unwrap();
        assert_eq!(get["access-control-allow-origin"], "*");
        assert!(!get.contains_key("access-control-allow-credentials"));
        assert!(ask(&record, "https://b.example", "PUT", &[]).is_none());
        assert!(ask(&record, "https://w.a.example", "PUT", &["authorization"]).is_none());
        assert!(ask(&record, "https://b.example", "GET", &["x-amz-date"]).is_none());
    }
}
