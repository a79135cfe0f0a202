//! Random writes, copied as of random moments, are what a model of the table was then.

use std::collections::BTreeMap;
use std::time::Duration;

use cumulet_api_dynamodb::ops::{
    CreateTableInput, DeleteItem, DeleteItemInput, PutItem, PutItemInput,
    RestoreTableToPointInTime, RestoreTableToPointInTimeInput, UpdateContinuousBackups,
    UpdateContinuousBackupsInput,
};
use cumulet_api_dynamodb::types::PointInTimeRecoverySpecification;
use cumulet_attribute::Item;
use cumulet_base::Timestamp;
use cumulet_store::{Direction, Read as _};

use super::{Clock, trim};
use crate::store;
use crate::tables::TableName;
use crate::testing::{Testing, attributes, item};
use crate::write::decode;

/// What is in a table, by sort key.
type Model = BTreeMap<u8, Item>;

/// What a test does next.
#[derive(Debug, Clone, Copy, bolero::TypeGenerator)]
enum Step {
    Put(u8, u8),
    Delete(u8),
    /// So many half seconds pass.
    Wait(u8),
}

pub(crate) async fn recover(testing: &Testing, table: &str, enabled: bool, days: Option<i32>) {
    let input = UpdateContinuousBackupsInput {
        table_name: table.into(),
        point_in_time_recovery_specification: PointInTimeRecoverySpecification {
            point_in_time_recovery_enabled: enabled,
            recovery_period_in_days: days,
        },
    };
    testing.call::<UpdateContinuousBackups>(input).await.unwrap();
}

pub(crate) async fn put(testing: &Testing, table: &str, pairs: &[(&str, &str)]) {
    let item = attributes(pairs);
    let input = PutItemInput { table_name: table.into(), item, ..Default::default() };
    testing.call::<PutItem>(input).await.unwrap();
}

pub(crate) async fn delete(testing: &Testing, table: &str, sk: &str) {
    let key = attributes(&[("pk", "a"), ("sk", sk)]);
    let input = DeleteItemInput { table_name: table.into(), key, ..Default::default() };
    testing.call::<DeleteItem>(input).await.unwrap();
}

/// All items of a table, once it is usable.
pub(crate) async fn items(testing: &Testing, name: &TableName) -> Vec<Item> {
    testing.until(async || testing.service.named(name).await.unwrap().is_some()).await;
    let table = testing.service.named(name).await.unwrap().unwrap();
    let snapshot = testing.cx.store().snapshot();
    let mut scan = snapshot.scan(table.keys.within(&[]), Direction::Forward);
    let mut items = Vec::new();
    while let Some((_, stored)) = scan.next().await.unwrap() {
        items.push(decode(stored).unwrap());
    }
    items
}

async fn restored(testing: &Testing, to: &str, at: Option<Timestamp>) -> Vec<Item> {
    let input = RestoreTableToPointInTimeInput {
        source_table_name: Some("things".into()),
        target_table_name: to.into(),
        use_latest_restorable_time: at.is_none().then_some(true),
        restore_date_time: at,
        ..Default::default()
    };
    testing.call::<RestoreTableToPointInTime>(input).await.unwrap();
    items(testing, &TableName::parse(&testing.cx, to).unwrap()).await
}

async fn walk(steps: &[Step]) {
    let testing = Testing::new().await;
    testing.table("things", CreateTableInput::default()).await;
    put(&testing, "things", &[("pk", "a"), ("sk", "1"), ("v", "before")]).await;
    let mut model = Model::from([(1, item(&[("pk", "a"), ("sk", "1"), ("v", "before")]))]);
    recover(&testing, "things", true, None).await;
    let since = testing.cx.now().secs();
    // What the table was when each second began.
    let mut seconds = BTreeMap::from([(since, model.clone())]);
    for step in steps {
        match *step {
            Step::Put(key, value) => {
                let (key, value) = (key % 5, value.to_string());
                let sk = key.to_string();
                let pairs = [("pk", "a"), ("sk", sk.as_str()), ("v", value.as_str())];
                put(&testing, "things", &pairs).await;
                model.insert(key, item(&pairs));
            }
            Step::Delete(key) => {
                delete(&testing, "things", &(key % 5).to_string()).await;
                model.remove(&(key % 5));
            }
            Step::Wait(halves) => {
                testing.clock.advance(Duration::from_millis(u64::from(halves % 6) * 500));
                let begun = seconds.keys().next_back().map_or(since, |last| last + 1);
                for second in begun..=testing.cx.now().secs() {
                    seconds.insert(second, model.clone());
                }
            }
        }
    }
    let name = TableName::parse(&testing.cx, "things").unwrap();
    let id = testing.service.named(&name).await.unwrap().unwrap().record.id.clone();
    let now = testing.cx.now();
    for (second, model) in &seconds {
        // What is forgotten is not needed.
        assert!(trim::walk(testing.cx.store(), &name, &id, now).await.unwrap());
        let at = Timestamp::from_secs(*second);
        let found = restored(&testing, &format!("at-{second}"), Some(at)).await;
        assert_eq!(found, model.values().cloned().collect::<Vec<_>>(), "{second}: {steps:?}");
    }
    let latest = restored(&testing, "latest", None).await;
    assert_eq!(latest, model.values().cloned().collect::<Vec<_>>(), "{steps:?}");
    assert_eq!(crate::verify(testing.cx.store()).await.unwrap().told, Vec::<String>::new());
}

#[test]
fn every_second_can_be_restored() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    bolero::check!().with_type::<Vec<Step>>().with_iterations(12).for_each(|steps| {
        let steps: Vec<Step> = steps.iter().take(40).copied().collect();
        runtime.block_on(walk(&steps));
    });
    // A history that has all there is, whatever is drawn.
    let steps = [
        Step::Put(1, 1),
        Step::Put(2, 1),
        Step::Wait(2),
        Step::Delete(1),
        Step::Put(2, 2),
        Step::Put(3, 1),
        Step::Wait(1),
        Step::Put(3, 2),
        Step::Wait(1),
        Step::Delete(3),
        Step::Put(1, 9),
        Step::Wait(4),
        Step::Wait(3),
        Step::Delete(2),
        Step::Put(2, 3),
        Step::Put(4, 1),
        Step::Wait(2),
    ];
    runtime.block_on(walk(&steps));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_moment_needs_is_forgotten() {
    let testing = Testing::new().await;
    let name = testing.table("things", CreateTableInput::default()).await;
    let id = testing.service.named(&name).await.unwrap().unwrap().record.id.clone();
    let store = testing.cx.store();
    let images = store::images(&name.account, &name.region, &id).within(&[]);
    let seconds = Clock::of(&name, &id).seconds().prefix();
    let count = async |range: &cumulet_store::Range| {
        store.snapshot().range(range, Direction::Forward, 100).await.unwrap().items.len()
    };
    let write = async |value: &str| {
        put(&testing, "things", &[("pk", "a"), ("sk", "1"), ("v", value)]).await;
        testing.clock.advance(Duration::from_secs(3600));
    };
    write("0").await;
    assert_eq!((count(&images).await, count(&seconds).await), (0, 0));
    recover(&testing, "things", true, Some(1)).await;
    for value in ["1", "2", "3", "4"] {
        write(value).await;
    }
    assert_eq!((count(&images).await, count(&seconds).await), (4, 4));
    // A write that changes nothing leaves none.
    put(&testing, "things", &[("pk", "a"), ("sk", "1"), ("v", "4")]).await;
    assert_eq!((count(&images).await, count(&seconds).await), (4, 4));
    // A day after the third write: the first two are needed no more.
    testing.clock.advance(Duration::from_secs(22 * 3600 + 120));
    assert!(trim::walk(store, &name, &id, testing.cx.now()).await.unwrap());
    assert_eq!((count(&images).await, count(&seconds).await), (2, 2));
    let earliest = Timestamp::from_secs(testing.cx.now().secs() - 86_400 + 60);
    assert_eq!(restored(&testing, "old", Some(earliest)).await.len(), 1);
    recover(&testing, "things", false, None).await;
    testing.until(async || count(&images).await + count(&seconds).await == 0).await;
    write("5").await;
    assert_eq!((count(&images).await, count(&seconds).await), (0, 0));
}
