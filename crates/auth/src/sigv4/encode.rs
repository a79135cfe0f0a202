//! Hex, percent-encoding and dates as SigV4 wants them.

use std::borrow::Cow;

use cumulet_base::Timestamp;

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn digit(table: &[u8; 16], nibble: u8) -> u8 {
    table.get(usize::from(nibble & 15)).copied().unwrap_or(b'0')
}

/// Appends lower-case hex.
pub(super) fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for b in bytes {
        out.extend_from_slice(&[digit(LOWER, b >> 4), digit(LOWER, *b)]);
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(2 * bytes.len());
    push_hex(&mut out, bytes);
    String::from_utf8(out).unwrap_or_default()
}

fn nibble(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        b'A'..=b'F' => Some(c - b'A' + 10),
        _ => None,
    }
}

/// Bytes of hex digits; `None` where they are odd in number or not all lower-case hex, so that a
/// signature has one spelling only.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.bytes().any(|c| c.is_ascii_uppercase()) {
        return None;
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [hi, lo] => Some(nibble(*hi)? << 4 | nibble(*lo)?),
            _ => None,
        })
        .collect()
}

/// 32 bytes of 64 lower-case hex digits.
pub(super) fn unhex32(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 {
        return None;
    }
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [hi, lo] = pair else { return None };
        if hi.is_ascii_uppercase() || lo.is_ascii_uppercase() {
            return None;
        }
        *byte = nibble(*hi)? << 4 | nibble(*lo)?;
    }
    Some(out)
}

/// RFC 3986 section 2.3.
fn unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~')
}

/// Appends `b`, percent-encoded unless unreserved.
pub(super) fn push_encoded_byte(out: &mut Vec<u8>, b: u8) {
    if unreserved(b) {
        out.push(b);
    } else {
        out.extend_from_slice(&[b'%', digit(UPPER, b >> 4), digit(UPPER, b)]);
    }
}

/// Appends `bytes`, all but unreserved characters percent-encoded.
pub(super) fn push_encoded(out: &mut Vec<u8>, bytes: &[u8]) {
    for b in bytes {
        push_encoded_byte(out, *b);
    }
}

/// The byte that `%XX` at the front of `rest` stands for.
pub(super) fn escape(rest: &[u8]) -> Option<u8> {
    match rest {
        [b'%', hi, lo, ..] => Some(nibble(*hi)? << 4 | nibble(*lo)?),
        _ => None,
    }
}

/// Percent-decoded; a `%` that starts no escape stands for itself, `+` for itself or a space.
pub(super) fn decode(raw: &[u8], plus: u8) -> Cow<'_, [u8]> {
    if !raw.iter().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(byte) = escape(rest) {
            out.push(byte);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            out.push(if *first == b'+' { plus } else { *first });
            rest = tail;
        }
    }
    Cow::Owned(out)
}

/// `20261121T010203Z`.
pub(super) fn amz_date(at: Timestamp) -> String {
    let (y, mo, d, h, mi, s, _) = at.civil();
    format!("{y:04}{mo:02}{d:02}T{h:02}{mi:02}{s:02}Z")
}

fn number(text: &[u8]) -> Option<u16> {
    text.iter().try_fold(0u16, |n, c| match c {
        b'0'..=b'9' => n.checked_mul(10)?.checked_add(u16::from(c - b'0')),
        _ => None,
    })
}

/// Reads [`amz_date`]'s form.
pub(super) fn read_amz_date(text: &str) -> Option<Timestamp> {
    let [y @ .., m1, m2, d1, d2, b'T', h1, h2, n1, n2, s1, s2, b'Z'] = text.as_bytes() else {
        return None;
    };
    let two = |a: &u8, b: &u8| number(&[*a, *b]).and_then(|n| u8::try_from(n).ok());
    if y.len() != 4 {
        return None;
    }
    let hms = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    Timestamp::from_civil(i64::from(number(y)?), two(m1, m2)?, two(d1, d2)?, hms, 0)
}

/// Reads `Sat, 21 Nov 2026 01:02:03 GMT` (RFC 9110 section 5.6.7, its preferred form).
pub(super) fn read_http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let day = parts.next().filter(|d| d.len() == 2)?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|m| *m == name)? as u8 + 1;
    let year = parts.next().filter(|y| y.len() == 4)?;
    let mut hms =
        parts.next()?.split(':').map(|n| if n.len() == 2 { n.parse().ok() } else { None });
    let hms = (hms.next()??, hms.next()??, hms.next()??);
    if parts.next() != Some("GMT") || parts.next().is_some() {
        return None;
    }
    Timestamp::from_civil(i64::from(number(year.as_bytes())?), month, day.parse().ok()?, hms, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip() {
        let t = Timestamp::from_secs(1_795_222_923);
        assert_eq!(amz_date(t), "20261121T010203Z");
        assert_eq!(read_amz_date("20261121T010203Z"), Some(t));
        assert_eq!(read_http_date(&t.http_date()), Some(t));
        for bad in
            ["", "2026-11-21T01:02:03Z", "20261121T010203", "20261321T010203Z", "2026112éT010203Z"]
        {
            assert_eq!(read_amz_date(bad), None, "{bad}");
            assert_eq!(read_http_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(&*decode(b"a%20b+%zz%", b'+'), b"a b+%zz%");
        assert_eq!(&*decode(b"a+b", b' '), b"a b");
        assert_eq!(unhex("0aff"), Some(vec![10, 255]));
        assert_eq!(unhex("0aFF"), None);
        assert_eq!(hex(&[10, 255]), "0aff");
    }
}
