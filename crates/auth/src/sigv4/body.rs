//! A body that is checked as it streams: its hash, its chunks, its checksums.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll, ready};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cumulet_base::{Body, BodyError};
use futures_core::Stream;
use http_body::Body as _;
use md5::{Digest, Md5};

use super::canonical::pairs;
use super::checksum::Sum;
use super::chunked::{Chain, Decoder};
use super::encode::{decode, hex};
use super::{BodyFault, ChecksumAlgorithm, Head, PayloadHash, Streaming, Verified};

/// What to make of a body beside the signature's own checks.
#[derive(Debug, Clone, Default)]
pub struct BodyRules {
    /// Leave `x-amz-checksum-*` alone: of CompleteMultipartUpload they describe the object.
    pub ignore_checksums: bool,
    /// Compute this one where the request brings no checksum (S3: CRC64NVME).
    pub default_checksum: Option<ChecksumAlgorithm>,
    /// Compute the MD5 (S3's ETag) even where no Content-MD5 asks for it.
    pub md5: bool,
}

/// What a body turned out to be, known at its verified end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BodyDigests {
    /// Bytes of payload.
    pub length: u64,
    /// MD5, where it was computed.
    pub md5: Option<[u8; 16]>,
    /// The checksum and its base64: the request's own, verified, or the default one.
    pub checksum: Option<(ChecksumAlgorithm, String)>,
    /// The trailer, names in lower case.
    pub trailers: Vec<(String, String)>,
}

/// Where a checked body's digests appear.
#[derive(Debug, Clone, Default)]
pub struct Outcome(Arc<OnceLock<BodyDigests>>);

impl Outcome {
    /// The digests, once the body has been read to its verified end.
    pub fn get(&self) -> Option<&BodyDigests> {
        self.0.get()
    }
}

/// What a request says its checksum is.
enum Promised {
    Nothing,
    Header(Vec<u8>),
    Trailer,
}

/// A body's checks under way: push what arrives, then finish. Pure.
pub struct BodyCheck {
    decoder: Option<Decoder>,
    length: Option<u64>,
    seen: u64,
    sha256: Option<(Context, [u8; 32])>,
    md5: Option<Md5>,
    content_md5: Option<Vec<u8>>,
    sum: Option<(ChecksumAlgorithm, Sum)>,
    promised: Promised,
}

impl std::fmt::Debug for BodyCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BodyCheck").field("length", &self.length).finish_non_exhaustive()
    }
}

impl Verified {
    /// The checks that this request's body has to pass.
    pub fn body_check(self, head: &Head<'_>, rules: &BodyRules) -> Result<BodyCheck, BodyFault> {
        BodyCheck::new(head, self.payload, self.chain, rules)
    }
}

impl BodyCheck {
    /// The checks of an unsigned request's body: it may have chunks, a trailer and checksums too.
    pub fn unsigned(head: &Head<'_>, rules: &BodyRules) -> Result<Self, BodyFault> {
        let payload = head.header("x-amz-content-sha256").and_then(PayloadHash::read);
        Self::new(head, payload.unwrap_or(PayloadHash::Absent), None, rules)
    }

    fn new(
        head: &Head<'_>,
        payload: PayloadHash,
        chain: Option<Chain>,
        rules: &BodyRules,
    ) -> Result<Self, BodyFault> {
        let (decoder, length) = match payload {
            PayloadHash::Streaming(kind) => {
                if kind != Streaming::UnsignedTrailer && chain.is_none() {
                    return Err(BodyFault::UnsignedChain);
                }
                let length = value(head, "x-amz-decoded-content-length")
                    .filter(|v| v.bytes().all(|b| b.is_ascii_digit()))
                    .and_then(|v| v.parse().ok())
                    .ok_or(BodyFault::NoLength)?;
                let trailer = kind != Streaming::Signed;
                (Some(Decoder::new(chain, trailer, length)), Some(length))
            }
            _ => (None, None),
        };
        let sha256 = match payload {
            PayloadHash::Sha256(claimed) => Some((Context::new(&SHA256), claimed)),
            _ => None,
        };
        let content_md5 = match head.headers.get("content-md5") {
            None => None,
            Some(text) => Some(
                BASE64_STANDARD
                    .decode(text.as_bytes().trim_ascii())
                    .ok()
                    .filter(|md5| md5.len() == 16)
                    .ok_or(BodyFault::InvalidDigest)?,
            ),
        };
        let (algorithm, promised) = match promised(head, rules, decoder.is_some())? {
            Some((algorithm, promised)) => (Some(algorithm), promised),
            None => (rules.default_checksum, Promised::Nothing),
        };
        Ok(Self {
            decoder,
            length,
            seen: 0,
            sha256,
            md5: (rules.md5 || content_md5.is_some()).then(Md5::new),
            content_md5,
            sum: algorithm.map(|a| (a, Sum::new(a))),
            promised,
        })
    }

    /// Takes the next bytes of the body as sent, and puts payload at the end of `out`. What `out`
    /// holds is a part of an unverified body until [`finish`](Self::finish) has answered.
    pub fn push(&mut self, input: Bytes, out: &mut VecDeque<Bytes>) -> Result<(), BodyFault> {
        let before = out.len();
        let mut result = Ok(());
        if let Some(decoder) = &mut self.decoder {
            result = decoder.push(input, out);
        } else if !input.is_empty() {
            out.push_back(input);
        }
        for piece in out.iter().skip(before) {
            self.seen += piece.len() as u64;
            if let Some((context, _)) = &mut self.sha256 {
                context.update(piece);
            }
            if let Some(md5) = &mut self.md5 {
                md5.update(piece);
            }
            if let Some((_, sum)) = &mut self.sum {
                sum.update(piece);
            }
        }
        result
    }

    /// The body has ended: the verdict, and what it was.
    pub fn finish(self) -> Result<BodyDigests, BodyFault> {
        let trailers = self.decoder.map_or(Ok(Vec::new()), Decoder::finish)?;
        if let Some((context, claimed)) = self.sha256 {
            let computed = context.finish();
            if computed.as_ref() != claimed {
                let (claimed, computed) = (hex(&claimed), hex(computed.as_ref()));
                return Err(BodyFault::Sha256 { claimed, computed });
            }
        }
        let md5: Option<[u8; 16]> = self.md5.map(|md5| md5.finalize().into());
        if let (Some(expected), Some(computed)) = (self.content_md5, md5)
            && expected != computed
        {
            let (expected, computed) =
                (BASE64_STANDARD.encode(expected), BASE64_STANDARD.encode(computed));
            return Err(BodyFault::Md5 { expected, computed });
        }
        check_announced(&trailers, &self.promised, self.sum.as_ref().map(|(a, _)| *a))?;
        let checksum = match self.sum {
            None => None,
            Some((algorithm, sum)) => {
                let computed = sum.finish();
                let same = match &self.promised {
                    Promised::Nothing => true,
                    Promised::Header(given) => *given == computed,
                    Promised::Trailer => read_sum(trailers.first(), algorithm)? == computed,
                };
                if !same {
                    return Err(BodyFault::Checksum { algorithm });
                }
                Some((algorithm, BASE64_STANDARD.encode(computed)))
            }
        };
        Ok(BodyDigests { length: self.seen, md5, checksum, trailers })
    }
}

/// The trailer holds the announced line and nothing else.
fn check_announced(
    trailers: &[(String, String)],
    promised: &Promised,
    algorithm: Option<ChecksumAlgorithm>,
) -> Result<(), BodyFault> {
    let announced = match promised {
        Promised::Trailer => algorithm.map(ChecksumAlgorithm::header),
        _ => None,
    };
    let as_announced = match (trailers, announced) {
        ([], None) => true,
        ([(name, _)], Some(announced)) => name == announced,
        _ => false,
    };
    if as_announced { Ok(()) } else { Err(BodyFault::Trailer("not what x-amz-trailer announces")) }
}

fn read_sum(
    line: Option<&(String, String)>,
    algorithm: ChecksumAlgorithm,
) -> Result<Vec<u8>, BodyFault> {
    line.and_then(|(_, value)| decode_sum(value, algorithm))
        .ok_or(BodyFault::ChecksumValue(algorithm))
}

fn decode_sum(text: &str, algorithm: ChecksumAlgorithm) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text.trim()).ok().filter(|sum| sum.len() == algorithm.size())
}

/// A header, or the query parameter of that name: a presigned URL's `x-amz-*` parameters act as
/// headers.
fn value(head: &Head<'_>, name: &str) -> Option<String> {
    if let Some(text) = head.header(name) {
        return Some(text.to_owned());
    }
    pairs(head.split().1)
        .find(|(n, _)| decode(n, b'+').eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, v)| String::from_utf8_lossy(&decode(v, b' ')).trim().to_owned())
}

fn promised(
    head: &Head<'_>,
    rules: &BodyRules,
    chunked: bool,
) -> Result<Option<(ChecksumAlgorithm, Promised)>, BodyFault> {
    let mut found = None;
    // A trailer without chunks has no place to be in.
    if let Some(announced) = head.header("x-amz-trailer") {
        let algorithm = ChecksumAlgorithm::of_header(announced).ok_or(BodyFault::UnknownTrailer)?;
        if !chunked {
            return Err(BodyFault::Trailer("announced, but the body has no chunks"));
        }
        found = Some((algorithm, Promised::Trailer));
    }
    if rules.ignore_checksums {
        return Ok(found);
    }
    for algorithm in ChecksumAlgorithm::ALL {
        let several = head.headers.get_all(algorithm.header()).iter().count() > 1;
        let Some(text) = value(head, algorithm.header()) else { continue };
        if several || found.is_some() {
            return Err(BodyFault::ManyChecksums);
        }
        let sum = decode_sum(&text, algorithm).ok_or(BodyFault::ChecksumValue(algorithm))?;
        found = Some((algorithm, Promised::Header(sum)));
    }
    // Of the header only: older SDKs leave the parameter in presigned URLs, with no value to it.
    if found.is_none() && head.header("x-amz-sdk-checksum-algorithm").is_some() {
        return Err(BodyFault::NoChecksum);
    }
    Ok(found)
}

/// The body with its checks: reading it gives the payload, and a [`BodyError::Refused`] that holds
/// a [`BodyFault`] where it is not what was promised. The digests appear at its verified end, which
/// is where it gives `None`: to have read as many bytes as its length says is not enough.
pub fn checked(body: Body, check: BodyCheck) -> (Body, Outcome) {
    let outcome = Outcome::default();
    let length = if check.decoder.is_some() { check.length } else { body.len() };
    let stream =
        Checked { body, check: Some(check), ready: VecDeque::new(), outcome: outcome.clone() };
    (Body::stream(stream, length), outcome)
}

struct Checked {
    body: Body,
    /// Gone after the end or an error.
    check: Option<BodyCheck>,
    ready: VecDeque<Bytes>,
    outcome: Outcome,
}

impl Stream for Checked {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(piece)));
            }
            let Some(check) = &mut this.check else { return Poll::Ready(None) };
            let step = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => {
                        check.push(bytes, &mut this.ready).map_err(|f| BodyError::Refused(f.into()))
                    }
                    // HTTP's own trailers are not S3's.
                    Err(_) => Ok(()),
                },
                Some(Err(error)) => Err(error),
                None => match this.check.take().map(BodyCheck::finish) {
                    Some(Ok(digests)) => this.outcome.0.set(digests).map_or(Ok(()), |()| Ok(())),
                    Some(Err(fault)) => Err(BodyError::Refused(fault.into())),
                    None => Ok(()),
                },
            };
            if let Err(error) = step {
                this.check = None;
                this.ready.clear();
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl BodyFault {
    /// Finds the fault that [`checked`] put into an error.
    pub fn of(error: &BodyError) -> Option<&Self> {
        match error {
            BodyError::Refused(why) => why.downcast_ref(),
            _ => None,
        }
    }
}
