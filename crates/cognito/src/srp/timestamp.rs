//! The time that a client signs with: `Sat Nov 7 01:02:03 UTC 2026`.

use cumulet_base::Timestamp;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since the epoch; `None` where the text is not `ddd MMM D HH:mm:ss UTC YYYY` in English.
/// A day with a leading zero is read too, as some clients send it.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let mut words = text.split(' ');
    let weekday = words.next()?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u8 + 1;
    let day = digits(words.next()?, 2)? as u8;
    let mut clock = words.next()?.split(':').map(|part| digits(part, 2));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if clock.next().is_some() || words.next() != Some("UTC") {
        return None;
    }
    let year = words.next().filter(|year| year.len() == 4).and_then(|year| digits(year, 4))?;
    if words.next().is_some() {
        return None;
    }
    let time = (hour as u8, minute as u8, second as u8);
    let moment = Timestamp::from_civil(i64::from(year), month, day, time, 0)?.secs();
    let named = DAYS.get(moment.div_euclid(86_400).rem_euclid(7) as usize)?;
    (*named == weekday).then_some(moment)
}

/// A number of one to `most` decimal digits.
fn digits(text: &str, most: usize) -> Option<u16> {
    let sound = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    sound.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_form_that_clients_send_is_read() {
        assert_eq!(seconds("Sat Nov 7 01:02:03 UTC 2026"), Some(1_794_013_323));
        assert_eq!(seconds("Sat Nov 07 01:02:03 UTC 2026"), Some(1_794_013_323));
        for wrong in [
            "",
            "Sun Nov 7 01:02:03 UTC 2026",
            "Sat nov 7 01:02:03 UTC 2026",
            "Sat Nov 7 01:02:03 GMT 2026",
            "Sat Nov 7 01:02:03 UTC 26",
            "Sat Nov  7 01:02:03 UTC 2026",
            "Sat Nov 7 01:02 UTC 2026",
            "Sat Nov 7 01:02:03:04 UTC 2026",
            "Sat Nov 7 01:02:03 UTC 2026 ",
            "Sat Nov 31 01:02:03 UTC 2026",
            "Sat Nov +7 01:02:03 UTC 2026",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused() {
        bolero::check!().with_type::<String>().with_iterations(2_000).for_each(|text| {
            let _ = seconds(text);
        });
    }
}
