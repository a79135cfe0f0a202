//! Streams as their readers see them, over a clock that the tests own.

use std::collections::BTreeMap;
use std::time::Duration;

use cumulet_api_dynamodb::ops::{
    CreateTableInput, DeleteItem, DeleteItemInput, DeleteTable, DeleteTableInput, DescribeTable,
    DescribeTableInput, PutItem, PutItemInput, TransactWriteItems, TransactWriteItemsInput,
    UpdateTable, UpdateTableInput, UpdateTimeToLive, UpdateTimeToLiveInput,
};
use cumulet_api_dynamodb::types::{
    Delete, Put, StreamSpecification, StreamViewType, TableDescription, TimeToLiveSpecification,
    TransactWriteItem,
};
use cumulet_api_dynamodbstreams::ops::{
    DescribeStream, DescribeStreamInput, GetRecords, GetRecordsInput, GetRecordsOutput,
    GetShardIterator, GetShardIteratorInput, ListStreams, ListStreamsInput,
};
use cumulet_api_dynamodbstreams::types::{
    OperationType, Record, Shard, ShardFilter, ShardFilterType, ShardIteratorType,
    StreamDescription, StreamStatus,
};
use cumulet_attribute::Item;
use cumulet_service::Result;

use super::{StreamName, View, trim};
use crate::testing::{Testing, attributes, item};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn specification(view: View) -> StreamSpecification {
    StreamSpecification {
        stream_enabled: true,
        stream_view_type: StreamViewType::from_wire(view.as_str()),
    }
}

fn off() -> StreamSpecification {
    StreamSpecification { stream_enabled: false, stream_view_type: None }
}

/// A cloud with a table `things` whose stream is on.
struct Streamed {
    testing: Testing,
    arn: String,
}

impl Streamed {
    async fn new(view: View) -> Self {
        let testing = Testing::new().await;
        let stream_specification = Some(specification(view));
        let more = CreateTableInput { stream_specification, ..Default::default() };
        testing.table("things", more).await;
        let arn = describe_table(&testing).await.latest_stream_arn.unwrap();
        Self { testing, arn }
    }

    async fn put(&self, pairs: &[(&str, &str)]) {
        let item = attributes(pairs);
        let input = PutItemInput { table_name: "things".into(), item, ..Default::default() };
        self.testing.call::<PutItem>(input).await.unwrap();
    }

    async fn put_number(&self, number: usize) {
        let number = number.to_string();
        self.put(&[("pk", "a"), ("sk", &number), ("n", &number)]).await;
    }

    async fn delete(&self, sk: &str) {
        let key = attributes(&[("pk", "a"), ("sk", sk)]);
        let input = DeleteItemInput { table_name: "things".into(), key, ..Default::default() };
        self.testing.call::<DeleteItem>(input).await.unwrap();
    }

    async fn update(&self, specification: StreamSpecification) -> Result<TableDescription> {
        let input = UpdateTableInput {
            table_name: "things".into(),
            stream_specification: Some(specification),
            ..Default::default()
        };
        let done = self.testing.call::<UpdateTable>(input).await?;
        Ok(done.table_description.unwrap())
    }

    async fn describe(&self) -> Result<StreamDescription> {
        let input = DescribeStreamInput { stream_arn: self.arn.clone(), ..Default::default() };
        let done = self.testing.call::<DescribeStream>(input).await?;
        Ok(done.stream_description.unwrap())
    }

    async fn shards(&self) -> Vec<Shard> {
        self.describe().await.unwrap().shards.unwrap()
    }

    async fn iterator(&self, shard: &Shard, kind: ShardIteratorType, at: Option<&str>) -> String {
        self.try_iterator(shard, kind, at).await.unwrap()
    }

    async fn try_iterator(
        &self,
        shard: &Shard,
        kind: ShardIteratorType,
        at: Option<&str>,
    ) -> Result<String> {
        let input = GetShardIteratorInput {
            stream_arn: self.arn.clone(),
            shard_id: shard.shard_id.clone().unwrap(),
            shard_iterator_type: kind,
            sequence_number: at.map(str::to_owned),
            timestamp: None,
        };
        let done = self.testing.call::<GetShardIterator>(input).await?;
        Ok(done.shard_iterator.unwrap())
    }

    async fn read(&self, iterator: &str, limit: Option<i32>) -> Result<GetRecordsOutput> {
        let input = GetRecordsInput { shard_iterator: iterator.to_owned(), limit };
        self.testing.call::<GetRecords>(input).await
    }

    /// All records of the newest shard, from the oldest on.
    async fn records(&self) -> Vec<Record> {
        let shards = self.shards().await;
        self.records_of(shards.last().unwrap()).await
    }

    async fn records_of(&self, shard: &Shard) -> Vec<Record> {
        let iterator = self.iterator(shard, ShardIteratorType::TrimHorizon, None).await;
        self.read(&iterator, None).await.unwrap().records.unwrap()
    }

    /// Has old records forgotten now.
    async fn trim(&self) {
        let now = self.testing.cx.now();
        trim::walk(self.testing.cx.store(), &self.arn.parse().unwrap(), now).await.unwrap();
    }
}

async fn describe_table(testing: &Testing) -> TableDescription {
    let input = DescribeTableInput { table_name: "things".into() };
    testing.call::<DescribeTable>(input).await.unwrap().table.unwrap()
}

fn number(record: &Record) -> &str {
    record.dynamodb.as_ref().unwrap().sequence_number.as_deref().unwrap()
}

/// What happened, to which item, and the images.
type Told = (OperationType, Item, Option<Item>, Option<Item>);

fn told(record: &Record) -> Told {
    let told = record.dynamodb.clone().unwrap();
    let image = |image: Option<cumulet_attribute::Attributes>| image.map(|image| image.0.unwrap());
    let key = image(told.keys).unwrap();
    (record.event_name.unwrap(), key, image(told.old_image), image(told.new_image))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_told_once_in_order_with_the_images_of_the_view() {
    use OperationType::{Insert, Modify, Remove};
    let key = || item(&[("pk", "a"), ("sk", "1")]);
    let first = || item(&[("pk", "a"), ("sk", "1"), ("x", "1")]);
    let second = || item(&[("pk", "a"), ("sk", "1"), ("y", "22")]);
    let changes = [
        (Insert, None, Some(first())),
        (Modify, Some(first()), Some(second())),
        (Remove, Some(second()), None),
    ];
    for view in View::ALL {
        let streamed = Streamed::new(view).await;
        streamed.put(&[("pk", "a"), ("sk", "1"), ("x", "1")]).await;
        // The same again is no change, nor is removing what is not there.
        streamed.put(&[("pk", "a"), ("sk", "1.0"), ("x", "1")]).await;
        streamed.put(&[("pk", "a"), ("sk", "1"), ("y", "22")]).await;
        streamed.delete("1").await;
        streamed.delete("1").await;
        let records = streamed.records().await;
        let seen: Vec<Told> = records.iter().map(told).collect();
        let expected = changes.clone().map(|(event, old, new)| {
            let old = old.filter(|_| view.has_old());
            (event, key(), old, new.filter(|_| view.has_new()))
        });
        assert_eq!(seen, expected, "{view:?}");
        for (place, record) in records.iter().enumerate() {
            let told = record.dynamodb.as_ref().unwrap();
            assert_eq!(number(record), super::sequence(place as u64 + 1));
            assert_eq!(record.event_version.as_deref(), Some("1.1"));
            assert_eq!(record.event_source.as_deref(), Some("aws:dynamodb"));
            assert_eq!(record.aws_region.as_deref(), Some("eu-central-1"));
            assert!(record.user_identity.is_none());
            assert_eq!(told.stream_view_type.unwrap().as_str(), view.as_str());
            assert_eq!(told.approximate_creation_date_time, Some(streamed.testing.cx.now()));
            // pk, sk, x and their values: 4 + 3 + 3 bytes.
            let (old, new) = (told.old_image.is_some(), told.new_image.is_some());
            let images = usize::from(old) + usize::from(new);
            let size = 2 + 1 + 2 + 2 + images * (2 + 1 + 2 + 2 + 1 + 2);
            assert_eq!(told.size_bytes, Some(size as i64), "{record:?}");
        }
        let ids: BTreeMap<_, _> = records.iter().map(|r| (r.event_id.clone(), r)).collect();
        assert_eq!(ids.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_told_whole_and_a_failed_one_not_at_all() {
    let streamed = Streamed::new(View::KeysOnly).await;
    streamed.put_number(1).await;
    let put = |sk: &str, condition: Option<&str>| TransactWriteItem {
        put: Some(Put {
            table_name: "things".into(),
            item: attributes(&[("pk", "a"), ("sk", sk)]),
            condition_expression: condition.map(str::to_owned),
            ..Default::default()
        }),
        ..Default::default()
    };
    let delete = TransactWriteItem {
        delete: Some(Delete {
            table_name: "things".into(),
            key: attributes(&[("pk", "a"), ("sk", "1")]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let run = async |transact_items| {
        let input = TransactWriteItemsInput { transact_items, ..Default::default() };
        streamed.testing.call::<TransactWriteItems>(input).await
    };
    let failing = vec![put("2", None), put("1", Some("attribute_not_exists(pk)"))];
    assert_eq!(run(failing).await.unwrap_err().code, "TransactionCanceledException");
    run(vec![put("2", None), delete, put("3", None)]).await.unwrap();
    let records = streamed.records().await;
    let events: Vec<_> = records.iter().map(|record| record.event_name.unwrap().as_str()).collect();
    assert_eq!(events, ["INSERT", "INSERT", "REMOVE", "INSERT"]);
    assert_eq!(number(&records[3]), super::sequence(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_once_leave_no_gap_and_keep_the_order_of_each_item() {
    let streamed = Streamed::new(View::NewAndOldImages).await;
    let (writers, writes) = (8, 40);
    let streamed = &streamed;
    let write = |writer: usize| async move {
        for n in 0..writes {
            // Two writers an item.
            let pairs = [("pk", "a"), ("sk", &*(writer / 2).to_string())];
            let value = format!("{writer}-{n}");
            streamed.put(&[pairs[0], pairs[1], ("v", &value)]).await;
        }
    };
    tokio::join!(write(0), write(1), write(2), write(3), write(4), write(5), write(6), write(7));
    let records = streamed.records().await;
    assert_eq!(records.len(), writers * writes);
    let mut latest = BTreeMap::<String, Option<Item>>::new();
    for (place, record) in records.iter().enumerate() {
        assert_eq!(number(record), super::sequence(place as u64 + 1));
        let (_, key, old, new) = told(record);
        let before = latest.insert(format!("{key:?}"), new);
        assert_eq!(old, before.flatten(), "an item's changes follow each other");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn iterators_of_each_type_begin_where_they_say() {
    let streamed = Streamed::new(View::KeysOnly).await;
    let shard = streamed.shards().await.remove(0);
    let before = streamed.iterator(&shard, ShardIteratorType::Latest, None).await;
    for n in 0..5 {
        streamed.put_number(n).await;
    }
    let read = async |kind, at: Option<&str>| {
        let iterator = streamed.iterator(&shard, kind, at).await;
        let records = streamed.read(&iterator, None).await.unwrap().records.unwrap();
        records.iter().map(|record| number(record).to_owned()).collect::<Vec<_>>()
    };
    let all: Vec<String> = (1..=5).map(super::sequence).collect();
    let start = shard.sequence_number_range.as_ref().unwrap().starting_sequence_number.clone();
    assert_eq!(start.as_deref(), Some(&*all[0]));
    assert_eq!(read(ShardIteratorType::TrimHorizon, None).await, all);
    assert_eq!(read(ShardIteratorType::AtSequenceNumber, Some(&all[2])).await, all[2..]);
    assert_eq!(read(ShardIteratorType::AfterSequenceNumber, Some(&all[2])).await, all[3..]);
    assert_eq!(read(ShardIteratorType::AfterSequenceNumber, Some(&all[4])).await, all[5..]);
    assert!(read(ShardIteratorType::Latest, None).await.is_empty());
    // An iterator of before the writes finds them all, page by page.
    let mut seen = Vec::new();
    let mut iterator = before;
    for expected in [2, 2, 1, 0] {
        let page = streamed.read(&iterator, Some(2)).await.unwrap();
        let records = page.records.unwrap();
        assert_eq!(records.len(), expected);
        seen.extend(records.iter().map(|record| number(record).to_owned()));
        iterator = page.next_shard_iterator.unwrap();
    }
    assert_eq!(seen, all);
    for (kind, at) in [
        (ShardIteratorType::AtSequenceNumber, None),
        (ShardIteratorType::Latest, Some(&*all[0])),
        (ShardIteratorType::TrimHorizon, Some(&*all[0])),
        (ShardIteratorType::AtSequenceNumber, Some("000000000000000000001")),
        (ShardIteratorType::AtSequenceNumber, Some("100000000000000000099")),
        (ShardIteratorType::AtTimestamp, None),
    ] {
        let error = streamed.try_iterator(&shard, kind, at).await.unwrap_err();
        assert_eq!(error.code, "ValidationException", "{kind:?} {at:?}");
    }
    let foreign = Shard { shard_id: Some("s".repeat(40)), ..shard.clone() };
    let error = streamed.try_iterator(&foreign, ShardIteratorType::Latest, None).await;
    assert_eq!(error.unwrap_err().code, "ResourceNotFoundException");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_finds_the_first_record_of_it() {
    let streamed = Streamed::new(View::KeysOnly).await;
    let began = streamed.testing.cx.now();
    for n in 0..6 {
        streamed.put_number(n).await;
        streamed.testing.clock.advance(Duration::from_secs(10));
    }
    let shard = streamed.shards().await.remove(0);
    for (seconds, first) in [(0, 1), (1, 2), (10, 2), (41, 6), (50, 6), (51, 7), (500, 7)] {
        let input = GetShardIteratorInput {
            stream_arn: streamed.arn.clone(),
            shard_id: shard.shard_id.clone().unwrap(),
            shard_iterator_type: ShardIteratorType::AtTimestamp,
            timestamp: Some(began.after(Duration::from_secs(seconds))),
            sequence_number: None,
        };
        let found = streamed.testing.call::<GetShardIterator>(input).await.unwrap();
        let page = streamed.read(&found.shard_iterator.unwrap(), None).await.unwrap();
        let records = page.records.unwrap();
        let expected: Vec<String> = (first..=6).map(super::sequence).collect();
        let seen: Vec<&str> = records.iter().map(number).collect();
        assert_eq!(seen, expected, "{seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn iterators_end_after_a_quarter_of_an_hour_and_are_nobody_elses() {
    let streamed = Streamed::new(View::KeysOnly).await;
    let shard = streamed.shards().await.remove(0);
    let iterator = streamed.iterator(&shard, ShardIteratorType::TrimHorizon, None).await;
    streamed.testing.clock.advance(Duration::from_secs(15 * 60));
    let next = streamed.read(&iterator, None).await.unwrap().next_shard_iterator.unwrap();
    streamed.testing.clock.advance(Duration::from_secs(1));
    let expired = streamed.read(&iterator, None).await.unwrap_err();
    assert_eq!(expired.code, "ExpiredIteratorException");
    assert_eq!(expired.message, "Shard iterator has expired");
    streamed.read(&next, None).await.unwrap();
    // The place of one stream's iterator under another's name.
    let (arn, place) = next.split_once('|').unwrap();
    let other = arn.replace("things", "others");
    for wrong in [format!("{other}|{place}"), format!("{next}A"), "x".into(), arn.to_owned()] {
        let error = streamed.read(&wrong, None).await.unwrap_err();
        assert_eq!(
            (&*error.code, &*error.message),
            ("ValidationException", "Invalid ShardIterator")
        );
    }
    let error = streamed.read(&next, Some(1001)).await.unwrap_err();
    assert_eq!(error.code, "ValidationException");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_gives_way_to_its_child_after_four_hours() {
    let streamed = Streamed::new(View::KeysOnly).await;
    let parent = streamed.shards().await.remove(0);
    let early = streamed.iterator(&parent, ShardIteratorType::Latest, None).await;
    streamed.put_number(1).await;
    streamed.put_number(2).await;
    streamed.testing.clock.advance(HOUR * 4);
    streamed.put_number(3).await;
    let shards = streamed.shards().await;
    assert_eq!(shards.len(), 2);
    let range = |shard: &Shard| {
        let range = shard.sequence_number_range.clone().unwrap();
        (range.starting_sequence_number.unwrap(), range.ending_sequence_number)
    };
    assert_eq!(range(&shards[0]), (super::sequence(1), Some(super::sequence(2))));
    assert_eq!(range(&shards[1]), (super::sequence(3), None));
    assert_eq!(shards[0].parent_shard_id, None);
    assert_eq!(shards[1].parent_shard_id, shards[0].shard_id);
    assert!(shards[0].shard_id < shards[1].shard_id);
    assert_eq!(streamed.records_of(&shards[0]).await.len(), 2);
    assert_eq!(streamed.records_of(&shards[1]).await.len(), 1);
    // Nothing is read beyond the end, and the end is seen.
    assert_eq!(streamed.read(&early, None).await.unwrap_err().code, "ExpiredIteratorException");
    let start = range(&parent).0;
    let at = streamed.iterator(&parent, ShardIteratorType::AtSequenceNumber, Some(&start)).await;
    let page = streamed.read(&at, Some(1)).await.unwrap();
    let page = streamed.read(&page.next_shard_iterator.unwrap(), Some(1)).await.unwrap();
    assert_eq!((page.records.unwrap().len(), page.next_shard_iterator), (1, None));
    let latest = streamed.iterator(&parent, ShardIteratorType::Latest, None).await;
    let page = streamed.read(&latest, None).await.unwrap();
    assert_eq!((page.records.unwrap().len(), page.next_shard_iterator), (0, None));
    // Pages, and the children alone.
    let describe = async |input: DescribeStreamInput| {
        let input = DescribeStreamInput { stream_arn: streamed.arn.clone(), ..input };
        let done = streamed.testing.call::<DescribeStream>(input).await.unwrap();
        let described = done.stream_description.unwrap();
        let ids = described.shards.unwrap().into_iter().map(|shard| shard.shard_id.unwrap());
        (ids.collect::<Vec<_>>(), described.last_evaluated_shard_id)
    };
    let ids: Vec<String> = shards.iter().map(|shard| shard.shard_id.clone().unwrap()).collect();
    let page = describe(DescribeStreamInput { limit: Some(1), ..Default::default() }).await;
    assert_eq!(page, (vec![ids[0].clone()], Some(ids[0].clone())));
    let exclusive_start_shard_id = page.1;
    let page = describe(DescribeStreamInput { exclusive_start_shard_id, ..Default::default() });
    assert_eq!(page.await, (vec![ids[1].clone()], None));
    for (parent, children) in [(&ids[0], vec![ids[1].clone()]), (&ids[1], vec![])] {
        let r#type = Some(ShardFilterType::ChildShards);
        let shard_filter = Some(ShardFilter { r#type, shard_id: Some(parent.clone()) });
        let page = describe(DescribeStreamInput { shard_filter, ..Default::default() }).await;
        assert_eq!(page, (children, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_forgotten_after_a_day_and_their_shards() {
    let streamed = Streamed::new(View::KeysOnly).await;
    let first = streamed.shards().await.remove(0);
    streamed.put_number(1).await;
    streamed.testing.clock.advance(HOUR);
    streamed.put_number(2).await;
    streamed.testing.clock.advance(HOUR * 4);
    streamed.put_number(3).await;
    streamed.testing.clock.advance(HOUR * 18 + HOUR / 2);
    streamed.put_number(4).await;
    // A day after the first record it goes; the rest of its shard stays.
    streamed.testing.clock.advance(Duration::from_secs(29 * 60));
    let early = streamed.iterator(&first, ShardIteratorType::TrimHorizon, None).await;
    streamed.trim().await;
    streamed.read(&early, None).await.unwrap();
    streamed.testing.clock.advance(Duration::from_secs(60));
    streamed.trim().await;
    let trimmed = streamed.read(&early, None).await.unwrap_err();
    assert_eq!(trimmed.code, "TrimmedDataAccessException");
    assert_eq!(trimmed.message, "The data you are trying to access has been trimmed");
    let number_one = super::sequence(1);
    let at =
        streamed.try_iterator(&first, ShardIteratorType::AtSequenceNumber, Some(&number_one)).await;
    assert_eq!(at.unwrap_err().code, "TrimmedDataAccessException");
    assert_eq!(number(&streamed.records_of(&first).await[0]), super::sequence(2));
    // Five hours later the shard is gone, whose end is a day ago.
    streamed.testing.clock.advance(HOUR * 5);
    streamed.trim().await;
    let shards = streamed.shards().await;
    assert_eq!(shards.len(), 3, "{shards:?}");
    assert_eq!(shards[0].parent_shard_id, first.shard_id);
    let gone = streamed.try_iterator(&first, ShardIteratorType::TrimHorizon, None).await;
    assert_eq!(gone.unwrap_err().code, "ResourceNotFoundException");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_background_work_forgets_and_closes_by_itself() {
    let streamed = Streamed::new(View::KeysOnly).await;
    streamed.put_number(1).await;
    streamed.testing.clock.advance(HOUR * 4);
    let rolled = async || streamed.shards().await.len() == 2;
    streamed.testing.until(rolled).await;
    streamed.testing.clock.advance(HOUR * 25);
    let forgotten = async || streamed.shards().await.len() == 1;
    streamed.testing.until(forgotten).await;
    // An empty shard stays as it is.
    assert!(streamed.records().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_off_is_read_for_a_day() {
    let streamed = Streamed::new(View::KeysOnly).await;
    streamed.put_number(1).await;
    let table = streamed.update(off()).await.unwrap();
    assert!(table.stream_specification.is_none());
    assert_eq!(table.latest_stream_arn.as_ref(), Some(&streamed.arn));
    let again = streamed.update(off()).await.unwrap_err();
    assert_eq!(again.message, "Table has no stream to disable: TableName: things");
    streamed.put_number(2).await;
    let described = streamed.describe().await.unwrap();
    assert_eq!(described.stream_status, Some(StreamStatus::Disabled));
    let shard = &described.shards.unwrap()[0];
    let iterator = streamed.iterator(shard, ShardIteratorType::TrimHorizon, None).await;
    let page = streamed.read(&iterator, None).await.unwrap();
    assert_eq!((page.records.unwrap().len(), page.next_shard_iterator), (1, None));
    // The next stream is another one, even at the same moment.
    let table = streamed.update(specification(View::NewImage)).await.unwrap();
    let arn = table.latest_stream_arn.clone().unwrap();
    assert_ne!(arn, streamed.arn);
    let again = streamed.update(specification(View::NewImage)).await.unwrap_err();
    assert_eq!(again.message, "Table already has an enabled stream: TableName: things");
    assert_eq!(again.code, "ValidationException");
    let list = async |input: ListStreamsInput| {
        let streams = streamed.testing.call::<ListStreams>(input).await.unwrap();
        let arns = streams.streams.unwrap().into_iter().map(|stream| stream.stream_arn.unwrap());
        (arns.collect::<Vec<_>>(), streams.last_evaluated_stream_arn)
    };
    let both = vec![streamed.arn.clone(), arn.clone()];
    assert_eq!(list(ListStreamsInput::default()).await, (both, None));
    let table_name = Some("things".to_owned());
    let first = list(ListStreamsInput { table_name, limit: Some(1), ..Default::default() }).await;
    assert_eq!(first, (vec![streamed.arn.clone()], Some(streamed.arn.clone())));
    let exclusive_start_stream_arn = first.1;
    let rest = ListStreamsInput { exclusive_start_stream_arn, ..Default::default() };
    assert_eq!(list(rest).await, (vec![arn.clone()], None));
    // A day later the first is gone, as if it had never been.
    streamed.testing.clock.advance(HOUR * 24);
    streamed.trim().await;
    assert_eq!(streamed.describe().await.unwrap_err().code, "ResourceNotFoundException");
    assert_eq!(list(ListStreamsInput::default()).await, (vec![arn], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_stream_that_is_gone_are_not_waited_for() {
    let streamed = Streamed::new(View::KeysOnly).await;
    streamed.put_number(1).await;
    let (store, name) = (streamed.testing.cx.store(), streamed.arn.parse::<StreamName>().unwrap());
    let gone = async |tx: cumulet_store::Tx| {
        tx.delete(name.info());
        Ok::<_, cumulet_store::StoreError>(())
    };
    store.transact(gone).await.unwrap();
    streamed.testing.clock.advance(HOUR * 25);
    let now = streamed.testing.cx.now();
    let walk = tokio::time::timeout(Duration::from_secs(30), trim::walk(store, &name, now)).await;
    assert_eq!(walk.unwrap().unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_table_leaves_its_stream_for_a_day() {
    let streamed = Streamed::new(View::KeysOnly).await;
    streamed.put_number(1).await;
    let input = DeleteTableInput { table_name: "things".into() };
    streamed.testing.call::<DeleteTable>(input).await.unwrap();
    assert_eq!(streamed.describe().await.unwrap().stream_status, Some(StreamStatus::Disabled));
    assert_eq!(streamed.records().await.len(), 1);
    streamed.testing.table("things", CreateTableInput::default()).await;
    assert_eq!(describe_table(&streamed.testing).await.latest_stream_arn, None);
    streamed.testing.clock.advance(HOUR * 24);
    streamed.trim().await;
    assert_eq!(streamed.describe().await.unwrap_err().code, "ResourceNotFoundException");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_to_live_removes_as_the_service_itself() {
    let streamed = Streamed::new(View::OldImage).await;
    let now = streamed.testing.cx.now().secs();
    streamed.put(&[("pk", "a"), ("sk", "1"), ("ends", &(now + 60).to_string())]).await;
    let input = UpdateTimeToLiveInput {
        table_name: "things".into(),
        time_to_live_specification: TimeToLiveSpecification {
            enabled: true,
            attribute_name: "ends".into(),
        },
    };
    streamed.testing.call::<UpdateTimeToLive>(input).await.unwrap();
    streamed.testing.clock.advance(Duration::from_secs(600));
    streamed.testing.until(async || streamed.records().await.len() == 2).await;
    let record = &streamed.records().await[1];
    assert_eq!(record.event_name, Some(OperationType::Remove));
    let identity = record.user_identity.clone().unwrap();
    assert_eq!(identity.r#type.as_deref(), Some("Service"));
    assert_eq!(identity.principal_id.as_deref(), Some("dynamodb.amazonaws.com"));
    assert!(record.dynamodb.as_ref().unwrap().old_image.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_a_megabyte_and_pages_have_everything() {
    let streamed = Streamed::new(View::NewImage).await;
    let large = "x".repeat(300_000);
    for n in 0..7 {
        streamed.put(&[("pk", "a"), ("sk", &n.to_string()), ("v", &large)]).await;
    }
    let shard = streamed.shards().await.remove(0);
    let mut iterator = streamed.iterator(&shard, ShardIteratorType::TrimHorizon, None).await;
    for expected in [3, 3, 1, 0] {
        let page = streamed.read(&iterator, None).await.unwrap();
        assert_eq!(page.records.unwrap().len(), expected);
        iterator = page.next_shard_iterator.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_refused() {
    let streamed = Streamed::new(View::KeysOnly).await;
    let describe = async |stream_arn: String| {
        let input = DescribeStreamInput { stream_arn, ..Default::default() };
        streamed.testing.call::<DescribeStream>(input).await.unwrap_err()
    };
    let gone = streamed.arn.replace("things", "others");
    let error = describe(gone.clone()).await;
    assert_eq!(error.code, "ResourceNotFoundException");
    assert_eq!(error.message, format!("Requested resource not found: Stream: {gone} not found"));
    assert_eq!(describe("x".repeat(40)).await.code, "ValidationException");
    let input = ListStreamsInput { limit: Some(101), ..Default::default() };
    let error = streamed.testing.call::<ListStreams>(input).await.unwrap_err();
    assert_eq!(error.code, "ValidationException");
    let input = ListStreamsInput { table_name: Some("others".into()), ..Default::default() };
    let none = streamed.testing.call::<ListStreams>(input).await.unwrap();
    assert!(none.streams.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_woken_by_its_streams_records_alone() {
    let streamed = Streamed::new(View::KeysOnly).await;
    let cx = &streamed.testing.cx;
    let mut watch = cx.watch(&streamed.arn.parse().unwrap()).unwrap();
    let before = watch.version();
    streamed.testing.table("others", CreateTableInput::default()).await;
    assert_eq!(watch.version(), before);
    streamed.put(&[("pk", "a"), ("sk", "1")]).await;
    let woken = tokio::time::timeout(Duration::from_secs(30), watch.changed()).await;
    assert!(woken.unwrap().unwrap() > before);
    // A stream that is not there yet, and something that is no stream.
    let other = streamed.arn.replace("things", "nobodys");
    assert!(cx.watch(&other.parse().unwrap()).is_some());
    assert!(cx.watch(&"arn:aws:s3:::b".parse().unwrap()).is_none());
}
