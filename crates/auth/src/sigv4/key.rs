//! Secrets, the signing keys derived from them, and a bounded cache of those.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::encode::unhex32;
use super::{Algorithm, Claim, v4a};

/// A secret access key. Overwritten when dropped, never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the secret as AWS writes it (40 characters, but any text will do).
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What checks a signature: the day's HMAC key, or SigV4A's public key.
///
/// aws-lc overwrites an HMAC key's state when it is freed.
#[derive(Clone)]
pub struct SigningKey(Kind);

#[derive(Clone)]
enum Kind {
    Hmac(Box<hmac::Key>),
    Public([u8; 65]),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

fn keyed(key: &[u8], data: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data.as_bytes())
}

impl SigningKey {
    /// The key for this claim's scope.
    pub fn derive(claim: &Claim, secret: &Secret) -> Self {
        match claim.algorithm {
            Algorithm::HmacSha256 => {
                Self::hmac(secret, &claim.scope_date, &claim.region, &claim.service)
            }
            Algorithm::EcdsaP256 => {
                Self(Kind::Public(v4a::public_key(&claim.access_key, secret.expose())))
            }
        }
    }

    /// `HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), service), "aws4_request")`.
    pub(super) fn hmac(secret: &Secret, day: &str, region: &str, service: &str) -> Self {
        let start = Zeroizing::new(format!("AWS4{}", secret.expose()));
        let mut tag = keyed(start.as_bytes(), day);
        for part in [region, service, "aws4_request"] {
            tag = keyed(tag.as_ref(), part);
        }
        Self(Kind::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))))
    }

    /// The HMAC key, where it is one.
    pub(super) fn as_hmac(&self) -> Option<&hmac::Key> {
        match &self.0 {
            Kind::Hmac(key) => Some(key),
            Kind::Public(_) => None,
        }
    }

    /// Whether `signature` (lower-case hex) is this key's over `data`, in constant time.
    pub(super) fn accepts(&self, data: &[u8], signature: &str) -> bool {
        match &self.0 {
            Kind::Hmac(key) => unhex32(signature).is_some_and(|given| {
                verify_slices_are_equal(hmac::sign(key, data).as_ref(), &given).is_ok()
            }),
            Kind::Public(key) => v4a::accepts(key, data, signature),
        }
    }
}

/// Signing keys by access key, day, region, service and secret: a changed secret finds nothing.
/// Holds `capacity` keys at most; the ones not asked for lately make room (the clock algorithm).
pub struct KeyCache {
    capacity: usize,
    /// Seeded at random, so that nobody can choose keys that collide.
    hasher: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    places: HashMap<u64, usize>,
    slots: Vec<Slot>,
    hand: usize,
}

struct Slot {
    hash: u64,
    scope: [String; 4],
    secret: Secret,
    key: Arc<SigningKey>,
    used: bool,
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl KeyCache {
    /// An empty cache for `capacity` keys (at least one); a key takes about 1.5 KB.
    pub fn new(capacity: usize) -> Self {
        let hasher = RandomState::new();
        Self { capacity: capacity.max(1), hasher, inner: Mutex::default() }
    }

    /// The key for this claim's scope, derived where it is not here yet. Ask after
    /// [`Claim::check`], so that scopes made up do not crowd out those in use.
    pub fn get(&self, claim: &Claim, secret: &Secret) -> Arc<SigningKey> {
        let scope = scope(claim);
        let hash = self.hasher.hash_one((scope, secret.expose()));
        if let Some(key) = self.lock(|inner| inner.find(hash, scope, secret)) {
            return key;
        }
        let key = Arc::new(SigningKey::derive(claim, secret));
        let scope = scope.map(str::to_owned);
        let slot = Slot { hash, scope, secret: secret.clone(), key: Arc::clone(&key), used: false };
        self.lock(|inner| inner.insert(slot, self.capacity));
        key
    }

    fn lock<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        // What a panicking thread left behind is whole: no operation stops half way.
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the key depends on beside the secret. SigV4A's knows neither day nor region nor service.
fn scope(claim: &Claim) -> [&str; 4] {
    match claim.algorithm {
        Algorithm::HmacSha256 => {
            [&claim.access_key, &claim.scope_date, &claim.region, &claim.service]
        }
        // No day is empty, so this is no HMAC key's place.
        Algorithm::EcdsaP256 => [&claim.access_key, "", "", "SigV4A"],
    }
}

impl Inner {
    fn find(&mut self, hash: u64, scope: [&str; 4], secret: &Secret) -> Option<Arc<SigningKey>> {
        let slot = self.slots.get_mut(*self.places.get(&hash)?)?;
        let (known, asked) = (slot.secret.expose().as_bytes(), secret.expose().as_bytes());
        if slot.scope != scope || verify_slices_are_equal(known, asked).is_err() {
            return None;
        }
        slot.used = true;
        Some(Arc::clone(&slot.key))
    }

    fn insert(&mut self, slot: Slot, capacity: usize) {
        if let Some(at) = self.places.get(&slot.hash) {
            // Another thread's, or a collision: the latest stays.
            if let Some(old) = self.slots.get_mut(*at) {
                *old = slot;
            }
            return;
        }
        if self.slots.len() < capacity {
            self.places.insert(slot.hash, self.slots.len());
            self.slots.push(slot);
            return;
        }
        loop {
            let at = self.hand;
            self.hand = (at + 1) % capacity;
            let Some(old) = self.slots.get_mut(at) else { return };
            if std::mem::take(&mut old.used) {
                continue;
            }
            self.places.remove(&old.hash);
            self.places.insert(slot.hash, at);
            *old = slot;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::{Form, PayloadHash};
    use cumulet_base::Timestamp;

    fn claim(access_key: &str) -> Claim {
        Claim {
            algorithm: Algorithm::HmacSha256,
            access_key: access_key.to_owned(),
            date: Timestamp::default(),
            scope_date: "20150830".to_owned(),
            region: "us-east-1".to_owned(),
            service: "iam".to_owned(),
            signed_headers: "host".to_owned(),
            session_token: None,
            form: Form::Header,
            payload: PayloadHash::Absent,
            stamp: String::new(),
            signature: String::new(),
            terminator: None,
        }
    }

    #[test]
    fn cached_until_the_secret_changes_and_never_more_than_capacity() {
        let cache = KeyCache::new(2);
        let (one, two) = (Secret::new("one".to_owned()), Secret::new("two".to_owned()));
        let first = cache.get(&claim("A"), &one);
        assert!(Arc::ptr_eq(&first, &cache.get(&claim("A"), &one)));
        assert!(!Arc::ptr_eq(&first, &cache.get(&claim("A"), &two)));
        for n in 0..20 {
            cache.get(&claim(&n.to_string()), &one);
            // Asked for in every round, so it stays.
            assert!(Arc::ptr_eq(&first, &cache.get(&claim("A"), &one)));
        }
        let inner = cache.inner.lock().unwrap();
        assert_eq!((inner.slots.len(), inner.places.len()), (2, 2));
    }

    #[test]
    fn nothing_is_printed() {
        let secret = Secret::new("hush".to_owned());
        let key = SigningKey::derive(&claim("A"), &secret);
        let cache = KeyCache::new(1);
        assert!(!format!("{secret:?}{key:?}{cache:?}").contains("hush"));
    }
}
