//! The strict reading of one HTTP/1 request head (RFC 9112 sections 2 to 6).

use bytes::Bytes;
use http::StatusCode;
use memchr::{memchr, memchr2};

use super::target::{RawTarget, escape};

/// hyper keeps this many headers on the stack; no AWS client comes near it.
const HEADERS: usize = 100;

/// Why a request is not taken: the status that says so, and a line for the person reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) why: &'static str,
}

impl Refusal {
    pub(crate) const fn bad(why: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why }
    }

    pub(crate) const HEAD_TOO_LARGE: Self = Self {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        why: "the request's head is larger than this server takes",
    };
    pub(crate) const TOO_SLOW: Self = Self {
        status: StatusCode::REQUEST_TIMEOUT,
        why: "the request's head took too long to arrive",
    };
}

/// How the end of a request's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// After its last chunk.
    Chunked,
}

/// A head that reads one way.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) framing: Framing,
    /// The head to use in its place, and the target it came with, where hyper would have lost
    /// bytes of the target.
    pub(crate) rewritten: Option<(Vec<u8>, RawTarget)>,
}

/// Checks a head, from its request line to its empty line, both included.
pub(crate) fn check(head: &[u8]) -> Result<Head, Refusal> {
    let (first, rest) = line(head)?;
    let (method, after) = cut(first, b' ').ok_or(Refusal::bad("the request line is malformed"))?;
    let (target, version) =
        cut(after, b' ').ok_or(Refusal::bad("the request line is malformed"))?;
    if !is_token(method) {
        return Err(Refusal::bad("the method is malformed"));
    }
    if method == b"CONNECT" {
        return Err(Refusal {
            status: StatusCode::METHOD_NOT_ALLOWED,
            why: "this server is not a proxy",
        });
    }
    let http11 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        other if !other.starts_with(b"HTTP/") => {
            return Err(Refusal::bad("the request line is malformed"));
        }
        _ => {
            return Err(Refusal {
                status: StatusCode::HTTP_VERSION_NOT_SUPPORTED,
                why: "this server speaks HTTP/1.0, HTTP/1.1 and HTTP/2",
            });
        }
    };
    let framing = fields(rest, http11)?;
    let local = local_part(target)?;
    let rewritten = escape(local).map(|escaped| {
        let before = method.len() + 1 + target.len() - local.len();
        let (start, end) = (head.get(..before), head.get(before + local.len()..));
        let new = [start.unwrap_or_default(), &escaped, end.unwrap_or_default()].concat();
        // `http://host?query` has an empty path, which is sent on as `/`.
        let root: &[u8] = if local.starts_with(b"?") { b"/" } else { b"" };
        (new, RawTarget(Bytes::from([root, local].concat())))
    });
    Ok(Head { framing, rewritten })
}

/// The path and query of a request target (RFC 9112 section 3.2).
fn local_part(target: &[u8]) -> Result<&[u8], Refusal> {
    if target.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return Err(Refusal::bad("the request target holds a control character or a space"));
    }
    if target.starts_with(b"/") || target == b"*" {
        return Ok(target);
    }
    let scheme_end = ["http://", "https://"].into_iter().find_map(|scheme| {
        let start = target.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme.as_bytes()).then_some(scheme.len())
    });
    let after = scheme_end
        .and_then(|end| target.get(end..))
        .ok_or(Refusal::bad("the request target is neither a path nor an http address"))?;
    let path = after.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(after.len());
    Ok(after.get(path..).unwrap_or_default())
}

/// Reads the header fields up to the empty line, for what says where the body ends.
fn fields(mut rest: &[u8], http11: bool) -> Result<Framing, Refusal> {
    let (mut count, mut hosts) = (0, 0);
    let mut length = None;
    let mut chunked = false;
    loop {
        let (field, after) = line(rest)?;
        rest = after;
        if field.is_empty() {
            break;
        }
        count += 1;
        if count > HEADERS {
            return Err(Refusal::HEAD_TOO_LARGE);
        }
        // No space before the colon, no line that continues the one before (section 5.1, 5.2).
        let (name, value) = cut(field, b':').ok_or(Refusal::bad("a header line has no colon"))?;
        if !is_token(name) {
            return Err(Refusal::bad("a header's name is malformed"));
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => hosts += 1,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if length.is_some() {
                    return Err(Refusal::bad("there is more than one content-length"));
                }
                length = Some(digits(value.trim_ascii())?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal {
                        status: StatusCode::NOT_IMPLEMENTED,
                        why: "the one transfer-encoding this server takes is chunked",
                    });
                }
                chunked = true;
            }
            _ => {}
        }
    }
    if !rest.is_empty() {
        return Err(Refusal::bad("the head goes on after its end"));
    }
    match (hosts, http11) {
        (1, _) | (0, false) => {}
        _ => return Err(Refusal::bad("a request has exactly one host header")),
    }
    match (length, chunked) {
        // RFC 9112 section 6.1 and 6.3: the sign of an attempt to smuggle a request.
        (Some(_), true) => Err(Refusal::bad("there are content-length and transfer-encoding")),
        (None, true) if !http11 => Err(Refusal::bad("HTTP/1.0 has no transfer-encoding")),
        (None, true) => Ok(Framing::Chunked),
        (length, false) => Ok(Framing::Length(length.unwrap_or(0))),
    }
}

fn digits(value: &[u8]) -> Result<u64, Refusal> {
    let malformed = Refusal::bad("the content-length is not a number");
    if value.is_empty() || value.len() > 18 {
        return Err(malformed);
    }
    value.iter().try_fold(0_u64, |sum, byte| match byte {
        b'0'..=b'9' => Ok(sum * 10 + u64::from(byte - b'0')),
        _ => Err(malformed),
    })
}

/// Splits `bytes` after its first line, which ends with CR LF and holds neither otherwise.
fn line(bytes: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let malformed = Refusal::bad("a line of the head does not end with CR LF");
    let end = memchr(b'\n', bytes).ok_or(malformed)?;
    let (line, rest) = bytes.split_at_checked(end + 1).ok_or(malformed)?;
    let line = line.strip_suffix(b"\r\n").ok_or(malformed)?;
    if memchr2(b'\r', b'\0', line).is_some() {
        return Err(Refusal::bad("a line of the head holds a CR or a NUL"));
    }
    Ok((line, rest))
}

fn cut(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let index = memchr(at, bytes)?;
    Some((bytes.get(..index)?, bytes.get(index + 1..)?))
}

/// The bytes of a token (RFC 9110 section 5.6.2), one bit for each ASCII character.
const TOKEN: u128 = {
    let mut bits = 0;
    let mut byte = 0x21_u8;
    while byte < 0x7f {
        let delimiter = matches!(
            byte,
            b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'['..=b']' | b'{' | b'}'
        );
        bits |= if delimiter { 0 } else { 1 << byte };
        byte += 1;
    }
    bits
};

fn is_token(name: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii() && TOKEN >> byte & 1 == 1;
    !name.is_empty() && name.iter().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str) -> Result<Framing, u16> {
        check(head.as_bytes()).map(|head| head.framing).map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn bodies_are_framed_one_way_or_not_at_all() {
        let cases: [(&str, Result<Framing, u16>); 24] = [
            ("", Ok(Framing::Length(0))),
            ("Content-Length: 5\r\n", Ok(Framing::Length(5))),
            ("content-LENGTH:5\t\r\n", Ok(Framing::Length(5))),
            ("Transfer-Encoding: Chunked\r\n", Ok(Framing::Chunked)),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Err(400)),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Err(400)),
            ("Content-Length: 5\r\nContent-Length: 5\r\n", Err(400)),
            ("Content-Length: 5\r\nContent-Length: 6\r\n", Err(400)),
            ("Content-Length: 5, 5\r\n", Err(400)),
            ("Content-Length: +5\r\n", Err(400)),
            ("Content-Length: -5\r\n", Err(400)),
            ("Content-Length: 0x5\r\n", Err(400)),
            ("Content-Length:\r\n", Err(400)),
            ("Content-Length: 99999999999999999999\r\n", Err(400)),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(501)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(501)),
            ("Transfer-Encoding: identity\r\n", Err(501)),
            ("Transfer-Encoding: xchunked\r\n", Err(501)),
            ("Transfer-Encoding : chunked\r\n", Err(400)),
            (" Transfer-Encoding: chunked\r\n", Err(400)),
            ("X: a\r\n b\r\n", Err(400)),
            ("X: a\rTransfer-Encoding: chunked\r\n", Err(400)),
            ("X: a\nTransfer-Encoding: chunked\r\n", Err(400)),
            ("Host: b\r\n", Err(400)),
        ];
        for (fields, expected) in cases {
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
            assert_eq!(framing(&head), expected, "{fields:?}");
        }
    }

    #[test]
    fn request_lines() {
        for (line, expected) in [
            ("GET / HTTP/1.1", Ok(Framing::Length(0))),
            ("GET http://a/b HTTP/1.1", Ok(Framing::Length(0))),
            ("OPTIONS * HTTP/1.1", Ok(Framing::Length(0))),
            ("GET  / HTTP/1.1", Err(400)),
            ("GET / x HTTP/1.1", Err(400)),
            ("GET / HTTP/3.0", Err(505)),
            ("GET /\tx HTTP/1.1", Err(400)),
            ("GET a HTTP/1.1", Err(400)),
            ("G(T / HTTP/1.1", Err(400)),
            ("CONNECT a:443 HTTP/1.1", Err(405)),
            ("PRI * HTTP/2.0", Err(505)),
            ("GET /", Err(400)),
        ] {
            assert_eq!(framing(&format!("{line}\r\nHost: a\r\n\r\n")), expected, "{line}");
        }
        assert_eq!(framing("GET / HTTP/1.1\r\n\r\n"), Err(400));
        assert_eq!(framing("GET / HTTP/1.0\r\n\r\n"), Ok(Framing::Length(0)));
        let chunked = "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(framing(chunked), Err(400));
        let many = format!("GET / HTTP/1.0\r\n{}\r\n", "x: y\r\n".repeat(101));
        assert_eq!(framing(&many), Err(431));
    }

    #[test]
    fn odd_targets_are_rewritten_and_kept() {
        for (target, seen, raw) in [
            ("/a#b<c", "/a%23b%3Cc", "/a#b<c"),
            ("http://h:1/ä?ö", "http://h:1/%C3%A4?%C3%B6", "/ä?ö"),
        ] {
            let tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
            let head = check(format!("GET {target}{tail}").as_bytes()).unwrap();
            let (new, kept) = head.rewritten.unwrap();
            assert_eq!(String::from_utf8(new).unwrap(), format!("GET {seen}{tail}"));
            assert_eq!(kept.0, raw.as_bytes());
        }
        assert!(check(b"GET /a HTTP/1.0\r\n\r\n").unwrap().rewritten.is_none());
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
            let _ = check(bytes);
        });
    }
}
