//! Client request tokens: a transaction that comes again within ten minutes is not done again.
//!
//! A token is stored in the transaction that it names, so it is there exactly if that was done. A
//! job removes tokens whose time is over.

use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Cx, Result};
use cumulet_store::{Component, Direction, Key, Read as _, Record, Store, StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How long a token is valid once its transaction is done.
const VALID: Duration = Duration::from_secs(600);
const KIND: &str = "dynamodb/tokens";
/// Tokens that one transaction removes.
const BATCH: usize = 500;
/// The pause after the store has refused, and between sweeps at least.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
struct TokenRecord {
    /// Of the request's actions.
    fingerprint: String,
    /// Milliseconds since the epoch.
    expires: i64,
}

impl Record for TokenRecord {
    const VERSION: u16 = 1;
}

/// Whether the transaction of this token was done already; if not, it is noted as done with `tx`.
/// Refuses a token of another transaction.
pub(crate) async fn seen(cx: &Cx, tx: &Tx, token: &str, fingerprint: &str) -> Result<bool> {
    let key = Key::new("dynamodb-token", cx.account(), cx.region()).text(token);
    let (now, valid) = (cx.now(), cx.now().after(VALID));
    let known: Option<TokenRecord> = tx.get_record(key.as_bytes()).await?;
    if let Some(known) = known.filter(|known| known.expires > now.millis()) {
        return if known.fingerprint == fingerprint {
            Ok(true)
        } else {
            Err(Error::TokenMismatch.into())
        };
    }
    let fingerprint = fingerprint.to_owned();
    tx.put(due().u64(millis(valid)).bytes(key.as_bytes()), "");
    tx.put_record(key, &TokenRecord { fingerprint, expires: valid.millis() });
    let payload = serde_json::Value::Null;
    let job = Job { kind: KIND.to_owned(), key: "all".to_owned(), payload, run_at: valid };
    cumulet_work::enqueue(tx, job).await?;
    Ok(false)
}

/// Tokens in the order in which their time ends.
fn due() -> Key {
    Key::global("dynamodb-token-due")
}

fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.millis()).unwrap_or(0)
}

/// Begins to remove tokens whose time is over.
pub(crate) fn register(cloud: &Cloud) {
    let parts = cloud.parts();
    let (store, clock) = (parts.store.clone(), parts.clock.clone());
    parts.work.register(KIND, 1, move |lease: Lease| {
        let (store, now) = (store.clone(), clock.now());
        async move {
            let _ = lease;
            match sweep(&store, now).await {
                Ok(None) => Outcome::Done,
                Ok(Some(next)) => Outcome::Later { at: next.max(now.after(PAUSE)) },
                Err(error) => {
                    tracing::warn!(%error, "old tokens are removed later");
                    Outcome::Retry { after: PAUSE }
                }
            }
        }
    });
}

/// Removes what has ended; when the next one ends.
async fn sweep(
    store: &Store,
    now: Timestamp,
) -> std::result::Result<Option<Timestamp>, StoreError> {
    loop {
        let page = store.snapshot().range(&due().prefix(), Direction::Forward, BATCH).await?;
        let mut ended = Vec::new();
        let mut next = None;
        for (entry, _) in &page.items {
            let parts = Key::components(entry).unwrap_or_default();
            let (Some(at), Some(key)) = (
                parts.get(3).and_then(Component::as_u64),
                parts.get(4).and_then(Component::as_bytes),
            ) else {
                return Err(StoreError::Corrupt("a token's end".to_owned()));
            };
            if at > millis(now) {
                next = Some(Timestamp::from_millis(i64::try_from(at).unwrap_or(i64::MAX)));
                break;
            }
            ended.push((entry.clone(), key.to_vec()));
        }
        store
            .transact(|tx| {
                let ended = &ended;
                async move {
                    for (entry, key) in ended {
                        tx.delete(entry.clone());
                        // The token may have been used anew after its time.
                        let record: Option<TokenRecord> = tx.get_record(key).await?;
                        if record.is_some_and(|record| record.expires <= now.millis()) {
                            tx.delete(key.clone());
                        }
                    }
                    Ok::<_, StoreError>(())
                }
            })
            .await?;
        if next.is_some() || page.rest.is_none() {
            return Ok(next);
        }
    }
}
