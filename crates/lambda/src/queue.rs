//! Asynchronous invocations: a durable queue with two more tries.
//!
//! "Error handling for a Lambda function … asynchronous invocation" in the developer guide: errors
//! of the function are tried again after one minute, then after two; throttling and faults of the
//! platform are tried for up to six hours, ever more slowly (1 s to 5 minutes). When an event
//! leaves the queue, a record of it goes to the destination that the function's config names.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cumulet_base::Timestamp;
use cumulet_sandbox::Invocation;
use cumulet_service::{Cloud, Cx, Principal, Result};
use cumulet_store::{StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde::{Deserialize, Serialize};

use crate::Lambda;
use crate::access::PRINCIPAL;
use crate::deliver::{self, Delivery};
use crate::destination::{Destination, Purpose};
use crate::model::EventRecord;
use crate::name::{FunctionName, LATEST};
use crate::record::{self, Condition};
use crate::resolve::version_text;
use crate::run::invocation;

const KIND: &str = "lambda/invoke";
/// Asynchronous invocations under way at once.
const CONCURRENCY: usize = 128;
/// Bytes of an event ("Lambda quotas": 1 MB).
pub(crate) const MAX_EVENT: usize = 1 << 20;
/// The shortest wait for what is not the function's fault.
const PAUSE: Duration = Duration::from_secs(1);
const USUAL_RETRIES: u32 = 2;
const USUAL_AGE: u32 = 6 * 3600;

/// An event in the queue.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    account: String,
    region: String,
    function: String,
    qualifier: Option<String>,
    /// Base64.
    payload: String,
    client_context: Option<String>,
    /// Milliseconds since the epoch.
    accepted: i64,
}

impl Event {
    fn accepted(&self) -> Timestamp {
        Timestamp::from_millis(self.accepted)
    }

    fn bytes(&self) -> Result<Bytes> {
        let bytes = STANDARD.decode(&self.payload).map_err(cumulet_service::Error::internal)?;
        Ok(Bytes::from(bytes))
    }
}

/// Takes an event; it is durable when this is answered.
pub(crate) async fn enqueue(
    cx: &Cx,
    name: &FunctionName,
    payload: &[u8],
    client_context: Option<String>,
) -> Result<()> {
    let event = Event {
        account: name.account.to_string(),
        region: name.region.to_string(),
        function: name.name.clone(),
        qualifier: name.qualifier.clone(),
        payload: STANDARD.encode(payload),
        client_context,
        accepted: cx.now().millis(),
    };
    let payload = serde_json::to_value(&event).map_err(cumulet_service::Error::internal)?;
    // An id of its own: one request may, by way of a function, lead to several events.
    let job = Job { kind: KIND.to_owned(), key: cx.ids().uuid(), payload, run_at: cx.now() };
    cx.store()
        .transact(|tx: Tx| {
            let job = job.clone();
            async move { cumulet_work::enqueue(&tx, job).await.map(drop) }
        })
        .await
        .map_err(|error: StoreError| error.into())
}

/// Begins to run what is in the queue.
pub(crate) fn register(lambda: &Arc<Lambda>, cloud: &Arc<Cloud>) {
    let (lambda, weak) = (Arc::downgrade(lambda), Arc::downgrade(cloud));
    cloud.parts().work.register(KIND, CONCURRENCY, move |lease| {
        let both = lambda.upgrade().zip(weak.upgrade());
        async move {
            match both {
                Some((lambda, cloud)) => handle(&lambda, &cloud, &lease).await,
                None => Outcome::Retry { after: Duration::from_secs(1) },
            }
        }
    });
}

async fn handle(lambda: &Arc<Lambda>, cloud: &Arc<Cloud>, lease: &Lease) -> Outcome {
    let Ok(event) = serde_json::from_value::<Event>((*lease.payload).clone()) else {
        tracing::error!(job = %lease.key, "an event that cannot be read");
        return Outcome::Done;
    };
    let (Ok(account), Ok(region)) = (event.account.parse(), event.region.parse()) else {
        tracing::error!(job = %lease.key, "an event without account and region");
        return Outcome::Done;
    };
    let cx = cloud.context(Principal::service(PRINCIPAL)).in_account(account).in_region(region);
    let name = FunctionName {
        account: cx.account().clone(),
        region: cx.region().clone(),
        name: event.function.clone(),
        qualifier: event.qualifier.clone(),
    };
    let config = match name.load_event(&cx.store().snapshot()).await {
        Ok(config) => config,
        Err(error) if error.status == 404 => EventRecord::default(),
        Err(error) => return later(&cx, &event, &EventRecord::default(), &error),
    };
    let end = |condition, invoked, ran| End { condition, invoked, ran };
    let before = lease.attempt.saturating_sub(1);
    let ended = if is_stale(cx.now(), event.accepted(), &config) {
        end(Condition::EventAgeExceeded, before, None)
    } else {
        match attempt(lambda, &cx, &name, &event, lease).await {
            Ok(Attempt::Ran(ran)) if ran.outcome.result.is_ok() => {
                end(Condition::Success, lease.attempt, Some(ran))
            }
            Ok(Attempt::Ran(ran)) => match retry(lease.attempt, &config) {
                Some(after) => {
                    let expired = expiry(event.accepted(), &config).since(cx.now());
                    return Outcome::Retry { after: after.min(expired) };
                }
                None => end(Condition::RetriesExhausted, lease.attempt, Some(ran)),
            },
            Ok(Attempt::Shut) => end(Condition::RetriesExhausted, before, None),
            Err(error) if error.status == 404 => {
                tracing::warn!(function = %name.named_arn(), "an event, and no function");
                return Outcome::Done;
            }
            Err(error) => return later(&cx, &event, &config, &error),
        }
    };
    match conclude(lambda, &cx, &name, &event, lease, &config, &ended).await {
        Ok(()) => Outcome::Done,
        Err(error) if error.status == 404 => Outcome::Done,
        Err(error) => later(&cx, &event, &config, &error),
    }
}

/// One run of the function.
struct Ran {
    version: String,
    role: String,
    outcome: cumulet_sandbox::Outcome,
}

enum Attempt {
    Ran(Ran),
    /// The function's reserved concurrency is zero: "Lambda begins sending new events to the
    /// configured dead-letter queue or the on-failure event destination, without any retries".
    Shut,
}

/// How an event's time in the queue ended.
struct End {
    condition: Condition,
    invoked: u32,
    /// The last run, where it is what ended it.
    ran: Option<Ran>,
}

/// Runs the event.
async fn attempt(
    lambda: &Arc<Lambda>,
    cx: &Cx,
    name: &FunctionName,
    event: &Event,
    lease: &Lease,
) -> Result<Attempt> {
    let resolved = lambda.resolve(cx, name).await?;
    if resolved.function.reserved == Some(0) {
        return Ok(Attempt::Shut);
    }
    let admitted = lambda.admit(cx, &resolved).await?;
    let invocation = Invocation {
        client_context: event.client_context.clone(),
        ..invocation(&lease.key, &resolved, event.bytes()?)
    };
    let outcome = lambda.run(cx, &resolved, admitted, invocation).await?;
    let version = version_text(resolved.version.number);
    Ok(Attempt::Ran(Ran { version, role: resolved.version.settings.role, outcome }))
}

/// Takes the event out of the queue; where somebody wants a record of it, that goes there.
async fn conclude(
    lambda: &Arc<Lambda>,
    cx: &Cx,
    name: &FunctionName,
    event: &Event,
    lease: &Lease,
    config: &EventRecord,
    end: &End,
) -> Result<()> {
    let success = end.condition == Condition::Success;
    let to = if success { &config.on_success } else { &config.on_failure };
    if !success {
        let condition = end.condition;
        tracing::warn!(function = %name.arn(), ?condition, "an event is given up");
    }
    let Some(to) = to else { return Ok(()) };
    let purpose = if success { Purpose::Success } else { Purpose::Failure };
    let role = match &end.ran {
        Some(ran) => ran.role.clone(),
        None => lambda.resolve(cx, name).await?.version.settings.role,
    };
    let record = record::EventRecord {
        at: cx.now(),
        request_id: &lease.key,
        function_arn: name.arn_of(name.qualifier.as_deref().unwrap_or(LATEST)).as_str(),
        condition: end.condition,
        invoked: end.invoked,
        payload: &event.bytes()?,
        answer: end.ran.as_ref().map(|ran| (&ran.outcome, ran.version.as_str())),
    }
    .document(Destination::parse(to, purpose)?.limit());
    let delivery = Delivery {
        account: event.account.clone(),
        region: event.region.clone(),
        function: event.function.clone(),
        role,
        to: to.clone(),
        success,
        record,
        at: cx.now().millis(),
    };
    deliver::instead(cx, lease, &delivery).await
}

/// Not the function's fault: again, ever more slowly, and not counted as a try.
fn later(cx: &Cx, event: &Event, config: &EventRecord, error: &cumulet_service::Error) -> Outcome {
    let waited = cx.now().since(event.accepted());
    tracing::debug!(function = event.function, %error, "an event waits");
    let expired = expiry(event.accepted(), config).max(cx.now().after(PAUSE));
    Outcome::Later { at: cx.now().after(backoff(waited)).min(expired) }
}

/// As long again as it has waited, from 1 second to 5 minutes.
fn backoff(waited: Duration) -> Duration {
    waited.clamp(PAUSE, Duration::from_secs(300))
}

/// The pause after the function failed for the `attempt`-th time; `None`: it was the last.
fn retry(attempt: u32, config: &EventRecord) -> Option<Duration> {
    let more = attempt <= config.retries.unwrap_or(USUAL_RETRIES);
    more.then(|| Duration::from_secs(if attempt <= 1 { 60 } else { 120 }))
}

fn is_stale(now: Timestamp, accepted: Timestamp, config: &EventRecord) -> bool {
    now >= expiry(accepted, config)
}

/// From when on an event is too old.
fn expiry(accepted: Timestamp, config: &EventRecord) -> Timestamp {
    let kept = Duration::from_secs(config.max_age.unwrap_or(USUAL_AGE).into());
    accepted.after(kept + Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestCloud;
    use cumulet_api_lambda::ops::{
        InvocationRequest, Invoke, PutFunctionEventInvokeConfig,
        PutFunctionEventInvokeConfigRequest,
    };
    use cumulet_api_lambda::types::InvocationType;
    use cumulet_base::{Clock as _, ManualClock};
    use cumulet_store::{Direction, Key, Read as _};

    #[test]
    fn two_more_tries_after_one_and_two_minutes() {
        let usual = EventRecord::default();
        let seconds = |attempt, config| retry(attempt, config).map(|d| d.as_secs());
        assert_eq!([1, 2, 3].map(|n| seconds(n, &usual)), [Some(60), Some(120), None]);
        let none = EventRecord { retries: Some(0), ..EventRecord::default() };
        assert_eq!(seconds(1, &none), None);
    }

    #[test]
    fn events_grow_old() {
        let at = Timestamp::from_secs;
        let minute = EventRecord { max_age: Some(60), ..EventRecord::default() };
        assert!(!is_stale(at(60), at(0), &minute) && is_stale(at(61), at(0), &minute));
        assert!(!is_stale(at(6 * 3600), at(0), &EventRecord::default()));
        assert!(is_stale(at(6 * 3600 + 1), at(0), &EventRecord::default()));
    }

    const FAILS: &str = "def handler(event, context):\n    note(event)\n    raise ValueError()\n";

    async fn invoke(cloud: &TestCloud, event: &'static str) {
        let input = InvocationRequest {
            function_name: "f".to_owned(),
            invocation_type: Some(InvocationType::Event),
            payload: Some(Bytes::from_static(event.as_bytes())),
            ..InvocationRequest::default()
        };
        cloud.cx.call::<Invoke>(input).await.unwrap();
    }

    /// Waits until the only event in the queue waits for that moment; `None`: until there is none.
    async fn until_due(cloud: &TestCloud, at: Option<Timestamp>) {
        let key = Key::global("work").text("due").text(KIND);
        let wanted: Vec<u64> = at.iter().map(|at| u64::try_from(at.millis()).unwrap()).collect();
        let mut found = Vec::new();
        for _ in 0..3_000 {
            let snapshot = cloud.cx.store().snapshot();
            let page = snapshot.range(&key.prefix(), Direction::Forward, 9).await.unwrap();
            let due = |key: &[u8]| Key::components(key).unwrap()[5].as_u64().unwrap();
            found = page.items.iter().map(|(key, _)| due(key)).collect();
            if found == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("due at {found:?}, and not at {wanted:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_function_that_fails_runs_again_after_one_and_two_minutes() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let cloud = TestCloud::start_with(clock.clone(), Vec::new()).await;
        cloud.function(FAILS).await;
        invoke(&cloud, "1").await;
        for seconds in [60, 120] {
            let again = clock.now().after(Duration::from_secs(seconds));
            until_due(&cloud, Some(again)).await;
            clock.advance(Duration::from_secs(seconds));
        }
        until_due(&cloud, None).await;
        assert_eq!(cloud.noted(), ["1"; 3]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_event_that_would_be_too_old_when_it_runs_again_is_given_up_when_it_is() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let cloud = TestCloud::start_with(clock.clone(), Vec::new()).await;
        cloud.function(FAILS).await;
        let config = PutFunctionEventInvokeConfigRequest {
            function_name: "f".to_owned(),
            maximum_event_age_in_seconds: Some(100),
            ..PutFunctionEventInvokeConfigRequest::default()
        };
        cloud.cx.call::<PutFunctionEventInvokeConfig>(config).await.unwrap();
        invoke(&cloud, "1").await;
        let kept = clock.now().after(Duration::from_millis(100_001));
        let minute = Duration::from_secs(60);
        until_due(&cloud, Some(clock.now().after(minute))).await;
        clock.advance(minute);
        // Not after two minutes more.
        until_due(&cloud, Some(kept)).await;
        clock.advance(kept.since(clock.now()));
        until_due(&cloud, None).await;
        assert_eq!(cloud.noted(), ["1"; 2]);
    }

    #[test]
    fn throttled_events_wait_ever_longer() {
        let waits = [0, 1, 40, 4000].map(|s| backoff(Duration::from_secs(s)).as_secs());
        assert_eq!(waits, [1, 1, 40, 300]);
    }
}
