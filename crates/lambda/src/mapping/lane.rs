//! A lane: reads a stream from where it was (`read`), and runs the function with what falls to it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use cumulet_base::{Arn, Timestamp};
use cumulet_sandbox::Outcome;
use cumulet_service::{Cloud, Cx, Error as ServiceError, Principal, Result};
use cumulet_store::Watch;
use tokio::sync::watch;

use super::batch::{self, Decision, Entry, Then, Verdict};
use super::discard::{Condition, Discarded};
use super::model::LaneRecord;
use super::read::Ahead;
use super::source::Source;
use super::{MappingName, MappingRecord, store};
use crate::Lambda;
use crate::access::PRINCIPAL;
use crate::pattern::Pattern;
use crate::resolve::{Resolved, version_text};
use crate::role;
use crate::run::invocation;

/// How long a session of the role is used.
const SESSION: Duration = Duration::from_secs(1800);
/// The longest pause before something is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest sleep while a batch fills: a clock that is moved is noticed that late.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);
/// Records that pass by a lane before it stores how far it is.
const PASSED_BY: usize = 1000;

const WELL: &str = "OK";
const FAILED: &str = "PROBLEM: Function call failed";

/// One of the readers of a mapping.
pub(super) struct Lane {
    lambda: Weak<Lambda>,
    cloud: Weak<Cloud>,
    pub(super) mapping: Arc<MappingRecord>,
    name: MappingName,
    pub(super) number: u32,
    pub(super) patterns: Vec<Pattern>,
    /// How far it is.
    pub(super) at: LaneRecord,
    /// What of that is stored.
    stored: LaneRecord,
    pub(super) read: Ahead,
    session: Option<Session>,
    /// Rounds in a row that ended in trouble.
    troubles: u32,
}

struct Session {
    role: String,
    principal: Principal,
    until: Timestamp,
}

/// What to do after a round.
enum Step {
    Again,
    /// Until there is more, or that moment.
    Wait(Option<Timestamp>),
    Pause(Duration),
    /// The mapping is gone, or the cloud is.
    End,
}

/// What a round works with.
struct Round {
    cx: Cx,
    lambda: Arc<Lambda>,
    resolved: Resolved,
    source: Source,
}

impl Lane {
    pub(super) fn new(
        lambda: Weak<Lambda>,
        cloud: Weak<Cloud>,
        mapping: Arc<MappingRecord>,
        name: MappingName,
        number: u32,
        at: LaneRecord,
    ) -> Self {
        // They were checked when they were set.
        let patterns = mapping.settings.filters.iter();
        let patterns = patterns.filter_map(|text| Pattern::parse(text).ok()).collect();
        let stored = at.clone();
        let (read, session, troubles) = (Ahead::default(), None, 0);
        Self { lambda, cloud, mapping, name, number, patterns, at, stored, read, session, troubles }
    }

    /// Runs until it is told to stop.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        // Before the first look: nothing that comes after it is missed.
        let Some(mut more) = self.watch() else {
            tracing::error!(source = self.mapping.source, "nobody here has such a stream");
            return;
        };
        while !*stop.borrow_and_update() {
            let step = match self.round(&stop).await {
                Ok(step) => {
                    self.troubles = 0;
                    step
                }
                Err(error) => self.trouble(error).await,
            };
            match step {
                Step::Again => {}
                Step::Wait(until) => tokio::select! {
                    _ = stop.changed() => {}
                    changed = more.changed() => if changed.is_err() { return },
                    () = sleep_until(until, self.now()) => {}
                },
                Step::Pause(pause) => tokio::select! {
                    _ = stop.changed() => {}
                    () = tokio::time::sleep(pause) => {}
                },
                Step::End => return,
            }
        }
        self.pass_by();
        if let Some(cloud) = self.cloud.upgrade()
            && let Err(error) = self.save(&cloud).await
        {
            tracing::warn!(mapping = self.mapping.uuid, %error, "a lane's place is not stored");
        }
    }

    fn watch(&self) -> Option<Watch> {
        let cloud = self.cloud.upgrade()?;
        let arn: Arn = self.mapping.source.parse().ok()?;
        cloud.context(Principal::service(PRINCIPAL)).watch(&arn)
    }

    fn now(&self) -> Timestamp {
        let cloud = self.cloud.upgrade();
        cloud.map_or(Timestamp::from_millis(0), |cloud| cloud.parts().clock.now())
    }

    /// Reads, and hands on one batch.
    async fn round(&mut self, stop: &watch::Receiver<bool>) -> Result<Step> {
        let Some((lambda, cloud)) = self.lambda.upgrade().zip(self.cloud.upgrade()) else {
            return Ok(Step::End);
        };
        let cx = cloud
            .context(Principal::service(PRINCIPAL))
            .in_account(self.name.account.clone())
            .in_region(self.name.region.clone());
        let resolved = lambda.resolve(&cx, &self.mapping.function_name(&self.name)).await?;
        let source = self.source(&cx, &resolved).await?;
        let round = Round { cx, lambda, resolved, source };
        self.fill(&round.source, stop).await?;
        if self.read.entries.is_empty() {
            return self.rest(&cloud, &round.source).await;
        }
        let end = self.at.ends.last().map(String::as_str);
        let (count, is_full) = batch::next(&self.read.entries, &self.mapping.settings, end);
        if count == 0 {
            // What was to be tried again has gone by: the stream forgot it.
            self.at.ends.pop();
            return Ok(Step::Again);
        }
        if let Some(until) = self.filling(is_full || self.read.drained, round.cx.now()) {
            return Ok(Step::Wait(Some(until)));
        }
        self.hand_on(&cloud, &round, count, stop).await
    }

    /// The stream, read as the function's role.
    async fn source(&mut self, cx: &Cx, resolved: &Resolved) -> Result<Source> {
        let role = &resolved.version.settings.role;
        let now = cx.now();
        let is_good = |session: &&Session| session.role == *role && now < session.until;
        let principal = if let Some(session) = self.session.as_ref().filter(is_good) {
            session.principal.clone()
        } else {
            let principal = role::principal(cx, &resolved.name, role).await?;
            let until = now.after(SESSION);
            self.session =
                Some(Session { role: role.clone(), principal: principal.clone(), until });
            principal
        };
        Ok(Source { cx: cx.acting_as(principal), arn: self.mapping.source.clone() })
    }

    /// There is nothing to hand on: on with the next shard, if this one is at its end.
    async fn rest(&mut self, cloud: &Arc<Cloud>, source: &Source) -> Result<Step> {
        let passed = self.read.passed;
        self.pass_by();
        if self.read.drained
            && let Some(next) = source.next_shard(self.at.shard.as_deref()).await?
        {
            self.move_to(next);
            return Ok(if self.save(cloud).await? { Step::Again } else { Step::End });
        }
        let is_worth_it = passed >= PASSED_BY || self.at.result != self.stored.result;
        if is_worth_it && !self.save(cloud).await? {
            return Ok(Step::End);
        }
        Ok(Step::Wait(None))
    }

    /// Until when a batch may still fill; `None`: it goes now.
    fn filling(&mut self, is_full: bool, now: Timestamp) -> Option<Timestamp> {
        let window = self.mapping.settings.window;
        if is_full || window == 0 {
            return None;
        }
        let since = *self.read.since.get_or_insert(now);
        let until = since.after(Duration::from_secs(window.into()));
        (now < until).then_some(until)
    }

    /// Runs the function with the next `count` entries, or gives up those that are too old.
    async fn hand_on(
        &mut self,
        cloud: &Arc<Cloud>,
        round: &Round,
        count: usize,
        stop: &watch::Receiver<bool>,
    ) -> Result<Step> {
        let settings = self.mapping.settings.clone();
        let entries: Vec<Entry> = self.read.entries.iter().take(count).cloned().collect();
        let expired = batch::expired(entries.iter(), &settings, round.cx.now());
        if let Some(old) = entries.get(..expired).filter(|old| !old.is_empty()) {
            let why = (Condition::RecordAgeExceeded, self.at.failed);
            return self.give_up(cloud, round, old, why, None, stop).await;
        }
        let request_id = round.cx.ids().uuid();
        let admitted = round.lambda.admit(&round.cx, &round.resolved).await?;
        let payload = Bytes::from(batch::event(entries.iter()));
        let invocation = invocation(&request_id, &round.resolved, payload);
        let outcome = round.lambda.run(&round.cx, &round.resolved, admitted, invocation).await?;
        let sequences: Vec<&str> = entries.iter().map(|entry| entry.sequence.as_str()).collect();
        let verdict = batch::verdict(&outcome, settings.partial, &sequences);
        let Decision { done, then } = batch::decide(verdict, count, self.at.failed, &settings);
        let result = if verdict == Verdict::Success { WELL } else { FAILED };
        self.at.result = Some(result.to_owned());
        let failed = self.at.failed.saturating_add(1);
        self.advance(done);
        let last = sequences.last().copied().unwrap_or_default();
        let step = match then {
            Then::Nothing => Step::Again,
            Then::Retry { failed } => {
                self.at.failed = failed;
                self.hold(last);
                Step::Pause(pause(failed.max(1)))
            }
            Then::Split { at } => {
                self.at.failed = 0;
                self.hold(last);
                if let Some(first) = at.checked_sub(1).and_then(|at| sequences.get(done + at)) {
                    self.hold(first);
                }
                Step::Again
            }
            Then::GiveUp => {
                let left = entries.get(done..).unwrap_or_default();
                let why = (Condition::RetryAttemptsExhausted, failed);
                let answer = Some((&outcome, request_id.as_str()));
                return self.give_up(cloud, round, left, why, answer, stop).await;
            }
        };
        Ok(if self.save(cloud).await? { step } else { Step::End })
    }

    /// Leaves out what it cannot hand on, and tells of it where somebody wants to know.
    async fn give_up(
        &mut self,
        cloud: &Arc<Cloud>,
        round: &Round,
        entries: &[Entry],
        (condition, invoked): (Condition, u32),
        answer: Option<(&Outcome, &str)>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Step> {
        let function_arn = self.mapping.function_name(&self.name).named_arn();
        let version = version_text(round.resolved.version.number);
        let id = round.cx.ids().uuid();
        let discarded = Discarded {
            mapping: &self.mapping,
            function_arn: function_arn.as_str(),
            shard: self.at.shard.as_deref().unwrap_or_default(),
            entries,
            condition,
            invoked,
            answer: answer.map(|(outcome, _)| (outcome, version.as_str())),
            request_id: answer.map_or(id.as_str(), |(_, id)| id),
        };
        let (mapping, records) = (&self.mapping.uuid, entries.len());
        tracing::warn!(mapping, records, condition = condition.as_str(), "records are given up");
        if !told(&discarded, &round.source.cx, stop).await {
            return Ok(Step::Again);
        }
        self.advance(entries.len());
        Ok(if self.save(cloud).await? { Step::Again } else { Step::End })
    }

    /// The next `count` entries are dealt with.
    fn advance(&mut self, count: usize) {
        if count == 0 {
            return;
        }
        for entry in self.read.entries.drain(..count.min(self.read.entries.len())) {
            self.read.bytes = self.read.bytes.saturating_sub(entry.size + 1);
            self.at.after = Some(entry.sequence);
        }
        self.at.failed = 0;
        self.read.since = None;
        let after = self.at.after.clone().unwrap_or_default();
        self.at.ends.retain(|end| batch::order(end, &after).is_gt());
        self.pass_by();
    }

    /// The next batch goes as far as this record and no further.
    fn hold(&mut self, end: &str) {
        if self.at.ends.last().is_none_or(|last| last != end) {
            self.at.ends.push(end.to_owned());
        }
    }

    /// Stores how far it is; whether the mapping is still there.
    async fn save(&mut self, cloud: &Arc<Cloud>) -> Result<bool> {
        if self.at == self.stored {
            return Ok(true);
        }
        let is_there = store::save(&cloud.parts().store, &self.name, self.number, &self.at).await?;
        self.stored = self.at.clone();
        self.read.passed = 0;
        Ok(is_there)
    }

    /// Something that is not the function's fault: throttling, a role or a stream that is gone. It
    /// is no attempt ("MaximumRetryAttempts … doesn't apply to service errors or throttles").
    async fn trouble(&mut self, error: ServiceError) -> Step {
        self.troubles = self.troubles.saturating_add(1);
        tracing::debug!(mapping = self.mapping.uuid, %error, "a mapping is in trouble");
        // What was read stays; the place in the stream is looked up anew.
        self.read.iterator = None;
        let Some(cloud) = self.cloud.upgrade() else { return Step::End };
        // (AWS's words are not documented, but for a call that failed.)
        self.at.result = Some(match error.code.as_ref() {
            "TooManyRequestsException" => FAILED.to_owned(),
            _ => format!("PROBLEM: {}", error.message),
        });
        match self.save(&cloud).await {
            Ok(false) => Step::End,
            _ => Step::Pause(pause(self.troubles.saturating_add(3))),
        }
    }
}

/// Sends the record of a batch, again and again while the fault is this cloud's; `false`: the lane
/// is to stop before that.
async fn told(discarded: &Discarded<'_>, cx: &Cx, stop: &watch::Receiver<bool>) -> bool {
    let mut stop = stop.clone();
    for attempt in 1.. {
        match discarded.tell(cx).await {
            Ok(()) => return true,
            Err(error) if error.status >= 500 && error.status != 501 => {
                tracing::warn!(%error, "a record of a batch is not yet sent");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return false,
                    () = tokio::time::sleep(pause(attempt)) => {}
                }
            }
            // AWS counts a `DestinationDeliveryFailures`.
            Err(error) => {
                tracing::warn!(mapping = discarded.mapping.uuid, %error, "a record is lost");
                return true;
            }
        }
    }
    true
}

/// The pause after something failed for the `attempt`-th time in a row: from a tenth of a second to
/// a minute. (That AWS waits ever longer it says; how long, it does not.)
fn pause(attempt: u32) -> Duration {
    let tenths = 1_u64 << attempt.saturating_sub(1).min(12);
    Duration::from_millis(100 * tenths).min(LONGEST_PAUSE)
}

async fn sleep_until(moment: Option<Timestamp>, now: Timestamp) {
    match moment {
        Some(moment) => tokio::time::sleep(moment.since(now).min(LONGEST_SLEEP)).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_tenth_of_a_second_to_a_minute() {
        let millis = [1, 2, 4, 10, 100].map(|attempt| pause(attempt).as_millis());
        assert_eq!(millis, [100, 200, 800, 51_200, 60_000]);
    }
}
