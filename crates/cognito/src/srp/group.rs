//! The group: arithmetic modulo the 3072-bit prime of RFC 3526 section 4, generator 2.

use std::sync::LazyLock;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U3072};

use super::digest;

/// Machine words of a number.
pub(super) const LIMBS: usize = U3072::LIMBS;

const PRIME: Odd<U3072> = Odd::<U3072>::from_be_hex(concat!(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74",
    "020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437",
    "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05",
    "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB",
    "9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718",
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33",
    "A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7",
    "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864",
    "D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2",
    "08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
));

static PARAMS: LazyLock<FixedMontyParams<LIMBS>> =
    LazyLock::new(|| FixedMontyParams::new_vartime(PRIME));

/// `k = H(pad(N) || pad(g))`.
static MULTIPLIER: LazyLock<U3072> = LazyLock::new(|| {
    let prime: [u8; 384] = prime().to_be_bytes().into();
    let hash = digest(&[&padded(&prime), &padded(&[2])]);
    let mut wide = [0; 384];
    for (to, from) in wide.iter_mut().skip(352).zip(hash) {
        *to = from;
    }
    U3072::from_be_slice(&wide)
});

pub(super) const fn prime() -> U3072 {
    *PRIME.as_ref()
}

pub(super) fn params() -> &'static FixedMontyParams<LIMBS> {
    &PARAMS
}

pub(super) fn multiplier() -> &'static U3072 {
    &MULTIPLIER
}

/// A number below N as an element of the group.
pub(super) fn element(number: &U3072) -> FixedMontyForm<LIMBS> {
    FixedMontyForm::new(number, params())
}

/// The number that at most 768 hexadecimal digits spell.
pub(super) fn number(digits: &str) -> U3072 {
    let mut value = [0; 384];
    for (index, digit) in digits.chars().rev().enumerate() {
        let nibble = digit.to_digit(16).unwrap_or_default() as u8;
        if let Some(byte) = value.get_mut(383 - (index / 2).min(383)) {
            *byte |= nibble << (4 * (index % 2));
        }
    }
    U3072::from_be_slice(&value)
}

/// A big-endian number as Cognito hashes it: without leading zero bytes, but with one where the
/// first bit would read as a sign (Java's `BigInteger.toByteArray`).
pub(super) fn padded(number: &[u8]) -> Vec<u8> {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let digits = number.get(first..).unwrap_or_default();
    let sign = digits.first().is_none_or(|byte| byte & 0x80 != 0);
    let mut out = Vec::with_capacity(digits.len() + 1);
    if sign {
        out.push(0);
    }
    out.extend_from_slice(digits);
    out
}
