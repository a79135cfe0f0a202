//! The values that condition operators compare: numbers, moments, networks.

use std::net::IpAddr;

use cumulet_base::Timestamp;

/// A decimal number. Rust's own parser would also take `inf` and `NaN`.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain =
        text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|value: &f64| plain && value.is_finite())
}

/// A moment: seconds since the epoch, or one of the forms of the W3C's note on ISO 8601, from
/// `2026` to `2026-11-21T01:02:03.456+01:00`. Without a zone it is UTC.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if text.len() != 4
        && let Ok(seconds) = text.parse::<i64>()
    {
        return Some(Timestamp::from_secs(seconds));
    }
    let (date, time) = match text.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |text| digits(text, 2))?;
    let day = parts.next().map_or(Some(1), |text| digits(text, 2))?;
    if parts.next().is_some() {
        return None;
    }
    let (hms, millis, offset) = time.map_or(Some(((0, 0, 0), 0, 0)), time_of_day)?;
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    let local = Timestamp::from_civil(i64::from(year), month, day, hms, millis)?;
    Some(Timestamp::from_millis(local.millis() - offset * 60_000))
}

/// Hour, minute and second, milliseconds, and the zone's minutes east of UTC.
fn time_of_day(text: &str) -> Option<((u8, u8, u8), u16, i64)> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, 0),
        Some(at) => {
            let (clock, zone) = text.split_at_checked(at)?;
            (clock, zone_offset(zone)?)
        }
    };
    let mut parts = clock.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let (second, fraction) = match parts.next() {
        None => (0, ""),
        Some(text) => {
            let (second, fraction) = text.split_once('.').unwrap_or((text, "0"));
            (digits(second, 2)?, fraction)
        }
    };
    if parts.next().is_some() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let hms = (u8::try_from(hour).ok()?, u8::try_from(minute).ok()?, u8::try_from(second).ok()?);
    Some((hms, thousandths.parse().ok()?, offset))
}

fn zone_offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let east = if zone.starts_with('+') { 1 } else { -1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then(|| east * i64::from(hours * 60 + minutes))
}

fn digits(text: &str, length: usize) -> Option<u16> {
    let plain = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// Addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// `203.0.113.0/24`, `2001:db8::/32` or one address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, bits) = match text.split_once('/') {
            None => (text, None),
            Some((first, bits)) => (first, Some(digits(bits, bits.len())?)),
        };
        let first: IpAddr = first.parse().ok()?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(width), |bits| u8::try_from(bits).ok())?;
        (bits <= width).then_some(Self { first, bits })
    }

    /// Whether `address` is one of them. An IPv4 address that came mapped into IPv6 counts as what
    /// it is.
    pub(super) fn contains(&self, address: &str) -> bool {
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let apart = first.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= u32::from(self.bits)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let apart = first.to_bits() ^ address.to_bits();
                apart.leading_zeros() >= u32::from(self.bits)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_each_form() {
        for (text, expected) in [
            ("2026", "2026-01-01T00:00:00.000Z"),
            ("2026-11", "2026-11-01T00:00:00.000Z"),
            ("2026-11-21", "2026-11-21T00:00:00.000Z"),
            ("2026-11-21T01:02Z", "2026-11-21T01:02:00.000Z"),
            ("2026-11-21T01:02:03Z", "2026-11-21T01:02:03.000Z"),
            ("2026-11-21T01:02:03.45+01:30", "2026-11-20T23:32:03.450Z"),
            ("2026-11-21t01:02:03-01:00", "2026-11-21T02:02:03.000Z"),
            ("1795222923", "2026-11-21T01:02:03.000Z"),
        ] {
            assert_eq!(moment(text).unwrap().iso8601(true), expected, "{text}");
        }
        for wrong in ["", "x", "2026-13", "2026-02-30", "2026-1-1", "2026-11-21T", "T01:02Z"] {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_finite_decimals() {
        assert_eq!(number("10"), number("10.0"));
        for wrong in ["", "inf", "NaN", "infinity", "1e999", "0x10", "1 2"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn networks_of_both_families() {
        let all = Network::parse("0.0.0.0/0").unwrap();
        assert!(all.contains("255.1.2.3") && all.contains("::ffff:1.2.3.4"));
        assert!(!all.contains("2001:db8::1"));
        let six = Network::parse("2001:db8::/33").unwrap();
        assert!(six.contains("2001:db8:7fff::1") && !six.contains("2001:db8:8000::1"));
        for wrong in ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/+1", "::/129", "1.2.3.4/x"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn parsers_never_panic() {
        bolero::check!().with_iterations(20_000).for_each(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = (number(&text), moment(&text), Network::parse(&text));
        });
    }
}
