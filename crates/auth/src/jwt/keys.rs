//! The public keys of an issuer: a JWK Set (RFC 7517).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use crate::json;

/// Bytes of a key set's text (API Gateway's limit for an issuer's).
pub const MAX_JWKS: usize = 150_000;

/// Keys of a set that are read; issuers publish a handful.
const MAX_KEYS: usize = 256;

/// Why a text is not a key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwkError {
    /// It is larger than [`MAX_JWKS`].
    TooLarge,
    /// It is not JSON with an array `keys`.
    Malformed,
}

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "a JWK set has at most 150000 bytes",
            Self::Malformed => "a JWK set reads {\"keys\": [...]}",
        })
    }
}

impl std::error::Error for JwkError {}

/// The keys of a set that can verify here: RSA of 2048 to 8192 bits (RS256, RS384, RS512) and
/// P-256 (ES256), each with a `kid`.
#[derive(Debug, Clone, Default)]
pub struct Jwks(Vec<Key>);

#[derive(Debug, Clone)]
pub(super) struct Key {
    kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) public: DecodingKey,
}

impl Jwks {
    /// Reads a key set. Keys of other kinds or uses are passed over (RFC 7517 section 5); so is
    /// one whose `kid` stands earlier in the set, for the first to be what `kid` means.
    pub fn parse(text: &[u8]) -> Result<Self, JwkError> {
        if text.len() > MAX_JWKS {
            return Err(JwkError::TooLarge);
        }
        let set = json::parse_object(text).ok_or(JwkError::Malformed)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or(JwkError::Malformed)?;
        let mut all = Self::default();
        for key in keys.iter().take(MAX_KEYS).filter_map(Value::as_object).filter_map(read) {
            if all.find(&key.kid).is_none() {
                all.0.push(key);
            }
        }
        Ok(all)
    }

    /// Whether the set has a key of this name: if not, the issuer may have a new one to fetch.
    pub fn has(&self, kid: &str) -> bool {
        self.find(kid).is_some()
    }

    /// Without keys that are not RSA, for verifiers that take no others (HTTP APIs of API
    /// Gateway).
    #[must_use]
    pub fn only_rsa(mut self) -> Self {
        self.0.retain(|key| key.algorithm != Algorithm::ES256);
        self
    }

    pub(super) fn find(&self, kid: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.kid == kid)
    }
}

/// One key, or `None` where it cannot be used here.
fn read(jwk: &Map<String, Value>) -> Option<Key> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    if jwk.get("use").is_some_and(|used| used != "sig") {
        return None;
    }
    let stated = match jwk.get("alg") {
        None => None,
        Some(name) => Some(name.as_str()?),
    };
    let (algorithm, public) = match text("kty")? {
        "RSA" => {
            let algorithm = match stated.unwrap_or("RS256") {
                "RS256" => Algorithm::RS256,
                "RS384" => Algorithm::RS384,
                "RS512" => Algorithm::RS512,
                _ => return None,
            };
            let (n, e) = (number(text("n")?)?, number(text("e")?)?);
            let sound = (256..=1024).contains(&n.len()) && e.len() <= 8;
            (algorithm, sound.then(|| DecodingKey::from_rsa_raw_components(&n, &e))?)
        }
        "EC" if text("crv")? == "P-256" && stated.unwrap_or("ES256") == "ES256" => {
            let decode = |text| URL_SAFE_NO_PAD.decode(text).ok().filter(|it| it.len() == 32);
            let (x, y) = (decode(text("x")?)?, decode(text("y")?)?);
            // An uncompressed point (SEC 1 section 2.3.3).
            let point = [&[4], x.as_slice(), y.as_slice()].concat();
            (Algorithm::ES256, DecodingKey::from_ec_der(&point))
        }
        _ => return None,
    };
    Some(Key { kid: text("kid")?.to_owned(), algorithm, public })
}

/// The bytes of a Base64urlUInt, without leading zeros; none for zero.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    bytes.get(first..).map(<[u8]>::to_vec)
}
