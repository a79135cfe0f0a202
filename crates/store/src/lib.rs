//! Where everything is kept: tables, records, blobs, names, secrets and views of configuration.
//!
//! The only crate that names a storage engine, and none of the engine's types leave it. All is
//! asynchronous in signature, so that an engine across the network fits too; the embedded one
//! answers reads at once, on the caller's thread.
//!
//! - [`Store::transact`] changes things: serializable, durable when answered.
//! - [`Store::snapshot`] reads what is durable; [`Read`] is what snapshots and transactions share.
//! - [`Store::watch`] wakes, [`View`] keeps compiled configuration current.
//! - [`Blobs`] keeps what is too large for a value, [`Sealer`] what is secret.
//! - [`Key`] builds keys, [`Record`] stores small structured values.
//!
//! ```no_run
//! # use cumulet_store::{Key, Options, Read as _, Store, StoreError, Tx};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::open("data".as_ref(), Options::default()).await?;
//! let key = &Key::global("example").text("visits");
//! let visits = store
//!     .transact(|tx: Tx| async move {
//!         let before = tx.get(key).await?.map_or(0, |bytes| bytes.len());
//!         tx.put(key.clone(), vec![b'|'; before + 1]);
//!         Ok::<_, StoreError>(before + 1)
//!     })
//!     .await?;
//! assert_eq!(store.snapshot().get(key).await?.map(|bytes| bytes.len()), Some(visits));
//! # Ok(())
//! # }
//! ```

mod blobs;
mod commit;
mod engine;
mod error;
mod faults;
mod key;
pub mod names;
mod range;
mod read;
mod record;
mod seal;
mod snapshot;
mod store;
mod tx;
mod view;
mod watch;

pub use blobs::{Blob, BlobError, BlobId, BlobWriter, Blobs, WriteBodyError};
pub use error::{OpenError, StoreError};
pub use faults::Faults;
pub use key::{Component, Key};
pub use range::{Direction, Page, Range};
pub use read::{Read, Scan};
pub use record::Record;
pub use seal::{KeyFileError, SEAL_OVERHEAD, SealError, Sealer};
pub use snapshot::Snapshot;
pub use store::{Options, Stats, Store};
pub use tx::{MAX_KEY, MAX_READS, MAX_TRANSACTION, MAX_VALUE, Tx};
pub use view::View;
pub use watch::{Version, Watch};
