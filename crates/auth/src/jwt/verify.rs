//! Verification of tokens in the compact form (RFC 7515 section 7.1).

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cumulet_base::Timestamp;
use serde_json::{Map, Value};

use super::claims;
use super::keys::Jwks;
use crate::json;

/// Bytes of a token; API Gateway takes no more than about 10 KB of headers anyway.
pub const MAX_TOKEN: usize = 16 << 10;

/// A token's claims.
pub type Claims = Map<String, Value>;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtError {
    /// It is longer than [`MAX_TOKEN`].
    TooLarge,
    /// It is not three parts in base64url, of which two are JSON objects.
    Malformed,
    /// Its header asks for something that is not understood here: `crit`, or a nested token.
    Header,
    /// It names no key.
    MissingKeyId,
    /// It names a key that the set does not have; the issuer may have a new one.
    UnknownKey,
    /// Its algorithm is not the key's.
    Algorithm,
    /// The signature is not the key's.
    Signature,
    /// A claim has the wrong type, or lacks though every token needs it.
    Claim(&'static str),
    /// `exp` is past.
    Expired,
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
    /// `iss` is another.
    Issuer,
    /// `aud` (or `client_id`) is none of those expected.
    Audience,
    /// `token_use` is another.
    TokenUse,
}

impl fmt::Display for JwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the token is too long",
            Self::Malformed => "the token is malformed",
            Self::Header => "the token's header is not supported",
            Self::MissingKeyId => "the token names no key",
            Self::UnknownKey => "the token's key is unknown",
            Self::Algorithm => "the token's algorithm is not its key's",
            Self::Signature => "the token's signature is invalid",
            Self::Claim(name) => {
                return write!(f, "the token's claim {name} is missing or invalid");
            }
            Self::Expired => "the token has expired",
            Self::NotYetValid => "the token is not valid yet",
            Self::Issuer => "the token has an invalid issuer",
            Self::Audience => "the token has an invalid audience",
            Self::TokenUse => "the token has an invalid use",
        })
    }
}

impl std::error::Error for JwtError {}

/// What a Cognito token is for, its `token_use`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    /// `access`.
    Access,
    /// `id`.
    Id,
}

/// What a verifier expects of a token besides its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// `iss`, compared exactly.
    pub issuer: String,
    /// One of them must be in `aud`, or be `client_id` where there is no `aud`. `None`: any
    /// audience will do.
    pub audiences: Option<Vec<String>>,
    /// `token_use`. `None`: any, or none.
    pub token_use: Option<TokenUse>,
    /// How far clocks may differ, for `exp`, `nbf` and `iat`.
    pub leeway: Duration,
}

/// Verifies the tokens of one issuer.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Jwks,
    rules: Rules,
}

impl Verifier {
    /// A verifier over these keys.
    pub fn new(keys: Jwks, rules: Rules) -> Self {
        Self { keys, rules }
    }

    /// The claims of `token`, given without `Bearer`, at the moment `now`. The signature comes
    /// first: about a token that is forged nothing more is said.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, JwtError> {
        if token.len() > MAX_TOKEN {
            return Err(JwtError::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JwtError::Malformed)?;
        // Of the five parts of an encrypted token, three would be within the payload.
        if payload.contains('.') {
            return Err(JwtError::Malformed);
        }
        self.check_signature(&object(header)?, message, signature)?;
        let claims = object(payload)?;
        claims::check(&claims, &self.rules, now)?;
        Ok(claims)
    }

    /// The header has a say in which key, and none in how. Keys that it carries or points at
    /// (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
    fn check_signature(
        &self,
        header: &Map<String, Value>,
        message: &str,
        signature: &str,
    ) -> Result<(), JwtError> {
        let nested = header.get("cty").is_some_and(|cty| {
            cty.as_str().is_none_or(|cty| cty.to_ascii_uppercase().ends_with("JWT"))
        });
        // `crit` names extensions that must be understood (RFC 7515 section 4.1.11); here none is.
        if nested || ["crit", "b64", "zip", "enc"].iter().any(|name| header.contains_key(*name)) {
            return Err(JwtError::Header);
        }
        let kid = header.get("kid").and_then(Value::as_str).ok_or(JwtError::MissingKeyId)?;
        let key = self.keys.find(kid).ok_or(JwtError::UnknownKey)?;
        if header.get("alg").and_then(Value::as_str)
            != Some(format!("{:?}", key.algorithm).as_str())
        {
            return Err(JwtError::Algorithm);
        }
        // Here and not only in the library, for one encoding to be the only one of a signature.
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| JwtError::Malformed)?;
        let verified =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.public, key.algorithm);
        if matches!(verified, Ok(true)) { Ok(()) } else { Err(JwtError::Signature) }
    }
}

fn object(part: &str) -> Result<Map<String, Value>, JwtError> {
    let text = URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed)?;
    json::parse_object(&text).ok_or(JwtError::Malformed)
}
