//! SigV4A: an ECDSA key pair on P-256 derived from access key and secret.
//!
//! The derivation is NIST SP 800-108's counter mode over HMAC-SHA256 with a trailing counter of its
//! own, retried until the number fits the curve (AWS: "Deriving a signing key for SigV4a").

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::Algorithm;
use super::encode::unhex;

/// The order of P-256, less two.
const LARGEST: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f,
];

/// A DER signature is 72 bytes at most.
const LONGEST_SIGNATURE: usize = 144;

/// The private key: a big-endian number in 1..n.
fn private_key(access_key: &str, secret: &str) -> Option<Zeroizing<[u8; 32]>> {
    let input = Zeroizing::new(format!("AWS4A{secret}"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, input.as_bytes());
    (1..=254u8).find_map(|counter| {
        let mut fixed = Vec::with_capacity(64);
        fixed.extend(1u32.to_be_bytes());
        fixed.extend(Algorithm::EcdsaP256.as_str().as_bytes());
        fixed.push(0);
        fixed.extend(access_key.as_bytes());
        fixed.push(counter);
        fixed.extend(256u32.to_be_bytes());
        let tag = hmac::sign(&key, &fixed);
        let mut candidate = Zeroizing::new([0u8; 32]);
        for (to, from) in candidate.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        (!larger(&candidate)).then(|| plus_one(candidate))
    })
}

/// Whether the number is above [`LARGEST`], without a branch on its bytes.
fn larger(number: &[u8; 32]) -> bool {
    let borrow = LARGEST.iter().zip(number).rev().fold(0u16, |borrow, (most, it)| {
        (u16::from(*most).wrapping_sub(u16::from(*it)).wrapping_sub(borrow) >> 8) & 1
    });
    borrow == 1
}

fn plus_one(mut number: Zeroizing<[u8; 32]>) -> Zeroizing<[u8; 32]> {
    let mut carry = 1u16;
    for byte in number.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    number
}

/// The public key as an uncompressed point. All zero, which verifies nothing, in the case of
/// probability 2^-8000 that no counter fits.
pub(super) fn public_key(access_key: &str, secret: &str) -> [u8; 65] {
    let mut point = [0; 65];
    let public = private_key(access_key, secret)
        .and_then(|key| PrivateKey::from_private_key(&ECDH_P256, &*key).ok())
        .and_then(|key| key.compute_public_key().ok());
    if let Some(public) = public {
        for (to, from) in point.iter_mut().zip(public.as_ref()) {
            *to = *from;
        }
    }
    point
}

/// Whether `signature` (DER in lower-case hex) is this key's over `data`.
pub(super) fn accepts(public_key: &[u8; 65], data: &[u8], signature: &str) -> bool {
    signature.len() <= LONGEST_SIGNATURE
        && unhex(signature).is_some_and(|der| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key).verify(data, &der).is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_do_not_fit_the_curve() {
        assert!(!larger(&LARGEST));
        let mut above = LARGEST;
        above[31] += 1;
        assert!(larger(&above));
        assert!(larger(&[0xff; 32]));
        assert!(!larger(&[0; 32]));
        let mut number = [0; 32];
        number[30..].copy_from_slice(&[1, 0xff]);
        assert_eq!(plus_one(Zeroizing::new(number))[30..], [2, 0]);
    }
}
