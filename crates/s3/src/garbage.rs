//! Files that are not, or no longer, needed.
//!
//! A record announces every file before it gets its place, and goes in the transaction that makes
//! an object of it; the transaction that replaces an object puts the record back. Whatever has a
//! record and is not being written may go: after a crash too.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cumulet_service::{Cloud, Cx, Result};
use cumulet_store::{Blob, BlobId, Direction, Key, Read as _, Store, StoreError, Tx};
use tokio::sync::Notify;

use crate::model::{Data, GarbageRecord, PartsRecord};
use crate::store::{Place, all_garbage, garbage};

/// How often is swept where nothing calls for it.
const PAUSE: Duration = Duration::from_secs(60);
/// How long the parts of a replaced object stay: whoever reads it opens them one by one.
const READERS: Duration = Duration::from_secs(3600);
/// Records looked at at once.
const PAGE: usize = 1000;

/// Knows which files are being written, and wakes the sweeper.
#[derive(Debug, Default)]
pub(crate) struct Garbage {
    writing: Mutex<HashSet<String>>,
    wake: Notify,
}

/// A file that is being written and not to be swept.
#[derive(Debug)]
pub(crate) struct Announced {
    id: String,
    garbage: Arc<Garbage>,
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.garbage.writing().remove(&self.id);
        // Its record is gone if all went well; if not, there is something to sweep.
        self.garbage.wake.notify_one();
    }
}

impl Garbage {
    fn writing(&self) -> MutexGuard<'_, HashSet<String>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says durably that the file `id` will be there.
    pub(crate) async fn announce(self: &Arc<Self>, cx: &Cx, id: &BlobId) -> Result<Announced> {
        let id = id.as_str().to_owned();
        self.writing().insert(id.clone());
        let announced = Announced { id, garbage: Arc::clone(self) };
        let (key, record) = (garbage(&announced.id), GarbageRecord { due: 0 });
        let (key, record) = (&key, &record);
        let done: Result<(), StoreError> = cx
            .store()
            .transact(|tx| async move {
                tx.put_record(key.clone(), record);
                Ok(())
            })
            .await;
        done?;
        Ok(announced)
    }

    /// Has what became garbage swept soon.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Sweeps until the cloud is gone.
    pub(crate) async fn keep_sweeping(self: Arc<Self>, cloud: Weak<Cloud>) {
        if let Some(cloud) = cloud.upgrade()
            && let Err(error) = cloud.parts().blobs.sweep().await
        {
            tracing::warn!(%error, "S3: unfinished files could not be swept");
        }
        loop {
            let Some(cloud) = cloud.upgrade() else { return };
            if let Err(error) = self.sweep(&cloud).await {
                tracing::warn!(%error, "S3: files could not be swept");
            }
            drop(cloud);
            let _ = tokio::time::timeout(PAUSE, self.wake.notified()).await;
        }
    }

    /// Deletes every file that is due and not being written. Returns how many.
    pub(crate) async fn sweep(&self, cloud: &Cloud) -> Result<usize> {
        let parts = cloud.parts();
        let now = parts.clock.now().millis();
        let mut rest = Some(all_garbage());
        let mut swept = 0;
        while let Some(range) = rest {
            let read = parts.store.snapshot();
            let page =
                read.range_records::<GarbageRecord>(&range, Direction::Forward, PAGE).await?;
            let mut gone = Vec::new();
            for (key, record) in page.items {
                let Some(id) = blob_id(&key) else { continue };
                if record.due > now || self.writing().contains(id.as_str()) {
                    continue;
                }
                parts.blobs.delete(&id).await.map_err(|why| crate::error::blob(&why))?;
                gone.push(key);
            }
            swept += gone.len();
            forget(&parts.store, &gone).await?;
            rest = page.rest;
        }
        Ok(swept)
    }
}

async fn forget(store: &Store, keys: &[bytes::Bytes]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    store
        .transact(|tx| async move {
            for key in keys {
                tx.delete(key.clone());
            }
            Ok(())
        })
        .await
}

fn blob_id(key: &[u8]) -> Option<BlobId> {
    let components = Key::components(key)?;
    let id = components.last()?.as_text()?.to_owned();
    BlobId::try_from(id).ok()
}

/// Within the transaction that makes an object of it: `blob` is needed.
pub(crate) fn keep(tx: &Tx, blob: &Blob) {
    tx.delete(garbage(blob.id.as_str()));
}

/// Within the transaction that removes what names it: `data` is no longer needed. `now` is in
/// milliseconds since the epoch.
pub(crate) async fn discard(
    tx: &Tx,
    place: &Place,
    data: &Data,
    now: i64,
) -> Result<(), StoreError> {
    match data {
        Data::Empty => {}
        Data::Inline(id) => tx.delete(place.data(id)),
        Data::Blob(blob) => {
            tx.put_record(garbage(blob.id.as_str()), &GarbageRecord { due: now });
        }
        Data::Parts(id) => {
            let key = place.data(id);
            let record = tx.get_record::<PartsRecord>(&key).await?;
            let due = now.saturating_add(READERS.as_millis() as i64);
            for part in record.into_iter().flat_map(|record| record.parts) {
                match part.data {
                    Data::Blob(blob) => {
                        tx.put_record(garbage(blob.id.as_str()), &GarbageRecord { due });
                    }
                    Data::Inline(id) => tx.delete(place.data(&id)),
                    Data::Empty | Data::Parts(_) => {}
                }
            }
            tx.delete(key);
        }
    }
    Ok(())
}
