//! Keys as bytes that sort as DynamoDB sorts: strings by UTF-8 bytes, numbers by value, binary by
//! unsigned bytes. An encoded element is never the beginning of another one, so elements stand
//! one after the other (partition key, then sort key) without a collision.
//!
//! ```text
//! element  type (1 S, 2 N, 3 B), body
//! S, B     bytes with 00 written 00 FF, then 00 01
//! N        the bytes of a number, which end themselves
//! ```

use crate::item::Value;
use crate::number_bytes::NumberRef;
use crate::view::{Type, ValueRef};

const STRING: u8 = 1;
const NUMBER: u8 = 2;
const BINARY: u8 = 3;

/// The types that a key attribute may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// String.
    S,
    /// Number.
    N,
    /// Binary.
    B,
}

impl KeyType {
    /// The type as one of all ten.
    pub fn kind(self) -> Type {
        match self {
            Self::S => Type::S,
            Self::N => Type::N,
            Self::B => Type::B,
        }
    }
}

/// Appends the element for a scalar. False, and nothing appended, if it is not S, N or B.
#[must_use]
pub fn encode_key(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    if !encode_key_prefix(value, out) {
        return false;
    }
    if !matches!(value, ValueRef::N(_)) {
        out.extend_from_slice(&[0, 1]);
    }
    true
}

/// Appends what the elements of all strings (binaries) beginning with this one begin with. Of a
/// number it is the whole element. False, and nothing appended, if it is not S, N or B.
#[must_use]
pub fn encode_key_prefix(value: ValueRef<'_>, out: &mut Vec<u8>) -> bool {
    let (tag, bytes) = match value {
        ValueRef::S(text) => (STRING, text.as_bytes()),
        ValueRef::B(bytes) => (BINARY, bytes),
        ValueRef::N(number) => {
            out.push(NUMBER);
            out.extend_from_slice(number.as_bytes());
            return true;
        }
        _ => return false,
    };
    out.push(tag);
    for (at, part) in bytes.split(|byte| *byte == 0).enumerate() {
        if at > 0 {
            out.extend_from_slice(&[0, 0xff]);
        }
        out.extend_from_slice(part);
    }
    true
}

/// Reads the element at the start of `bytes`: (value, rest). `None` if there is none.
pub fn decode_key(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let (tag, mut rest) = bytes.split_first()?;
    if *tag == NUMBER {
        let (number, rest) = NumberRef::split(rest)?;
        return Some((Value::from(ValueRef::N(number)), rest));
    }
    let mut body = Vec::new();
    loop {
        let end = rest.iter().position(|byte| *byte == 0)?;
        let (part, tail) = rest.split_at_checked(end)?;
        body.extend_from_slice(part);
        match tail {
            [0, 0xff, tail @ ..] => {
                body.push(0);
                rest = tail;
            }
            [0, 1, tail @ ..] => {
                rest = tail;
                break;
            }
            _ => return None,
        }
    }
    let value = match *tag {
        STRING => Value::from(ValueRef::S(std::str::from_utf8(&body).ok()?)),
        BINARY => Value::from(ValueRef::B(&body)),
        _ => return None,
    };
    Some((value, rest))
}

/// Where an encoded partition key lies in the hash space that a Scan walks in ascending order and
/// that its Segments divide into equal parts.
///
/// FNV-1a of 64 bits with the finish of MurmurHash3 (which spreads short keys). Tables on disk
/// depend on it: it must never change. AWS's own hash is not documented.
pub fn partition_hash(encoded: &[u8]) -> u64 {
    let mut hash = encoded.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::Number;

    fn encode(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(encode_key(value.view(), &mut out));
        out
    }

    #[test]
    fn order_is_kept_and_composites_do_not_collide() {
        type Pair = (Vec<u8>, Vec<u8>);
        bolero::check!().with_type().with_iterations(20_000).for_each(
            |((p1, s1), (p2, s2)): &(Pair, Pair)| {
                let element = |bytes: &Vec<u8>| encode(&Value::binary(bytes));
                let left = [element(p1), element(s1)].concat();
                let right = [element(p2), element(s2)].concat();
                assert_eq!(left.cmp(&right), (p1, s1).cmp(&(p2, s2)));
                assert!(left == right || !right.starts_with(&left));
                let mut prefix = Vec::new();
                assert!(encode_key_prefix(Value::binary(p1).view(), &mut prefix));
                assert_eq!(element(p2).starts_with(&prefix), p2.starts_with(p1));
                let (value, rest) = decode_key(&left).unwrap();
                assert_eq!((value, rest), (Value::binary(p1), element(s1).as_slice()));
                let _ = (decode_key(p1), decode_key(s2));
            },
        );
    }

    #[test]
    fn numbers_sort_by_value() {
        let sorted = [
            "-1e125", "-100", "-99.9", "-1", "-0.01", "-1e-130", "0", "1e-130", "0.5", "1", "1.5",
            "9", "10", "99", "100", "1e125",
        ];
        let keys: Vec<_> = sorted
            .iter()
            .map(|text| encode(&Value::number(Number::parse(text).unwrap())))
            .collect();
        assert!(keys.is_sorted_by(|left, right| left < right));
        for (key, text) in keys.iter().zip(sorted) {
            let (value, rest) = decode_key(key).unwrap();
            assert_eq!((value, rest), (Value::number(Number::parse(text).unwrap()), &[][..]));
        }
    }

    #[test]
    fn only_scalars_are_keys() {
        let mut out = Vec::new();
        assert!(
            !encode_key(ValueRef::Null, &mut out) && !encode_key(ValueRef::Bool(true), &mut out)
        );
        assert!(out.is_empty());
        assert_eq!(encode(&Value::string("a\0b")), [1, b'a', 0, 0xff, b'b', 0, 1]);
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(partition_hash(b""), 0xefd0_1f60_ba99_2926);
        let hashes: Vec<u64> =
            (0..10_000).map(|n| partition_hash(&encode(&Value::string(&n.to_string())))).collect();
        for segment in 0..4u64 {
            let share = hashes.iter().filter(|hash| *hash >> 62 == segment).count();
            assert!((2300..2700).contains(&share), "{share}");
        }
    }
}
