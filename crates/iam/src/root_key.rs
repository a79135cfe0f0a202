//! The access key of the account's root, which a new cloud begins with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_base::Ids;
use cumulet_service::temporary::{access_key_id, secret_access_key};
use cumulet_store::{Key, Read as _, Record, SealError, Sealer, Store, StoreError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const PURPOSE: &str = "iam/root-key";

/// The access key of the account's root.
#[derive(Clone)]
pub struct RootKey {
    /// `AKIA…`, or whatever the owner chose.
    pub access_key: String,
    /// The secret access key.
    pub secret: Zeroizing<String>,
}

/// Why there is no root key.
#[derive(Debug)]
pub enum RootKeyError {
    /// Only one of the two environment variables is set, or one is empty.
    Incomplete,
    /// The stored key cannot be opened.
    Seal(SealError),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for RootKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete => write!(
                f,
                "set both {} and {}, or neither: a root key has an id and a secret",
                RootKey::ID_VARIABLE,
                RootKey::SECRET_VARIABLE
            ),
            Self::Seal(why) => write!(f, "the root key cannot be opened: {why}"),
            Self::Store(why) => write!(f, "the root key cannot be read: {why}"),
        }
    }
}

impl std::error::Error for RootKeyError {}

impl From<StoreError> for RootKeyError {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

impl From<SealError> for RootKeyError {
    fn from(why: SealError) -> Self {
        Self::Seal(why)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    access_key: String,
    /// The sealed secret, in base64.
    secret: String,
}

impl Record for Stored {
    const VERSION: u16 = 1;
}

impl RootKey {
    /// The environment variable that gives the key's id.
    pub const ID_VARIABLE: &str = "CUMULET_ROOT_ACCESS_KEY_ID";
    /// The environment variable that gives the key's secret.
    pub const SECRET_VARIABLE: &str = "CUMULET_ROOT_SECRET_ACCESS_KEY";

    /// The key that the environment gives, which is then the only one; it is not stored.
    pub fn from_environment() -> Result<Option<Self>, RootKeyError> {
        let read = |name| std::env::var(name).ok();
        Self::given(read(Self::ID_VARIABLE), read(Self::SECRET_VARIABLE))
    }

    fn given(id: Option<String>, secret: Option<String>) -> Result<Option<Self>, RootKeyError> {
        match (id, secret) {
            (None, None) => Ok(None),
            (Some(access_key), Some(secret)) if !access_key.is_empty() && !secret.is_empty() => {
                Ok(Some(Self { access_key, secret: Zeroizing::new(secret) }))
            }
            _ => Err(RootKeyError::Incomplete),
        }
    }

    /// The environment's key, or the stored one, which is made now where there is none.
    pub async fn load_or_create(
        store: &Store,
        sealer: &Sealer,
        ids: &dyn Ids,
    ) -> Result<Self, RootKeyError> {
        match Self::from_environment()? {
            Some(given) => Ok(given),
            None => Self::stored(store, sealer, ids).await,
        }
    }

    /// Stores the key in a store that has none, to be found there from now on.
    pub async fn keep(&self, store: &Store, sealer: &Sealer) -> Result<(), RootKeyError> {
        self.found_or_kept(store, sealer).await.map(drop)
    }

    async fn stored(store: &Store, sealer: &Sealer, ids: &dyn Ids) -> Result<Self, RootKeyError> {
        let new = Self { access_key: access_key_id(ids, "AKIA"), secret: secret_access_key(ids) };
        new.found_or_kept(store, sealer).await
    }

    /// The stored key, or this one, which is stored now where there is none.
    async fn found_or_kept(&self, store: &Store, sealer: &Sealer) -> Result<Self, RootKeyError> {
        let key = Key::global("iam").text("root-key");
        let sealed = sealer.seal(PURPOSE, self.access_key.as_bytes(), self.secret.as_bytes())?;
        let access_key = self.access_key.clone();
        let new = Stored { access_key, secret: STANDARD.encode(sealed) };
        let (key, new) = (&key, &new);
        let stored = store.transact(async |tx: cumulet_store::Tx| {
            if let Some(stored) = tx.get_record::<Stored>(key).await? {
                return Ok::<_, StoreError>(stored);
            }
            tx.put_record(key.clone(), new);
            Ok(new.clone())
        });
        let Stored { access_key, secret } = stored.await?;
        let sealed = STANDARD.decode(secret).map_err(|_| SealError::Format)?;
        let opened = sealer.open_sealed(PURPOSE, access_key.as_bytes(), &sealed)?;
        let secret = std::str::from_utf8(&opened).map_err(|_| SealError::Format)?;
        Ok(Self { access_key, secret: Zeroizing::new(secret.to_owned()) })
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKey").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_base::RandomIds;

    #[tokio::test]
    async fn the_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), cumulet_store::Options::default()).await.unwrap();
        let sealer = Sealer::new(&[3; 32]);
        let first = RootKey::stored(&store, &sealer, &RandomIds).await.unwrap();
        let again = RootKey::stored(&store, &sealer, &RandomIds).await.unwrap();
        assert_eq!((&first.access_key, &first.secret), (&again.access_key, &again.secret));
        assert_eq!((first.access_key.len(), first.secret.len()), (20, 40));
        assert!(!format!("{first:?}").contains(first.secret.as_str()));
        let other = RootKey::stored(&store, &Sealer::new(&[4; 32]), &RandomIds).await;
        assert!(matches!(other, Err(RootKeyError::Seal(SealError::OtherKey))));
    }

    #[tokio::test]
    async fn a_key_is_kept_in_another_store() {
        let sealer = Sealer::new(&[3; 32]);
        let given = RootKey::given(Some("AKIAGIVEN".to_owned()), Some("secret".to_owned()));
        let given = given.unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), cumulet_store::Options::default()).await.unwrap();
        given.keep(&store, &sealer).await.unwrap();
        let found = RootKey::stored(&store, &sealer, &RandomIds).await.unwrap();
        assert_eq!((&found.access_key, &found.secret), (&given.access_key, &given.secret));
    }

    #[test]
    fn half_a_key_is_refused() {
        let some = |text: &str| Some(text.to_owned());
        assert!(matches!(RootKey::given(None, None), Ok(None)));
        assert!(matches!(RootKey::given(some("a"), some("b")), Ok(Some(_))));
        assert!(matches!(RootKey::given(some("a"), None), Err(RootKeyError::Incomplete)));
        assert!(matches!(RootKey::given(some(""), some("b")), Err(RootKeyError::Incomplete)));
    }
}
