//! Temporary credentials: all that is known of them lies sealed in their session token, so that a
//! request signed with them is understood without reading the store. STS issues them, IAM opens
//! them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_base::{Ids, Timestamp};
use cumulet_store::Sealer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Error, Principal, Result};

const PURPOSE: &str = "sts/session-token";
/// Characters of a session token at most: 50 tags of 384 characters and a policy of 2,048 fit.
const MAX_TOKEN: usize = 64 << 10;
const KEY_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An access key with the token that makes it valid for a while.
#[derive(Clone)]
pub struct Temporary {
    /// `ASIA…`
    pub access_key: String,
    /// 40 characters.
    pub secret: Zeroizing<String>,
    /// The session token.
    pub token: String,
    /// When they end.
    pub expires: Timestamp,
}

impl fmt::Debug for Temporary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Temporary").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// What a session token says.
#[derive(Serialize, Deserialize)]
pub struct Opened {
    /// Who signs with it.
    pub principal: Principal,
    /// The secret access key.
    pub secret: Zeroizing<String>,
    /// When it ends, in seconds since the epoch.
    pub expires: i64,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// A new access key id: `prefix` (`AKIA`, `ASIA`) and 16 characters.
pub fn access_key_id(ids: &dyn Ids, prefix: &str) -> String {
    format!("{prefix}{}", ids.text(16, KEY_ALPHABET))
}

/// A new secret access key: 40 characters, 240 random bits.
pub fn secret_access_key(ids: &dyn Ids) -> Zeroizing<String> {
    Zeroizing::new(ids.text(40, SECRET_ALPHABET))
}

/// Credentials of `principal` that end at `expires` (whole seconds).
pub fn issue(
    sealer: &Sealer,
    ids: &dyn Ids,
    principal: Principal,
    expires: Timestamp,
) -> Result<Temporary> {
    let access_key = access_key_id(ids, "ASIA");
    let secret = secret_access_key(ids);
    let opened = Opened { principal, secret, expires: expires.secs() };
    let text = Zeroizing::new(serde_json::to_vec(&opened).map_err(Error::internal)?);
    let sealed = sealer.seal(PURPOSE, access_key.as_bytes(), &text).map_err(Error::internal)?;
    let token = STANDARD.encode(sealed);
    Ok(Temporary { access_key, secret: opened.secret, token, expires })
}

/// What `token` says; `None` where this cloud did not issue it for `access_key`. Whether it has
/// ended is the caller's to check.
pub fn open(sealer: &Sealer, access_key: &str, token: &str) -> Option<Opened> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let sealed = STANDARD.decode(token).ok()?;
    let text = sealer.open_sealed(PURPOSE, access_key.as_bytes(), &sealed).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_base::SeededIds;

    #[test]
    fn a_token_opens_for_its_own_access_key_only() {
        let (sealer, ids) = (Sealer::new(&[1; 32]), SeededIds::new(1));
        let principal = Principal::service("lambda.amazonaws.com");
        let issued = issue(&sealer, &ids, principal.clone(), Timestamp::from_secs(900)).unwrap();
        assert!(issued.access_key.starts_with("ASIA") && issued.access_key.len() == 20);
        let opened = open(&sealer, &issued.access_key, &issued.token).unwrap();
        assert_eq!(opened.principal, principal);
        assert_eq!(opened.secret, issued.secret);
        assert_eq!(opened.expires, 900);
        assert!(open(&sealer, "ASIAOTHER", &issued.token).is_none());
        assert!(open(&Sealer::new(&[2; 32]), &issued.access_key, &issued.token).is_none());
        assert!(!format!("{issued:?} {opened:?}").contains(issued.secret.as_str()));
    }

    #[test]
    fn foreign_tokens_do_not_open() {
        let sealer = Sealer::new(&[1; 32]);
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|token| {
            assert!(open(&sealer, "ASIA", token).is_none());
        });
        assert!(open(&sealer, "ASIA", &"A".repeat(1 << 20)).is_none());
    }
}
