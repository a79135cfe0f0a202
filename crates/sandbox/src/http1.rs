//! HTTP/1.1 (RFC 9112) as far as the Runtime API needs it: requests in, small responses out.
//!
//! All other HTTP of this cloud goes through crate `net`. The Runtime API does not, because it is
//! part of the sandbox: it is spoken over sockets that a launcher makes (later: inside another
//! network namespace), by code that is not trusted, and every microsecond of it is paid on each
//! invocation. So this is a strict parser with small bounds and no options: no pipelining beyond
//! one buffer, no compression, no upgrade.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes of a request's head, and of a chunked body's trailers.
pub(crate) const HEAD_LIMIT: usize = 64 << 10;
/// Header fields in a head or in trailers.
const FIELD_LIMIT: usize = 64;
/// Bytes of a line that announces a chunk, its extensions included.
const CHUNK_LINE_LIMIT: usize = 256;

/// Why a request cannot be understood. Always ends the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The head or the trailers exceed their limit.
    TooLarge,
    /// The request line is not `METHOD target HTTP/1.1`.
    RequestLine,
    /// A header field is not `name: value`, or there are too many.
    Field,
    /// Content-Length and Transfer-Encoding contradict each other or are none.
    Length,
    /// A chunk's size line or end is wrong.
    Chunk,
}

/// A request's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) fields: Fields,
    pub(crate) length: Length,
    /// Whether the client wants the connection closed afterwards.
    pub(crate) close: bool,
    /// Whether the client waits for `100 Continue` (curl does for bodies over 1 MB).
    pub(crate) expects_continue: bool,
}

/// How a body's end is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Known(u64),
    Chunked,
}

/// Header fields in order; names in lower case, values as text (bytes outside UTF-8 replaced).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of `name` (lower case).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// Takes one head off the front of `buffer`; `None` while its end has not arrived.
pub(crate) fn take_head(buffer: &mut BytesMut) -> Result<Option<Head>, Malformed> {
    let Some(end) = find(buffer, b"\r\n\r\n") else {
        return if buffer.len() > HEAD_LIMIT { Err(Malformed::TooLarge) } else { Ok(None) };
    };
    if end > HEAD_LIMIT {
        return Err(Malformed::TooLarge);
    }
    let head = buffer.split_to(end + 4);
    let (line, rest) = split_line(head.get(..end + 2).unwrap_or_default());
    let (method, target) = request_line(line)?;
    let fields = parse_fields(rest)?;
    let length = body_length(&fields)?;
    let says = |name, token| fields.all(name).any(|value| has_token(value, token));
    Ok(Some(Head {
        method,
        target,
        length,
        close: says("connection", "close"),
        expects_continue: says("expect", "100-continue"),
        fields,
    }))
}

fn request_line(line: &[u8]) -> Result<(String, String), Malformed> {
    let text = std::str::from_utf8(line).map_err(|_| Malformed::RequestLine)?;
    let mut parts = text.split(' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(target), Some("HTTP/1.1"), None)
            if !method.is_empty()
                && method.bytes().all(|byte| byte.is_ascii_uppercase())
                && target.starts_with('/')
                && target.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok((method.to_owned(), target.to_owned()))
        }
        _ => Err(Malformed::RequestLine),
    }
}

/// Reads `name: value` lines, each ended by CRLF. Folded lines (RFC 9112 section 5.2) and space
/// before the colon (section 5.1) are refused: both have served to smuggle requests.
fn parse_fields(mut rest: &[u8]) -> Result<Fields, Malformed> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        rest = after;
        if fields.len() == FIELD_LIMIT {
            return Err(Malformed::Field);
        }
        let colon = line.iter().position(|&byte| byte == b':').ok_or(Malformed::Field)?;
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
            return Err(Malformed::Field);
        }
        if value.iter().any(|&byte| byte < b' ' && byte != b'\t' || byte == 0x7f) {
            return Err(Malformed::Field);
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        fields.push((name, String::from_utf8_lossy(value).into_owned()));
    }
    Ok(Fields(fields))
}

/// RFC 9112 section 6.3, strictly: one of the two, said once and plainly.
fn body_length(fields: &Fields) -> Result<Length, Malformed> {
    let mut lengths = fields.all("content-length");
    let mut codings = fields.all("transfer-encoding");
    match (lengths.next(), lengths.next(), codings.next(), codings.next()) {
        (None, _, None, _) => Ok(Length::Known(0)),
        (Some(digits), None, None, _)
            if (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            digits.parse().map(Length::Known).map_err(|_| Malformed::Length)
        }
        (None, _, Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => {
            Ok(Length::Chunked)
        }
        _ => Err(Malformed::Length),
    }
}

/// Where a body's reader stands.
#[derive(Debug)]
pub(crate) enum BodyReader {
    /// So many bytes are still to come.
    Known(u64),
    /// Within a chunked body.
    Chunked(Chunk),
    /// The end was seen; trailers of a chunked body.
    Done(Fields),
}

/// Where a chunked body's reader stands.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// Before a line that gives a chunk's size.
    Size,
    /// So many bytes of the chunk are still to come.
    Data(u64),
    /// Before the CRLF that ends a chunk's data.
    DataEnd,
    /// Within the trailers.
    Trailers,
}

/// What a reader could take from the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: more must arrive.
    More,
    /// Some bytes of the body.
    Data(Bytes),
    /// The body is at its end.
    End,
}

impl BodyReader {
    pub(crate) fn new(length: Length) -> Self {
        match length {
            Length::Known(0) => Self::Done(Fields::default()),
            Length::Known(bytes) => Self::Known(bytes),
            Length::Chunked => Self::Chunked(Chunk::Size),
        }
    }

    /// Takes what is there off the front of `buffer`.
    pub(crate) fn step(&mut self, buffer: &mut BytesMut) -> Result<Step, Malformed> {
        loop {
            match self {
                Self::Done(_) => return Ok(Step::End),
                Self::Known(left) => {
                    let Some(data) = take_some(buffer, left) else { return Ok(Step::More) };
                    if *left == 0 {
                        *self = Self::Done(Fields::default());
                    }
                    return Ok(Step::Data(data));
                }
                Self::Chunked(Chunk::Size) => {
                    let Some(size) = take_chunk_size(buffer)? else { return Ok(Step::More) };
                    *self = Self::Chunked(match size {
                        0 => Chunk::Trailers,
                        size => Chunk::Data(size),
                    });
                }
                Self::Chunked(Chunk::Data(left)) => {
                    let Some(data) = take_some(buffer, left) else { return Ok(Step::More) };
                    if *left == 0 {
                        *self = Self::Chunked(Chunk::DataEnd);
                    }
                    return Ok(Step::Data(data));
                }
                Self::Chunked(Chunk::DataEnd) => {
                    if buffer.len() < 2 {
                        return Ok(Step::More);
                    }
                    if !buffer.starts_with(b"\r\n") {
                        return Err(Malformed::Chunk);
                    }
                    buffer.advance(2);
                    *self = Self::Chunked(Chunk::Size);
                }
                Self::Chunked(Chunk::Trailers) => {
                    let Some(fields) = take_trailers(buffer)? else { return Ok(Step::More) };
                    *self = Self::Done(fields);
                }
            }
        }
    }
}

/// Up to `left` bytes; `None` where the buffer is empty.
fn take_some(buffer: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    let count = buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
    if count == 0 {
        return None;
    }
    *left -= count as u64;
    Some(buffer.split_to(count).freeze())
}

fn take_chunk_size(buffer: &mut BytesMut) -> Result<Option<u64>, Malformed> {
    let window = buffer.get(..buffer.len().min(CHUNK_LINE_LIMIT)).unwrap_or_default();
    let Some(end) = find(window, b"\r\n") else {
        return if buffer.len() >= CHUNK_LINE_LIMIT { Err(Malformed::Chunk) } else { Ok(None) };
    };
    let line = buffer.split_to(end + 2);
    // Extensions (RFC 9112 section 7.1.1) are for nobody here.
    let digits = line
        .as_ref()
        .split(|&byte| byte == b';' || byte == b'\r')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let text = std::str::from_utf8(digits).map_err(|_| Malformed::Chunk)?;
    if !(1..=8).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Malformed::Chunk);
    }
    u64::from_str_radix(text, 16).map(Some).map_err(|_| Malformed::Chunk)
}

fn take_trailers(buffer: &mut BytesMut) -> Result<Option<Fields>, Malformed> {
    if buffer.starts_with(b"\r\n") {
        buffer.advance(2);
        return Ok(Some(Fields::default()));
    }
    match find(buffer, b"\r\n\r\n") {
        Some(end) if end <= HEAD_LIMIT => {
            let block = buffer.split_to(end + 4);
            parse_fields(block.get(..end + 2).unwrap_or_default()).map(Some)
        }
        None if buffer.len() <= HEAD_LIMIT => Ok(None),
        _ => Err(Malformed::TooLarge),
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// The first line without its CRLF, and what follows. A bare LF or CR does not end a line.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match find(bytes, b"\r\n") {
        Some(end) => {
            (bytes.get(..end).unwrap_or_default(), bytes.get(end + 2..).unwrap_or_default())
        }
        None => (bytes, &[]),
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn has_token(list: &str, token: &str) -> bool {
    list.split(',').any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<Head>, Malformed> {
        take_head(&mut BytesMut::from(text))
    }

    fn read_body(length: Length, text: &str) -> Result<(Vec<u8>, Option<Fields>), Malformed> {
        let mut buffer = BytesMut::from(text);
        let mut reader = BodyReader::new(length);
        let mut body = Vec::new();
        loop {
            match reader.step(&mut buffer)? {
                Step::Data(data) => body.extend_from_slice(&data),
                Step::More => return Ok((body, None)),
                Step::End => {
                    let BodyReader::Done(fields) = reader else { unreachable!() };
                    return Ok((body, Some(fields)));
                }
            }
        }
    }

    #[test]
    fn a_request_as_a_runtime_sends_it() {
        let text = "POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nHost: x\r\n\
                    Content-Length: 12\r\nExpect: 100-continue\r\nConnection: Close\r\n\r\nrest";
        let head = head(text).unwrap().unwrap();
        assert_eq!(head.method, "POST");
        assert_eq!(head.target, "/2018-06-01/runtime/invocation/1/response");
        assert_eq!(head.length, Length::Known(12));
        assert_eq!(head.fields.get("host"), Some("x"));
        assert!(head.close && head.expects_continue);
    }

    #[test]
    fn half_a_head_waits_and_a_long_one_is_refused() {
        assert_eq!(head("GET / HTTP/1.1\r\nHost: x\r\n"), Ok(None));
        let long = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(HEAD_LIMIT));
        assert_eq!(head(&long), Err(Malformed::TooLarge));
        assert_eq!(head(&long[..long.len() - 4]), Err(Malformed::TooLarge));
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(FIELD_LIMIT + 1));
        assert_eq!(head(&many), Err(Malformed::Field));
    }

    #[test]
    fn what_is_not_plain_http_is_refused() {
        for (text, why) in [
            ("GET / HTTP/1.0\r\n\r\n", Malformed::RequestLine),
            ("GET  / HTTP/1.1\r\n\r\n", Malformed::RequestLine),
            ("get / HTTP/1.1\r\n\r\n", Malformed::RequestLine),
            ("GET http://a/ HTTP/1.1\r\n\r\n", Malformed::RequestLine),
            ("\r\nGET / HTTP/1.1\r\n\r\n", Malformed::RequestLine),
            ("GET / HTTP/1.1\r\nA : b\r\n\r\n", Malformed::Field),
            ("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", Malformed::Field),
            ("GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", Malformed::Field),
            ("GET / HTTP/1.1\r\nnothing\r\n\r\n", Malformed::Field),
            ("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", Malformed::Length),
            ("GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", Malformed::Length),
            ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Malformed::Length),
            (
                "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Malformed::Length,
            ),
            ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Malformed::Length),
        ] {
            assert_eq!(head(text), Err(why), "{text:?}");
        }
    }

    #[test]
    fn chunked_bodies_with_extensions_and_trailers() {
        let text = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT-One: 1\r\nT-Two: 2\r\n\r\n";
        let (body, trailers) = read_body(Length::Chunked, text).unwrap();
        assert_eq!(body, b"abc0123456789");
        assert_eq!(trailers.unwrap().get("t-two"), Some("2"));
        for cut in 0..text.len() {
            let (_, end) = read_body(Length::Chunked, &text[..cut]).unwrap();
            assert!(end.is_none(), "{cut}");
        }
        for wrong in ["x\r\n", "-1\r\n", "\r\n", "123456789\r\n", "1\r\nabc\r\n", "3\r\nabcd\r\n"] {
            assert_eq!(read_body(Length::Chunked, wrong), Err(Malformed::Chunk), "{wrong:?}");
        }
    }

    #[test]
    fn hostile_bytes_never_panic_and_the_split_does_not_matter() {
        bolero::check!().with_type::<(Vec<u8>, Vec<u8>, bool)>().with_iterations(4000).for_each(
            |(first, second, chunked)| {
                let mut whole = BytesMut::from(&first[..]);
                let _ = take_head(&mut whole);
                let length = if *chunked { Length::Chunked } else { Length::Known(40) };
                let run = |parts: &[&[u8]]| {
                    let mut reader = BodyReader::new(length);
                    let (mut buffer, mut body) = (BytesMut::new(), Vec::new());
                    for part in parts {
                        buffer.extend_from_slice(part);
                        loop {
                            match reader.step(&mut buffer) {
                                Ok(Step::Data(data)) => body.extend_from_slice(&data),
                                Ok(Step::More) => break,
                                Ok(Step::End) => return (body, Some(true)),
                                Err(_) => return (body, Some(false)),
                            }
                        }
                    }
                    (body, None)
                };
                let joined = [&first[..], &second[..]].concat();
                assert_eq!(run(&[first, second]), run(&[&joined]));
            },
        );
    }

    #[test]
    fn whatever_is_framed_comes_back() {
        bolero::check!().with_type::<Vec<Vec<u8>>>().with_iterations(2000).for_each(|chunks| {
            let mut wire = Vec::new();
            let mut want = Vec::new();
            for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                wire.extend(format!("{:x}\r\n", chunk.len()).bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
                want.extend_from_slice(chunk);
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            let mut buffer = BytesMut::from(&wire[..]);
            let mut reader = BodyReader::new(Length::Chunked);
            let mut got = Vec::new();
            loop {
                match reader.step(&mut buffer).unwrap() {
                    Step::Data(data) => got.extend_from_slice(&data),
                    Step::End => break,
                    Step::More => panic!("incomplete"),
                }
            }
            assert_eq!(got, want);
        });
    }
}
