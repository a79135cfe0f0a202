//! The admin token, and the sessions that a browser gets for it.
//!
//! The token lies in the data folder, for its owner to read. A browser shows it once, in the link
//! that the cloud prints, and is given a session instead: a cookie goes to every port of its host
//! (RFC 6265 section 8.5), so what lies in it must be worth nothing elsewhere. A session opens the
//! pages on the administration's own listener, for reading, until it ends; it is no token.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use cumulet_base::{Ids, Timestamp};

use crate::settings::write_private;

/// How long a session lasts.
pub(super) const SESSION: Duration = Duration::from_secs(12 * 3600);
/// Characters of a token: 256 bits.
const LENGTH: usize = 64;
const ALPHABET: &str = "0123456789abcdef";

/// What the administration wants to see.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// The token in the file `path`, which is made where there is none.
    pub(crate) fn load_or_create(path: &Path, ids: &dyn Ids) -> Result<Self, String> {
        match Self::load(path) {
            Err(why) if why.kind() == ErrorKind::NotFound => {
                let token = Self(ids.text(LENGTH, ALPHABET));
                let written = write_private(path, &format!("{}\n", token.0));
                written.map(|()| token).map_err(|why| format!("{}: {why}", path.display()))
            }
            read => read.map_err(|why| format!("{}: {why}", path.display())),
        }
    }

    /// The token in the file `path`.
    pub(crate) fn load(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let token = text.trim();
        if token.len() < LENGTH || !token.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let why = "it holds no token: remove it, and the next start makes a new one";
            return Err(io::Error::new(ErrorKind::InvalidData, why));
        }
        Ok(Self(token.to_owned()))
    }

    /// What a link or an Authorization header carries.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `shown` is the token.
    pub(super) fn is(&self, shown: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), shown.as_bytes()).is_ok()
    }

    /// A new session: when it ends, and the proof that it was given here.
    pub(super) fn session(&self, now: Timestamp) -> String {
        let ends = now.after(SESSION).secs();
        format!("{ends}.{}", self.proof(ends))
    }

    /// Whether `session` was given here and has not ended.
    pub(super) fn gave(&self, session: &str, now: Timestamp) -> bool {
        let Some((ends, proof)) = session.split_once('.') else { return false };
        let Ok(ends) = ends.parse::<i64>() else { return false };
        let right = self.proof(ends);
        verify_slices_are_equal(right.as_bytes(), proof.as_bytes()).is_ok() && now.secs() < ends
    }

    fn proof(&self, ends: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        let tag = hmac::sign(&key, format!("cumulet admin session {ends}").as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use cumulet_base::RandomIds;

    use super::*;

    fn token() -> (Token, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::load_or_create(&folder.path().join("token"), &RandomIds).unwrap();
        (token, folder)
    }

    #[test]
    fn it_is_made_once_and_for_its_owner_alone() {
        let (token, folder) = token();
        let path = folder.path().join("token");
        let again = Token::load_or_create(&path, &RandomIds).unwrap();
        assert!(again.is(token.as_str()) && !again.is("") && !again.is(&token.as_str()[1..]));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(&path, "\n").unwrap();
        assert!(Token::load_or_create(&path, &RandomIds).unwrap_err().contains("no token"));
        assert!(!format!("{token:?}").contains(token.as_str()));
    }

    #[test]
    fn a_session_ends_and_cannot_be_made_elsewhere() {
        let (token, _folder) = token();
        let now = Timestamp::from_secs(1_795_222_923);
        let session = token.session(now);
        assert!(token.gave(&session, now));
        assert!(!token.gave(&session, now.after(SESSION)));
        assert!(!session.contains(token.as_str()));
        let (_, proof) = session.split_once('.').unwrap();
        let longer = format!("{}.{proof}", now.after(SESSION * 2).secs());
        assert!(!token.gave(&longer, now));
        let (other, _folder) = self::token();
        assert!(!other.gave(&session, now));
        for nonsense in ["", ".", "1", "x.y", "99999999999999999999.0"] {
            assert!(!token.gave(nonsense, now), "{nonsense}");
        }
    }
}
