//! What is sealed, and for what: keys, verifiers, codes, client secrets, steps of a sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_service::{Error, Result};
use cumulet_store::Sealer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::model::Password;
use crate::pool::Place;
use crate::srp::{Identity, SALT, VERIFIER, Verifier, hex};

/// Seals a secret of a pool for one purpose; `of` says whose it is within the pool.
pub(crate) fn seal(
    sealer: &Sealer,
    purpose: &str,
    at: &Place,
    of: &str,
    secret: &[u8],
) -> Result<String> {
    let sealed = sealer.seal(purpose, &at.key(of), secret).map_err(Error::internal)?;
    Ok(STANDARD.encode(sealed))
}

/// Opens what [`seal`] sealed. That it does not open is this cloud's fault, not the caller's.
pub(crate) fn open(
    sealer: &Sealer,
    purpose: &str,
    at: &Place,
    of: &str,
    sealed: &str,
) -> Result<Zeroizing<Vec<u8>>> {
    let sealed = STANDARD.decode(sealed).map_err(Error::internal)?;
    sealer.open_sealed(purpose, &at.key(of), &sealed).map_err(Error::internal)
}

/// A value that a client carries from one step to the next without being able to read or change it.
pub(crate) fn ticket<T: Serialize>(
    sealer: &Sealer,
    purpose: &str,
    bound_to: &str,
    value: &T,
) -> Result<String> {
    let plain = Zeroizing::new(serde_json::to_vec(value).map_err(Error::internal)?);
    let sealed = sealer.seal(purpose, bound_to.as_bytes(), &plain).map_err(Error::internal)?;
    Ok(STANDARD.encode(sealed))
}

/// The value of a ticket; `None` where it is not one for this purpose and client.
pub(crate) fn redeem<T: DeserializeOwned>(
    sealer: &Sealer,
    purpose: &str,
    bound_to: &str,
    ticket: &str,
) -> Option<T> {
    let sealed = STANDARD.decode(ticket).ok()?;
    let plain = sealer.open_sealed(purpose, bound_to.as_bytes(), &sealed).ok()?;
    serde_json::from_slice(&plain).ok()
}

const VERIFIERS: &str = "cognito/verifier";

impl Password {
    /// What is kept of a password.
    ///
    /// The verifier alone, for SRP and for passwords in the clear. A slow hash beside it would guard
    /// nothing: whoever could read it could read the verifier too, which is quicker to guess at. So
    /// the verifier is sealed under the master key, which lies outside the data and its backups.
    pub(crate) fn seal(
        sealer: &Sealer,
        at: &Place,
        sub: &str,
        salt: [u8; SALT],
        verifier: &Verifier,
    ) -> Result<Self> {
        let sealed = seal(sealer, VERIFIERS, at, sub, verifier.to_bytes().as_slice())?;
        Ok(Self { salt: hex(&salt), sealed })
    }

    /// Salt and verifier.
    pub(crate) fn open(
        &self,
        sealer: &Sealer,
        at: &Place,
        sub: &str,
    ) -> Result<(Vec<u8>, Verifier)> {
        let bytes = open(sealer, VERIFIERS, at, sub, &self.sealed)?;
        let verifier = Verifier::from_bytes(&bytes);
        let verifier = verifier.ok_or_else(|| Error::internal("a verifier is damaged"))?;
        let salt = unhex(&self.salt).ok_or_else(|| Error::internal("a salt is damaged"))?;
        Ok((salt, verifier))
    }
}

/// Salt and verifier of a user that does not exist: the same on every try, and nobody knows a
/// password to them (RFC 5054 section 2.5.1.3).
pub(crate) fn invented(seed: &[u8], name: &str) -> (Vec<u8>, Verifier) {
    let mut bytes = Vec::with_capacity(VERIFIER + 32);
    let mut block = 0_u8;
    while bytes.len() < VERIFIER {
        bytes.extend_from_slice(&keyed_hash(seed, &[&[block], name.as_bytes()]));
        block += 1;
    }
    bytes.truncate(VERIFIER);
    // Below the prime, whose first 64 bits are ones.
    if let Some(first) = bytes.first_mut() {
        *first = 1;
    }
    let verifier = Verifier::from_bytes(&bytes);
    let mut salt = keyed_hash(seed, &[b"salt", name.as_bytes()]).to_vec();
    salt.truncate(SALT);
    // As real salts, which do not begin with 0.
    if let Some(first) = salt.first_mut().filter(|byte| **byte == 0) {
        *first = 1;
    }
    let identity = Identity { pool: "", user: name };
    (salt.clone(), verifier.unwrap_or_else(|| Verifier::derive(identity, name, &salt)))
}

/// HMAC-SHA256.
pub(crate) fn keyed_hash(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
    let mut context = Context::with_key(&Key::new(HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..text.len()).step_by(2).map(digit).collect()
}
