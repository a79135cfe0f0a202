//! Who signed a request, and a body that checks itself as it is read.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use cumulet_auth::sigv4::{
    self, BodyCheck, BodyFault, BodyHash, BodyRules, Claim, Expect, Family, Head, SignatureError,
    Style,
};
use cumulet_base::Body;
use cumulet_service::{Error, Found, Principal, Result};
use cumulet_shape::OperationMeta;

use crate::Gateway;
use crate::control::streams;

/// A request whose signature, if it has one, is right.
pub(crate) struct Known {
    pub(crate) principal: Arc<Principal>,
    /// Gives the payload, and an error at its end where that is not what was signed.
    pub(crate) body: Body,
}

impl Gateway {
    /// Verifies the claim against the head and, for services that sign the body's hash without
    /// saying it, against the body, which is read for that.
    pub(crate) async fn verify(
        &self,
        head: &Head<'_>,
        claim: &Claim,
        operation: &'static OperationMeta,
        family: Family,
        body: Body,
    ) -> Result<Known> {
        let refuse = |error: &SignatureError| Error::signature(error.describe(family));
        let parts = self.cloud.parts();
        let service = operation.service;
        let style = Style::of(service.signing_name);
        let expect = Expect {
            services: &[service.signing_name],
            // Every region is this cloud's.
            region: None,
            style,
            // A signature's age is measured by the machine's clock, whatever clock the cloud runs
            // on: SDKs sign with theirs.
            now: cumulet_base::Clock::now(&cumulet_base::SystemClock),
            skew: parts.limits.skew,
        };
        claim.check(head, &expect).map_err(|e| refuse(&e))?;
        let token = claim.session_token.as_deref();
        let identity = match parts.credentials.find(&claim.access_key, token).await? {
            Found::Identity(identity) => identity,
            Found::UnknownKey => {
                return Err(refuse(&SignatureError::UnknownKey(claim.access_key.clone())));
            }
            Found::InvalidToken => return Err(refuse(&SignatureError::InvalidToken)),
            Found::ExpiredToken => return Err(refuse(&SignatureError::ExpiredToken)),
        };
        let key = self.keys.get(claim, &identity.secret);
        let verify = |hash| sigv4::verify(head, claim, &key, &expect, hash).map_err(|e| refuse(&e));
        if claim.needs_body(style) {
            let whole = collect(body, parts.limits.body, family).await?;
            let mut hash = [0; 32];
            hash.copy_from_slice(digest(&SHA256, &whole).as_ref());
            verify(BodyHash::Collected(&hash))?;
            return Ok(Known { principal: identity.principal, body: whole.into() });
        }
        let verified = verify(BodyHash::Streaming)?;
        let check = verified.body_check(head, &rules(head, operation)?);
        Ok(Known { principal: identity.principal, body: checked(body, check, family)? })
    }

    /// An unsigned request: nobody, with a body that still keeps what its headers promise.
    pub(crate) fn unsigned(
        head: &Head<'_>,
        operation: &'static OperationMeta,
        family: Family,
        body: Body,
    ) -> Result<Known> {
        let check = BodyCheck::unsigned(head, &rules(head, operation)?);
        Ok(Known { principal: Arc::new(Principal::Anonymous), body: checked(body, check, family)? })
    }
}

/// What an operation's body must keep beside the signature.
fn rules(head: &Head<'_>, operation: &'static OperationMeta) -> Result<BodyRules> {
    let is_checksum = |name: &str| {
        name == "content-md5" || name == "x-amz-trailer" || name.starts_with("x-amz-checksum-")
    };
    if operation.checksum_required && !head.headers.keys().any(|name| is_checksum(name.as_str())) {
        return Err(Error::custom(
            "InvalidRequest",
            400,
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    // CompleteMultipartUpload's checksum is the object's, not the body's.
    let of_body = operation.checksum_required || streams(operation);
    Ok(BodyRules { ignore_checksums: !of_body, ..BodyRules::default() })
}

fn checked(
    body: Body,
    check: std::result::Result<BodyCheck, BodyFault>,
    family: Family,
) -> Result<Body> {
    let check = check.map_err(|fault| Error::signature(fault.describe(family)))?;
    Ok(sigv4::checked(body, check).0)
}

/// The whole body, `limit` bytes at most.
pub(crate) async fn collect(body: Body, limit: usize, family: Family) -> Result<Bytes> {
    body.collect(limit).await.map_err(|error| Error::body(&error, family))
}
