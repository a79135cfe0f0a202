//! How long an answer is kept and served without asking the origin.
//!
//! "Manage how long content stays in the cache (expiration)" and "How CloudFront caches HTTP 4xx
//! and 5xx status codes", developer guide.

use cumulet_base::Timestamp;
use http::StatusCode;
use http::header::{CACHE_CONTROL, EXPIRES, HeaderMap, VARY};

/// The bounds that a cache behaviour sets, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ttl {
    pub(crate) min: u64,
    pub(crate) default: u64,
    pub(crate) max: u64,
}

/// What an origin says about the keeping of an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// `no-store`, `no-cache` or `private`.
    pub(crate) forbidden: bool,
    /// `s-maxage`, else `max-age`, else what is left until `Expires`; seconds.
    pub(crate) age: Option<u64>,
    /// `stale-if-error`, seconds.
    pub(crate) stale_if_error: Option<u64>,
}

impl Said {
    /// Reads an answer's headers.
    pub(crate) fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let (mut said, mut shared, mut own) = (Self::default(), None, None);
        let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        for directive in values.flat_map(|value| value.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            // What is too large for a number is as long as can be (RFC 9111 section 1.2.2).
            let digits = value.trim().trim_matches('"');
            let numeric = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            let seconds = numeric.then(|| digits.parse().unwrap_or(u64::from(u32::MAX)));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" | "private" => said.forbidden = true,
                "s-maxage" => shared = seconds.or(Some(0)),
                "max-age" => own = seconds.or(Some(0)),
                "stale-if-error" => said.stale_if_error = seconds,
                _ => {}
            }
        }
        let expires = || {
            let value = headers.get(EXPIRES)?.to_str().ok()?;
            // A date that is none is one in the past (RFC 9111 section 5.3).
            let at = cumulet_wire::http_date(value).unwrap_or(Timestamp::from_secs(0));
            Some(at.since(now).as_secs())
        };
        said.age = shared.or(own).or_else(expires);
        said
    }
}

/// How long an answer with a status below 400 may be served, in seconds; `None`: it is not kept at
/// all. Zero: it is kept to be validated again.
pub(crate) fn lifetime(ttl: Ttl, said: Said, headers: &HeaderMap) -> Option<u64> {
    if said.forbidden {
        // A minimum above zero wins over the origin's wish.
        return (ttl.min > 0).then_some(ttl.min);
    }
    let varies = headers.get_all(VARY).iter().any(|value| value.as_bytes() == b"*");
    if varies && ttl.min == 0 {
        return None;
    }
    Some(match said.age {
        Some(age) => age.min(ttl.max).max(ttl.min),
        None => ttl.default.max(ttl.min),
    })
}

/// How long an answer with a status of 400 or more is kept; `least` is the distribution's
/// ErrorCachingMinTTL for it, where it has one.
pub(crate) fn error_lifetime(status: StatusCode, said: Said, least: Option<u64>) -> Option<u64> {
    /// Where the distribution says nothing.
    const LEAST: u64 = 10;
    let always = matches!(status.as_u16(), 404 | 414 | 500..=504);
    let at_wish = matches!(status.as_u16(), 400 | 403 | 405 | 412 | 415);
    if always || (at_wish && (least.is_some() || said.age.is_some())) {
        let wish = if said.forbidden { 0 } else { said.age.unwrap_or(0) };
        let least = least.unwrap_or(if always { LEAST } else { 0 });
        return Some(wish.max(least)).filter(|seconds| *seconds > 0);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_219_200);
    const USUAL: Ttl = Ttl { min: 0, default: 86_400, max: 31_536_000 };

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn of(ttl: Ttl, pairs: &[(&'static str, &str)]) -> Option<u64> {
        let headers = headers(pairs);
        lifetime(ttl, Said::read(&headers, NOW), &headers)
    }

    #[test]
    fn lifetimes_follow_the_guide() {
        let least = Ttl { min: 60, default: 100, max: 1000 };
        let soon = NOW.after(std::time::Duration::from_secs(50)).http_date();
        for (ttl, pairs, expect) in [
            (USUAL, vec![], Some(86_400)),
            (USUAL, vec![("cache-control", "max-age=30")], Some(30)),
            (USUAL, vec![("cache-control", "max-age=30, s-maxage=40")], Some(40)),
            (USUAL, vec![("cache-control", "S-MaxAge=\"40\""), ("expires", "0")], Some(40)),
            (USUAL, vec![("expires", soon.as_str())], Some(50)),
            (USUAL, vec![("expires", "0")], Some(0)),
            (USUAL, vec![("cache-control", "max-age=99999999999999999999")], Some(31_536_000)),
            (USUAL, vec![("cache-control", "max-age=nonsense")], Some(0)),
            (USUAL, vec![("cache-control", "private, max-age=30")], None),
            (USUAL, vec![("cache-control", "no-cache")], None),
            (USUAL, vec![("vary", "*")], None),
            (least, vec![], Some(100)),
            (least, vec![("cache-control", "max-age=1")], Some(60)),
            (least, vec![("cache-control", "max-age=5000")], Some(1000)),
            (least, vec![("cache-control", "no-store")], Some(60)),
            (least, vec![("expires", "0")], Some(60)),
            (least, vec![("vary", "*")], Some(100)),
        ] {
            assert_eq!(of(ttl, &pairs), expect, "{ttl:?} {pairs:?}");
        }
    }

    #[test]
    fn errors_are_kept_shortly() {
        let of = |status: u16, cache_control: &str, least| {
            let headers = headers(&[("cache-control", cache_control)]);
            let said = Said::read(&headers, NOW);
            error_lifetime(StatusCode::from_u16(status).unwrap(), said, least)
        };
        assert_eq!(of(404, "", None), Some(10));
        assert_eq!(of(404, "max-age=60", None), Some(60));
        assert_eq!(of(404, "max-age=60", Some(100)), Some(100));
        assert_eq!(of(503, "no-store", None), Some(10));
        assert_eq!(of(404, "", Some(0)), None);
        assert_eq!(of(403, "", None), None);
        assert_eq!(of(403, "", Some(5)), Some(5));
        assert_eq!(of(403, "max-age=7", None), Some(7));
        assert_eq!(of(416, "max-age=7", None), None);
        assert_eq!(of(401, "max-age=7", Some(5)), None);
    }

    #[test]
    fn whatever_an_origin_says_stays_within_the_bounds() {
        bolero::check!().with_type::<(String, u32, u32, u32)>().with_iterations(5_000).for_each(
            |(text, min, default, max)| {
                let (min, max) = (u64::from(*min.min(max)), u64::from(*max.max(min)));
                let ttl = Ttl { min, default: u64::from(*default).clamp(min, max), max };
                let Ok(value) = http::HeaderValue::from_str(text) else { return };
                let mut headers = HeaderMap::new();
                headers.insert(CACHE_CONTROL, value.clone());
                headers.insert(EXPIRES, value);
                let found = lifetime(ttl, Said::read(&headers, NOW), &headers);
                assert!(found.is_none_or(|found| (min..=max).contains(&found)), "{found:?}");
            },
        );
    }
}
