//! Request targets as they were sent.

use std::borrow::Cow;

use bytes::Bytes;
use http::Request;

/// The path and query as sent, in a request's extensions where `escape` had to change them.
#[derive(Debug, Clone)]
pub(crate) struct RawTarget(pub(crate) Bytes);

/// The path and query of a request, byte for byte as the client sent them.
///
/// `Request::uri` shows the same with every byte that a URI may not hold percent-encoded: it is
/// right for routing, this is right for signatures.
pub fn raw_target<B>(request: &Request<B>) -> Cow<'_, [u8]> {
    match request.extensions().get::<RawTarget>() {
        Some(RawTarget(raw)) => Cow::Borrowed(raw),
        None => request.uri().path_and_query().map_or(Cow::Borrowed(b"/"), |target| {
            match target.as_str() {
                // The target `http://host?query` has an empty path, which is sent on as `/`.
                query if query.starts_with('?') => Cow::Owned(format!("/{query}").into_bytes()),
                text => Cow::Borrowed(text.as_bytes()),
            }
        }),
    }
}

/// `target` (path and query) with the bytes that `http::Uri` refuses, drops or takes only as
/// UTF-8 percent-encoded; `None` where there are none.
pub(crate) fn escape(target: &[u8]) -> Option<Vec<u8>> {
    let mut in_query = false;
    let first = target.iter().position(|byte| {
        in_query |= *byte == b'?';
        !is_kept(*byte, in_query)
    })?;
    let (fine, rest) = target.split_at_checked(first)?;
    let mut out = Vec::with_capacity(target.len() + 16);
    out.extend_from_slice(fine);
    for &byte in rest {
        in_query |= byte == b'?';
        if is_kept(byte, in_query) {
            out.push(byte);
            continue;
        }
        out.push(b'%');
        out.extend([byte >> 4, byte & 15].map(|nibble| match nibble {
            0..=9 => b'0' + nibble,
            _ => b'A' + nibble - 10,
        }));
    }
    Some(out)
}

/// Whether `http::Uri` takes a byte, and keeps it, in a path or in a query.
fn is_kept(byte: u8, in_query: bool) -> bool {
    match byte {
        b'#' | b'<' | b'>' => false,
        b'`' => in_query,
        b'"' => !in_query,
        _ => byte.is_ascii_graphic(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_targets_are_left_alone() {
        for target in [
            "/",
            "//a/../b",
            "/a%2Fb?x=%7E",
            "/?a&b=",
            "/a?",
            "/a?b?c",
            "/{proxy+}?q={[1]}",
            "/a|b^c\\d\"e'f(g)*h",
            "/q?a=`|^\\{}[]'",
        ] {
            assert_eq!(escape(target.as_bytes()), None, "{target}");
            let uri: http::Uri = target.parse().unwrap();
            assert_eq!(uri.path_and_query().unwrap().as_str(), target);
        }
    }

    #[test]
    fn odd_bytes_are_percent_encoded() {
        for (sent, seen) in [
            (&b"/a<b>c#d"[..], "/a%3Cb%3Ec%23d"),
            (b"/`?`\"", "/%60?`%22"),
            (b"/\xff\xfe?\xc3\xa4", "/%FF%FE?%C3%A4"),
            (b"/a#b?c#d", "/a%23b?c%23d"),
        ] {
            assert_eq!(escape(sent).as_deref(), Some(seen.as_bytes()));
        }
    }

    #[test]
    fn whatever_is_escaped_is_a_uri_that_changes_nothing() {
        bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
            let visible = bytes.iter().copied().filter(|b| *b > 0x20 && *b != 0x7f);
            let sent: Vec<u8> = std::iter::once(b'/').chain(visible).collect();
            let seen = escape(&sent).unwrap_or_else(|| sent.clone());
            let uri = http::Uri::try_from(&seen[..]).unwrap();
            assert_eq!(uri.path_and_query().unwrap().as_str().as_bytes(), seen);
        });
    }
}
