//! An answer made of what is kept: conditions, ranges, HEAD (RFC 9110 sections 13 and 14).

use bytes::Bytes;
use cumulet_base::Body;
use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{Response, StatusCode};

/// An answer to a GET or, without its body, a HEAD request with these `asked` headers.
pub(crate) fn answer(
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
    asked: &HeaderMap,
    head_only: bool,
) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = headers.clone();
    *response.status_mut() = status;
    if status == StatusCode::OK && is_unchanged(headers, asked) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(CONTENT_LENGTH);
        response.headers_mut().remove(CONTENT_TYPE);
        return response;
    }
    let mut bytes = body.clone();
    if status == StatusCode::OK && may_be_partial(headers, asked) {
        match asked.get(RANGE).and_then(|range| range.to_str().ok()).map(|r| parse(r, body.len())) {
            Some(Part::Of(first, last)) => {
                bytes = body.slice(first..=last);
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                set(&mut response, CONTENT_RANGE, &format!("bytes {first}-{last}/{}", body.len()));
            }
            Some(Part::Outside) => {
                bytes = Bytes::new();
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                set(&mut response, CONTENT_RANGE, &format!("bytes */{}", body.len()));
            }
            Some(Part::All) | None => {}
        }
    }
    set(&mut response, CONTENT_LENGTH, &bytes.len().to_string());
    if !head_only {
        *response.body_mut() = Body::from(bytes);
    }
    response
}

fn set(response: &mut Response<Body>, name: http::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

/// Whether the viewer has this already.
fn is_unchanged(headers: &HeaderMap, asked: &HeaderMap) -> bool {
    if asked.contains_key(IF_NONE_MATCH) {
        let Some(own) = headers.get(ETAG).and_then(|etag| etag.to_str().ok()) else { return false };
        let weak = |etag: &str| etag.trim().trim_start_matches("W/").to_owned();
        let own = weak(own);
        let values = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut etags = values.flat_map(|value| value.split(','));
        return etags.any(|etag| etag.trim() == "*" || weak(etag) == own);
    }
    let date = |headers: &HeaderMap, name| {
        let value = headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok())?;
        cumulet_wire::http_date(value)
    };
    match (date(headers, LAST_MODIFIED), date(asked, IF_MODIFIED_SINCE)) {
        (Some(modified), Some(since)) => modified <= since,
        _ => false,
    }
}

/// Whether a range is of the object that the viewer means.
fn may_be_partial(headers: &HeaderMap, asked: &HeaderMap) -> bool {
    let Some(condition) = asked.get(IF_RANGE) else { return true };
    // A weak validator never fits (RFC 9110 section 13.1.5).
    let weak = condition.as_bytes().starts_with(b"W/");
    !weak && (headers.get(ETAG) == Some(condition) || headers.get(LAST_MODIFIED) == Some(condition))
}

/// What a Range header asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// From the first to the last byte, both included.
    Of(usize, usize),
    /// Nothing that there is.
    Outside,
    /// Several ranges, or something that is no range: the whole is answered.
    All,
}

fn parse(text: &str, len: usize) -> Part {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-'))
    else {
        return Part::All;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<usize>().unwrap_or(usize::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => match suffix.min(len) {
            0 => Part::Outside,
            count => Part::Of(len - count, len - 1),
        },
        (Some(first), _) if first >= len => match number(last) {
            Some(last) if last < first => Part::All,
            None if !last.is_empty() => Part::All,
            _ => Part::Outside,
        },
        (Some(first), None) if last.is_empty() => Part::Of(first, len - 1),
        (Some(first), Some(last)) if first <= last => Part::Of(first, last.min(len - 1)),
        _ => Part::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"0123456789";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn shown(asked: &[(&'static str, &str)], head: bool) -> String {
        let own = headers(&[
            ("etag", "\"e\""),
            ("last-modified", "Sat, 21 Nov 2026 00:00:00 GMT"),
            ("content-type", "text/plain"),
        ]);
        let body = Bytes::from_static(BODY);
        let found = answer(StatusCode::OK, &own, &body, &headers(asked), head);
        let header = |name: http::HeaderName| {
            found.headers().get(name).map_or("-", |value| value.to_str().unwrap())
        };
        let text = String::from_utf8_lossy(found.body().whole().unwrap());
        let (range, length) = (header(CONTENT_RANGE), header(CONTENT_LENGTH));
        format!("{} {range} {length} {text}", found.status().as_u16())
    }

    #[test]
    fn ranges() {
        for (range, expect) in [
            ("bytes=0-3", "206 bytes 0-3/10 4 0123"),
            ("bytes=5-", "206 bytes 5-9/10 5 56789"),
            ("bytes=-2", "206 bytes 8-9/10 2 89"),
            ("bytes=-99", "206 bytes 0-9/10 10 0123456789"),
            ("bytes=8-99", "206 bytes 8-9/10 2 89"),
            ("bytes=10-", "416 bytes */10 0 "),
            ("bytes=99999999999999999999999-", "416 bytes */10 0 "),
            ("bytes=-0", "416 bytes */10 0 "),
            ("bytes=3-1", "200 - 10 0123456789"),
            ("bytes=0-1,3-4", "200 - 10 0123456789"),
            ("lines=1-2", "200 - 10 0123456789"),
            ("bytes=x-y", "200 - 10 0123456789"),
        ] {
            assert_eq!(shown(&[("range", range)], false), expect, "{range}");
        }
        let old = [("range", "bytes=0-3"), ("if-range", "\"other\"")];
        assert_eq!(shown(&old, false), "200 - 10 0123456789");
        let same = [("range", "bytes=0-3"), ("if-range", "\"e\"")];
        assert_eq!(shown(&same, false), "206 bytes 0-3/10 4 0123");
    }

    #[test]
    fn conditions_and_head() {
        for (asked, expect) in [
            (("if-none-match", "\"e\""), "304 - - "),
            (("if-none-match", "\"a\", W/\"e\""), "304 - - "),
            (("if-none-match", "*"), "304 - - "),
            (("if-none-match", "\"a\""), "200 - 10 0123456789"),
            (("if-modified-since", "Sat, 21 Nov 2026 00:00:00 GMT"), "304 - - "),
            (("if-modified-since", "Fri, 20 Nov 2026 00:00:00 GMT"), "200 - 10 0123456789"),
            (("if-modified-since", "nonsense"), "200 - 10 0123456789"),
        ] {
            assert_eq!(shown(&[asked], false), expect, "{asked:?}");
        }
        assert_eq!(shown(&[], true), "200 - 10 ");
    }

    #[test]
    fn any_range_is_one_of_the_body() {
        bolero::check!().with_type::<(String, u8)>().with_iterations(5_000).for_each(
            |(text, len)| {
                for text in [text.clone(), format!("bytes={text}")] {
                    if let Part::Of(first, last) = parse(&text, usize::from(*len)) {
                        assert!(first <= last && last < usize::from(*len));
                    }
                }
            },
        );
        bolero::check!().with_type::<(u8, u8, u8)>().with_iterations(5_000).for_each(
            |(a, b, n)| {
                let (a, b, len) = (usize::from(*a), usize::from(*b), usize::from(*n));
                let expect = match (a <= b, a < len) {
                    (true, true) => Part::Of(a, b.min(len - 1)),
                    (true, false) => Part::Outside,
                    (false, _) => Part::All,
                };
                assert_eq!(parse(&format!("bytes={a}-{b}"), len), expect);
            },
        );
    }
}
