//! Transactions: isolation, order, retries, durability of what was answered.
#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cumulet_store::{Direction, Options, Range, Read, Store, StoreError, Tx};

async fn open(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path(), Options::default()).await.unwrap()
}

async fn number(read: &impl Read, key: &[u8]) -> Result<u64, StoreError> {
    let bytes = read.get(key).await?;
    Ok(bytes.map_or(0, |bytes| u64::from_be_bytes(bytes[..].try_into().unwrap())))
}

#[tokio::test]
async fn a_transaction_reads_its_own_writes_and_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let seen = store
        .transact(|tx: Tx| async move {
            tx.put("b", "2");
            tx.put("a", "1");
            tx.put("c", "3");
            tx.delete("b");
            let page = tx.range(&Range::all(), Direction::Backward, 10).await?;
            Ok::<_, StoreError>((tx.get(b"a").await?, tx.get(b"b").await?, page.items))
        })
        .await
        .unwrap();
    let entry = |key: &'static str, value: &'static str| (key.into(), value.into());
    assert_eq!(seen, (Some("1".into()), None, vec![entry("c", "3"), entry("a", "1")]));
    store.close().await;
    let store = open(&folder).await;
    let page = store.snapshot().range(&Range::all(), Direction::Forward, 10).await.unwrap();
    assert_eq!(page.items, vec![entry("a", "1"), entry("c", "3")]);
    assert_eq!(page.rest, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hot_key_is_not_limited_to_one_success_per_fsync() {
    const TASKS: u64 = 64;
    const EACH: u64 = 25;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..EACH {
                store
                    .transact(|tx: Tx| async move {
                        let count = number(&tx, b"hot").await?;
                        tx.put("hot", (count + 1).to_be_bytes().to_vec());
                        Ok::<_, StoreError>(())
                    })
                    .await
                    .unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(number(&store.snapshot(), b"hot").await.unwrap(), TASKS * EACH);
    let stats = store.stats();
    assert_eq!(stats.commits, TASKS * EACH);
    assert!(stats.fsyncs * 4 < stats.commits, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_error_writes_nothing_and_refused_sizes_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let refused: Result<(), StoreError> = store
        .transact(|tx: Tx| async move {
            tx.put("a", "1");
            Err(StoreError::Full)
        })
        .await;
    assert_eq!(refused, Err(StoreError::Full));
    for (key, size) in [(0, 1), (17_000, 1), (1, 5 << 20)] {
        let refused = store
            .transact(|tx: Tx| async move {
                tx.put(vec![b'k'; key], vec![0; size]);
                Ok::<_, StoreError>(())
            })
            .await;
        assert!(matches!(refused, Err(StoreError::TooLarge(_))), "{key} {size}");
    }
    let all = store.snapshot().range(&Range::all(), Direction::Forward, 10).await.unwrap();
    assert!(all.items.is_empty());
    assert_eq!(store.stats().commits, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_phantom_makes_the_transaction_start_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = store
        .transact(|tx: Tx| {
            let (store, attempts) = (store.clone(), Arc::clone(&attempts));
            async move {
                let page = tx.range(&Range::prefix(b"item"), Direction::Forward, 100).await?;
                // Meanwhile another transaction adds to what was counted.
                if attempts.fetch_add(1, Ordering::SeqCst) == 0 {
                    let add = |tx: Tx| async move {
                        tx.put("item/new", "");
                        Ok::<_, StoreError>(())
                    };
                    store.transact(add).await?;
                }
                tx.put("count", page.items.len().to_string());
                Ok::<_, StoreError>(page.items.len())
            }
        })
        .await
        .unwrap();
    assert_eq!((counted, attempts.load(Ordering::SeqCst)), (1, 2));
    assert_eq!(store.snapshot().get(b"count").await.unwrap(), Some("1".into()));
    assert_eq!(store.stats().conflicts, 1);
}
