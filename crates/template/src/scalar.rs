//! What a plain YAML scalar means.
//!
//! YAML 1.1 as PyYAML reads it (the AWS CLI and the SAM CLI are written in it), with one
//! difference: timestamps stay strings, so that `Version: 2012-10-17` is what its author meant.

use serde_json::{Number, Value};

/// The value of an unquoted, untagged scalar.
pub(crate) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    integer(text)
        .or_else(|| float(text))
        .map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// Splits off a sign: (is negative, the rest).
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// YAML 1.1 integers: binary, octal (`0…`), decimal, hexadecimal, sexagesimal (`1:30`).
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = signed(text);
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        radix(binary, 2)?
    } else if let Some(hex) = digits.strip_prefix("0x") {
        radix(hex, 16)?
    } else if digits.len() > 1 && digits.starts_with('0') {
        radix(digits.get(1..)?, 8)?
    } else if digits.contains(':') {
        sexagesimal(digits)?
    } else {
        radix(digits.starts_with(|c: char| c.is_ascii_digit()).then_some(digits)?, 10)?
    };
    if negative {
        i64::try_from(-i128::from(magnitude)).ok().map(Number::from)
    } else {
        Some(Number::from(magnitude))
    }
}

fn radix(digits: &str, radix: u32) -> Option<u64> {
    if !digits.chars().all(|c| c == '_' || c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

fn sexagesimal(digits: &str) -> Option<u64> {
    let mut parts = digits.split(':');
    let first =
        parts.next().filter(|first| first.starts_with(|c: char| ('1'..='9').contains(&c)))?;
    let mut total = radix(first, 10)?;
    for part in parts {
        if part.is_empty() || part.len() > 2 {
            return None;
        }
        let value = radix(part, 10).filter(|value| *value < 60 && !part.contains('_'))?;
        total = total.checked_mul(60)?.checked_add(value)?;
    }
    Some(total)
}

/// Floats need a point; an exponent needs its sign, as PyYAML wants it. Infinities and NaN have
/// no place in JSON and stay strings.
fn float(text: &str) -> Option<Number> {
    let (negative, digits) = signed(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let numeral = |part: &str| part.chars().all(|c| c == '_' || c.is_ascii_digit());
    let starts = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    if !numeral(whole)
        || !numeral(fraction)
        || !(starts(whole) || (whole.is_empty() && starts(fraction)))
    {
        return None;
    }
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['+', '-'])?;
        if power.is_empty() || !power.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
    }
    let number: f64 = digits.replace('_', "").parse().ok()?;
    Number::from_f64(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_scalars_as_pyyaml_does() {
        let cases = [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!("y")),
            ("~", json!(null)),
            ("12", json!(12)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("1_000", json!(1000)),
            ("0", json!(0)),
            ("010", json!(8)),
            ("0123456789", json!("0123456789")),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("1:30", json!(90)),
            ("0:30", json!("0:30")),
            ("80:80", json!("80:80")),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("1e3", json!("1e3")),
            ("1.0e+3", json!(1000.0)),
            ("1.0e3", json!("1.0e3")),
            ("2012-10-17", json!("2012-10-17")),
            ("1.2.3", json!("1.2.3")),
            (".inf", json!(".inf")),
            ("_1", json!("_1")),
            ("-", json!("-")),
            (".", json!(".")),
            ("123456789012345678901234567890", json!("123456789012345678901234567890")),
        ];
        for (text, expected) in cases {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
