//! The server's side of Cognito's Secure Remote Password protocol.
//!
//! SRP-6a (RFC 5054) with differences that only Cognito has, measured against its own JavaScript
//! client: the 3072-bit group of RFC 3526 with generator 2, SHA-256, numbers hashed in the shortest
//! two's complement form instead of a fixed width, the pool's name in the user's name, and HKDF
//! where RFC 5054 hashes. No proof goes back to the client.
//!
//! Exponentiation is constant-time in exponent and base. A sign-in costs three with exponents of
//! 256 bits (`k·v + g^b`, `v^u`, `(A·v^u)^b`): about 1 ms each in a release build.

mod group;
mod timestamp;

#[cfg(test)]
mod tests;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use crypto_bigint::modular::FixedMontyForm;
use crypto_bigint::{U256, U3072, Uint};

pub(crate) use timestamp::seconds;

use crate::secrets::keyed_hash;
use group::{LIMBS, element, number, padded, params, prime};

/// Bytes of a verifier.
pub(crate) const VERIFIER: usize = 384;
/// Bytes of a salt.
pub(crate) const SALT: usize = 16;

/// Whose password it is. Both names are part of what is hashed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    /// The pool id after its underscore.
    pub(crate) pool: &'a str,
    /// The user name, which is also `USER_ID_FOR_SRP`.
    pub(crate) user: &'a str,
}

/// What the server keeps of a password: `g^x`. As good as an unstretched hash of the password to
/// whoever reads it, so it is stored sealed.
#[derive(Clone)]
pub(crate) struct Verifier(U3072);

impl Verifier {
    /// The verifier of a password. `salt` has [`SALT`] bytes of which the first is not 0.
    pub(crate) fn derive(identity: Identity<'_>, password: &str, salt: &[u8]) -> Self {
        let inner = digest(&[identity.pool, identity.user, ":", password].map(str::as_bytes));
        let x = digest(&[&padded(salt), &inner]);
        let x = U256::from_be_slice(&x);
        Self(element(&U3072::from_u64(2)).pow_bounded_exp(&x, 256).retrieve())
    }

    /// From its [`VERIFIER`] bytes; `None` where they are no group element.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let v = (bytes.len() == VERIFIER).then(|| U3072::from_be_slice(bytes))?;
        (v < prime() && v != U3072::ZERO).then_some(Self(v))
    }

    /// Big-endian bytes.
    pub(crate) fn to_bytes(&self) -> [u8; VERIFIER] {
        self.0.to_be_bytes().into()
    }

    /// Whether both are of the same password. Constant-time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.to_bytes(), &other.to_bytes()).is_ok()
    }

    /// The server's public value `B = k·v + g^b`. The secret `b` is random and of one use.
    pub(crate) fn challenge<const B: usize>(&self, b: &Uint<B>) -> Public {
        let (k, v) = (element(group::multiplier()), element(&self.0));
        let g_b = element(&U3072::from_u64(2)).pow(b);
        Public((k * v + g_b).retrieve())
    }

    /// The key that client and server share after the exchange: the client has it only if he knows
    /// the password. `u` is the exchange's [`scrambling`].
    pub(crate) fn shared_key<const B: usize>(
        &self,
        b: &Uint<B>,
        client: &Public,
        u: &[u8; 32],
    ) -> [u8; 16] {
        let exponent = U256::from_be_slice(u);
        let base: FixedMontyForm<LIMBS> =
            element(&client.0) * element(&self.0).pow_bounded_exp(&exponent, 256);
        let secret: [u8; VERIFIER] = base.pow(b).retrieve().to_be_bytes().into();
        let extracted = keyed_hash(&padded(u), &[&padded(&secret)]);
        let expanded = keyed_hash(&extracted, &[b"Caldera Derived Key", &[1]]);
        let mut key = [0; 16];
        key.copy_from_slice(expanded.split_at(16).0);
        key
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(..)")
    }
}

/// `u = H(pad(A) || pad(B))`, which binds the shared key to both public values.
pub(crate) fn scrambling(client: &Public, server: &Public) -> [u8; 32] {
    digest(&[&client.padded(), &server.padded()])
}

/// A public value of either side: a number from 1 to N-1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Public(U3072);

impl Public {
    /// Reads a client's `SRP_A`. Refuses what is no hexadecimal number below N, and above all what
    /// is 0 modulo N: with that, anyone would know the shared secret (RFC 5054 section 2.5.4).
    pub(crate) fn parse(hex: &str) -> Option<Self> {
        let digits = hex.trim_start_matches('0');
        let sound = digits.len() <= 2 * VERIFIER && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = sound.then(|| number(digits))?;
        (value != U3072::ZERO && value < prime()).then_some(Self(value))
    }

    /// From its [`VERIFIER`] bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Verifier::from_bytes(bytes).map(|Verifier(value)| Self(value))
    }

    /// Big-endian bytes.
    pub(crate) fn to_bytes(&self) -> [u8; VERIFIER] {
        self.0.to_be_bytes().into()
    }

    /// Lower-case hexadecimal digits, without leading zeros.
    pub(crate) fn to_hex(&self) -> String {
        let hex = hex(&self.to_bytes());
        hex.trim_start_matches('0').to_owned()
    }

    fn padded(&self) -> Vec<u8> {
        padded(&self.to_bytes())
    }
}

/// Whether `signature` is what a client that has `key` would claim
/// (`PASSWORD_CLAIM_SIGNATURE`). Constant-time.
pub(crate) fn claim_holds(
    key: &[u8; 16],
    identity: Identity<'_>,
    secret_block: &[u8],
    timestamp: &str,
    signature: &[u8],
) -> bool {
    let message =
        [identity.pool.as_bytes(), identity.user.as_bytes(), secret_block, timestamp.as_bytes()]
            .concat();
    hmac::verify(&hmac::Key::new(HMAC_SHA256, key), &message, signature).is_ok()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// The parameters are made once; the first sign-in should not pay for it.
pub(crate) fn prepare() {
    let _ = (params(), group::multiplier());
}

/// The client's side of the mathematics, for tests of both sides.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// `g^a`.
    pub(crate) fn power(a: &U256) -> Public {
        Public(element(&U3072::from_u64(2)).pow(a).retrieve())
    }

    /// `x`.
    pub(crate) fn private_key(identity: Identity<'_>, password: &str, salt: &[u8]) -> U256 {
        let inner = digest(&[identity.pool, identity.user, ":", password].map(str::as_bytes));
        U256::from_be_slice(&digest(&[&padded(salt), &inner]))
    }

    /// `B - k·v`.
    pub(crate) fn without(server: &Public, verifier: &Verifier) -> FixedMontyForm<LIMBS> {
        element(&server.0) - element(group::multiplier()) * element(&verifier.0)
    }

    /// The key from `u` and `S`.
    pub(crate) fn key(u: &[u8; 32], secret: &U3072) -> [u8; 16] {
        let secret: [u8; VERIFIER] = secret.to_be_bytes().into();
        let extracted = keyed_hash(&padded(u), &[&padded(&secret)]);
        let mut key = [0; 16];
        key.copy_from_slice(&keyed_hash(&extracted, &[b"Caldera Derived Key\x01"])[..16]);
        key
    }

    /// A salt's bytes, of the digits that a client gets.
    pub(crate) fn salt(hex: &str) -> Vec<u8> {
        let bytes: [u8; VERIFIER] = number(hex).to_be_bytes().into();
        padded(&bytes)
    }
}
