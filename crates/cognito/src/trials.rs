//! Guessing and its bounds: failed sign-ins, and codes with the guesses at them. Pure.
//!
//! Five sign-ins may fail; after that each failure locks for 2^(n-5) seconds, 15 minutes at most,
//! and attempts while locked do not make it longer ("Sign-in attempts lockout", Cognito guide). A
//! code is sent at most five times an hour and guessed at most five times an hour, over all codes
//! of one purpose: with a million codes a guesser wins once in 23 years.

use std::collections::BTreeMap;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};

use crate::error::Error;

const FREE_FAILURES: u32 = 5;
const LONGEST_LOCK: i64 = 15 * 60 * 1000;
/// After so long without an attempt, failures are forgotten.
const QUIET: i64 = 15 * 60 * 1000;
const HOUR: i64 = 3_600_000;
/// Codes sent in an hour, and guesses in an hour.
const AN_HOUR: usize = 5;

/// All that is counted about one user, or about one name that no user has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trials {
    /// Whose name it is, hashed, where several share a slot.
    #[serde(default)]
    pub(crate) owner: String,
    #[serde(default)]
    sign_in: SignIn,
    /// By purpose.
    #[serde(default)]
    codes: BTreeMap<String, Code>,
}

impl Record for Trials {
    const VERSION: u16 = 1;
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct SignIn {
    failures: u32,
    last: i64,
    locked_until: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Code {
    /// The code, sealed: a hash of six digits would keep nobody from them.
    sealed: Option<String>,
    expires: i64,
    sent: Vec<i64>,
    guessed: Vec<i64>,
}

impl Trials {
    /// Nothing was tried yet.
    pub(crate) fn of(owner: String) -> Self {
        Self { owner, ..Self::default() }
    }

    /// Counts a sign-in as failed before its password is looked at, so that attempts side by side
    /// cannot slip through. [`Trials::succeeded`] takes it back.
    pub(crate) fn begin_sign_in(&mut self, now: i64) -> Result<(), Error> {
        let state = &mut self.sign_in;
        if now < state.locked_until {
            return Err(Error::NotAuthorized("Password attempts exceeded"));
        }
        if now - state.last >= QUIET {
            *state = SignIn::default();
        }
        state.failures = state.failures.saturating_add(1);
        state.last = now;
        if let Some(over) = state.failures.checked_sub(FREE_FAILURES) {
            let lock = (1000_i64 << over.min(20)).min(LONGEST_LOCK);
            state.locked_until = now + lock;
        }
        Ok(())
    }

    /// The password was right.
    pub(crate) fn succeeded(&mut self) {
        self.sign_in = SignIn::default();
    }

    /// Notes that a code is sent: it replaces the one before.
    pub(crate) fn send_code(
        &mut self,
        purpose: &str,
        sealed: Option<String>,
        expires: i64,
        now: i64,
    ) -> Result<(), Error> {
        let code = self.codes.entry(purpose.to_owned()).or_default();
        code.sent.retain(|at| now - at < HOUR);
        if code.sent.len() >= AN_HOUR {
            return Err(Error::LimitExceeded);
        }
        code.sent.push(now);
        code.sealed = sealed;
        code.expires = expires;
        Ok(())
    }

    /// Counts a guess at a code, and gives the sealed code to compare it with: `None` inside where
    /// a code was pretended to be sent. The caller stores the count even where the guess is wrong.
    pub(crate) fn guess(&mut self, purpose: &str, now: i64) -> Result<Option<String>, Error> {
        let Some(code) = self.codes.get_mut(purpose) else { return Err(Error::ExpiredCode) };
        code.guessed.retain(|at| now - at < HOUR);
        if code.guessed.len() >= AN_HOUR {
            return Err(Error::LimitExceeded);
        }
        if now >= code.expires {
            return Err(Error::ExpiredCode);
        }
        code.guessed.push(now);
        Ok(code.sealed.clone())
    }

    /// Whether this is the code that was sent last and is not spent.
    pub(crate) fn holds(&self, purpose: &str, sealed: &str) -> bool {
        let code = self.codes.get(purpose);
        code.is_some_and(|code| code.sealed.as_deref() == Some(sealed))
    }

    /// The code was right: it holds no longer, and what was guessed is forgotten.
    pub(crate) fn spend(&mut self, purpose: &str) {
        if let Some(code) = self.codes.get_mut(purpose) {
            code.sealed = None;
            code.expires = 0;
            code.guessed.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_are_free_then_locks_double_up_to_a_quarter_of_an_hour() {
        let mut trials = Trials::default();
        let mut now = 1_000_000_000;
        let mut locks = Vec::new();
        for _ in 0..18 {
            trials.begin_sign_in(now).unwrap();
            let before = trials.clone();
            let lock = (trials.sign_in.locked_until - now).max(0);
            locks.push(lock / 1000);
            if lock > 0 {
                assert!(trials.begin_sign_in(now + lock - 1).is_err());
                assert_eq!(trials, before, "an attempt while locked changes nothing");
            }
            now += lock;
        }
        assert_eq!(locks[..8], [0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!(locks[14], 900);
        // The longest lock is as long as the quiet that forgets.
        assert_eq!(locks[15], 0);
    }

    #[test]
    fn success_and_quiet_forget() {
        let mut trials = Trials::default();
        for _ in 0..4 {
            trials.begin_sign_in(0).unwrap();
        }
        trials.succeeded();
        assert_eq!(trials, Trials::default());
        for _ in 0..4 {
            trials.begin_sign_in(QUIET).unwrap();
        }
        trials.begin_sign_in(3 * QUIET).unwrap();
        trials.begin_sign_in(3 * QUIET).unwrap();
        assert_eq!(trials.sign_in.failures, 2);
    }

    #[test]
    fn codes_are_sent_and_guessed_five_times_an_hour() {
        let mut trials = Trials::default();
        assert_eq!(trials.guess("p", 0), Err(Error::ExpiredCode));
        for at in 0..5 {
            trials.send_code("p", Some(format!("code {at}")), HOUR * 10, at).unwrap();
        }
        let full = trials.send_code("p", None, HOUR, 5);
        assert_eq!(full, Err(Error::LimitExceeded));
        for at in 10..15 {
            assert_eq!(trials.guess("p", at), Ok(Some("code 4".to_owned())));
        }
        assert_eq!(trials.guess("p", 15), Err(Error::LimitExceeded));
        // A new code is no new chance.
        trials.send_code("p", Some("new".to_owned()), HOUR * 10, HOUR).unwrap();
        assert_eq!(trials.guess("p", HOUR), Err(Error::LimitExceeded));
        assert_eq!(trials.guess("p", HOUR + 10), Ok(Some("new".to_owned())));
        trials.spend("p");
        assert_eq!(trials.guess("p", HOUR + 11), Err(Error::ExpiredCode));
        assert_eq!(trials.guess("other", HOUR), Err(Error::ExpiredCode));
    }
}
