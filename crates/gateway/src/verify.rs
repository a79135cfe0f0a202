//! Who signed a request, and a body that checks itself as it is read.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use cumulet_auth::sigv4::{
    self, BodyCheck, BodyFault, BodyHash, BodyRules, Claim, Expect, Family, Head, SignatureError,
    SigningKey, Style,
};
use cumulet_base::{Body, BodyError};
use cumulet_net::raw_target;
use cumulet_service::{Distrust, Error, Found, Identity, Principal, Result};
use cumulet_shape::OperationMeta;
use http::Request;

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
        let parts = self.cloud.parts();
        let services = [operation.service.signing_name];
        let expect = self.expect(&services);
        let (identity, key) = self.identify(head, claim, &expect, family).await?;
        let refuse = |error: &SignatureError| Error::signature(error.describe(family));
        let verify = |hash| sigv4::verify(head, claim, &key, &expect, hash).map_err(|e| refuse(&e));
        if claim.needs_body(expect.style) {
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

    /// What a signature for one of these services must be.
    fn expect<'a>(&self, services: &'a [&'a str]) -> Expect<'a> {
        Expect {
            services,
            // Every region is this cloud's.
            region: None,
            style: Style::of(services.first().copied().unwrap_or_default()),
            // A signature's age is measured by the machine's clock, whatever clock the cloud runs
            // on: SDKs sign with theirs.
            now: cumulet_base::Clock::now(&cumulet_base::SystemClock),
            skew: self.cloud.parts().limits.skew,
        }
    }

    /// Who claims to have signed, and the key that says whether it is so.
    async fn identify(
        &self,
        head: &Head<'_>,
        claim: &Claim,
        expect: &Expect<'_>,
        family: Family,
    ) -> Result<(Identity, Arc<SigningKey>)> {
        let refuse = |error: &SignatureError| Error::signature(error.describe(family));
        claim.check(head, expect).map_err(|e| refuse(&e))?;
        let token = claim.session_token.as_deref();
        let identity = match self.cloud.parts().credentials.find(&claim.access_key, token).await? {
            Found::Identity(identity) => identity,
            Found::UnknownKey => {
                return Err(refuse(&SignatureError::UnknownKey(claim.access_key.clone())));
            }
            Found::InvalidToken => return Err(refuse(&SignatureError::InvalidToken)),
            Found::ExpiredToken => return Err(refuse(&SignatureError::ExpiredToken)),
        };
        let key = self.keys.get(claim, &identity.secret);
        Ok((identity, key))
    }

    /// Who signed a request to a site for `service`, and the request with the body that was signed.
    /// A signature that is wrong is said so in the request, which then is nobody's.
    pub(crate) async fn recognise(
        &self,
        service: &'static str,
        request: Request<Body>,
    ) -> std::result::Result<(Arc<Principal>, Request<Body>), BodyError> {
        let target = raw_target(&request).into_owned();
        let (mut parts, body) = request.into_parts();
        let h2 = parts.uri.authority().map(ToString::to_string);
        let authority = h2.as_deref();
        let head =
            Head { method: &parts.method, target: &target, headers: &parts.headers, authority };
        let refuse = |e: &SignatureError| Error::signature(e.describe(Family::RestJson));
        let (recognised, body) = match sigv4::parse(&head) {
            Ok(None) => (Ok(Arc::new(Principal::Anonymous)), body),
            Err(error) => (Err(refuse(&error)), body),
            Ok(Some(claim)) => {
                let whole = body.collect(self.cloud.parts().limits.body).await?;
                (self.signer(service, &head, &claim, &whole).await, whole.into())
            }
        };
        let principal = recognised.unwrap_or_else(|error| {
            let Error { code, message, .. } = error;
            parts.extensions.insert(Distrust { error: code, message });
            Arc::new(Principal::Anonymous)
        });
        Ok((principal, Request::from_parts(parts, body)))
    }

    async fn signer(
        &self,
        service: &'static str,
        head: &Head<'_>,
        claim: &Claim,
        whole: &Bytes,
    ) -> Result<Arc<Principal>> {
        let family = Family::RestJson;
        let services = [service];
        let expect = self.expect(&services);
        let (identity, key) = self.identify(head, claim, &expect, family).await?;
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, whole).as_ref());
        let collected = claim.needs_body(expect.style);
        let given = if collected { BodyHash::Collected(&hash) } else { BodyHash::Streaming };
        let verified = sigv4::verify(head, claim, &key, &expect, given);
        let verified = verified.map_err(|e| Error::signature(e.describe(family)))?;
        if !collected {
            let check = verified.body_check(head, &BodyRules::default());
            let body = checked(whole.clone().into(), check, family)?;
            collect(body, whole.len(), family).await?;
        }
        Ok(identity.principal)
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
