use std::str::FromStr;

use bigdecimal::{BigDecimal, Zero};

use super::*;

/// Text → canonical text, or the beginning of the message.
fn check(text: &str, expect: &str) {
    let got = Number::parse(text).map_or_else(|error| error.to_string(), |n| n.to_string());
    assert_eq!(got, expect, "{text:?}");
}

#[test]
fn reads_and_writes() {
    let (nines, zeros) = ("9".repeat(38), "0".repeat(124));
    let rows = [
        ("0", "0"),
        ("-0", "0"),
        ("+0.000", "0"),
        ("0e125", "0"),
        ("1", "1"),
        ("1.0", "1"),
        ("1e0", "1"),
        ("+1", "1"),
        ("-1.50", "-1.5"),
        ("007", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("100", "100"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("120e-1", "12"),
        ("1e-1", "0.1"),
        ("0.001", "0.001"),
        ("12.034", "12.034"),
        ("-0.0120", "-0.012"),
        ("1234567", "1234567"),
        ("00042.1200", "42.12"),
        ("10.01", "10.01"),
        ("1e1", "10"),
        ("99.5e1", "995"),
        (nines.as_str(), nines.as_str()),
    ];
    for (text, expect) in rows {
        check(text, expect);
    }
    check("9.9999999999999999999999999999999999999E+125", &format!("{nines}{}", "0".repeat(88)));
    check("1e125", &format!("10{zeros}"));
    check("1e-130", &format!("0.{}1", "0".repeat(129)));
    check(&format!("-{nines}e-167"), &format!("-0.{}{nines}", "0".repeat(129)));
    // Zeros at both ends are no significant digits, however many.
    check(&format!("{}1.5{}", "0".repeat(5000), "0".repeat(5000)), "1.5");
}

#[test]
fn refuses() {
    let over = ValueError::NumberOverflow.to_string();
    let under = ValueError::NumberUnderflow.to_string();
    let digits = ValueError::NumberTooManyDigits.to_string();
    for text in [
        "1e126",
        "-1e126",
        "10e125",
        "1e2147483648",
        "1e99999999999",
        "0e126",
        "1e9223372036854775807",
    ] {
        check(text, &over);
    }
    for text in ["1e-131", "0.1e-130", "1e-99999999999", "0e-131", "-1e-9223372036854775808"] {
        check(text, &under);
    }
    for text in [format!("1{}1", "0".repeat(37)), format!("1.{}1", "0".repeat(37)), "1".repeat(39)]
    {
        check(&text, &digits);
    }
    check("", "The parameter cannot be converted to a numeric value");
    for text in [
        "b",
        " 1",
        "1 ",
        "1e",
        "1e+",
        "e1",
        ".",
        "-",
        "+-1",
        "1.2.3",
        "0x10",
        "NaN",
        "Infinity",
        "1_0",
        "1e1.5",
        "١",
        "1e9223372036854775808",
        "--1",
        "1e-+5",
    ] {
        check(text, &format!("The parameter cannot be converted to a numeric value: {text}"));
    }
}

/// All but the last four rows were measured on AWS (dynamodb-conformance, August 2026).
#[test]
fn counts_bytes() {
    for (text, size) in [
        ("0", 1),
        ("1", 2),
        ("12", 2),
        ("123", 3),
        ("1234", 3),
        ("12345678901234567890123456789012345678", 20),
        ("0042", 2),
        ("100", 2),
        ("1010", 3),
        ("0.0000001", 2),
        ("1E125", 2),
        ("1E-100", 2),
        ("1.5", 3),
        ("15", 2),
        ("1.2", 3),
        ("1.200", 3),
        ("1.234", 4),
        ("3.14159", 5),
        ("123456", 4),
        ("-1", 3),
        ("-0.001", 3),
        ("1e-130", 2),
        ("9.9999999999999999999999999999999999999", 21),
    ] {
        assert_eq!(Number::parse(text).unwrap().size(), size, "{text}");
    }
}

/// A number whose digits, exponent and sign all vary.
fn number(coefficient: u128, exponent: i16, negative: bool) -> Option<(Number, BigDecimal)> {
    let coefficient = coefficient % 10u128.pow(38);
    let text = format!("{}{coefficient}e{exponent}", if negative { "-" } else { "" });
    Some((Number::parse(&text).ok()?, BigDecimal::from_str(&text).unwrap()))
}

/// Random digits of random length: the high bits alone would always give 38.
fn shorten(coefficient: u128, digits: u8) -> u128 {
    coefficient % 10u128.pow(1 + u32::from(digits) % 38)
}

type Parts = (u128, u8, i16, bool);

#[test]
fn agrees_with_an_independent_decimal() {
    bolero::check!().with_type().with_iterations(20_000).for_each(
        |((c1, d1, e1, n1), (c2, d2, e2, n2)): &(Parts, Parts)| {
            let Some((left, big_left)) = number(shorten(*c1, *d1), e1 % 170, *n1) else { return };
            // Half of the pairs lie close together, so that sums cancel and digits meet.
            let near = if c2 % 2 == 0 { left.exponent + e2 % 40 } else { e2 % 170 };
            let Some((right, big_right)) = number(shorten(*c2, *d2), near, *n2) else { return };
            assert_eq!(left.cmp(&right), big_left.cmp(&big_right), "{left} {right}");
            assert_eq!(left == right, big_left == big_right);
            let text = left.to_string();
            assert_eq!(BigDecimal::from_str(&text).unwrap(), big_left);
            assert_eq!(Number::parse(&text), Ok(left));
            assert!(!text.contains('.') || !text.ends_with('0'), "{text}");
            agree(left.try_add(right), &(&big_left + &big_right));
            agree(left.try_subtract(right), &(&big_left - &big_right));
        },
    );
}

fn agree(got: Result<Number, ValueError>, expect: &BigDecimal) {
    if expect.is_zero() {
        return assert_eq!(got, Ok(Number::ZERO));
    }
    let (digits, scale) = expect.normalized().into_bigint_and_exponent();
    let digits = digits.to_string().trim_start_matches('-').len() as i64;
    let magnitude = digits - 1 - scale;
    match got {
        Ok(number) => assert_eq!(&BigDecimal::from_str(&number.to_string()).unwrap(), expect),
        Err(ValueError::NumberOverflow) => assert!(magnitude > 125, "{expect}"),
        Err(ValueError::NumberUnderflow) => assert!(magnitude < -130, "{expect}"),
        Err(ValueError::NumberTooManyDigits) => assert!(digits > 38, "{expect}"),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn adds() {
    for (left, right, sum) in [
        ("1", "2", "3"),
        ("0.1", "0.2", "0.3"),
        ("5", "-5", "0"),
        ("-1", "0.5", "-0.5"),
        ("1e38", "-1", "99999999999999999999999999999999999999"),
        ("99999999999999999999999999999999999999", "1", "100000000000000000000000000000000000000"),
    ] {
        let sum_of = Number::parse(left).unwrap().try_add(Number::parse(right).unwrap()).unwrap();
        assert_eq!(sum_of.to_string(), sum, "{left} + {right}");
    }
    let parse = |text| Number::parse(text).unwrap();
    assert_eq!(parse("1e38").try_add(parse("1")), Err(ValueError::NumberTooManyDigits));
    assert_eq!(parse("1e125").try_add(parse("1")), Err(ValueError::NumberTooManyDigits));
    assert_eq!(parse("9e125").try_add(parse("1e125")), Err(ValueError::NumberOverflow));
    assert_eq!(parse("1.1e-130").try_subtract(parse("1e-130")), Err(ValueError::NumberUnderflow));
}

#[test]
fn bytes_come_back_and_hostile_ones_do_not_panic() {
    bolero::check!().with_type().with_iterations(20_000).for_each(
        |(parts, hostile): &(Parts, Vec<u8>)| {
            let (c, d, e, n) = *parts;
            if let Some((number, _)) = number(shorten(c, d), e % 170, n) {
                let mut buffer = [0; MAX_LEN];
                let bytes = NumberRef::encode(number, &mut buffer);
                assert_eq!(bytes.number(), number);
                let mut key = bytes.as_bytes().to_vec();
                key.extend_from_slice(hostile);
                assert_eq!(NumberRef::split(&key), Some((bytes, hostile.as_slice())));
            }
            let number = NumberRef::from_bytes(hostile);
            let _ = (number.number(), number.to_string(), number.size(), NumberRef::split(hostile));
        },
    );
}

#[test]
fn any_text_is_read_or_refused() {
    bolero::check!().with_type::<String>().with_iterations(5_000).for_each(|text| {
        if let Ok(number) = Number::parse(text) {
            assert_eq!(Number::parse(&number.to_string()), Ok(number));
        }
    });
}
