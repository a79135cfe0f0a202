//! Minting of tokens under an RSA key, as user pools do.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::verify::Claims;

/// Why a key cannot be made or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerError {
    /// The bytes are not an RSA private key in PKCS#8 DER.
    Key,
    /// The key has other than 2048 to 8192 bits.
    Size,
    /// The cryptography failed, as without randomness.
    Crypto,
}

impl fmt::Display for SignerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "not an RSA private key in PKCS#8 DER",
            Self::Size => "an RSA key has 2048 to 8192 bits here",
            Self::Crypto => "the cryptographic library failed",
        })
    }
}

impl std::error::Error for SignerError {}

/// A private key in PKCS#8 DER. Not shown by `Debug`; seal it before it is stored.
#[derive(Clone)]
pub struct PrivateKey(Vec<u8>);

impl PrivateKey {
    /// The DER bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// A new RSA key of 2048 bits. Takes some tens to hundreds of milliseconds: not for an async
/// thread. Its randomness is the system's, not `Ids`': a seed must never make keys.
pub fn generate_rsa() -> Result<PrivateKey, SignerError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| SignerError::Crypto)?;
    let der = pair.as_der().map_err(|_| SignerError::Crypto)?;
    Ok(PrivateKey(der.as_ref().to_vec()))
}

/// The public half of a signer's key, as it stands in a JWK set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicJwk {
    /// `RS256`.
    pub alg: &'static str,
    /// The exponent, in base64url.
    pub e: String,
    /// The key's name.
    pub kid: String,
    /// `RSA`.
    pub kty: &'static str,
    /// The modulus, in base64url.
    pub n: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub used: &'static str,
}

/// Mints RS256 tokens.
#[derive(Debug)]
pub struct Signer {
    pair: KeyPair,
    jwk: PublicJwk,
    /// The header of every token, in base64url, with its dot.
    header: String,
}

impl Signer {
    /// A signer with a private key in PKCS#8 DER. The key's name is its thumbprint (RFC 7638), so
    /// that a key has the same name wherever it is loaded.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, SignerError> {
        #[derive(Serialize)]
        struct Header<'a> {
            kid: &'a str,
            alg: &'a str,
        }
        let pair = KeyPair::from_pkcs8(der).map_err(|_| SignerError::Key)?;
        if !(256..=1024).contains(&pair.public_modulus_len()) {
            return Err(SignerError::Size);
        }
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        let required = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, required.as_bytes()));
        let header = serde_json::to_vec(&Header { kid: &kid, alg: "RS256" })
            .map_err(|_| SignerError::Crypto)?;
        let header = URL_SAFE_NO_PAD.encode(header) + ".";
        let jwk = PublicJwk { alg: "RS256", e, kid, kty: "RSA", n, used: "sig" };
        Ok(Self { pair, jwk, header })
    }

    /// A token with these claims, as they are: times, issuer and audience are the caller's to set.
    pub fn sign(&self, claims: &Claims) -> Result<String, SignerError> {
        let mut token = self.header.clone();
        let payload = serde_json::to_vec(claims).map_err(|_| SignerError::Crypto)?;
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .map_err(|_| SignerError::Crypto)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// The public key, for the issuer's JWK set.
    pub fn jwk(&self) -> &PublicJwk {
        &self.jwk
    }
}
