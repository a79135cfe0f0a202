//! Where an API is reached: by host name, or by a path on this cloud's endpoint.

use cumulet_service::Cx;

/// An API, and its stage where the URL says it before the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) api: String,
    pub(crate) stage: Option<String>,
    /// Bytes of the path that led here.
    pub(crate) cut: usize,
}

/// The place that a request's host (lower case, no port) or path names:
/// `<api>.execute-api.<region>.<anything>`, `/_aws/execute-api/<api>/<stage>/…`, or
/// `/restapis/<api>/<stage>/_user_request_/…`, as other local clouds have it.
pub(crate) fn find(host: &str, path: &str) -> Option<Place> {
    let mut labels = host.split('.');
    if let (Some(api), Some("execute-api"), Some(_region), Some(_)) =
        (labels.next(), labels.next(), labels.next(), labels.next())
    {
        return is_id(api).then(|| Place { api: api.to_owned(), stage: None, cut: 0 });
    }
    let (before, rest, marker) = match path.strip_prefix("/_aws/execute-api/") {
        Some(rest) => ("/_aws/execute-api/", rest, ""),
        None => ("/restapis/", path.strip_prefix("/restapis/")?, "_user_request_"),
    };
    let mut segments = rest.splitn(4, '/');
    let (api, stage) = (segments.next()?, segments.next()?);
    let mut cut = before.len() + api.len() + 1 + stage.len();
    if !marker.is_empty() {
        if segments.next() != Some(marker) {
            return None;
        }
        cut += 1 + marker.len();
    }
    let stage = stage.replace("%24", "$");
    (is_id(api) && !stage.is_empty()).then(|| Place {
        api: api.to_owned(),
        stage: Some(stage),
        cut,
    })
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// The URL of an API, under the name by which the caller reached this cloud: names below
/// `localhost` are loopback's everywhere (RFC 6761), addresses have none.
pub(crate) fn endpoint(cx: &Cx, api: &str) -> String {
    let name = |domain: &str| format!("{api}.execute-api.{}.{domain}", cx.region());
    let Some((scheme, authority)) = cx.request().endpoint.split_once("://") else {
        return format!("https://{}", name("amazonaws.com"));
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, format!(":{port}"))
        }
        _ => (authority, String::new()),
    };
    let local = host.ends_with("localhost")
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    let domain = match host {
        _ if local => "localhost",
        // The name that the call of this operation went to.
        _ if host.ends_with("amazonaws.com") => "amazonaws.com",
        other => other,
    };
    format!("{scheme}://{}{port}", name(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_host_and_path() {
        let cases = [
            ("a1.execute-api.us-east-1.amazonaws.com", "/x", Some(("a1", None, 0))),
            ("a1.execute-api.eu-west-1.localhost", "/prod/x", Some(("a1", None, 0))),
            ("localhost", "/_aws/execute-api/a1/prod/x", Some(("a1", Some("prod"), 25))),
            ("localhost", "/_aws/execute-api/a1/%24default", Some(("a1", Some("$default"), 31))),
            ("", "/restapis/a1/prod/_user_request_/x", Some(("a1", Some("prod"), 32))),
            ("", "/restapis/a1/stages/prod", None),
            ("", "/restapis/a1", None),
            ("A.execute-api.r.localhost", "/", None),
            ("execute-api.us-east-1.amazonaws.com", "/", None),
        ];
        for (host, path, expected) in cases {
            let found = find(host, path);
            let found = found.as_ref().map(|p| (p.api.as_str(), p.stage.as_deref(), p.cut));
            assert_eq!(found, expected, "{host} {path}");
        }
    }

    #[test]
    fn any_host_and_path_can_be_asked() {
        bolero::check!().with_type::<(String, String)>().with_iterations(3_000).for_each(
            |(host, path)| {
                if let Some(place) = find(host, path) {
                    assert!(place.cut <= path.len());
                }
            },
        );
    }
}
