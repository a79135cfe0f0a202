//! What ends by itself: sessions whose tokens are all expired, and steps of sign-ins that were
//! taken. One job looks every minute for what is due.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Result};
use cumulet_store::{Component, Direction, Key, Read as _, StoreError, Tx};
use cumulet_work::{Job, Outcome, enqueue};

use crate::error::Error;

const KIND: &str = "cognito/sweep";
const PAUSE: Duration = Duration::from_secs(60);
/// Entries of one transaction.
const BATCH: usize = 1_000;

fn endings() -> Key {
    Key::global("cognito").text("ends")
}

fn taken() -> Key {
    Key::global("cognito").text("taken")
}

fn moment(at: i64) -> u64 {
    u64::try_from(at).unwrap_or(0)
}

/// Has `key` removed some time after `at`.
pub(crate) fn expire(tx: &Tx, at: Timestamp, key: &Key) {
    tx.put(endings().u64(moment(at.millis())).bytes(key), "");
}

/// Takes a step that can be taken once, until its ticket's end at `until` (milliseconds).
pub(crate) async fn take_once(tx: &Tx, nonce: &str, until: i64) -> Result<()> {
    let key = taken().u64(moment(until)).text(nonce);
    if tx.get(&key).await?.is_some() {
        return Err(Error::NotAuthorized("Invalid session for the user.").into());
    }
    tx.put(key, "");
    Ok(())
}

/// Begins to sweep.
pub(crate) fn register(cloud: &Arc<Cloud>) {
    let parts = cloud.parts();
    let (store, clock) = (parts.store.clone(), Arc::clone(&parts.clock));
    parts.work.register(KIND, 1, move |_| {
        let (store, clock) = (store.clone(), Arc::clone(&clock));
        async move {
            let now = clock.now();
            match store.transact(|tx| async move { sweep(&tx, now).await }).await {
                Ok(true) => Outcome::Later { at: now },
                Ok(false) => Outcome::Later { at: now.after(PAUSE) },
                Err(why) => {
                    tracing::warn!(%why, "what has ended is not removed");
                    Outcome::Retry { after: PAUSE }
                }
            }
        }
    });
    let (store, now) = (parts.store.clone(), parts.clock.now());
    tokio::spawn(async move {
        let job = || Job {
            kind: KIND.to_owned(),
            key: String::new(),
            payload: serde_json::Value::Null,
            run_at: now,
        };
        let queued = store.transact(|tx| async move { enqueue(&tx, job()).await }).await;
        if let Err(why) = queued {
            tracing::warn!(%why, "what ends is not removed before the next start");
        }
    });
}

/// Removes a batch of what has ended; whether there may be more.
async fn sweep(tx: &Tx, now: Timestamp) -> std::result::Result<bool, StoreError> {
    let mut more = false;
    for queue in [endings(), taken()] {
        let due = queue.prefix().before(&queue.clone().u64(moment(now.millis())));
        let page = tx.range(&due, Direction::Forward, BATCH).await?;
        more |= page.rest.is_some();
        for (key, _) in page.items {
            // The last component is the key that ends, or a nonce, which is all there is.
            if let Some(Component::Bytes(ended)) = Key::components(&key).and_then(|mut it| it.pop())
            {
                tx.delete(ended.into_owned());
            }
            tx.delete(key);
        }
    }
    Ok(more)
}

#[cfg(test)]
pub(crate) async fn sweep_now(store: &cumulet_store::Store, now: Timestamp) {
    while store.transact(|tx| async move { sweep(&tx, now).await }).await.unwrap() {}
}

/// How many entries wait.
#[cfg(test)]
pub(crate) async fn waiting(store: &cumulet_store::Store) -> usize {
    let snapshot = store.snapshot();
    let mut count = 0;
    for queue in [endings(), taken()] {
        count +=
            snapshot.range(&queue.prefix(), Direction::Forward, 4096).await.unwrap().items.len();
    }
    count
}
