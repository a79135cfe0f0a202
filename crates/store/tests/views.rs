//! Watches, views, names, and what a store says when it is opened.
#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cumulet_store::names::{self, ClaimError, Owner};
use cumulet_store::{Direction, Key, OpenError, Options, Read, Store, StoreError, Tx, View};

async fn put(store: &Store, key: impl Into<Vec<u8>>, value: &str) {
    let (key, value) = (key.into(), value.to_owned());
    let body = |tx: Tx| {
        tx.put(key.clone(), value.clone());
        async { Ok::<_, StoreError>(()) }
    };
    store.transact(body).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_watch_reports_every_touch_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    let mut watch = store.watch(b"jobs/");
    let began = watch.version();
    put(&store, "job", "").await;
    put(&store, "jobs0", "").await;
    let silent = tokio::time::timeout(Duration::from_millis(20), watch.changed()).await;
    assert!(silent.is_err());
    // Committed while nobody waits: reported at the next call.
    put(&store, "jobs/1", "").await;
    let first = watch.changed().await.unwrap();
    assert!(first > began);
    // A reader that looks after each report and then waits sees the last of many commits.
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..200 {
                put(&store, "jobs/n", &number.to_string()).await;
            }
        }
    });
    let mut last = first;
    while store.snapshot().get(b"jobs/n").await.unwrap().as_deref() != Some(b"199") {
        let version = watch.changed().await.unwrap();
        assert!(version > last);
        last = version;
    }
    writer.await.unwrap();
    drop(store.watch(b"other"));
    store.close().await;
    while watch.changed().await.is_ok() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_view_shows_every_commit_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    let loads = Arc::new(AtomicU32::new(0));
    let view = Arc::new(
        View::new(&store, b"config/", {
            let loads = Arc::clone(&loads);
            move |snapshot| {
                loads.fetch_add(1, Ordering::SeqCst);
                async move {
                    let range = cumulet_store::Range::prefix(b"config/");
                    Ok(snapshot.range(&range, Direction::Forward, 1000).await?.items.len())
                }
            }
        })
        .await
        .unwrap(),
    );
    put(&store, "elsewhere", "").await;
    assert_eq!((*view.get().await.unwrap(), loads.load(Ordering::SeqCst)), (0, 1));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let (store, view) = (store.clone(), Arc::clone(&view));
        tasks.spawn(async move {
            for number in 0..40 {
                put(&store, format!("config/{task}/{number}"), "").await;
                assert!(*view.get().await.unwrap() > number);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(*view.get().await.unwrap(), 160);
    let before = loads.load(Ordering::SeqCst);
    let (first, second) = (view.get().await.unwrap(), view.get().await.unwrap());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(loads.load(Ordering::SeqCst), before);
    assert_eq!(*view.last(), 160);
}

#[tokio::test]
async fn a_name_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Options::default()).await.unwrap();
    let owner = |account: &str| Owner {
        service: "s3".to_owned(),
        account: account.to_owned(),
        region: "eu-west-1".to_owned(),
        resource: "photos".to_owned(),
    };
    let (one, two) = (owner("111111111111"), owner("222222222222"));
    let claim = |who: &Owner| {
        let (store, who) = (store.clone(), who.clone());
        async move {
            let body = |tx: Tx| {
                let who = who.clone();
                async move { names::claim(&tx, "bucket", "photos", &who).await }
            };
            store.transact(body).await
        }
    };
    // Two at once: one gets it.
    let (first, second) = tokio::join!(claim(&one), claim(&two));
    let (winner, loser) = if first.is_ok() { (&one, &two) } else { (&two, &one) };
    assert!(first.is_ok() != second.is_ok());
    assert_eq!(claim(loser).await, Err(ClaimError::Taken(winner.clone())));
    assert_eq!(claim(winner).await, Ok(()));
    let found = names::lookup(&store.snapshot(), "bucket", "photos").await.unwrap();
    assert_eq!(found.as_ref(), Some(winner));
    assert_eq!(names::lookup(&store.snapshot(), "host", "photos").await.unwrap(), None);
    for (who, has) in [(loser, false), (winner, true), (winner, false)] {
        let body = |tx: Tx| async move { names::release(&tx, "bucket", "photos", who).await };
        assert_eq!(store.transact(body).await, Ok(has));
    }
    assert_eq!(claim(loser).await, Ok(()));
}

#[tokio::test]
async fn a_folder_is_opened_by_one_and_not_by_an_older_binary() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(folder.path(), Options::default());
    let store = open().await.unwrap();
    assert!(matches!(open().await, Err(OpenError::Locked(_))));
    put(&store, Key::global("t").text("k").as_bytes(), "v").await;
    let snapshot = store.snapshot();
    drop(store);
    // A snapshot left over does not keep the folder, and says so.
    let closed = snapshot.get(b"k").await.unwrap_err();
    assert!(matches!(closed, StoreError::Unavailable(_)));
    let version = {
        let store = open().await.unwrap();
        store.watch(b"").version()
    };
    let store = open().await.unwrap();
    assert!(store.watch(b"").version() > version);
    store.close().await;
    std::fs::write(folder.path().join("FORMAT"), "cumulet store 7\n").unwrap();
    assert!(matches!(open().await, Err(OpenError::Newer { found: 7, known: 1 })));
    std::fs::write(folder.path().join("FORMAT"), "what\n").unwrap();
    assert!(matches!(open().await, Err(OpenError::Corrupt(_))));
    std::fs::remove_file(folder.path().join("FORMAT")).unwrap();
    assert!(matches!(open().await, Err(OpenError::Corrupt(_))));
}
