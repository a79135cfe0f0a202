//! Pools' signing keys, and the threads on which their mathematics is done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cumulet_auth::jwt::{Jwks, Signer, generate_rsa};
use cumulet_base::Ids;
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::Sealer;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::model::PoolRecord;
use crate::pool::{Place, Pool};
use crate::secrets;

const SIGNING: &str = "cognito/signing-key";
const SEEDS: &str = "cognito/seed";
/// Pools whose keys are kept ready; each takes about 10 KB.
const READY: usize = 1_024;
/// Requests that wait for a turn at most.
const WAITING: usize = 1_024;

/// The keys of one pool, ready for use.
#[derive(Debug)]
pub(crate) struct PoolKeys {
    pub(crate) access: Signer,
    pub(crate) id: Signer,
    /// Both public keys.
    pub(crate) public: Jwks,
    /// `{"keys":[…]}`.
    pub(crate) document: String,
    /// Makes users up that do not exist.
    pub(crate) seed: Zeroizing<Vec<u8>>,
}

/// Keys of pools in use. A pool's keys never change, and its id is never given again.
#[derive(Debug, Default)]
pub(crate) struct KeyRing(Mutex<HashMap<String, Arc<PoolKeys>>>);

impl KeyRing {
    /// The keys of a pool, opened on first use.
    pub(crate) fn of(&self, cx: &Cx, pool: &Pool) -> Result<Arc<PoolKeys>> {
        if let Some(ready) = self.lock().get(&pool.place.id) {
            return Ok(Arc::clone(ready));
        }
        let keys = Arc::new(open(cx.sealer(), &pool.place, &pool.record)?);
        let mut ring = self.lock();
        if ring.len() >= READY {
            ring.clear();
        }
        ring.insert(pool.place.id.clone(), Arc::clone(&keys));
        Ok(keys)
    }

    pub(crate) fn forget(&self, pool: &str) {
        self.lock().remove(pool);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<PoolKeys>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The secrets of a new pool, sealed: access key, ID key, seed.
pub(crate) async fn make(cx: &Cx, at: &Place) -> Result<[String; 3]> {
    // Two keys side by side; each takes a hundred milliseconds or more.
    let one = tokio::task::spawn_blocking(generate_rsa);
    let two = tokio::task::spawn_blocking(generate_rsa);
    let access = one.await.map_err(ServiceError::internal)?.map_err(ServiceError::internal)?;
    let id = two.await.map_err(ServiceError::internal)?.map_err(ServiceError::internal)?;
    let seed = random::<32>(cx.ids());
    let seal = |purpose, of, secret: &[u8]| secrets::seal(cx.sealer(), purpose, at, of, secret);
    Ok([
        seal(SIGNING, "access", access.as_bytes())?,
        seal(SIGNING, "id", id.as_bytes())?,
        seal(SEEDS, "seed", seed.as_slice())?,
    ])
}

fn open(sealer: &Sealer, at: &Place, record: &PoolRecord) -> Result<PoolKeys> {
    let signer = |of, sealed: &str| {
        let der = secrets::open(sealer, SIGNING, at, of, sealed)?;
        Signer::from_pkcs8(&der).map_err(ServiceError::internal)
    };
    let (access, id) = (signer("access", &record.access_key)?, signer("id", &record.id_key)?);
    let document = serde_json::json!({ "keys": [id.jwk(), access.jwk()] }).to_string();
    let public = Jwks::parse(document.as_bytes()).map_err(ServiceError::internal)?;
    let seed = secrets::open(sealer, SEEDS, at, "seed", &record.seed)?;
    Ok(PoolKeys { access, id, public, document, seed })
}

/// Random bytes.
pub(crate) fn random<const N: usize>(ids: &dyn Ids) -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    ids.fill(bytes.as_mut_slice());
    bytes
}

/// Runs heavy mathematics off the async threads, as many at a time as there are processors: whoever
/// signs in costs milliseconds before he has shown anything, so the queue is bounded too.
#[derive(Debug)]
pub(crate) struct Heavy {
    turns: Semaphore,
    waiting: Semaphore,
}

impl Default for Heavy {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self { turns: Semaphore::new(processors), waiting: Semaphore::new(WAITING) }
    }
}

impl Heavy {
    /// `work`'s result; `TooManyRequestsException` where too many wait.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let _waiting = self.waiting.try_acquire().map_err(|_| Error::TooManyRequests)?;
        let _turn = self.turns.acquire().await.map_err(ServiceError::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)
    }
}
