//! DynamoDB's numbers: 38 significant decimal digits, magnitudes 1E-130 to 9.99…E+125, and zero.
//! Source: the developer guide, "Naming rules and data types", Number.

use std::cmp::Ordering;
use std::fmt;

use crate::error::ValueError;
use crate::number_bytes::{MAX_LEN, NumberRef, NumberText};

/// Significant digits a number may have.
const DIGITS: i64 = 38;
/// The power of ten of the first digit, at most and at least.
const MAX_MAGNITUDE: i64 = 125;
const MIN_MAGNITUDE: i64 = -130;

/// A decimal number in lowest terms: ± coefficient × 10^exponent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    pub(crate) negative: bool,
    /// The last digit's power of ten; 0 for zero.
    pub(crate) exponent: i16,
    /// Below 10^38, its last digit not 0; 0 for zero.
    pub(crate) coefficient: u128,
}

impl Number {
    /// 0, which has no sign.
    pub const ZERO: Self = Self { negative: false, exponent: 0, coefficient: 0 };

    /// Reads what Java's BigDecimal reads: `[+-] digits [. digits] [e [+-] digits]`.
    ///
    /// Zeros at both ends are no significant digits. As AWS does, range is checked before
    /// precision.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        scan(text.as_bytes()).ok_or_else(|| ValueError::not_numeric(text))?.check()
    }

    /// From its sign, digits and last digit's power of ten.
    fn normalized(negative: bool, coefficient: u128, exponent: i64) -> Result<Self, ValueError> {
        let (mut coefficient, mut zeros) = (coefficient, 0);
        while coefficient != 0 && coefficient.is_multiple_of(10) {
            coefficient /= 10;
            zeros += 1;
        }
        if coefficient == 0 {
            return Ok(Self::ZERO);
        }
        let digits = coefficient.checked_ilog10().map_or(0, |log| i64::from(log) + 1);
        Scanned { negative, coefficient, digits, exponent: exponent + zeros }.check()
    }

    /// The sum; exact or an error.
    pub fn try_add(self, other: Self) -> Result<Self, ValueError> {
        if self.coefficient == 0 {
            return Ok(other);
        }
        if other.coefficient == 0 {
            return Ok(self);
        }
        let (large, small) =
            if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        // In lowest terms the sum's last digit stands where `small`'s does. If `large`, written
        // out to that place, does not fit in 128 bits, it has 39 digits or more of which `small`
        // (below 10^38) cannot take one away: the sum is too long, exactly. The same holds for
        // the addition. With equal exponents neither overflows: both are below 10^38.
        let gap = u32::from(large.exponent.abs_diff(small.exponent));
        let shifted = 10u128
            .checked_pow(gap)
            .and_then(|power| large.coefficient.checked_mul(power))
            .ok_or(ValueError::NumberTooManyDigits)?;
        let (negative, coefficient) = if large.negative == small.negative {
            let sum = shifted.checked_add(small.coefficient);
            (large.negative, sum.ok_or(ValueError::NumberTooManyDigits)?)
        } else if shifted >= small.coefficient {
            (large.negative, shifted - small.coefficient)
        } else {
            (small.negative, small.coefficient - shifted)
        };
        Self::normalized(negative, coefficient, i64::from(small.exponent))
    }

    /// The difference; exact or an error.
    pub fn try_subtract(self, other: Self) -> Result<Self, ValueError> {
        self.try_add(other.negate())
    }

    /// With the other sign; zero stays zero.
    #[must_use]
    pub fn negate(self) -> Self {
        Self { negative: !self.negative && self.coefficient != 0, ..self }
    }

    /// Bytes it counts for in an item, by AWS's rule (see [`NumberRef::size`]).
    pub fn size(self) -> usize {
        let mut buffer = [0; MAX_LEN];
        NumberRef::encode(self, &mut buffer).size()
    }
}

/// Digits as read, not yet checked. `coefficient` is right if `digits` is at most 38.
struct Scanned {
    negative: bool,
    coefficient: u128,
    digits: i64,
    exponent: i64,
}

impl Scanned {
    fn check(&self) -> Result<Number, ValueError> {
        // Zero is checked by the exponent it is written with: AWS refuses 0e126 and 0e-131
        // (dynamodb-conformance, captured October 2026).
        let magnitude = self.exponent.saturating_add((self.digits - 1).max(0));
        if magnitude > MAX_MAGNITUDE {
            return Err(ValueError::NumberOverflow);
        }
        if magnitude < MIN_MAGNITUDE {
            return Err(ValueError::NumberUnderflow);
        }
        if self.digits > DIGITS {
            return Err(ValueError::NumberTooManyDigits);
        }
        if self.digits == 0 {
            return Ok(Number::ZERO);
        }
        Ok(Number {
            negative: self.negative,
            exponent: self.exponent as i16,
            coefficient: self.coefficient,
        })
    }
}

/// Reads the digits in one pass, whatever their number; `None` if this is no number.
fn scan(text: &[u8]) -> Option<Scanned> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mut coefficient, mut digits, mut zeros, mut fraction) = (0u128, 0i64, 0i64, 0i64);
    let (mut point, mut any) = (false, false);
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' => {
                any = true;
                fraction += i64::from(point);
                let digit = byte - b'0';
                if digit == 0 {
                    // Counts only once a digit follows; before the first one it never does.
                    zeros += i64::from(digits > 0);
                } else {
                    digits += zeros + 1;
                    if digits <= DIGITS {
                        coefficient =
                            coefficient * 10u128.pow(zeros as u32 + 1) + u128::from(digit);
                    }
                    zeros = 0;
                }
            }
            b'.' if !point => point = true,
            _ => break,
        }
        rest = tail;
    }
    let exponent = match rest {
        [] => 0,
        [b'e' | b'E', tail @ ..] => scan_exponent(tail)?,
        _ => return None,
    };
    let exponent = exponent.saturating_add(zeros - fraction);
    any.then_some(Scanned { negative, coefficient, digits, exponent })
}

/// `[+-] digits`, of 64 bits: beyond them AWS reads no number (dynamodb-conformance).
fn scan_exponent(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = ([0; MAX_LEN], [0; MAX_LEN]);
        NumberRef::encode(*self, &mut left).cmp(&NumberRef::encode(*other, &mut right))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        // An i64 has at most 19 digits: always in range.
        Self::normalized(value < 0, u128::from(value.unsigned_abs()), 0).unwrap_or(Self::ZERO)
    }
}

impl fmt::Display for Number {
    /// Plain decimal digits without an exponent and without zeros at either end, as AWS returns
    /// them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; MAX_LEN];
        f.pad(NumberRef::encode(*self, &mut buffer).text(&mut NumberText::new()))
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
#[path = "number_tests.rs"]
mod tests;
