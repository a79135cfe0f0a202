//! Keys: a tuple of components whose bytes sort as the tuple does.
//!
//! Each component is a tag byte and its value. Texts and byte strings are escaped (0x00 becomes
//! 0x00 0xFF) and end with 0x00, so no component is the beginning of another and a shorter text
//! sorts first; numbers are eight bytes, big endian. The scheme is that of FoundationDB's tuple
//! layer in small.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use cumulet_base::{AccountId, Region};

use crate::Range;

const BYTES: u8 = 0x01;
const TEXT: u8 = 0x02;
const U64: u8 = 0x03;
const END: u8 = 0x00;
const ESCAPED: u8 = 0xFF;

/// A key under construction, and the key. Starts with service, account and region.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

/// One decoded component of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Component<'a> {
    /// Arbitrary bytes.
    Bytes(Cow<'a, [u8]>),
    /// UTF-8 text.
    Text(Cow<'a, str>),
    /// A number.
    U64(u64),
}

impl Component<'_> {
    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The bytes, where it is a byte string.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// The number, where it is one.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::U64(number) = self { Some(*number) } else { None }
    }
}

impl Key {
    /// The key of what `service` keeps for an account in a region.
    pub fn new(service: &str, account: &AccountId, region: &Region) -> Self {
        Self::start(service, account.as_str(), region.as_str())
    }

    /// The key of what `service` keeps for an account in all regions (IAM).
    pub fn of_account(service: &str, account: &AccountId) -> Self {
        Self::start(service, account.as_str(), "")
    }

    /// The key of what `service` keeps for all accounts (names, nodes).
    pub fn global(service: &str) -> Self {
        Self::start(service, "", "")
    }

    /// The beginning of every key of `service`, whatever account and region: to watch, not to store
    /// under.
    pub fn of_service(service: &str) -> Self {
        Self(Vec::with_capacity(service.len() + 2)).text(service)
    }

    fn start(service: &str, account: &str, region: &str) -> Self {
        Self(Vec::with_capacity(96)).text(service).text(account).text(region)
    }

    /// Appends a text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.push(TEXT);
        self.escape(text.as_bytes());
        self
    }

    /// Appends a byte string.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.push(BYTES);
        self.escape(bytes);
        self
    }

    /// Appends a number.
    #[must_use]
    pub fn u64(mut self, number: u64) -> Self {
        self.0.push(U64);
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn escape(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0.push(byte);
            if byte == END {
                self.0.push(ESCAPED);
            }
        }
        self.0.push(END);
    }

    /// This key and every key that continues it with further components.
    pub fn prefix(&self) -> Range {
        Range::prefix(&self.0)
    }

    /// The encoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The components of an encoded key, the three leading ones included; `None` where the bytes
    /// are no such key.
    pub fn components(encoded: &[u8]) -> Option<Vec<Component<'_>>> {
        let mut rest = encoded;
        let mut found = Vec::with_capacity(8);
        while !rest.is_empty() {
            let (component, after) = first(rest)?;
            found.push(component);
            rest = after;
        }
        Some(found)
    }

    /// The first `count` components of an encoded key and what follows them, which may be bytes of
    /// another scheme; `None` where the key does not begin with so many.
    ///
    /// If such bytes follow a text or a byte string at once, they must not begin with 0xFF: its end
    /// would be read as one of its bytes.
    pub fn leading(encoded: &[u8], count: usize) -> Option<(Vec<Component<'_>>, &[u8])> {
        let mut rest = encoded;
        let mut found = Vec::with_capacity(count);
        for _ in 0..count {
            let (component, after) = first(rest)?;
            found.push(component);
            rest = after;
        }
        Some((found, rest))
    }
}

/// The first component, and what follows it.
fn first(encoded: &[u8]) -> Option<(Component<'_>, &[u8])> {
    let (&tag, after) = encoded.split_first()?;
    match tag {
        U64 => {
            let (number, after) = after.split_first_chunk::<8>()?;
            Some((Component::U64(u64::from_be_bytes(*number)), after))
        }
        BYTES => unescape(after).map(|(bytes, after)| (Component::Bytes(bytes), after)),
        TEXT => {
            let (bytes, after) = unescape(after)?;
            let text = match bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
                Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
            };
            Some((Component::Text(text), after))
        }
        _ => None,
    }
}

/// The bytes up to the terminator, and what follows it.
fn unescape(encoded: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let first = encoded.iter().position(|&byte| byte == END)?;
    let (head, tail) = encoded.split_at_checked(first)?;
    if tail.get(1) != Some(&ESCAPED) {
        return Some((Cow::Borrowed(head), tail.get(1..)?));
    }
    let mut bytes = head.to_vec();
    let mut rest = tail;
    loop {
        match rest {
            [END, ESCAPED, after @ ..] => {
                bytes.push(END);
                rest = after;
            }
            [END, after @ ..] => return Some((Cow::Owned(bytes), after)),
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

impl Deref for Key {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Key> for Bytes {
    fn from(key: Key) -> Self {
        Self::from(key.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component as a test draws it; derived order = order the encoding must keep.
    #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, bolero::TypeGenerator)]
    enum Drawn {
        Bytes(Vec<u8>),
        Text(String),
        U64(u64),
    }

    fn encode(parts: &[Drawn]) -> Key {
        parts.iter().fold(Key::global("t"), |key, part| match part {
            Drawn::Bytes(bytes) => key.bytes(bytes),
            Drawn::Text(text) => key.text(text),
            Drawn::U64(number) => key.u64(*number),
        })
    }

    #[test]
    fn order_is_kept_and_nothing_collides() {
        bolero::check!().with_type::<(Vec<Drawn>, Vec<Drawn>)>().with_iterations(5_000).for_each(
            |(a, b)| {
                let (key_a, key_b) = (encode(a), encode(b));
                assert_eq!(a.cmp(b), key_a.cmp(&key_b), "{key_a:?} {key_b:?}");
                let extends = b.len() >= a.len() && b[..a.len()] == a[..];
                assert_eq!(key_a.prefix().contains(&key_b), extends);
            },
        );
    }

    #[test]
    fn nearly_equal_tuples_differ() {
        // Drawn tuples seldom share a beginning; these do.
        let parts: Vec<Vec<Drawn>> = [
            vec!["a", "b"],
            vec!["ab"],
            vec!["a\0b"],
            vec!["a", "", "b"],
            vec!["a\0", "b"],
            vec!["a", "\0b"],
            vec!["a\0\u{ff}", "b"],
            vec!["a"],
            vec![],
            vec![""],
            vec!["", ""],
        ]
        .into_iter()
        .map(|tuple| tuple.into_iter().map(|text| Drawn::Text(text.to_owned())).collect())
        .collect();
        for a in &parts {
            for b in &parts {
                assert_eq!(a.cmp(b), encode(a).cmp(&encode(b)), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn components_read_back() {
        bolero::check!().with_type::<Vec<Drawn>>().with_iterations(3_000).for_each(|parts| {
            let key = encode(parts);
            let read: Vec<Drawn> = Key::components(&key).unwrap()[3..]
                .iter()
                .map(|component| match component {
                    Component::Bytes(bytes) => Drawn::Bytes(bytes.to_vec()),
                    Component::Text(text) => Drawn::Text(text.to_string()),
                    Component::U64(number) => Drawn::U64(*number),
                })
                .collect();
            assert_eq!(&read, parts);
            let all = Key::components(&key).unwrap();
            let longer = [&key[..], b"\xfe\x00"].concat();
            assert_eq!(Key::leading(&longer, all.len()), Some((all.clone(), &b"\xfe\x00"[..])));
            assert_eq!(Key::leading(&key, all.len() + 1), None);
        });
    }

    #[test]
    fn foreign_bytes_are_no_key() {
        bolero::check!().with_type::<Vec<u8>>().with_iterations(3_000).for_each(|bytes| {
            let _ = Key::components(bytes);
        });
        for wrong in [&b"\x02abc"[..], b"\x03\x01", b"\x09", b"\x02\xff\x00"] {
            assert_eq!(Key::components(wrong), None);
        }
    }
}
