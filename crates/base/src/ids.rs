//! Randomness as a value that is handed in, so that tests can repeat a run.

use std::cell::RefCell;
use std::sync::Mutex;

/// Where random bytes, and the ids made of them, come from.
pub trait Ids: Send + Sync + 'static {
    /// Fills `bytes`. Production uses the operating system's secure source.
    fn fill(&self, bytes: &mut [u8]);

    /// A version 4 UUID in lower case (RFC 9562 section 5.4).
    fn uuid(&self) -> String {
        let mut b = [0_u8; 16];
        self.fill(&mut b);
        b[6] = b[6] & 0x0f | 0x40;
        b[8] = b[8] & 0x3f | 0x80;
        let mut out = String::with_capacity(36);
        for (i, byte) in b.into_iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            for nibble in [byte >> 4, byte & 0x0f] {
                out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
            }
        }
        out
    }

    /// `len` characters, each drawn evenly from `alphabet` (1 to 256 ASCII characters).
    fn text(&self, len: usize, alphabet: &str) -> String {
        let letters = alphabet.as_bytes();
        let count = letters.len().clamp(1, 256);
        // Bytes at or above the largest multiple of `count` would favour the first letters.
        let even = 256 - 256 % count;
        let mut out = String::with_capacity(len);
        let mut pool = [0_u8; 64];
        while out.len() < len {
            self.fill(&mut pool);
            for &byte in pool.iter().filter(|&&byte| usize::from(byte) < even) {
                if out.len() == len {
                    break;
                }
                out.push(letters.get(usize::from(byte) % count).map_or('0', |&b| char::from(b)));
            }
        }
        out
    }
}

/// The operating system's secure source.
///
/// Every request has ids, so a thread fetches bytes for several at a time: a system call costs more
/// than an id. What was handed out is wiped, so that nothing keeps what keys were made of. (A
/// process forked without exec would hand out the same bytes; this one starts none.)
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

/// Bytes that a thread fetches at once.
const FETCHED: usize = 1024;

/// Random bytes, of which those from `used` on have not been handed out.
struct Fetched {
    bytes: [u8; FETCHED],
    used: usize,
}

thread_local! {
    static FETCHED_BYTES: RefCell<Fetched> =
        const { RefCell::new(Fetched { bytes: [0; FETCHED], used: FETCHED }) };
}

impl Ids for RandomIds {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > FETCHED / 4 {
            return fetch(bytes);
        }
        FETCHED_BYTES.with_borrow_mut(|fetched| {
            if fetched.used + bytes.len() > FETCHED {
                fetch(&mut fetched.bytes);
                fetched.used = 0;
            }
            let end = fetched.used + bytes.len();
            let given = fetched.bytes.get_mut(fetched.used..end).unwrap_or_default();
            bytes.copy_from_slice(given);
            given.fill(0);
            fetched.used = end;
        });
    }
}

fn fetch(bytes: &mut [u8]) {
    // Without randomness no key and no token is safe: stopping is the only right answer.
    // Linux's getrandom(2) does not fail once the pool is initialised.
    if getrandom::fill(bytes).is_err() {
        std::process::abort();
    }
}

/// A repeatable source for tests (SplitMix64). Never for secrets.
#[derive(Debug, Default)]
pub struct SeededIds(Mutex<u64>);

impl SeededIds {
    /// A source whose whole sequence follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            for (to, from) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *to = from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_version_and_variant() {
        let id = SeededIds::new(1).uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes().get(14), Some(&b'4'));
        assert!(matches!(id.as_bytes().get(19), Some(b'8' | b'9' | b'a' | b'b')));
        assert_ne!(RandomIds.uuid(), RandomIds.uuid());
    }

    #[test]
    fn fetched_bytes_are_handed_out_once() {
        let mut seen = std::collections::HashSet::new();
        for len in (8..FETCHED).step_by(7).chain([8; 1000]) {
            let mut bytes = vec![0; len];
            RandomIds.fill(&mut bytes);
            for eight in bytes.chunks_exact(8) {
                assert!(seen.insert(eight.to_vec()), "{len}");
            }
        }
        let (left, used) = FETCHED_BYTES.with_borrow(|f| (f.bytes, f.used));
        assert!(left.iter().take(used).all(|byte| *byte == 0));
    }

    #[test]
    fn texts_use_the_whole_alphabet_evenly() {
        let text = SeededIds::new(7).text(30_000, "abc");
        for letter in ['a', 'b', 'c'] {
            let count = text.matches(letter).count();
            assert!((9_500..10_500).contains(&count), "{letter}: {count}");
        }
    }
}
