//! A number as bytes that compare as the numbers do. The stored form and keys hold these bytes.
//!
//! ```text
//! zero      02
//! positive  03, exponent + 128, pairs + 1, 00
//! negative  01, then all that a positive number has after its sign, each byte inverted
//! ```
//! The pairs are the digits in base 100, aligned on the decimal point, most significant first,
//! without zero pairs at the end; the exponent is the first pair's power of 100 (-65 to 62). The
//! last byte makes no number the beginning of another, so a key may follow.

use std::fmt;

use crate::number::Number;

const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;
/// 38 digits that begin and end in the middle of a pair.
const MAX_PAIRS: usize = 20;
/// Sign, exponent, pairs, end.
pub(crate) const MAX_LEN: usize = 3 + MAX_PAIRS;

/// The bytes of a number, borrowed. Compares as the numbers compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberRef<'a>(&'a [u8]);

impl<'a> NumberRef<'a> {
    /// Writes a number's bytes into `buffer` and borrows those used.
    pub(crate) fn encode(number: Number, buffer: &'a mut [u8; MAX_LEN]) -> Self {
        let len = encode(number, buffer);
        Self(buffer.get(..len).unwrap_or_default())
    }

    /// Takes bytes that [`Self::encode`] made; of others only that they do not panic is promised.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Finds the end of a number at the start of `bytes`: (number, rest).
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let end = match *bytes.first()? {
            ZERO => 1,
            POSITIVE => 3 + bytes.get(2..)?.iter().position(|byte| *byte == 0)?,
            NEGATIVE => 3 + bytes.get(2..)?.iter().position(|byte| *byte == 0xff)?,
            _ => return None,
        };
        let (number, rest) = bytes.split_at_checked(end)?;
        (number.len() <= MAX_LEN).then_some((Self(number), rest))
    }

    /// The order-preserving bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Bytes it counts for in an item: one, one more for each pair of digits, one more if it is
    /// negative; 0 is 1 byte.
    pub fn size(self) -> usize {
        let pairs = self.0.len().saturating_sub(3);
        1 + pairs + usize::from(self.is_negative())
    }

    fn is_negative(self) -> bool {
        self.0.first() == Some(&NEGATIVE)
    }

    /// The first pair's power of 100, and the pairs.
    fn parts(self) -> (i16, impl DoubleEndedIterator<Item = u8> + ExactSizeIterator + 'a) {
        let flip = if self.is_negative() { 0xff } else { 0 };
        let (exponent, pairs) = match self.0 {
            [_, exponent, pairs @ .., _end] => (i16::from(exponent ^ flip) - 128, pairs),
            _ => (0, &[][..]),
        };
        let pairs = pairs.get(..pairs.len().min(MAX_PAIRS)).unwrap_or_default();
        (exponent, pairs.iter().map(move |pair| (pair ^ flip).wrapping_sub(1).min(99)))
    }

    /// The number, for arithmetic.
    pub fn number(self) -> Number {
        let (first, pairs) = self.parts();
        let mut exponent = (first - pairs.len() as i16 + 1) * 2;
        let (mut coefficient, last) = (0u128, pairs.len().saturating_sub(1));
        for (at, pair) in pairs.enumerate() {
            if at == last && pair % 10 == 0 {
                coefficient = coefficient.wrapping_mul(10).wrapping_add(u128::from(pair / 10));
                exponent += 1;
            } else {
                coefficient = coefficient.wrapping_mul(100).wrapping_add(u128::from(pair));
            }
        }
        if coefficient == 0 {
            return Number::ZERO;
        }
        Number { negative: self.is_negative(), exponent, coefficient }
    }

    /// Canonical text: plain decimal digits, written into `buffer` without allocation.
    pub fn text(self, buffer: &mut NumberText) -> &str {
        buffer.len = 0;
        let (first, pairs) = self.parts();
        if pairs.len() == 0 {
            buffer.push(b'0');
            return buffer.as_str();
        }
        if self.is_negative() {
            buffer.push(b'-');
        }
        let point = (first + 1) * 2;
        let mut digits = [0u8; 2 * MAX_PAIRS];
        let mut len = 0;
        for (slot, pair) in digits.chunks_exact_mut(2).zip(pairs) {
            slot.copy_from_slice(&[b'0' + pair / 10, b'0' + pair % 10]);
            len += 2;
        }
        let digits = digits.get(..len).unwrap_or_default();
        let digits = digits.strip_suffix(b"0").unwrap_or(digits);
        buffer.place(digits, point);
        buffer.as_str()
    }
}

/// Encodes into `buffer`; the length used.
fn encode(number: Number, buffer: &mut [u8; MAX_LEN]) -> usize {
    if number.coefficient == 0 {
        buffer[0] = ZERO;
        return 1;
    }
    // The pairs, least significant first.
    let mut pairs = [0u8; MAX_PAIRS];
    let mut count = 0;
    let mut push = |pair: u64| {
        if let Some(slot) = pairs.get_mut(count) {
            *slot = pair as u8;
            count += 1;
        }
    };
    let (mut rest, mut exponent) = (number.coefficient, number.exponent);
    if exponent.rem_euclid(2) == 1 {
        push((rest % 10) as u64 * 10);
        rest /= 10;
        exponent += 1;
    } else {
        push((rest % 100) as u64);
        rest /= 100;
        exponent += 2;
    }
    // 18 digits at a time: dividing 64 bits is several times cheaper than dividing 128.
    while rest > u128::from(u64::MAX) {
        let mut low = (rest % 1_000_000_000_000_000_000) as u64;
        rest /= 1_000_000_000_000_000_000;
        for _ in 0..9 {
            push(low % 100);
            low /= 100;
            exponent += 2;
        }
    }
    let mut rest = rest as u64;
    while rest != 0 {
        push(rest % 100);
        rest /= 100;
        exponent += 2;
    }
    let flip = if number.negative { 0xff } else { 0 };
    let first = (exponent / 2 - 1 + 128) as u8;
    let used = pairs.get(..count).unwrap_or_default().iter().rev().map(|pair| pair + 1);
    let body = std::iter::once(first).chain(used).chain(std::iter::once(0));
    buffer[0] = if number.negative { NEGATIVE } else { POSITIVE };
    let mut len = 1;
    for (slot, byte) in buffer.iter_mut().skip(1).zip(body) {
        *slot = byte ^ flip;
        len += 1;
    }
    len
}

impl fmt::Display for NumberRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text(&mut NumberText::new()))
    }
}

impl fmt::Debug for NumberRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Room for the longest canonical text: sign, "0.", 129 zeros and 38 digits.
pub struct NumberText {
    bytes: [u8; 176],
    len: usize,
}

impl NumberText {
    /// An empty buffer.
    pub fn new() -> Self {
        Self { bytes: [0; 176], len: 0 }
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    /// Writes digits of which `point` stand before the decimal point (it may lie outside them).
    /// The first digit may be a zero, the last is not.
    fn place(&mut self, digits: &[u8], point: i16) {
        let (digits, point) = match digits {
            [b'0', rest @ ..] => (rest, point - 1),
            _ => (digits, point),
        };
        if point <= 0 {
            self.push(b'0');
            self.push(b'.');
        }
        for _ in point..0 {
            self.push(b'0');
        }
        for (at, digit) in (0i16..).zip(digits) {
            if at == point && at > 0 {
                self.push(b'.');
            }
            self.push(*digit);
        }
        for _ in digits.len() as i16..point {
            self.push(b'0');
        }
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl Default for NumberText {
    fn default() -> Self {
        Self::new()
    }
}
