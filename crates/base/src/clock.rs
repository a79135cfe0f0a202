//! Time as a value that is handed in, so that tests can move it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment: milliseconds since the Unix epoch, UTC, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment, later by `by` (saturating).
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long from `earlier` to this moment; zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Year, month (1-12), day (1-31), hour, minute, second, millisecond in UTC.
    ///
    /// Civil-from-days after Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    pub fn civil(self) -> (i64, u8, u8, u8, u8, u8, u16) {
        let (days, ms) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        let (secs, millis) = (ms / 1000, ms % 1000);
        (
            year,
            month as u8,
            day as u8,
            (secs / 3600) as u8,
            (secs / 60 % 60) as u8,
            (secs % 60) as u8,
            millis as u16,
        )
    }

    /// From a UTC date and time; `None` where a part is out of its range.
    pub fn from_civil(
        year: i64,
        month: u8,
        day: u8,
        hms: (u8, u8, u8),
        millis: u16,
    ) -> Option<Self> {
        let (hour, minute, second) = hms;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let longest = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let fits = (1..=longest).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
            && millis < 1000
            && (0..=9999).contains(&year);
        if !fits {
            return None;
        }
        let y = if month <= 2 { year - 1 } else { year };
        let era = y.div_euclid(400);
        let yoe = y.rem_euclid(400);
        let (m, d) = (i64::from(month), i64::from(day));
        let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        let days = era * 146_097 + doe - 719_468;
        let secs =
            days * 86_400 + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        Some(Self(secs * 1000 + i64::from(millis)))
    }

    /// `2026-11-21T01:02:03Z`, with `.456` before the Z where `millis` is set.
    pub fn iso8601(self, millis: bool) -> String {
        let (y, mo, d, h, mi, s, ms) = self.civil();
        if millis {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{ms:03}Z")
        } else {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}Z")
        }
    }

    /// `Sat, 21 Nov 2026 01:02:03 GMT` (RFC 9110 section 5.6.7).
    pub fn http_date(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (y, mo, d, h, mi, s, _) = self.civil();
        let weekday = self.0.div_euclid(86_400_000).rem_euclid(7) as usize;
        let day = DAYS.get(weekday).copied().unwrap_or_default();
        let month = MONTHS.get(usize::from(mo) - 1).copied().unwrap_or_default();
        format!("{day}, {d:02} {month} {y:04} {h:02}:{mi:02}:{s:02} GMT")
    }
}

/// Where time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The moment it is now.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved, for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_known_moments() {
        let t = Timestamp::from_millis(1_795_222_923_456);
        assert_eq!(t.iso8601(true), "2026-11-21T01:02:03.456Z");
        assert_eq!(t.http_date(), "Sat, 21 Nov 2026 01:02:03 GMT");
        assert_eq!(Timestamp::from_secs(0).http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(Timestamp::from_millis(-1).iso8601(true), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn civil_round_trips_every_day_of_four_centuries() {
        for day in -146_097..146_097_i64 {
            let t = Timestamp::from_secs(day * 86_400 + 3_723);
            let (y, mo, d, h, mi, s, ms) = t.civil();
            assert_eq!(Timestamp::from_civil(y, mo, d, (h, mi, s), ms), Some(t));
        }
        assert_eq!(Timestamp::from_civil(2026, 2, 29, (0, 0, 0), 0), None);
        assert_eq!(Timestamp::from_civil(2026, 13, 1, (0, 0, 0), 0), None);
    }
}
