//! Whether a claim holds: time, scope, what has to be signed, and the signature itself.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use cumulet_base::Timestamp;

use super::canonical::{Canonical, string_to_sign};
use super::chunked::Chain;
use super::encode::hex;
use super::{
    Algorithm, Claim, Form, Head, Mismatch, PayloadHash, ScopeFault, SignatureError, SigningKey,
    Streaming, Style,
};

/// What the endpoint expects of a signature.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The signing names that are right here, the usual one first; none: any.
    pub services: &'a [&'a str],
    /// The endpoint's region; `None` where any will do.
    pub region: Option<&'a str>,
    /// The service's way of signing.
    pub style: Style,
    /// The time.
    pub now: Timestamp,
    /// How far the date may be from it (AWS: 15 minutes).
    pub skew: Duration,
}

/// What is known of the body when the signature is verified.
#[derive(Debug, Clone, Copy)]
pub enum BodyHash<'a> {
    /// The SHA-256 of the whole body, which is compared at once.
    Collected(&'a [u8; 32]),
    /// It is still on its way: [`Verified::body_check`] compares it at its end.
    Streaming,
}

/// A claim whose signature is right.
#[derive(Debug)]
pub struct Verified {
    /// What was signed of the body.
    pub payload: PayloadHash,
    /// The chain of chunk signatures that this request's begins.
    pub(super) chain: Option<Chain>,
}

impl Claim {
    /// All that can be said without the key, in the order in which AWS's services answer it: time,
    /// Host, scope, then the headers that are not signed. [`verify`] does it again.
    pub fn check(&self, head: &Head<'_>, expect: &Expect<'_>) -> Result<(), SignatureError> {
        self.check_time(expect)?;
        if !self.signs("host") {
            return Err(SignatureError::HostUnsigned);
        }
        self.check_scope(expect)?;
        self.check_signed(head, expect.style)
    }

    fn check_time(&self, expect: &Expect<'_>) -> Result<(), SignatureError> {
        let Expect { now, skew, .. } = *expect;
        let (date, allowed) = (self.date, skew);
        let early = date > now.after(skew);
        match self.form {
            Form::Header if early || date.after(skew) < now => {
                Err(SignatureError::Skew { date, now, allowed })
            }
            Form::Header => Ok(()),
            Form::Presigned { .. } if early => {
                Err(SignatureError::PresignEarly { date, now, allowed })
            }
            Form::Presigned { expires } => {
                let ended = self.date.after(Duration::from_secs(u64::from(expires)));
                if now < ended {
                    Ok(())
                } else {
                    Err(SignatureError::PresignExpired { ended, expires, now })
                }
            }
        }
    }

    fn check_scope(&self, expect: &Expect<'_>) -> Result<(), SignatureError> {
        let mut faults = Vec::new();
        if let Some(want) = expect.region
            && !self.covers(want)
        {
            faults.push(ScopeFault::Region { got: self.region.clone(), want: want.to_owned() });
        }
        if !expect.services.is_empty() && !expect.services.contains(&&*self.service) {
            let want = expect.services.first().copied().unwrap_or_default().to_owned();
            faults.push(ScopeFault::Service { got: self.service.clone(), want });
        }
        faults.extend(self.terminator.clone().map(ScopeFault::Terminator));
        if self.stamp.get(..8) != Some(&*self.scope_date) {
            let (got, date) = (self.scope_date.clone(), self.stamp.clone());
            faults.push(ScopeFault::Date { got, date });
        }
        if faults.is_empty() { Ok(()) } else { Err(SignatureError::Scope(faults)) }
    }

    /// Whether the scope's region, or one pattern of the region set, is this region.
    fn covers(&self, region: &str) -> bool {
        match self.algorithm {
            Algorithm::HmacSha256 => self.region == region,
            Algorithm::EcdsaP256 => self.region.split(',').map(str::trim).any(|p| {
                p.strip_suffix('*').map_or(p == region, |start| region.starts_with(start))
            }),
        }
    }

    fn check_signed(&self, head: &Head<'_>, style: Style) -> Result<(), SignatureError> {
        let unsigned: Vec<String> = head
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            // CloudFront adds its request id on the way to the origin, and it means nothing there.
            .filter(|n| n.starts_with("x-amz-") && *n != "x-amz-cf-id" && !self.signs(n))
            .filter(|n| !(style.unsigned_token && *n == "x-amz-security-token"))
            .map(str::to_owned)
            .collect();
        if unsigned.is_empty() { Ok(()) } else { Err(SignatureError::HeadersUnsigned(unsigned)) }
    }

    /// What the canonical request says of the body, which without the header depends on the
    /// service.
    fn effective_payload(&self, style: Style) -> Result<PayloadHash, SignatureError> {
        match (self.payload, self.form) {
            (PayloadHash::Absent, Form::Header) if style.content_sha256 => {
                Err(SignatureError::NoContentSha256)
            }
            (PayloadHash::Absent, Form::Presigned { .. }) if style.content_sha256 => {
                Ok(PayloadHash::Unsigned)
            }
            (PayloadHash::Streaming(Streaming::Ecdsa | Streaming::EcdsaTrailer), _) => {
                Err(SignatureError::EcdsaStreaming)
            }
            // The chunks' chain begins with an HMAC signature and key.
            (PayloadHash::Streaming(Streaming::Signed | Streaming::SignedTrailer), _)
                if self.algorithm == Algorithm::EcdsaP256 =>
            {
                Err(SignatureError::EcdsaStreaming)
            }
            // Lambda's documentation of function URLs says so; of others no exception is known.
            (PayloadHash::Unsigned | PayloadHash::Streaming(_), _) if !style.content_sha256 => {
                Err(SignatureError::UnsignedPayload)
            }
            (payload, _) => Ok(payload),
        }
    }
}

/// Verifies the claim against the head it was parsed from. `key` is the one of the claim's access
/// key and scope ([`KeyCache::get`](super::KeyCache::get)).
pub fn verify(
    head: &Head<'_>,
    claim: &Claim,
    key: &SigningKey,
    expect: &Expect<'_>,
    body: BodyHash<'_>,
) -> Result<Verified, SignatureError> {
    claim.check(head, expect)?;
    let payload = claim.effective_payload(expect.style)?;
    let line = match (payload, body) {
        (PayloadHash::Absent, BodyHash::Streaming) => return Err(SignatureError::BodyUnread),
        (PayloadHash::Absent, BodyHash::Collected(hash)) => hex(hash),
        (PayloadHash::Sha256(claimed), _) => hex(&claimed),
        (PayloadHash::Unsigned, _) => "UNSIGNED-PAYLOAD".to_owned(),
        (PayloadHash::Streaming(kind), _) => kind.as_str().to_owned(),
    };
    let (canonical, to_sign) = signed_text(head, claim, expect.style, &line, b'+')?;
    if !key.accepts(&to_sign, &claim.signature) && !accepts_spaces(head, claim, key, expect, &line)
    {
        return Err(SignatureError::Mismatch(Box::new(Mismatch {
            access_key: claim.access_key.clone(),
            signature: claim.signature.clone(),
            string_to_sign: String::from_utf8_lossy(&to_sign).into_owned(),
            canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
        })));
    }
    // Only now: an unauthenticated client learns nothing of hashes.
    if let (PayloadHash::Sha256(claimed), BodyHash::Collected(hash)) = (payload, body)
        && verify_slices_are_equal(&claimed, hash).is_err()
    {
        return Err(SignatureError::BodyHash { claimed: hex(&claimed), computed: hex(hash) });
    }
    let chain = match payload {
        PayloadHash::Streaming(Streaming::Signed | Streaming::SignedTrailer) => {
            key.as_hmac().map(|key| {
                Chain::new(key.clone(), claim.stamp.clone(), claim.scope(), claim.signature.clone())
            })
        }
        _ => None,
    };
    Ok(Verified { payload, chain })
}

/// S3 takes a `+` in the query for itself or for a space, whichever was signed: clients of both
/// minds work against it (mhart/aws4fetch#83, curl/curl#20543). Elsewhere it is itself.
fn accepts_spaces(
    head: &Head<'_>,
    claim: &Claim,
    key: &SigningKey,
    expect: &Expect<'_>,
    payload: &str,
) -> bool {
    expect.style.content_sha256
        && head.split().1.contains(&b'+')
        && signed_text(head, claim, expect.style, payload, b' ')
            .is_ok_and(|(_, to_sign)| key.accepts(&to_sign, &claim.signature))
}

/// The canonical request and the string to sign.
pub(super) fn signed_text(
    head: &Head<'_>,
    claim: &Claim,
    style: Style,
    payload: &str,
    plus: u8,
) -> Result<(Vec<u8>, Vec<u8>), SignatureError> {
    let skip: &[&str] = match claim.form {
        Form::Header => &[],
        Form::Presigned { .. } if style.unsigned_token => {
            &["X-Amz-Signature", "X-Amz-Security-Token"]
        }
        Form::Presigned { .. } => &["X-Amz-Signature"],
    };
    let signed_headers = &claim.signed_headers;
    let canonical = Canonical { signed_headers, style, skip, payload, plus }
        .build(head)
        .map_err(SignatureError::HeaderAbsent)?;
    let to_sign =
        string_to_sign(claim.algorithm.as_str(), &claim.stamp, &claim.scope(), &canonical);
    Ok((canonical, to_sign))
}
