//! `aws-chunked`: payload in signed or unsigned chunks, and a trailer, as a machine that is fed
//! bytes and gives payload.
//!
//! AWS: "Signature calculations … transferring payload in multiple chunks", and "Including trailing
//! headers" (S3 API reference).

use std::collections::VecDeque;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::hmac;
use bytes::{Buf, Bytes};

use super::encode::{hex, push_hex, unhex32};
use super::error::Mismatch;
use super::fault::BodyFault;

/// Bytes of a chunk's header: 16 digits, `;chunk-signature=` and 64 more, with room to spare.
const MAX_HEADER: usize = 256;
/// Bytes of one trailer line.
const MAX_LINE: usize = 1024;
/// Lines of a trailer, its signature and empty ones included.
const MAX_LINES: usize = 16;
/// Bytes of line ends that are let pass after the end (some clients close with three).
const MAX_TAIL: usize = 8;
/// S3: every chunk but the last holds at least this much.
const MIN_CHUNK: u64 = 8192;

/// The chain of signatures that begins with the request's own: each covers the one before.
pub struct Chain {
    key: hmac::Key,
    date: String,
    scope: String,
    previous: String,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Chain {
    pub(super) fn new(key: hmac::Key, date: String, scope: String, seed: String) -> Self {
        Self { key, date, scope, previous: seed }
    }

    /// `label \n date \n scope \n previous \n [sha256("") \n] sha256(data)`.
    fn to_sign(&self, chunk: bool, data: &[u8]) -> Vec<u8> {
        let label = if chunk { "AWS4-HMAC-SHA256-PAYLOAD" } else { "AWS4-HMAC-SHA256-TRAILER" };
        let mut text = Vec::with_capacity(320);
        for line in [label, &self.date, &self.scope, &self.previous] {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        if chunk {
            push_hex(&mut text, digest(&SHA256, b"").as_ref());
            text.push(b'\n');
        }
        push_hex(&mut text, data);
        text
    }

    fn next(&mut self, chunk: bool, data: &[u8]) -> String {
        self.previous = hex(hmac::sign(&self.key, &self.to_sign(chunk, data)).as_ref());
        self.previous.clone()
    }

    /// The next chunk as it goes over the wire, signed; an empty one is the last. Without a
    /// trailer, `\r\n` follows the last.
    pub fn sign_chunk(&mut self, data: &[u8]) -> Vec<u8> {
        let signature = self.next(true, digest(&SHA256, data).as_ref());
        let mut out = format!("{:x};chunk-signature={signature}\r\n", data.len()).into_bytes();
        if !data.is_empty() {
            out.extend_from_slice(data);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// The trailer (lower-case names) with its signature, to the body's end.
    pub fn sign_trailer(&mut self, lines: &[(&str, &str)]) -> Vec<u8> {
        let (mut signed, mut out) = (String::new(), String::new());
        for (name, value) in lines {
            signed.extend([name, ":", value, "\n"]);
            out.extend([name, ":", value, "\r\n"]);
        }
        let signature = self.next(false, digest(&SHA256, signed.as_bytes()).as_ref());
        out.extend(["x-amz-trailer-signature:", &signature, "\r\n\r\n"]);
        out.into_bytes()
    }

    fn check(&mut self, chunk: bool, data: &[u8], given: &[u8; 32]) -> Result<(), BodyFault> {
        let text = self.to_sign(chunk, data);
        let tag = hmac::sign(&self.key, &text);
        if verify_slices_are_equal(tag.as_ref(), given).is_ok() {
            self.previous = hex(given);
            return Ok(());
        }
        Err(BodyFault::Signature(Box::new(Mismatch {
            access_key: String::new(),
            signature: hex(given),
            string_to_sign: String::from_utf8_lossy(&text).into_owned(),
            canonical_request: String::new(),
        })))
    }
}

/// The machine. Payload of a chunk is given as it comes, its last piece only once the chunk's
/// signature is verified; what was given counts only after [`finish`](Decoder::finish).
pub(super) struct Decoder {
    state: State,
    line: Vec<u8>,
    chain: Option<Chain>,
    trailer: bool,
    declared: u64,
    seen: u64,
    chunks: u64,
    size: u64,
    hash: Option<Context>,
    signature: [u8; 32],
    lines: usize,
    signed_lines: Vec<u8>,
    trailers: Vec<(String, String)>,
}

enum State {
    /// Reading a chunk's header.
    Size,
    /// So many bytes of the chunk are to come.
    Data(u64),
    /// The line end after a chunk's data.
    DataEnd,
    Trailer,
    /// Only line ends may follow: so many have.
    End(usize),
}

impl Decoder {
    pub(super) fn new(chain: Option<Chain>, trailer: bool, declared: u64) -> Self {
        Self {
            state: State::Size,
            line: Vec::new(),
            chain,
            trailer,
            declared,
            seen: 0,
            chunks: 0,
            size: MIN_CHUNK,
            hash: None,
            signature: [0; 32],
            lines: 0,
            signed_lines: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// Takes the next bytes of the body, and puts payload at the end of `out`.
    pub(super) fn push(
        &mut self,
        mut input: Bytes,
        out: &mut VecDeque<Bytes>,
    ) -> Result<(), BodyFault> {
        while !input.is_empty() {
            match self.state {
                State::Size => {
                    if self.line(&mut input, MAX_HEADER, BodyFault::Chunk("chunk header"))? {
                        self.chunk_header()?;
                    }
                }
                State::Data(left) => self.data(left, &mut input, out)?,
                State::DataEnd => {
                    if self.line(&mut input, 2, BodyFault::Chunk("chunk end"))? {
                        if self.line != b"\r\n" {
                            return Err(BodyFault::Chunk("chunk end"));
                        }
                        self.line.clear();
                        self.state = State::Size;
                    }
                }
                State::Trailer => {
                    if self.line(&mut input, MAX_LINE, BodyFault::Trailer("line"))? {
                        self.trailer_line()?;
                    }
                }
                State::End(count) => {
                    let (byte, count) = (input.get_u8(), count + 1);
                    if !matches!(byte, b'\r' | b'\n') || count > MAX_TAIL {
                        return Err(BodyFault::Chunk("bytes after the end"));
                    }
                    self.state = State::End(count);
                }
            }
        }
        Ok(())
    }

    /// Collects a line up to and with its `\n`; false where the input ended before.
    fn line(&mut self, input: &mut Bytes, most: usize, over: BodyFault) -> Result<bool, BodyFault> {
        let end = input.iter().position(|b| *b == b'\n').map(|at| at + 1);
        let piece = input.split_to(end.unwrap_or(input.len()));
        if self.line.len() + piece.len() > most {
            return Err(over);
        }
        self.line.extend_from_slice(&piece);
        Ok(end.is_some())
    }

    fn chunk_header(&mut self) -> Result<(), BodyFault> {
        let bad = || BodyFault::Chunk("chunk header");
        let line = std::mem::take(&mut self.line);
        let text = line.strip_suffix(b"\r\n").and_then(|l| std::str::from_utf8(l).ok());
        let text = text.ok_or_else(bad)?;
        let (size, extension) = text.split_once(';').unwrap_or((text, ""));
        if size.is_empty() || size.len() > 16 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| bad())?;
        if self.chain.is_some() {
            let given = extension.strip_prefix("chunk-signature=").and_then(unhex32);
            self.signature = given.ok_or_else(bad)?;
            self.hash = Some(Context::new(&SHA256));
        }
        self.chunks += 1;
        if size > 0 && self.size < MIN_CHUNK {
            return Err(BodyFault::ChunkSize { chunk: self.chunks, size: self.size });
        }
        let total = self.seen.saturating_add(size);
        if total > self.declared {
            return Err(BodyFault::Incomplete { declared: self.declared, got: total });
        }
        self.size = size;
        if size > 0 {
            self.state = State::Data(size);
            return Ok(());
        }
        self.check_chunk()?;
        self.state = if self.trailer { State::Trailer } else { State::End(0) };
        Ok(())
    }

    fn data(
        &mut self,
        left: u64,
        input: &mut Bytes,
        out: &mut VecDeque<Bytes>,
    ) -> Result<(), BodyFault> {
        let take = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let piece = input.split_to(take);
        if let Some(hash) = &mut self.hash {
            hash.update(&piece);
        }
        let (taken, left) = (piece.len() as u64, left - piece.len() as u64);
        self.seen += taken;
        self.state = State::Data(left);
        if left == 0 {
            self.check_chunk()?;
            self.state = State::DataEnd;
        }
        out.push_back(piece);
        Ok(())
    }

    fn check_chunk(&mut self) -> Result<(), BodyFault> {
        if let (Some(chain), Some(hash)) = (&mut self.chain, self.hash.take()) {
            chain.check(true, hash.finish().as_ref(), &self.signature)?;
        }
        Ok(())
    }

    fn trailer_line(&mut self) -> Result<(), BodyFault> {
        self.lines += 1;
        if self.lines > MAX_LINES {
            return Err(BodyFault::Trailer("too many lines"));
        }
        let line = std::mem::take(&mut self.line);
        let text = std::str::from_utf8(&line).map_err(|_| BodyFault::Trailer("not UTF-8"))?.trim();
        if text.is_empty() {
            // AWS's own example ends a line before the signature with `\n\r\n`.
            if self.chain.is_none() {
                self.state = State::End(0);
            }
            return Ok(());
        }
        let (name, value) = text.split_once(':').ok_or(BodyFault::Trailer("no colon"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "x-amz-trailer-signature" {
            let Some(chain) = &mut self.chain else {
                return Err(BodyFault::Trailer("a signature in an unsigned trailer"));
            };
            let given = unhex32(value).ok_or(BodyFault::Trailer("signature"))?;
            chain.check(false, digest(&SHA256, &self.signed_lines).as_ref(), &given)?;
            self.state = State::End(0);
            return Ok(());
        }
        self.signed_lines.extend_from_slice(format!("{name}:{value}\n").as_bytes());
        if self.trailers.iter().any(|(n, _)| *n == name) {
            return Err(BodyFault::Trailer("a name twice"));
        }
        self.trailers.push((name, value.to_owned()));
        Ok(())
    }

    /// The body has ended: whether it was complete; gives the trailer's lines, verified.
    pub(super) fn finish(self) -> Result<Vec<(String, String)>, BodyFault> {
        let whole = match self.state {
            State::End(_) => true,
            // An unsigned trailer may end with the body instead of an empty line.
            State::Trailer => self.chain.is_none() && self.line.is_empty(),
            State::Size | State::Data(_) | State::DataEnd => false,
        };
        if !whole && matches!(self.state, State::Trailer) {
            return Err(BodyFault::Trailer("no signature, or half a line"));
        }
        if !whole || self.seen != self.declared {
            return Err(BodyFault::Incomplete { declared: self.declared, got: self.seen });
        }
        Ok(self.trailers)
    }
}
