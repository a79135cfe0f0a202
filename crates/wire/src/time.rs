//! The three spellings of a timestamp.

use cumulet_base::Timestamp;
use cumulet_shape::TimeFormat;

/// Spells `t` in `format`.
pub(crate) fn format(t: Timestamp, format: TimeFormat) -> String {
    match format {
        TimeFormat::Epoch => {
            let (millis, fraction) = (t.millis(), t.millis().rem_euclid(1000));
            if fraction == 0 {
                return t.secs().to_string();
            }
            let (sign, abs) = (if millis < 0 { "-" } else { "" }, millis.unsigned_abs());
            format!("{sign}{}.{:03}", abs / 1000, abs % 1000).trim_end_matches('0').to_owned()
        }
        TimeFormat::Iso8601 => t.iso8601(t.millis().rem_euclid(1000) != 0),
        TimeFormat::Http => t.http_date(),
    }
}

/// Reads what is spelled in `format`; `None` where it is not.
pub(crate) fn parse(text: &str, format: TimeFormat) -> Option<Timestamp> {
    match format {
        TimeFormat::Epoch => epoch(text),
        TimeFormat::Iso8601 => iso8601(text),
        TimeFormat::Http => http_date(text),
    }
}

/// Epoch seconds, perhaps with a fraction or an exponent.
fn epoch(text: &str) -> Option<Timestamp> {
    if let Ok(secs) = text.parse::<i64>() {
        return secs.checked_mul(1000).map(Timestamp::from_millis);
    }
    let secs: f64 = text.parse().ok()?;
    let millis = (secs * 1000.0).round();
    (millis.abs() < 9e15).then(|| Timestamp::from_millis(millis as i64))
}

/// RFC 3339, with `Z` or an offset, a fraction of any length.
fn iso8601(text: &str) -> Option<Timestamp> {
    let (date, clock) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let zone_at = clock.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = clock.split_at_checked(zone_at)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.split(':');
    let hms = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || fraction.is_empty() {
        return None;
    }
    let millis = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign, ..] => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let minutes = i64::from(digits(hours, 2)?) * 60 + i64::from(digits(minutes, 2)?);
            if *sign == b'-' { -minutes } else { minutes }
        }
        [] => return None,
    };
    let year = (year.len() == 4).then(|| year.parse().ok())??;
    let t = Timestamp::from_civil(year, digits(month, 2)?, digits(day, 2)?, hms, millis)?;
    Some(Timestamp::from_millis(t.millis() - offset * 60_000))
}

/// Reads `Sat, 21 Nov 2026 01:02:03 GMT` (RFC 9110 section 5.6.7); the week day is not looked at.
pub fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let mut parts = text.split(' ');
    parts.next().filter(|weekday| weekday.ends_with(','))?;
    let day = digits(parts.next()?, 2)?;
    let month = parts.next().filter(|name| name.len() == 3).and_then(|name| MONTHS.find(name))?;
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let mut clock = parts.next()?.split(':');
    let hms = (digits(clock.next()?, 2)?, digits(clock.next()?, 2)?, digits(clock.next()?, 2)?);
    parts.next().filter(|&zone| zone == "GMT")?;
    Timestamp::from_civil(year, (month / 3) as u8 + 1, day, hms, 0)
}

fn digits(text: &str, count: usize) -> Option<u8> {
    let fits = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_round_trips() {
        for millis in [0, 1, 1000, 1_795_222_923_456, 1_795_222_923_000, -1500] {
            let t = Timestamp::from_millis(millis);
            assert_eq!(parse(&format(t, TimeFormat::Epoch), TimeFormat::Epoch), Some(t));
            assert_eq!(parse(&format(t, TimeFormat::Iso8601), TimeFormat::Iso8601), Some(t));
            if millis % 1000 == 0 {
                assert_eq!(parse(&format(t, TimeFormat::Http), TimeFormat::Http), Some(t));
            }
        }
    }

    #[test]
    fn offsets_and_fractions() {
        let t = Some(Timestamp::from_millis(1_795_222_923_400));
        for text in [
            "2026-11-21T01:02:03.4Z",
            "2026-11-21T02:02:03.400000+01:00",
            "2026-11-20T23:32:03.4-01:30",
        ] {
            assert_eq!(parse(text, TimeFormat::Iso8601), t, "{text}");
        }
        for text in ["", "2026", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T1:2:3Z", "é"] {
            assert_eq!(parse(text, TimeFormat::Iso8601), None, "{text}");
            assert_eq!(parse(text, TimeFormat::Http), None, "{text}");
        }
        assert_eq!(parse("1e400", TimeFormat::Epoch), None);
    }
}
