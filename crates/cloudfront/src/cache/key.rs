//! What of a request belongs to the cache key, and what goes on to the origin.
//!
//! "Understand the cache key" and "Control origin requests with a policy", developer guide: what is
//! in the key is in the origin's request; an origin request policy adds to the request alone.

use http::header::{ACCEPT_ENCODING, COOKIE, HeaderMap, HeaderName, HeaderValue};

/// Which names of one kind (headers, cookies, query parameters) are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Names {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// These.
    Only(Vec<String>),
    /// All but these.
    Except(Vec<String>),
}

impl Names {
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Only(names) => names.iter().any(|known| known == name),
            Self::Except(names) => !names.iter().any(|known| known == name),
        }
    }
}

/// What distinguishes requests of one behaviour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct KeyRule {
    pub(crate) headers: Vec<HeaderName>,
    pub(crate) cookies: Names,
    pub(crate) query: Names,
    /// Whether answers compressed with gzip or Brotli are told from others.
    pub(crate) gzip: bool,
    pub(crate) brotli: bool,
}

impl KeyRule {
    /// The key of a request: requests that get the same answer have the same.
    pub(crate) fn key(
        &self,
        distribution: &str,
        path: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Vec<u8> {
        let mut key = Vec::with_capacity(distribution.len() + path.len() + query.len() + 64);
        part(&mut key, distribution.as_bytes());
        part(&mut key, path.as_bytes());
        match &self.query {
            Names::None => part(&mut key, b""),
            Names::All => part(&mut key, query.as_bytes()),
            names => part(&mut key, select_query(query, |name| names.has(name)).as_bytes()),
        }
        for name in &self.headers {
            for value in headers.get_all(name) {
                part(&mut key, value.as_bytes());
            }
            key.push(b'|');
        }
        if self.cookies != Names::None {
            part(&mut key, select_cookies(headers, |name| self.cookies.has(name)).as_bytes());
        }
        key.extend_from_slice(self.encodings(headers).unwrap_or_default().as_bytes());
        key
    }

    /// The encodings that the viewer takes, of those that are told apart: what the origin is asked
    /// for ("Compressed objects and cache key").
    pub(crate) fn encodings(&self, headers: &HeaderMap) -> Option<&'static str> {
        if !self.gzip && !self.brotli {
            return None;
        }
        let takes = |coding: &str| {
            let values = headers.get_all(ACCEPT_ENCODING).iter();
            let mut codings = values.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
            codings.any(|given| {
                let (name, quality) = given.split_once(';').unwrap_or((given, ""));
                let refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
                name.trim().eq_ignore_ascii_case(coding) && !refused
            })
        };
        match (self.gzip && takes("gzip"), self.brotli && takes("br")) {
            (true, true) => Some("br,gzip"),
            (true, false) => Some("gzip"),
            (false, true) => Some("br"),
            (false, false) => None,
        }
    }
}

/// Appends bytes so that two lists of them are the same only where each is.
fn part(key: &mut Vec<u8>, bytes: &[u8]) {
    key.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    key.extend_from_slice(bytes);
}

/// The query's parameters that are wanted, as and in the order they were sent.
pub(crate) fn select_query(query: &str, wanted: impl Fn(&str) -> bool) -> String {
    let mut selected = String::with_capacity(query.len());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        if wanted(&decoded) {
            if !selected.is_empty() {
                selected.push('&');
            }
            selected.push_str(pair);
        }
    }
    selected
}

/// The cookies that are wanted, as one header's text.
pub(crate) fn select_cookies(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> String {
    let mut selected = String::new();
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    for pair in values.flat_map(|value| value.split(';')).map(str::trim) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        if !pair.is_empty() && wanted(name) {
            if !selected.is_empty() {
                selected.push_str("; ");
            }
            selected.push_str(pair);
        }
    }
    selected
}

/// The cookies that are wanted, as a header; `None` where there are none.
pub(crate) fn cookie_header(
    headers: &HeaderMap,
    wanted: impl Fn(&str) -> bool,
) -> Option<HeaderValue> {
    let selected = select_cookies(headers, wanted);
    HeaderValue::from_str(&selected).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn only(names: &[&str]) -> Names {
        Names::Only(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn only_what_the_policy_names_counts() {
        let rule = KeyRule {
            headers: vec![HeaderName::from_static("x-lang")],
            cookies: only(&["session"]),
            query: only(&["page"]),
            gzip: true,
            brotli: true,
        };
        let key = |query: &str, pairs: &[(&'static str, &str)]| {
            rule.key("E1", "/a", query, &headers(pairs))
        };
        let base = key("page=1", &[("x-lang", "de")]);
        for (query, pairs) in [
            ("page=1&utm=2", vec![("x-lang", "de")]),
            ("utm=2&page=1", vec![("x-lang", "de"), ("cookie", "other=1")]),
            ("page=1", vec![("x-lang", "de"), ("user-agent", "x"), ("accept-encoding", "deflate")]),
            ("page=1", vec![("x-lang", "de"), ("accept-encoding", "gzip;q=0")]),
        ] {
            assert_eq!(key(query, &pairs), base, "{query} {pairs:?}");
        }
        for (query, pairs) in [
            ("page=2", vec![("x-lang", "de")]),
            ("", vec![("x-lang", "de")]),
            ("page=1", vec![("x-lang", "en")]),
            ("page=1", vec![]),
            ("page=1", vec![("x-lang", "de"), ("cookie", "a=1; session=2")]),
            ("page=1", vec![("x-lang", "de"), ("accept-encoding", "gzip")]),
        ] {
            assert_ne!(key(query, &pairs), base, "{query} {pairs:?}");
        }
    }

    type Drawn = (String, String, Vec<u8>, Vec<u8>);

    #[test]
    fn different_requests_have_different_keys() {
        let rule = KeyRule {
            headers: vec![HeaderName::from_static("x-a"), HeaderName::from_static("x-b")],
            cookies: Names::All,
            query: Names::All,
            ..KeyRule::default()
        };
        let key = |(path, query, a, b): &Drawn| {
            let value = |bytes: &[u8]| {
                let text: String = bytes.iter().map(|b| char::from(b'a' + b % 3)).collect();
                HeaderValue::from_str(&text).unwrap()
            };
            let mut headers = HeaderMap::new();
            headers.insert("x-a", value(a));
            headers.insert("x-b", value(b));
            let seen = (path.clone(), query.clone(), value(a), value(b));
            (rule.key("E", path, query, &headers), seen)
        };
        bolero::check!().with_type::<(Drawn, Drawn)>().with_iterations(4_000).for_each(
            |(one, other)| {
                let ((key_one, one), (key_other, other)) = (key(one), key(other));
                assert_eq!(key_one == key_other, one == other);
            },
        );
    }

    #[test]
    fn queries_and_cookies_are_selected_in_order() {
        let wanted = |name: &str| name == "a" || name == "b c";
        assert_eq!(select_query("b%20c=1&x=2&a=3&&a", wanted), "b%20c=1&a=3&a");
        let sent = headers(&[("cookie", "x=1; a=2"), ("cookie", "a=3;b=4")]);
        assert_eq!(select_cookies(&sent, |name| name == "a"), "a=2; a=3");
        assert_eq!(cookie_header(&sent, |_| false), None);
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|query| {
            let kept = select_query(query, |_| true);
            assert_eq!(select_query(&kept, |_| true), kept);
            assert_eq!(select_query(query, |_| false), "");
        });
    }
}
