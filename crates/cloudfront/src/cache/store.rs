//! What is kept: answers by key, within a bound of bytes.
//!
//! What has not been asked for since the hand came by last goes first (the "clock" approximation of
//! least recently used): a hit sets one flag under a lock that hits share.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use cumulet_base::Timestamp;
use http::{HeaderMap, StatusCode};

/// What an entry takes beside its bytes, roughly.
const OVERHEAD: usize = 512;
/// What a header takes beside its bytes, roughly.
const HEADER_OVERHEAD: usize = 64;

/// A whole answer of an origin.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) status: StatusCode,
    /// The origin's headers, without those of the connection.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The path that it was asked for by: what invalidations name.
    pub(crate) path: String,
    /// When it came from the origin, or was last found unchanged there.
    pub(crate) stored: Timestamp,
    /// Seconds of age that it came with.
    pub(crate) age: u64,
    /// Milliseconds since the epoch.
    fresh_until: AtomicI64,
    /// Up to when it may stand in for an origin that fails.
    pub(crate) usable_until: Timestamp,
    /// The number of the last invalidation that did not concern it.
    seen: AtomicU64,
}

impl Object {
    /// An object that is fresh until `fresh`, asked for after invalidation number `seen`.
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        path: String,
        stored: Timestamp,
        (fresh, usable): (Timestamp, Timestamp),
        seen: u64,
    ) -> Self {
        let age = headers.get(http::header::AGE).and_then(|age| age.to_str().ok());
        Self {
            age: age.and_then(|age| age.parse().ok()).unwrap_or(0),
            status,
            headers,
            body,
            path,
            stored,
            fresh_until: AtomicI64::new(fresh.millis()),
            usable_until: usable,
            seen: AtomicU64::new(seen),
        }
    }

    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        now.millis() < self.fresh_until.load(Ordering::Relaxed)
    }

    /// Lets a stale object stand in for its origin until `at`.
    pub(crate) fn extend(&self, at: Timestamp) {
        self.fresh_until.fetch_max(at.millis(), Ordering::Relaxed);
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Notes that invalidations up to number `seen` do not concern it.
    pub(crate) fn survived(&self, seen: u64) {
        self.seen.fetch_max(seen, Ordering::Relaxed);
    }

    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers = headers.map(|(k, v)| k.as_str().len() + v.len() + HEADER_OVERHEAD);
        self.body.len() + self.path.len() + headers.sum::<usize>() + OVERHEAD
    }
}

/// Answers by key.
#[derive(Debug, Default)]
pub(crate) struct Cache(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Arc<[u8]>, Entry>,
    /// Keys in the order in which the hand reaches them; those that are gone, or that came again
    /// later, are passed over.
    order: VecDeque<(Arc<[u8]>, u64)>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    object: Arc<Object>,
    size: usize,
    used: AtomicBool,
    /// Which of the key's places in the order is its own.
    place: u64,
}

impl Cache {
    /// What is kept under a key, fresh or not.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Arc<Object>> {
        let inner = self.read();
        let entry = inner.entries.get(key)?;
        if !entry.used.load(Ordering::Relaxed) {
            entry.used.store(true, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.object))
    }

    /// Keeps an object, `limit` bytes of all at most.
    pub(crate) fn put(&self, key: &[u8], object: Arc<Object>, limit: usize) {
        let size = object.size() + key.len() * 2;
        if size > limit {
            return self.remove(key);
        }
        let mut inner = self.write();
        let inner = &mut *inner;
        inner.bytes += size;
        if let Some(entry) = inner.entries.get_mut(key) {
            inner.bytes -= entry.size;
            (entry.object, entry.size) = (object, size);
        } else {
            let key: Arc<[u8]> = key.into();
            let place = inner.next;
            inner.next += 1;
            inner.order.push_back((Arc::clone(&key), place));
            let used = AtomicBool::new(false);
            inner.entries.insert(key, Entry { object, size, used, place });
        }
        inner.shrink(limit);
    }

    /// Forgets a key.
    pub(crate) fn remove(&self, key: &[u8]) {
        let mut inner = self.write();
        if let Some(entry) = inner.entries.remove(key) {
            inner.bytes -= entry.size;
        }
        // Places of what is gone must not pile up where nothing is ever evicted.
        if inner.order.len() > 2 * inner.entries.len() + 64 {
            let Inner { entries, order, .. } = &mut *inner;
            order.retain(|(key, place)| entries.get(key).is_some_and(|e| e.place == *place));
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn shrink(&mut self, limit: usize) {
        while self.bytes > limit
            && let Some((key, place)) = self.order.pop_front()
        {
            let Some(entry) = self.entries.get(&key).filter(|e| e.place == place) else { continue };
            if entry.used.swap(false, Ordering::Relaxed) {
                self.order.push_back((key, place));
                continue;
            }
            self.bytes -= entry.size;
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(len: usize) -> Arc<Object> {
        let now = Timestamp::from_secs(0);
        let body = Bytes::from(vec![0; len]);
        let (status, headers) = (StatusCode::OK, HeaderMap::new());
        Arc::new(Object::new(status, headers, body, "/".to_owned(), now, (now, now), 0))
    }

    fn check(cache: &Cache, limit: usize) {
        let inner = cache.read();
        assert!(inner.bytes <= limit, "{} of {limit}", inner.bytes);
        assert_eq!(inner.bytes, inner.entries.values().map(|e| e.size).sum::<usize>());
        assert!(inner.order.len() <= 2 * inner.entries.len() + 65);
        for (key, entry) in &inner.entries {
            assert!(inner.order.iter().any(|(k, place)| k == key && *place == entry.place));
        }
    }

    #[test]
    fn what_is_asked_for_stays() {
        let limit = 10 * (OVERHEAD + 1000);
        let cache = Cache::default();
        cache.put(b"hot", object(900), limit);
        for n in 0_u32..100 {
            assert!(cache.get(b"hot").is_some(), "{n}");
            cache.put(&n.to_be_bytes(), object(900), limit);
            check(&cache, limit);
        }
        assert!(cache.get(&99_u32.to_be_bytes()).is_some());
        assert!(cache.get(&1_u32.to_be_bytes()).is_none());
    }

    #[test]
    fn any_sequence_keeps_within_the_bound() {
        bolero::check!().with_type::<Vec<(u8, u8, u16)>>().with_iterations(2_000).for_each(
            |steps| {
                let (cache, limit) = (Cache::default(), 20_000);
                for (kind, key, len) in steps {
                    let key = [key % 16];
                    match kind % 4 {
                        0 => drop(cache.get(&key)),
                        1 => cache.remove(&key),
                        _ => {
                            let alone = cache.read().entries.is_empty();
                            cache.put(&key, object(usize::from(*len)), limit);
                            // What alone is larger than all may be is not kept.
                            let fits = usize::from(*len) + OVERHEAD + 3 <= limit;
                            assert!(!alone || cache.get(&key).is_some() == fits);
                        }
                    }
                    check(&cache, limit);
                }
            },
        );
    }

    #[test]
    fn renewed_and_forgotten_keys_leave_nothing_behind() {
        let cache = Cache::default();
        for n in 0_u32..10_000 {
            cache.put(b"a", object(10), 1 << 20);
            cache.put(&n.to_be_bytes(), object(10), 1 << 20);
            cache.remove(&n.to_be_bytes());
        }
        check(&cache, 1 << 20);
    }
}
