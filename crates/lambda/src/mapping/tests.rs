//! Mappings over a stream that does what DynamoDB's do only after hours: shards that give way,
//! records that are forgotten, iterators that end. That the real ones are read is seen in
//! `tests/clients/test_lambda_events.py`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cumulet_api_dynamodbstreams::errors::{
    ExpiredIteratorException, ResourceNotFoundException, TrimmedDataAccessException,
};
use cumulet_api_dynamodbstreams::ops::{
    DescribeStream, DescribeStreamInput, DescribeStreamOutput, GetRecords, GetRecordsInput,
    GetRecordsOutput, GetShardIterator, GetShardIteratorInput, GetShardIteratorOutput,
};
use cumulet_api_dynamodbstreams::types::{
    Record, Shard, ShardIteratorType, StreamDescription, StreamRecord,
};
use cumulet_api_lambda::ops::{
    CreateEventSourceMapping, CreateEventSourceMappingRequest, GetEventSourceMapping,
    GetEventSourceMappingRequest, UpdateEventSourceMapping, UpdateEventSourceMappingRequest,
};
use cumulet_api_lambda::types::EventSourcePosition;
use cumulet_base::{Arn, Clock as _, SystemClock, Timestamp};
use cumulet_service::{Access, Cx, Error, Handle, Result, Service, operations};
use cumulet_shape::ServiceMeta;
use cumulet_store::{Key, StoreError, Tx};

use crate::testing::TestCloud;

const STREAM: &str =
    "arn:aws:dynamodb:eu-west-1:000000000000:table/t/stream/2026-01-01T00:00:00.000";
const NOTES_NUMBERS: &str = "def handler(event, context):\n    \
                             note([int(r['dynamodb']['SequenceNumber']) for r in event['Records']])\n";

#[derive(Default)]
struct Told {
    /// The shards, oldest first: their first numbers.
    shards: Vec<u64>,
    records: Vec<(u64, Timestamp)>,
    /// Older ones are forgotten.
    kept: u64,
    /// Iterators of an earlier age have ended.
    age: u64,
    gone: bool,
}

/// The service `dynamodbstreams`, with one stream.
#[derive(Default)]
struct Streams(Mutex<Told>);

fn shard_id(number: usize) -> String {
    format!("shardId-{number:020}-00000000")
}

impl Streams {
    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.0.lock().unwrap()
    }

    /// Changes the stream, and wakes who reads it.
    async fn change(&self, cx: &Cx, change: impl FnOnce(&mut Told)) {
        change(&mut self.told());
        let touch = |tx: Tx| async move {
            tx.put(feed(), "");
            Ok::<_, StoreError>(())
        };
        cx.store().transact(touch).await.unwrap();
    }

    async fn add(&self, cx: &Cx, number: u64, at: Timestamp) {
        self.change(cx, |told| told.records.push((number, at))).await;
    }
}

fn feed() -> Key {
    Key::global("test").text("feed")
}

impl Told {
    fn first_of(&self, shard: &str) -> Option<(usize, u64)> {
        let number = (0..self.shards.len()).find(|number| shard_id(*number) == shard)?;
        Some((number, self.shards[number]))
    }

    fn end_of(&self, shard: usize) -> Option<u64> {
        self.shards.get(shard + 1).copied()
    }
}

impl Service for Streams {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_dynamodbstreams::SERVICE
    }

    fn feed(&self, arn: &Arn) -> Option<Key> {
        (arn.as_str() == STREAM).then(feed)
    }

    operations![DescribeStream, GetRecords, GetShardIterator];
}

impl Handle<DescribeStream> for Streams {
    async fn access(&self, _: &Cx, _: &DescribeStreamInput) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn handle(&self, _: &Cx, input: DescribeStreamInput) -> Result<DescribeStreamOutput> {
        let told = self.told();
        if told.gone {
            return Err(Error::modeled::<ResourceNotFoundException>("no stream"));
        }
        let after = input.exclusive_start_shard_id.unwrap_or_default();
        let ids = (0..told.shards.len()).map(shard_id).filter(|id| *id > after);
        let shard = |id| Shard { shard_id: Some(id), ..Shard::default() };
        let stream_description = Some(StreamDescription {
            shards: Some(ids.take(1).map(shard).collect()),
            ..StreamDescription::default()
        });
        Ok(DescribeStreamOutput { stream_description })
    }
}

impl Handle<GetShardIterator> for Streams {
    async fn access(&self, _: &Cx, _: &GetShardIteratorInput) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn handle(&self, _: &Cx, input: GetShardIteratorInput) -> Result<GetShardIteratorOutput> {
        let told = self.told();
        let found = told.first_of(&input.shard_id).filter(|_| !told.gone);
        let (shard, first) =
            found.ok_or_else(|| Error::modeled::<ResourceNotFoundException>("no shard"))?;
        let place = match input.shard_iterator_type {
            ShardIteratorType::TrimHorizon => first.max(told.kept),
            ShardIteratorType::AtTimestamp => {
                let since = input.timestamp.unwrap();
                let found = told.records.iter().find(|(_, at)| *at >= since);
                let next = told.records.last().map_or(1, |(last, _)| last + 1);
                found.map_or(next, |(number, _)| *number)
            }
            _ => {
                let after: u64 = input.sequence_number.unwrap().parse().unwrap();
                if after < told.kept {
                    return Err(Error::modeled::<TrimmedDataAccessException>("trimmed"));
                }
                after + 1
            }
        };
        let iterator = format!("{} {shard} {place}", told.age);
        Ok(GetShardIteratorOutput { shard_iterator: Some(iterator) })
    }
}

impl Handle<GetRecords> for Streams {
    async fn access(&self, _: &Cx, _: &GetRecordsInput) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn handle(&self, _: &Cx, input: GetRecordsInput) -> Result<GetRecordsOutput> {
        let told = self.told();
        let parts: Vec<u64> =
            input.shard_iterator.split(' ').map(|part| part.parse().unwrap()).collect();
        let [age, shard, place] = parts[..] else { panic!("{}", input.shard_iterator) };
        if age < told.age {
            return Err(Error::modeled::<ExpiredIteratorException>("expired"));
        }
        if place < told.kept {
            return Err(Error::modeled::<TrimmedDataAccessException>("trimmed"));
        }
        let end = told.end_of(usize::try_from(shard).unwrap());
        let is_here = |number: u64| number >= place && end.is_none_or(|end| number < end);
        let found = told.records.iter().filter(|(number, _)| is_here(*number));
        let records: Vec<Record> = found
            .map(|(number, at)| Record {
                dynamodb: Some(StreamRecord {
                    sequence_number: Some(format!("{number:021}")),
                    approximate_creation_date_time: Some(*at),
                    ..StreamRecord::default()
                }),
                ..Record::default()
            })
            .collect();
        let next = told.records.last().map_or(1, |(last, _)| last + 1).max(place);
        let next = end.is_none().then(|| format!("{age} {shard} {next}"));
        Ok(GetRecordsOutput { records: Some(records), next_shard_iterator: next })
    }
}

async fn cloud(text: &str) -> (TestCloud, Arc<Streams>) {
    let streams = Arc::new(Streams::default());
    streams.told().shards.push(1);
    let cloud = TestCloud::start_with(Arc::new(SystemClock), vec![streams.clone()]).await;
    cloud.function(text).await;
    (cloud, streams)
}

async fn map(cloud: &TestCloud, more: CreateEventSourceMappingRequest) -> String {
    let input = CreateEventSourceMappingRequest {
        function_name: "f".to_owned(),
        event_source_arn: Some(STREAM.to_owned()),
        starting_position: more.starting_position.or(Some(EventSourcePosition::TrimHorizon)),
        ..more
    };
    cloud.cx.call::<CreateEventSourceMapping>(input).await.unwrap().uuid.unwrap()
}

async fn enable(cloud: &TestCloud, uuid: &str, enabled: bool) {
    let input = UpdateEventSourceMappingRequest {
        uuid: uuid.to_owned(),
        enabled: Some(enabled),
        ..UpdateEventSourceMappingRequest::default()
    };
    cloud.cx.call::<UpdateEventSourceMapping>(input).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_goes_on_over_shards_ended_iterators_and_forgotten_records() {
    let (cloud, streams) = cloud(NOTES_NUMBERS).await;
    let (cx, now) = (&cloud.cx, SystemClock.now());
    for number in 1..=3 {
        streams.add(cx, number, now).await;
    }
    let blank = CreateEventSourceMappingRequest::default();
    let uuid = map(&cloud, CreateEventSourceMappingRequest { batch_size: Some(2), ..blank }).await;
    cloud.until_noted(&["[1, 2]", "[3]"]).await;
    streams.told().age += 1;
    streams.add(cx, 4, now).await;
    cloud.until_noted(&["[1, 2]", "[3]", "[4]"]).await;
    // One shard more, of which the first record is not yet there.
    streams.change(cx, |told| told.shards.push(5)).await;
    streams.add(cx, 5, now).await;
    cloud.until_noted(&["[1, 2]", "[3]", "[4]", "[5]"]).await;
    enable(&cloud, &uuid, false).await;
    for number in 6..=8 {
        streams.add(cx, number, now).await;
    }
    streams.change(cx, |told| told.kept = 8).await;
    enable(&cloud, &uuid, true).await;
    cloud.until_noted(&["[1, 2]", "[3]", "[4]", "[5]", "[8]"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_begins_where_it_is_told_to() {
    let (cloud, streams) = cloud(NOTES_NUMBERS).await;
    let cx = &cloud.cx;
    let before = Timestamp::from_millis(SystemClock.now().millis() - 10_000);
    streams.add(cx, 1, before).await;
    streams.change(cx, |told| told.shards.push(2)).await;
    streams.add(cx, 2, before).await;
    let latest = CreateEventSourceMappingRequest {
        starting_position: Some(EventSourcePosition::Latest),
        ..CreateEventSourceMappingRequest::default()
    };
    map(&cloud, latest).await;
    streams.add(cx, 3, SystemClock.now()).await;
    cloud.until_noted(&["[3]"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_too_old_are_left_out() {
    let (cloud, streams) = cloud(NOTES_NUMBERS).await;
    let now = SystemClock.now();
    let old = Timestamp::from_millis(now.millis() - 100_000);
    for (number, at) in [(1, old), (2, old), (3, now)] {
        streams.add(&cloud.cx, number, at).await;
    }
    let young = CreateEventSourceMappingRequest {
        maximum_record_age_in_seconds: Some(60),
        ..CreateEventSourceMappingRequest::default()
    };
    map(&cloud, young).await;
    cloud.until_noted(&["[3]"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_the_stream_is_told_and_gone_through() {
    let (cloud, streams) = cloud(NOTES_NUMBERS).await;
    let cx = &cloud.cx;
    let uuid = map(&cloud, CreateEventSourceMappingRequest::default()).await;
    let result = async || {
        let input = GetEventSourceMappingRequest { uuid: uuid.clone() };
        cx.call::<GetEventSourceMapping>(input).await.unwrap().last_processing_result.unwrap()
    };
    let until = async |wanted: &str| {
        for _ in 0..3_000 {
            if result().await == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{}, and not {wanted}", result().await);
    };
    until("No records processed").await;
    streams
        .change(cx, |told| {
            told.gone = true;
            told.age += 1;
        })
        .await;
    until("PROBLEM: no stream").await;
    streams.change(cx, |told| told.gone = false).await;
    streams.add(cx, 1, SystemClock.now()).await;
    until("OK").await;
    assert_eq!(cloud.noted(), ["[1]"]);
}
