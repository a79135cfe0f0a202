//! The service as a whole, in this process.

use std::collections::BTreeMap;
use std::time::Duration;

use cumulet_api_logs::ops::{
    CreateLogGroup, CreateLogGroupRequest, CreateLogStream, CreateLogStreamRequest, DeleteLogGroup,
    DeleteLogGroupRequest, DeleteLogStream, DeleteLogStreamRequest, DescribeLogGroups,
    DescribeLogGroupsRequest, DescribeLogStreams, DescribeLogStreamsRequest, FilterLogEvents,
    FilterLogEventsRequest, GetLogEvents, GetLogEventsRequest, PutLogEvents, PutLogEventsRequest,
    PutRetentionPolicy, PutRetentionPolicyRequest,
};
use cumulet_api_logs::types::{InputLogEvent, LogStream, OrderBy};
use cumulet_base::{AccountId, Timestamp};
use cumulet_service::{Changed, Desired, LogLine};
use cumulet_store::{Direction, Key, Read as _};
use serde_json::{Map, Value, json};

use crate::testing::{Fixture, NOW, eventually, run_cases};

#[tokio::test]
async fn wire_cases() {
    run_cases(include_str!("../tests/wire/groups.md")).await;
    run_cases(include_str!("../tests/wire/events.md")).await;
    run_cases(include_str!("../tests/wire/tags.md")).await;
}

impl Fixture {
    async fn group(&self, name: &str) {
        let log_group_name = name.to_owned();
        let request = CreateLogGroupRequest { log_group_name, ..Default::default() };
        self.call::<CreateLogGroup>(request).await.unwrap();
    }

    async fn stream(&self, group: &str, name: &str) {
        let (log_group_name, log_stream_name) = (group.to_owned(), name.to_owned());
        let request = CreateLogStreamRequest { log_group_name, log_stream_name };
        self.call::<CreateLogStream>(request).await.unwrap();
    }

    async fn put(&self, group: &str, stream: &str, events: &[(i64, &str)]) {
        let event = |(timestamp, message): &(i64, &str)| InputLogEvent {
            timestamp: *timestamp,
            message: (*message).to_owned(),
        };
        let request = PutLogEventsRequest {
            log_group_name: group.to_owned(),
            log_stream_name: stream.to_owned(),
            log_events: events.iter().map(event).collect(),
            ..Default::default()
        };
        self.call::<PutLogEvents>(request).await.unwrap();
    }

    async fn filter(&self, request: FilterLogEventsRequest) -> (Vec<String>, Option<String>) {
        let answer = self.call::<FilterLogEvents>(request).await.unwrap();
        let events = answer.events.unwrap().into_iter();
        (events.map(|event| event.message.unwrap()).collect(), answer.next_token)
    }

    async fn streams(&self, request: DescribeLogStreamsRequest) -> Vec<LogStream> {
        self.call::<DescribeLogStreams>(request).await.unwrap().log_streams.unwrap()
    }

    async fn stored_bytes(&self, group: &str) -> i64 {
        let identifiers = Some(vec![group.to_owned()]);
        let request =
            DescribeLogGroupsRequest { log_group_identifiers: identifiers, ..Default::default() };
        let groups = self.call::<DescribeLogGroups>(request).await.unwrap().log_groups.unwrap();
        groups[0].stored_bytes.unwrap()
    }

    /// Entries of data, whichever group they belong to.
    async fn entries(&self) -> usize {
        let range = Key::of_service("logs").prefix();
        let snapshot = self.cloud.parts().store.snapshot();
        snapshot.range(&range, Direction::Forward, 4096).await.unwrap().items.len()
    }
}

fn in_group(name: &str) -> FilterLogEventsRequest {
    FilterLogEventsRequest { log_group_name: Some(name.to_owned()), ..Default::default() }
}

#[tokio::test]
async fn events_of_all_streams_come_in_the_order_of_their_times_in_pages() {
    let fixture = Fixture::new().await;
    fixture.group("g").await;
    let mut expected = Vec::new();
    for stream in 0..7 {
        let name = format!("s{stream}");
        fixture.stream("g", &name).await;
        let events: Vec<_> = (0..20)
            .map(|n| (NOW - 10_000 + n * 100 + stream * 3, format!("{stream}-{n}")))
            .collect();
        let given: Vec<_> = events.iter().map(|(time, text)| (*time, text.as_str())).collect();
        fixture.put("g", &name, &given).await;
        expected.extend(events);
    }
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|(_, text)| text).collect();
    let mut backward = expected.clone();
    backward.reverse();
    for (from_head, expected) in [(None, &expected), (Some(false), &backward)] {
        for limit in [1, 7, 139, 140, 1000] {
            let (mut found, mut token) = (Vec::new(), None);
            loop {
                let next_token = token.take();
                let start_from_head = from_head.filter(|_| next_token.is_none());
                let limit = Some(limit);
                let request =
                    FilterLogEventsRequest { limit, next_token, start_from_head, ..in_group("g") };
                let (page, next) = fixture.filter(request).await;
                assert!(page.len() <= 1000);
                found.extend(page);
                match next {
                    Some(next) => token = Some(next),
                    None => break,
                }
            }
            assert_eq!(&found, expected, "limit {limit}");
        }
    }
}

#[tokio::test]
async fn filters_narrow_by_stream_time_and_pattern() {
    let fixture = Fixture::new().await;
    fixture.group("g").await;
    for stream in ["a/1", "a/2", "b"] {
        fixture.stream("g", stream).await;
        let json = json!({ "stream": stream, "n": 5 }).to_string();
        fixture.put("g", stream, &[(NOW - 10, "START x"), (NOW - 5, &json), (NOW, "END x")]).await;
    }
    let pattern = |pattern: &str| Some(pattern.to_owned());
    let request = FilterLogEventsRequest {
        log_stream_name_prefix: Some("a/".into()),
        filter_pattern: pattern("{ $.stream = \"*2\" && $.n >= 5 }"),
        ..in_group("g")
    };
    assert_eq!(fixture.filter(request).await.0, [r#"{"stream":"a/2","n":5}"#]);
    let request = FilterLogEventsRequest {
        log_stream_names: Some(vec!["b".into(), "b".into()]),
        start_time: Some(NOW - 5),
        filter_pattern: pattern("[word = END, ...]"),
        ..in_group("g")
    };
    assert_eq!(fixture.filter(request).await.0, ["END x"]);
    let request = FilterLogEventsRequest {
        end_time: Some(NOW - 10),
        filter_pattern: pattern("?START ?END"),
        ..in_group("g")
    };
    assert_eq!(fixture.filter(request).await.0, ["START x"; 3]);
}

#[tokio::test]
async fn large_events_are_read_whole_and_pages_stay_within_a_megabyte() {
    let fixture = Fixture::new().await;
    fixture.group("g").await;
    let large = "x".repeat(300_000);
    for stream in 0..4 {
        let name = format!("s{stream}");
        fixture.stream("g", &name).await;
        fixture.put("g", &name, &[(NOW + stream, &large), (NOW + 10 + stream, &large)]).await;
    }
    let (mut count, mut token) = (0, None);
    for _ in 0..10 {
        let request = FilterLogEventsRequest { next_token: token.take(), ..in_group("g") };
        let (page, next) = fixture.filter(request).await;
        assert!(page.len() <= 3 && page.iter().all(|message| *message == large));
        count += page.len();
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((count, token), (8, None));
}

#[tokio::test]
async fn a_reader_that_follows_misses_nothing() {
    let fixture = Fixture::new().await;
    fixture.group("g").await;
    fixture.stream("g", "s").await;
    let (mut token, mut seen) = (None, Vec::new());
    for round in 0..5 {
        let request = GetLogEventsRequest {
            log_group_name: Some("g".into()),
            log_stream_name: "s".into(),
            start_from_head: Some(true),
            next_token: token.take(),
            ..Default::default()
        };
        let answer = fixture.call::<GetLogEvents>(request).await.unwrap();
        seen.extend(answer.events.unwrap().into_iter().map(|event| event.message.unwrap()));
        token = answer.next_forward_token;
        fixture.put("g", "s", &[(NOW + round, &format!("{round}"))]).await;
    }
    assert_eq!(seen, ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn streams_are_listed_by_name_and_by_their_last_events() {
    let fixture = Fixture::new().await;
    fixture.group("g").await;
    for (stream, time) in [("a", Some(3)), ("b", Some(1)), ("c", None), ("ab", Some(2))] {
        fixture.stream("g", stream).await;
        if let Some(time) = time {
            fixture.put("g", stream, &[(NOW + time, "x")]).await;
        }
    }
    fixture.put("g", "b", &[(NOW + 9, "later")]).await;
    let request =
        || DescribeLogStreamsRequest { log_group_name: Some("g".into()), ..Default::default() };
    let names = |streams: Vec<LogStream>| -> Vec<String> {
        streams.into_iter().map(|stream| stream.log_stream_name.unwrap()).collect()
    };
    assert_eq!(names(fixture.streams(request()).await), ["a", "ab", "b", "c"]);
    let prefixed = DescribeLogStreamsRequest {
        log_stream_name_prefix: Some("a".into()),
        descending: Some(true),
        ..request()
    };
    assert_eq!(names(fixture.streams(prefixed).await), ["ab", "a"]);
    let mut found = Vec::new();
    let mut token = None;
    for _ in 0..4 {
        let request = DescribeLogStreamsRequest {
            order_by: Some(OrderBy::LastEventTime),
            descending: Some(true),
            limit: Some(1),
            next_token: token.take(),
            ..request()
        };
        let answer = fixture.call::<DescribeLogStreams>(request).await.unwrap();
        found.extend(names(answer.log_streams.unwrap()));
        token = answer.next_token;
    }
    assert_eq!(found, ["b", "a", "ab", "c"]);
    assert_eq!(token, None);
}

#[tokio::test]
async fn expired_events_are_out_of_sight_at_once_and_removed_later() {
    let fixture = Fixture::new().await;
    fixture.group("g").await;
    fixture.stream("g", "s").await;
    fixture.put("g", "s", &[(NOW - 1000, "old"), (NOW, "older tomorrow")]).await;
    let before = fixture.entries().await;
    fixture.clock.advance(Duration::from_secs(20 * 3600));
    fixture.put("g", "s", &[(fixture.now(), "new")]).await;
    fixture.clock.advance(Duration::from_secs(5 * 3600));
    assert_eq!(fixture.filter(in_group("g")).await.0.len(), 3);
    let request = PutRetentionPolicyRequest { log_group_name: "g".into(), retention_in_days: 1 };
    fixture.call::<PutRetentionPolicy>(request).await.unwrap();
    assert_eq!(fixture.filter(in_group("g")).await.0, ["new"]);
    eventually(async || fixture.entries().await < before).await;
    assert_eq!(fixture.stored_bytes("g").await, 3 + 26);

    // Its job runs again as the hours go by.
    fixture.clock.advance(Duration::from_secs(30 * 3600));
    eventually(async || fixture.stored_bytes("g").await == 0).await;
    let streams =
        DescribeLogStreamsRequest { log_group_name: Some("g".into()), ..Default::default() };
    assert_eq!(fixture.streams(streams).await[0].last_event_timestamp, None);
}

#[tokio::test]
async fn what_is_deleted_gives_its_space_back() {
    let fixture = Fixture::new().await;
    fixture.group("g").await;
    for stream in ["s", "t"] {
        fixture.stream("g", stream).await;
        let texts: Vec<_> = (0..1500).map(|n| (NOW + n, "x")).collect();
        fixture.put("g", stream, &texts).await;
    }
    assert_eq!(fixture.stored_bytes("g").await, 2 * 1500 * 27);
    let (log_group_name, log_stream_name) = ("g".to_owned(), "s".to_owned());
    let request = DeleteLogStreamRequest { log_group_name, log_stream_name };
    fixture.call::<DeleteLogStream>(request).await.unwrap();
    assert_eq!(fixture.stored_bytes("g").await, 1500 * 27);
    eventually(async || fixture.entries().await < 1600).await;

    // The name is free at once, and the new group has nothing of the old.
    let request = || DeleteLogGroupRequest { log_group_name: "g".into() };
    fixture.call::<DeleteLogGroup>(request()).await.unwrap();
    fixture.group("g").await;
    assert_eq!(fixture.filter(in_group("g")).await, (vec![], None));
    fixture.call::<DeleteLogGroup>(request()).await.unwrap();
    eventually(async || fixture.entries().await == 0).await;
}

#[tokio::test]
async fn leave_is_asked_for_on_the_arns_that_policies_name() {
    let fixture = Fixture::new().await;
    let request = CreateLogGroupRequest {
        log_group_name: "/g".into(),
        tags: Some(BTreeMap::from([("team".to_owned(), "shop".to_owned())])),
        ..Default::default()
    };
    fixture.call::<CreateLogGroup>(request).await.unwrap();
    let group = "arn:aws:logs:us-east-1:000000000000:log-group:/g";
    assert_eq!(
        fixture.asked(),
        [
            ("logs:CreateLogGroup".to_owned(), format!("{group}:log-stream:")),
            ("logs:TagResource".to_owned(), group.to_owned()),
        ]
    );
    fixture.stream("/g", "s").await;
    let tag = ("aws:ResourceTag/team".to_owned(), vec!["shop".to_owned()]);
    assert_eq!(fixture.conditions(), [tag]);
    fixture.put("/g", "s", &[(NOW, "x")]).await;
    fixture.filter(in_group("/g")).await;
    fixture.call::<DescribeLogGroups>(DescribeLogGroupsRequest::default()).await.unwrap();
    let all = "arn:aws:logs:us-east-1:000000000000:log-group::log-stream:";
    assert_eq!(
        fixture.asked(),
        [
            ("logs:CreateLogStream".to_owned(), format!("{group}:log-stream:s")),
            ("logs:PutLogEvents".to_owned(), format!("{group}:log-stream:s")),
            ("logs:FilterLogEvents".to_owned(), format!("{group}:log-stream:")),
            ("logs:DescribeLogGroups".to_owned(), all.to_owned()),
        ]
    );
}

fn line(stream: &str, message: String) -> LogLine {
    LogLine {
        account: AccountId::DEFAULT,
        region: "us-east-1".parse().unwrap(),
        group: "/aws/lambda/f".to_owned(),
        stream: stream.to_owned(),
        at: Timestamp::from_millis(NOW),
        message,
        makes_group: true,
    }
}

#[tokio::test]
async fn emitted_lines_make_their_stream_and_keep_their_order() {
    let fixture = Fixture::new().await;
    let cx = fixture.cx();
    for n in 0..3000 {
        cx.emit(line(if n % 2 == 0 { "even" } else { "odd" }, format!("{n:04}")));
    }
    fixture.cloud.telemetry().unwrap().flush().await;
    let request = FilterLogEventsRequest {
        log_stream_names: Some(vec!["odd".into()]),
        ..in_group("/aws/lambda/f")
    };
    let (found, _) = fixture.filter(request).await;
    let expected: Vec<_> = (0..3000).filter(|n| n % 2 == 1).map(|n| format!("{n:04}")).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn emitted_lines_are_written_without_being_asked_for() {
    let fixture = Fixture::new().await;
    fixture.cx().emit(line("s", "hello".to_owned()));
    eventually(async || fixture.entries().await > 0).await;
    assert_eq!(fixture.filter(in_group("/aws/lambda/f")).await.0, ["hello"]);
}

#[tokio::test]
async fn a_group_is_made_only_by_who_may_make_it() {
    let fixture = Fixture::new().await;
    let telemetry = fixture.cloud.telemetry().unwrap();
    let without = |message: &str| LogLine { makes_group: false, ..line("s", message.to_owned()) };
    fixture.cx().emit(without("lost"));
    // What comes in with it is not lost for that.
    let elsewhere = LogLine { group: "other".to_owned(), ..line("s", "kept".to_owned()) };
    fixture.cx().emit(elsewhere);
    telemetry.flush().await;
    assert_eq!(fixture.filter(in_group("other")).await.0, ["kept"]);
    let groups = fixture.wire("DescribeLogGroups", "{}").await;
    assert_eq!(groups["logGroups"].as_array().unwrap().len(), 1);
    fixture.group("/aws/lambda/f").await;
    fixture.cx().emit(without("there"));
    telemetry.flush().await;
    assert_eq!(fixture.filter(in_group("/aws/lambda/f")).await.0, ["there"]);
}

#[tokio::test]
async fn a_stack_makes_changes_and_removes_a_group() {
    let fixture = Fixture::new().await;
    let cx = fixture.cx();
    let resource = fixture.cloud.registry().resource("AWS::Logs::LogGroup").unwrap();
    let properties = |value: Value| -> Map<String, Value> { value.as_object().unwrap().clone() };
    let tags = [("stack".to_owned(), "s".to_owned())];
    let first =
        properties(json!({ "RetentionInDays": "7", "Tags": [{ "Key": "a", "Value": "1" }] }));
    let desired = Desired { name: "stack-Group-1", properties: &first, tags: &tags };
    let attempt = cx.attempting("group");
    let made = resource.create(&attempt, desired).await.unwrap();
    assert_eq!(made.physical_id, "stack-Group-1");
    assert_eq!(
        made.attributes["Arn"],
        "arn:aws:logs:us-east-1:000000000000:log-group:stack-Group-1:*"
    );
    // Tried again after a crash, it ends in the same state.
    resource.create(&attempt, desired).await.unwrap();

    let second = properties(json!({ "Tags": [{ "Key": "b", "Value": "2" }] }));
    let after = Desired { properties: &second, ..desired };
    let changed = Changed { physical_id: "stack-Group-1", before: &first, after };
    resource.update(&cx, changed).await.unwrap();
    let tags = fixture.wire("ListTagsLogGroup", r#"{"logGroupName": "stack-Group-1"}"#).await;
    assert_eq!(tags, json!({ "tags": { "b": "2", "stack": "s" } }));
    let groups = fixture.wire("DescribeLogGroups", "{}").await;
    assert_eq!(groups["logGroups"][0].get("retentionInDays"), None);

    // A chosen name that somebody else has is not taken over.
    fixture.group("taken").await;
    let named = properties(json!({ "LogGroupName": "taken" }));
    let refused =
        resource.create(&cx, Desired { properties: &named, ..desired }).await.unwrap_err();
    assert_eq!(refused.code, "ResourceAlreadyExistsException");
    let unknown = properties(json!({ "DataProtectionPolicy": {} }));
    assert!(resource.create(&cx, Desired { properties: &unknown, ..desired }).await.is_err());

    resource.delete(&cx, "stack-Group-1").await.unwrap();
    resource.delete(&cx, "stack-Group-1").await.unwrap();
}
