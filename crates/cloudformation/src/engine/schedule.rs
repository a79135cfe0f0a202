//! Runs steps that wait for one another, several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

/// Steps that run side by side in one operation.
const PARALLEL: usize = 8;

/// Something to do, and what must be done before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: String,
    /// Ids; those that are no items count as done.
    pub(crate) after: Vec<String>,
}

impl Item {
    /// The same items in the opposite order.
    pub(crate) fn reversed(items: &[Self]) -> Vec<Self> {
        let after = |id: &str| {
            let waits = |item: &&Self| item.after.iter().any(|one| one == id);
            items.iter().filter(waits).map(|item| item.id.clone()).collect()
        };
        items.iter().map(|item| Self { id: item.id.clone(), after: after(&item.id) }).collect()
    }
}

/// Runs every item after those it waits for; gives what failed, with the reason. What waits for a
/// failed item is not begun; with `stops`, nothing more is begun after a failure.
///
/// `Err` breaks off at once. Of items that wait for each other in a circle, as those of several
/// revisions may, the first is begun; with `stops`, none.
pub(crate) async fn run<E, F, Fut>(
    items: &[Item],
    stops: bool,
    step: F,
) -> Result<BTreeMap<String, String>, E>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<Result<(), String>, E>>,
{
    let ids: BTreeSet<&str> = items.iter().map(|item| item.id.as_str()).collect();
    let mut waiting: Vec<&Item> = items.iter().collect();
    let mut done: BTreeSet<String> = BTreeSet::new();
    let mut failed = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    let begin = |item: &Item| {
        let (id, work) = (item.id.clone(), step(item.id.clone()));
        async move { (id, work.await) }
    };
    loop {
        let mut later = Vec::new();
        for item in waiting {
            let ready = item.after.iter().all(|id| done.contains(id) || !ids.contains(id.as_str()));
            if ready && running.len() < PARALLEL && (failed.is_empty() || !stops) {
                running.push(begin(item));
            } else {
                later.push(item);
            }
        }
        waiting = later;
        match running.next().await {
            None if stops => return Ok(failed),
            None => match in_circle(&waiting, &failed) {
                None => return Ok(failed),
                Some(at) => {
                    let item = waiting.remove(at);
                    running.push(begin(item));
                }
            },
            Some((id, outcome)) => match outcome? {
                Ok(()) => {
                    done.insert(id);
                }
                Err(reason) => {
                    failed.insert(id, reason);
                }
            },
        }
    }
}

/// Of those that wait though nothing runs, one that does not wait for what has failed.
fn in_circle(waiting: &[&Item], failed: &BTreeMap<String, String>) -> Option<usize> {
    let mut stuck: BTreeSet<&str> = failed.keys().map(String::as_str).collect();
    loop {
        let before = stuck.len();
        for item in waiting {
            if item.after.iter().any(|id| stuck.contains(id.as_str())) {
                stuck.insert(&item.id);
            }
        }
        if stuck.len() == before {
            return waiting.iter().position(|item| !stuck.contains(item.id.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::convert::Infallible;

    fn item(id: &str, after: &[&str]) -> Item {
        Item { id: id.to_owned(), after: after.iter().map(|id| (*id).to_owned()).collect() }
    }

    async fn order(items: &[Item], stops: bool, fails: &str) -> (String, Vec<String>) {
        let begun = RefCell::new(String::new());
        let failed = run(items, stops, |id| {
            begun.borrow_mut().push_str(&id);
            let outcome = if id == fails { Err("no".to_owned()) } else { Ok(()) };
            async move { Ok::<_, Infallible>(outcome) }
        });
        let failed = failed.await.unwrap().into_keys().collect();
        (begun.into_inner(), failed)
    }

    #[tokio::test]
    async fn each_after_what_it_waits_for() {
        let items = [item("c", &["b", "a"]), item("b", &["a"]), item("a", &["gone"])];
        assert_eq!(order(&items, true, "").await, ("abc".to_owned(), vec![]));
        assert_eq!(order(&Item::reversed(&items), true, "").await.0, "cba");
        assert_eq!(order(&items, false, "b").await, ("ab".to_owned(), vec!["b".to_owned()]));
        let circle = [item("a", &["b"]), item("b", &["a"])];
        assert_eq!(order(&circle, true, "").await.0, "");
        let circle = [item("a", &["b"]), item("b", &["a"]), item("c", &["d"]), item("d", &[])];
        assert_eq!(order(&circle, false, "d").await, ("dab".to_owned(), vec!["d".to_owned()]));
    }
}
