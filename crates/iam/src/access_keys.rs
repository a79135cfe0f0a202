//! Whom an access key belongs to.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_auth::sigv4::Secret;
use cumulet_base::{AccountId, Clock};
use cumulet_service::{
    BoxFuture, Credentials, Error, Found, Identity, Principal, Result, temporary,
};
use cumulet_store::{Sealer, Snapshot, Store, names};

use crate::cache::Cache;
use crate::model::User;
use crate::{RootKey, store};

/// What users' secrets are sealed for; the key's id is the associated data.
pub(crate) const PURPOSE: &str = "iam/access-key";

/// Knows the root's key, users' keys and temporary ones. Answers from memory, after a first read
/// for a user's key and a first decryption for a session's token.
pub struct AccessKeys {
    root: (String, Identity),
    sealer: Arc<Sealer>,
    clock: Arc<dyn Clock>,
    users: Cache<Identity>,
    sessions: Cache<Session>,
}

/// Temporary credentials that were understood once.
struct Session {
    token: String,
    /// Seconds since the epoch.
    expires: i64,
    identity: Identity,
}

impl AccessKeys {
    /// The keys in `store`, and `root` for `account`.
    pub fn new(
        store: &Store,
        sealer: Arc<Sealer>,
        clock: Arc<dyn Clock>,
        account: &AccountId,
        root: RootKey,
    ) -> Self {
        let principal = Arc::new(Principal::Root { account: account.as_str().to_owned() });
        let secret = Secret::new(root.secret.to_string());
        Self {
            root: (root.access_key, Identity { secret, principal }),
            sealer,
            clock,
            users: Cache::new(store),
            sessions: Cache::new(store),
        }
    }

    /// What is known without reading the store.
    fn at_hand(&self, access_key: &str, token: Option<&str>) -> Option<Found> {
        if access_key == self.root.0 {
            return Some(match token {
                None => Found::Identity(self.root.1.clone()),
                Some(_) => Found::InvalidToken,
            });
        }
        match token {
            None => Some(Found::Identity(Identity::clone(&*self.users.get(access_key)?))),
            Some(token) => {
                let session = self.sessions.get(access_key)?;
                let same = verify_slices_are_equal(session.token.as_bytes(), token.as_bytes());
                same.is_ok().then(|| self.unless_expired(&session))
            }
        }
    }

    fn unless_expired(&self, session: &Session) -> Found {
        if self.clock.now().secs() >= session.expires {
            return Found::ExpiredToken;
        }
        Found::Identity(session.identity.clone())
    }

    async fn look_up(&self, access_key: &str, token: Option<&str>) -> Result<Found> {
        let Some(token) = token else {
            let load = async |snapshot| self.user(snapshot, access_key).await;
            let found = self.users.load(access_key, load).await?;
            let known = |identity: Arc<Identity>| Found::Identity(Identity::clone(&*identity));
            return Ok(found.map_or(Found::UnknownKey, known));
        };
        let load = async |_| Ok(self.session(access_key, token));
        let found = self.sessions.load(access_key, load).await?;
        Ok(found.map_or(Found::InvalidToken, |session| self.unless_expired(&session)))
    }

    fn session(&self, access_key: &str, token: &str) -> Option<Session> {
        let opened = temporary::open(&self.sealer, access_key, token)?;
        let secret = Secret::new(opened.secret.to_string());
        let identity = Identity { secret, principal: Arc::new(opened.principal) };
        Some(Session { token: token.to_owned(), expires: opened.expires, identity })
    }

    /// The user whose active key this is.
    async fn user(&self, snapshot: Snapshot, access_key: &str) -> Result<Option<Identity>> {
        let Some(owner) = names::lookup(&snapshot, store::ACCESS_KEY, access_key).await? else {
            return Ok(None);
        };
        let account: AccountId = owner.account.parse().map_err(Error::internal)?;
        let user: Option<User> = store::find(&snapshot, &account, &owner.resource).await?;
        let Some(user) = user else { return Ok(None) };
        let key = user.keys.iter().find(|key| key.id == access_key && key.active);
        let Some(key) = key else { return Ok(None) };
        let sealed = STANDARD.decode(&key.secret).map_err(Error::internal)?;
        let opened = self.sealer.open_sealed(PURPOSE, access_key.as_bytes(), &sealed);
        let opened = opened.map_err(Error::internal)?;
        let secret = std::str::from_utf8(&opened).map_err(Error::internal)?;
        let principal = Principal::User {
            account: owner.account,
            name: user.name,
            path: user.path,
            id: user.id,
            issued_at: None,
        };
        let secret = Secret::new(secret.to_owned());
        Ok(Some(Identity { secret, principal: Arc::new(principal) }))
    }
}

impl Credentials for AccessKeys {
    fn find<'a>(
        &'a self,
        access_key: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Found>> {
        match self.at_hand(access_key, token) {
            Some(found) => Box::pin(std::future::ready(Ok(found))),
            None => Box::pin(self.look_up(access_key, token)),
        }
    }
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKeys").field("root", &self.root.0).finish_non_exhaustive()
    }
}
