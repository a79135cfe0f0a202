//! The canonical request and the string to sign: what signer and verifier have to agree on.
//!
//! AWS: "Create a signed AWS API request" (IAM user guide), and for S3 "Signature calculations"
//! (S3 API reference).

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};

use super::encode::{decode, escape, push_encoded, push_encoded_byte, push_hex};
use super::{Head, Style};

/// What goes into a canonical request beside the head.
pub(super) struct Canonical<'a> {
    /// Names joined by `;`, in the order to be written.
    pub signed_headers: &'a str,
    /// The service's way.
    pub style: Style,
    /// Decoded names of query parameters to leave out (the signature itself).
    pub skip: &'a [&'a str],
    /// The last line.
    pub payload: &'a str,
    /// What a `+` in the query is taken for: itself or a space.
    pub plus: u8,
}

impl Canonical<'_> {
    /// The canonical request; `Err` names a signed header that the request does not have.
    pub(super) fn build(&self, head: &Head<'_>) -> Result<Vec<u8>, String> {
        let (path, query) = head.split();
        let mut out = Vec::with_capacity(512 + path.len() + query.len());
        out.extend_from_slice(head.method.as_str().as_bytes());
        out.push(b'\n');
        push_path(&mut out, path, self.style);
        out.push(b'\n');
        self.push_query(&mut out, query);
        out.push(b'\n');
        for name in self.signed_headers.split(';') {
            push_header(&mut out, head, name)?;
        }
        out.push(b'\n');
        out.extend_from_slice(self.signed_headers.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.payload.as_bytes());
        Ok(out)
    }

    fn push_query(&self, out: &mut Vec<u8>, query: &[u8]) {
        if query.is_empty() {
            return;
        }
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = pairs(query)
            .filter_map(|(name, value)| {
                let name = decode(name, self.plus);
                if self.skip.iter().any(|s| s.as_bytes() == &*name) {
                    return None;
                }
                let (mut n, mut v) = (Vec::with_capacity(name.len()), Vec::new());
                push_encoded(&mut n, &name);
                push_encoded(&mut v, &decode(value, self.plus));
                Some((n, v))
            })
            .collect();
        pairs.sort_unstable();
        for (i, (name, value)) in pairs.iter().enumerate() {
            if i > 0 {
                out.push(b'&');
            }
            out.extend_from_slice(name);
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

/// The raw `name=value` pairs of a query; a missing `=` leaves the value empty.
pub(super) fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|b| *b == b'&').filter(|p| !p.is_empty()).map(|pair| {
        let at = pair.iter().position(|b| *b == b'=');
        let name = pair.get(..at.unwrap_or(pair.len())).unwrap_or_default();
        (name, at.and_then(|at| pair.get(at + 1..)).unwrap_or_default())
    })
}

fn push_path(out: &mut Vec<u8>, raw: &[u8], style: Style) {
    let path = if style.normalize { normalized(raw) } else { Cow::Borrowed(raw) };
    if path.first() != Some(&b'/') {
        out.push(b'/');
    }
    let mut rest: &[u8] = &path;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'/' {
            out.push(b'/');
        } else if let Some(byte) = escape_at(*first, tail).filter(|_| !style.encode_twice) {
            push_encoded_byte(out, byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            push_encoded_byte(out, *first);
        }
    }
}

fn escape_at(first: u8, tail: &[u8]) -> Option<u8> {
    match (first, tail) {
        (b'%', [hi, lo, ..]) => escape(&[b'%', *hi, *lo]),
        _ => None,
    }
}

/// Without `.` and `..` segments (RFC 3986 section 5.2.4) and repeated slashes.
fn normalized(path: &[u8]) -> Cow<'_, [u8]> {
    let plain = !path.windows(2).any(|w| matches!(w, b"//" | b"/."));
    if plain {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut directory = false;
    for segment in path.split(|b| *b == b'/') {
        directory = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in &kept {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if directory || out.is_empty() {
        out.push(b'/');
    }
    Cow::Owned(out)
}

/// `name:value\n`, values trimmed, inner runs of blanks made one, several joined by a comma.
fn push_header(out: &mut Vec<u8>, head: &Head<'_>, name: &str) -> Result<(), String> {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    if name == "host"
        && let Some(authority) = head.authority
    {
        push_trimmed(out, authority.as_bytes());
        out.push(b'\n');
        return Ok(());
    }
    let mut some = false;
    for value in head.headers.get_all(name) {
        if some {
            out.push(b',');
        }
        some = true;
        push_trimmed(out, value.as_bytes());
    }
    out.push(b'\n');
    if some { Ok(()) } else { Err(name.to_owned()) }
}

fn push_trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    let runs =
        value.windows(2).any(|w| matches!(w, [a, b] if blank(a) && (*a != b' ' || blank(b))));
    if !runs {
        out.extend_from_slice(value);
        return;
    }
    let mut blank = false;
    for b in value {
        match b {
            b' ' | b'\t' | b'\n' | b'\r' => blank = true,
            b => {
                if blank {
                    out.push(b' ');
                    blank = false;
                }
                out.push(*b);
            }
        }
    }
}

/// `algorithm \n date \n scope \n hex(sha256(canonical request))`.
pub(super) fn string_to_sign(
    algorithm: &str,
    date: &str,
    scope: &str,
    canonical: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(algorithm.len() + date.len() + scope.len() + 67);
    for line in [algorithm, date, scope] {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    push_hex(&mut out, digest(&SHA256, canonical).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(raw: &str, style: Style) -> String {
        let mut out = Vec::new();
        push_path(&mut out, raw.as_bytes(), style);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_of_both_styles() {
        for (raw, common, s3) in [
            ("", "/", "/"),
            ("/", "/", "/"),
            ("/a%20b", "/a%2520b", "/a%20b"),
            ("/a b:c", "/a%20b%3Ac", "/a%20b%3Ac"),
            ("/a//b/../c/.", "/a/c/", "/a//b/../c/."),
            ("/a%2Fb%2f", "/a%252Fb%252f", "/a%2Fb%2F"),
            ("/../..", "/", "/../.."),
            ("/.hidden/x..", "/.hidden/x..", "/.hidden/x.."),
            ("/%zz%4", "/%25zz%254", "/%25zz%254"),
        ] {
            assert_eq!(path(raw, Style::COMMON), common, "{raw}");
            assert_eq!(path(raw, Style::S3), s3, "{raw}");
        }
    }

    #[test]
    fn queries_sort_by_encoded_name_then_value() {
        let canonical = |plus| {
            let c = Canonical {
                signed_headers: "",
                style: Style::S3,
                skip: &["X-Amz-Signature"],
                payload: "",
                plus,
            };
            let mut out = Vec::new();
            c.push_query(&mut out, b"b=2&a&b=1&c+d=%e1&&X-Amz-Signature=x&=v&a=");
            String::from_utf8(out).unwrap()
        };
        assert_eq!(canonical(b'+'), "=v&a=&a=&b=1&b=2&c%2Bd=%E1");
        assert_eq!(canonical(b' '), "=v&a=&a=&b=1&b=2&c%20d=%E1");
    }
}
