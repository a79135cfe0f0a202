//! What is started ahead of its function: a few sandboxes for each runtime that functions of this
//! cloud have, and none for others.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cumulet_base::{AccountId, Region};
use cumulet_sandbox::{Generic, select};
use cumulet_service::Cloud;
use cumulet_store::{Direction, Key, Range, Read, StoreError};
use tokio::sync::Notify;

use crate::Lambda;
use crate::model::FunctionRecord;
use crate::store;

/// The pause after functions came or went, as they seldom come alone.
const PAUSE: Duration = Duration::from_millis(100);

/// A runtime's name and MB of memory: what an interpreter is started with.
type Start = (String, u32);

/// Begins to keep what functions of this cloud start from, now and after each change of them.
pub(crate) fn register(lambda: &Arc<Lambda>, cloud: &Arc<Cloud>) {
    let (lambda, cloud) = (Arc::downgrade(lambda), Arc::downgrade(cloud));
    tokio::spawn(follow(lambda, cloud));
}

async fn follow(lambda: Weak<Lambda>, cloud: Weak<Cloud>) {
    loop {
        let Some((lambda, cloud)) = lambda.upgrade().zip(cloud.upgrade()) else { return };
        match starts(&cloud.parts().store.snapshot()).await {
            Ok(starts) => keep(&lambda, starts).await,
            Err(error) => tracing::warn!(%error, "sandboxes started ahead stay as they are"),
        }
        let changed: Arc<Notify> = lambda.pools.changed();
        drop((lambda, cloud));
        changed.notified().await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// What functions start from, and how many of them each.
async fn starts(read: &impl Read) -> Result<BTreeMap<Start, usize>, StoreError> {
    let mut found = BTreeMap::new();
    let mut rest = Key::of_service(store::SERVICE).prefix();
    while let Some((key, _)) = read.scan(rest.clone(), Direction::Forward).next().await? {
        let parts = Key::components(&key).unwrap_or_default();
        let text = |at: usize| parts.get(at).and_then(|part| part.as_text()).unwrap_or_default();
        let place = (text(1).parse::<AccountId>(), text(2).parse::<Region>());
        let (Ok(account), Ok(region)) = place else {
            rest = rest.after(&key);
            continue;
        };
        let mut functions =
            read.scan(store::functions(&account, &region).prefix(), Direction::Forward);
        while let Some((_, function)) = functions.next_record::<FunctionRecord>().await? {
            let settings = function.latest.settings;
            *found.entry((settings.runtime, settings.memory)).or_default() += 1;
        }
        rest = beyond(rest, Key::new(store::SERVICE, &account, &region).prefix());
    }
    Ok(found)
}

/// What of `range` lies above all of `part`.
fn beyond(range: Range, part: Range) -> Range {
    let from = match part.to {
        Bound::Excluded(end) => Bound::Included(end),
        Bound::Included(last) => Bound::Excluded(last),
        // No key ends so.
        Bound::Unbounded => range.to.clone(),
    };
    Range { from, ..range }
}

async fn keep(lambda: &Lambda, starts: BTreeMap<Start, usize>) {
    let mut starts: Vec<(Start, usize)> = starts.into_iter().collect();
    starts.sort_by_key(|(_, functions)| std::cmp::Reverse(*functions));
    let has_functions = !starts.is_empty();
    let (launcher, folder) = lambda.pools.launcher().await;
    let mut kinds: Vec<Generic> = Vec::new();
    for ((runtime, memory), _) in starts {
        let Ok(runtime) = runtime.parse() else { continue };
        // Where the search fails, the function's first call says so.
        let Ok(found) = lambda.runtimes.found().await else { continue };
        let selected = select(runtime, &found.interpreters);
        let Some(interpreter) = selected.and_then(|found| found.interpreter) else { continue };
        let kind = Generic::new(runtime, &interpreter, memory, folder, &*launcher);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    launcher.keep(&kinds, has_functions);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::FunctionName;
    use crate::testing::{TestCloud, settings};
    use cumulet_store::Tx;

    #[tokio::test]
    async fn functions_of_all_accounts_and_regions_are_counted() {
        let cloud = TestCloud::start().await;
        let store = cloud.cx.store();
        let write = async |account: &str, region: &str, name: &str, memory: u32| {
            let name = FunctionName {
                account: account.parse().unwrap(),
                region: region.parse().unwrap(),
                name: name.to_owned(),
                qualifier: None,
            };
            let record = crate::testing::function(
                &name.name,
                crate::model::Settings { memory, ..settings() },
            );
            let (key, record) = (&name.key(), &record);
            let write = async |tx: Tx| {
                tx.put_record(key.clone(), record);
                Ok::<_, StoreError>(())
            };
            store.transact(write).await.unwrap();
        };
        assert_eq!(starts(&store.snapshot()).await.unwrap(), BTreeMap::new());
        write("111111111111", "eu-west-1", "a", 128).await;
        write("111111111111", "eu-west-1", "b", 128).await;
        write("111111111111", "us-east-1", "a", 256).await;
        write("222222222222", "eu-west-1", "z", 128).await;
        let of = |memory: u32, count: usize| (("python3.12".to_owned(), memory), count);
        let expected = BTreeMap::from([of(128, 3), of(256, 1)]);
        assert_eq!(starts(&store.snapshot()).await.unwrap(), expected);
    }
}
