//! Transactions: isolation, order, retries, durability of what was answered.
#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;

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

/// As large as DynamoDB's largest, several at once: each is there whole, also after reopening.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_transactions_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let value = bytes::Bytes::from(vec![7; 1 << 20]);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..3_u8 {
        let (store, value) = (store.clone(), value.clone());
        tasks.spawn(async move {
            store
                .transact(|tx: Tx| {
                    let value = value.clone();
                    async move {
                        for time in 0..40 {
                            tx.put(vec![b'k', task, time], value.clone());
                        }
                        Ok::<_, StoreError>(())
                    }
                })
                .await
                .unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    store.close().await;
    let store = open(&folder).await;
    let mut scan = store.snapshot().scan(Range::all(), Direction::Forward);
    let mut count = 0;
    while let Some((_, stored)) = scan.next().await.unwrap() {
        assert_eq!(stored, value);
        count += 1;
    }
    assert_eq!(count, 120);
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
    for (times, apart, fits) in [(170, false, true), (160, true, false)] {
        let written = store
            .transact(|tx: Tx| async move {
                for time in 0..times {
                    tx.put(vec![b'm', if apart { time } else { 0 }], vec![0; 1 << 20]);
                }
                for time in 0..times {
                    tx.delete(vec![b'm', time]);
                }
                Ok::<_, StoreError>(())
            })
            .await;
        assert_eq!(written.is_ok(), fits, "{written:?}");
    }
    let all = store.snapshot().range(&Range::all(), Direction::Forward, 10).await.unwrap();
    assert!(all.items.is_empty());
    assert_eq!(store.stats().commits, 1);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transfers_keep_the_total_for_every_reader() {
    const ACCOUNTS: u8 = 12;
    const TOTAL: u64 = 100 * ACCOUNTS as u64;
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let fill = |tx: Tx| async move {
        (0..ACCOUNTS)
            .for_each(|account| tx.put(vec![b'a', account], vec![0, 0, 0, 0, 0, 0, 0, 100]));
        Ok::<_, StoreError>(())
    };
    store.transact(fill).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16_u64 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut random = task + 1;
            let mut draw = move || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                (random >> 33) as u8
            };
            for _ in 0..60 {
                let (from, to) = ([b'a', draw() % ACCOUNTS], [b'a', draw() % ACCOUNTS]);
                let transfer = |tx: Tx| async move {
                    let has = number(&tx, &from).await?;
                    // Leaves the other workers time to interfere.
                    tokio::task::yield_now().await;
                    let gets = number(&tx, &to).await?;
                    if from == to || has == 0 {
                        return Ok::<_, StoreError>(());
                    }
                    tx.put(from.to_vec(), (has - 1).to_be_bytes().to_vec());
                    tx.put(to.to_vec(), (gets + 1).to_be_bytes().to_vec());
                    Ok(())
                };
                store.transact(transfer).await.unwrap();
                let audit = |tx: Tx| async move { total(&tx).await };
                assert_eq!(store.transact(audit).await.unwrap(), TOTAL);
                assert_eq!(total(&store.snapshot()).await.unwrap(), TOTAL);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// The sum over all accounts; as it moves back and forth between two pages, nothing may slip by.
async fn total(read: &impl Read) -> Result<u64, StoreError> {
    let mut sum = 0;
    let mut rest = Some(Range::prefix(b"a"));
    while let Some(range) = rest {
        let page = read.range(&range, Direction::Backward, 5).await?;
        tokio::task::yield_now().await;
        for (_, value) in page.items {
            sum += u64::from_be_bytes(value[..].try_into().unwrap());
        }
        rest = page.rest;
    }
    Ok(sum)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_write_skew() {
    // Each may leave as long as another stays: two who look at the same time must not both leave.
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    for _ in 0..20 {
        let fill = |tx: Tx| async move {
            (0..8_u8).for_each(|who| tx.put(vec![b'd', who], "on call"));
            Ok::<_, StoreError>(())
        };
        store.transact(fill).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for who in 0..8_u8 {
            let store = store.clone();
            tasks.spawn(async move {
                let leave = |tx: Tx| async move {
                    let present = tx.range(&Range::prefix(b"d"), Direction::Forward, 100).await?;
                    tokio::task::yield_now().await;
                    if present.items.len() > 1 {
                        tx.delete(vec![b'd', who]);
                    }
                    Ok::<_, StoreError>(())
                };
                store.transact(leave).await.unwrap();
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let left = store.snapshot().range(&Range::prefix(b"d"), Direction::Forward, 10).await;
        assert_eq!(left.unwrap().items.len(), 1);
    }
}

/// Random ranges within a transaction, over durable, pending and own writes, against a model.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ranges_agree_with_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let mut random = 1_u64;
    let mut draw = move |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        (random >> 33) % below
    };
    let mut model = std::collections::BTreeMap::<Vec<u8>, Vec<u8>>::new();
    for round in 0..150 {
        // Some changes to commit beside the one under test, so that they are likely pending.
        let changes: Vec<_> = (0..6).map(|_| (vec![draw(40) as u8], draw(3) > 0)).collect();
        let apply = |model: &mut std::collections::BTreeMap<_, _>, changes: &[(Vec<u8>, bool)]| {
            for (key, put) in changes {
                if *put {
                    model.insert(key.clone(), vec![round]);
                } else {
                    model.remove(key);
                }
            }
        };
        let write = move |tx: &Tx, changes: &[(Vec<u8>, bool)]| {
            for (key, put) in changes {
                if *put { tx.put(key.clone(), vec![round]) } else { tx.delete(key.clone()) }
            }
        };
        apply(&mut model, &changes[..3]);
        let other = store.transact(|tx: Tx| {
            write(&tx, &changes[..3]);
            async { Ok::<_, StoreError>(()) }
        });
        // Polled once it is in order; whether it is durable by then is left to chance.
        let mut other = Box::pin(other);
        let polled = std::future::poll_fn(|cx| Poll::Ready(other.as_mut().poll(cx).is_ready()));
        let answered = polled.await;
        apply(&mut model, &changes[3..]);
        let (from, to, limit) = (draw(40) as u8, draw(40) as u8, 1 + draw(20) as usize);
        let direction = if draw(2) == 0 { Direction::Forward } else { Direction::Backward };
        let range = Range::all().starting_at(&[from]).before(&[to]);
        let page = store
            .transact(|tx: Tx| {
                write(&tx, &changes[3..]);
                let range = range.clone();
                async move { tx.range(&range, direction, limit).await }
            })
            .await
            .unwrap();
        if !answered {
            other.await.unwrap();
        }
        let within = model.iter().filter(|(key, _)| range.contains(key));
        let mut expected: Vec<_> =
            within.map(|(key, value)| (key.clone().into(), value.clone().into())).collect();
        if direction == Direction::Backward {
            expected.reverse();
        }
        expected.truncate(limit);
        assert_eq!(page.items, expected, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_writes_are_held_back_not_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..48_u8 {
        let store = store.clone();
        tasks.spawn(async move {
            let body = |tx: Tx| {
                tx.put(vec![b'l', task], vec![task; 2 << 20]);
                async { Ok::<_, StoreError>(()) }
            };
            store.transact(body).await.unwrap();
        });
    }
    tasks.join_all().await;
    let mut scan = store.snapshot().scan(Range::prefix(b"l"), Direction::Forward);
    for task in 0..48 {
        let (key, value) = scan.next().await.unwrap().unwrap();
        assert_eq!((&key[..], &value[..]), (&[b'l', task][..], &vec![task; 2 << 20][..]));
    }
    assert_eq!(scan.next().await.unwrap(), None);
    assert!(store.stats().groups > 5, "{:?}", store.stats());
}
