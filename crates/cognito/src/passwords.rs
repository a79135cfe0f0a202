//! Passwords: what a pool asks of them, and how they are set and checked.

use cumulet_api_cognito_idp::types::PasswordPolicyType;
use cumulet_base::Ids;
use cumulet_service::{Cx, Result};

use crate::Cognito;
use crate::error::Error;
use crate::keys::random;
use crate::model::{Password, User};
use crate::pool::Pool;
use crate::secrets::invented;
use crate::srp::{Identity, SALT, Verifier};

/// What counts as a symbol ("Password policies", Cognito guide), beside a space within.
const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+=";
/// Letters and digits that cannot be taken for others, for temporary passwords.
const READABLE: [&str; 4] =
    ["ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789", "!@#%&*"];

/// Refuses a password that the policy does not allow.
pub(crate) fn check(policy: &PasswordPolicyType, password: &str) -> std::result::Result<(), Error> {
    let length = password.chars().count();
    let least = usize::try_from(policy.minimum_length.unwrap_or(8)).unwrap_or(8);
    let wants = |rule: Option<bool>| rule.unwrap_or(true);
    let has = |test: fn(char) -> bool| password.chars().any(test);
    let inner = password.trim_matches(' ');
    let refused = if length < least {
        "Password not long enough"
    } else if length > 256 {
        "Password too long"
    } else if wants(policy.require_lowercase) && !has(|c| c.is_ascii_lowercase()) {
        "Password must have lowercase characters"
    } else if wants(policy.require_uppercase) && !has(|c| c.is_ascii_uppercase()) {
        "Password must have uppercase characters"
    } else if wants(policy.require_numbers) && !has(|c| c.is_ascii_digit()) {
        "Password must have numeric characters"
    } else if wants(policy.require_symbols)
        && !(has(|c| SYMBOLS.contains(c)) || inner.contains(' '))
    {
        "Password must have symbol characters"
    } else {
        return Ok(());
    };
    Err(Error::InvalidPassword(refused))
}

/// A temporary password that every policy allows.
pub(crate) fn temporary(ids: &dyn Ids, policy: &PasswordPolicyType) -> String {
    let least = usize::try_from(policy.minimum_length.unwrap_or(8)).unwrap_or(8).clamp(12, 99);
    let mut letters: Vec<char> =
        READABLE.iter().flat_map(|class| ids.text(1, class).chars().collect::<Vec<_>>()).collect();
    letters.extend(ids.text(least - letters.len(), &READABLE.concat()).chars());
    // A word of random order, so that nothing can be said of any place.
    let mut order: Vec<(String, char)> =
        letters.into_iter().map(|letter| (ids.text(8, READABLE[1]), letter)).collect();
    order.sort();
    order.into_iter().map(|(_, letter)| letter).collect()
}

impl Cognito {
    /// What is kept of `password` for this user. Refuses what the policy does not allow.
    pub(crate) async fn password_for(
        &self,
        cx: &Cx,
        pool: &Pool,
        (sub, username): (&str, &str),
        password: &str,
    ) -> Result<Password> {
        check(&pool.password_policy(), password)?;
        let mut salt = *random::<SALT>(cx.ids());
        // Some clients hash a salt as its digits stand, others as a number: without leading zeros
        // both are the same.
        if salt.first() == Some(&0) {
            salt[0] = 1;
        }
        let verifier = self.verifier_of(pool, username, password, salt.to_vec()).await?;
        Password::seal(cx.sealer(), &pool.place, sub, salt, &verifier)
    }

    /// The verifier that a password in the clear comes to.
    async fn verifier_of(
        &self,
        pool: &Pool,
        username: &str,
        password: &str,
        salt: Vec<u8>,
    ) -> Result<Verifier> {
        let place = pool.place.clone();
        let (username, password) =
            (username.to_owned(), zeroize::Zeroizing::new(password.to_owned()));
        self.heavy
            .run(move || {
                let identity = Identity { pool: place.name(), user: &username };
                Verifier::derive(identity, &password, &salt)
            })
            .await
    }

    /// Whether `password` is the user's. Takes as long for a user who does not exist.
    pub(crate) async fn password_is(
        &self,
        cx: &Cx,
        pool: &Pool,
        user: Option<&User>,
        (name, password): (&str, &str),
    ) -> Result<bool> {
        let kept = user.and_then(|user| user.password.as_ref().map(|kept| (user, kept)));
        let (salt, verifier) = match kept {
            Some((user, kept)) => kept.open(cx.sealer(), &pool.place, &user.sub)?,
            None => invented(&self.keys.of(cx, pool)?.seed, &pool.fold(name)),
        };
        let username = user.map_or(name, |user| user.username.as_str());
        let typed = self.verifier_of(pool, username, password, salt).await?;
        Ok(typed.matches(&verifier) & kept.is_some())
    }

    /// Sets a user's permanent password, which must be none of his last ones.
    pub(crate) async fn set_password(
        &self,
        cx: &Cx,
        pool: &Pool,
        user: &mut User,
        password: &str,
    ) -> Result<()> {
        let kept = pool.password_policy().password_history_size.unwrap_or(0).clamp(0, 24);
        let kept = usize::try_from(kept).unwrap_or(0);
        let new = self.password_for(cx, pool, (&user.sub, &user.username), password).await?;
        let earlier = user.password.iter().chain(&user.history).take(kept);
        for old in earlier {
            let (salt, verifier) = old.open(cx.sealer(), &pool.place, &user.sub)?;
            if self.verifier_of(pool, &user.username, password, salt).await?.matches(&verifier) {
                return Err(Error::PasswordHistory.into());
            }
        }
        if let Some(old) = user.password.replace(new) {
            user.history.insert(0, old);
        }
        user.history.truncate(kept);
        user.temporary_until = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_base::SeededIds;

    #[test]
    fn the_policy_says_what_lacks() {
        let policy = PasswordPolicyType::default();
        for (password, lacks) in [
            ("Aa1!aaa", "Password not long enough"),
            ("aa1!aaaa", "Password must have uppercase characters"),
            ("AA1!AAAA", "Password must have lowercase characters"),
            ("Aaa!aaaa", "Password must have numeric characters"),
            ("Aa1aaaaa", "Password must have symbol characters"),
            (" Aa1aaaa ", "Password must have symbol characters"),
        ] {
            assert_eq!(check(&policy, password), Err(Error::InvalidPassword(lacks)), "{password}");
        }
        assert_eq!(check(&policy, "Aa1 aaaa"), Ok(()));
        assert_eq!(check(&policy, &format!("Aa1!{}", "x".repeat(252))), Ok(()));
        assert!(check(&policy, &format!("Aa1!{}", "x".repeat(253))).is_err());
        let lax = PasswordPolicyType {
            minimum_length: Some(6),
            require_uppercase: Some(false),
            require_lowercase: Some(false),
            require_numbers: Some(false),
            require_symbols: Some(false),
            ..PasswordPolicyType::default()
        };
        assert_eq!(check(&lax, "ööööö6"), Ok(()));
    }

    #[test]
    fn temporary_passwords_keep_the_policy() {
        let ids = SeededIds::new(1);
        for least in [6, 8, 30, 99] {
            let policy =
                PasswordPolicyType { minimum_length: Some(least), ..PasswordPolicyType::default() };
            let password = temporary(&ids, &policy);
            assert_eq!(check(&policy, &password), Ok(()), "{password}");
            assert_ne!(password, temporary(&ids, &policy));
        }
    }
}
