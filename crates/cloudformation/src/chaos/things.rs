//! Stacks of things whose making, changing and removing fails, or during which the engine dies.
//!
//! That the checks see something is a test too: [`Plant`]s are found. So were, planted by hand in the
//! engine, a `ResourceRecord::retire_replaced` that forgets what was replaced, a job that goes on
//! with the next operation once its own is over, and an update back that passes over what failed
//! half done. `CHAOS_FIRST` and `CHAOS_SEEDS` say which seeds to try; the usual ones take some
//! seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use cumulet_api_cloudformation::ops::{
    CreateStack, CreateStackInput, DeleteStack, DeleteStackInput, DescribeStackEvents,
    DescribeStackEventsInput, DescribeStackResources, DescribeStackResourcesInput, UpdateStack,
    UpdateStackInput,
};
use cumulet_api_cloudformation::types::{OnFailure, StackEvent};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use cumulet_store::{Direction, Key, Read as _};
use serde_json::{Map, Value, json};

use super::{Chaos, Fate, Random, in_lines, notes_are_gone, step, with_chaos};
use crate::testing::{Disk, Fixture};

/// A fault of the type, such as an engine would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plant {
    /// What is made is not noted: it is made again, or lost.
    Unnoted,
    /// What is removed stays.
    Unremoved,
    /// What was changed half is not given back what it was.
    NotUndone,
}

/// `Test::Chaos`: lies in the store as its properties. A new `Kind` or `Name` needs a new one.
#[derive(Debug)]
pub(crate) struct Unsteady;

fn world(cx: &Cx) -> Key {
    Key::new("test", cx.account(), cx.region()).text("thing")
}

fn planted(cx: &Cx, plant: Plant) -> bool {
    with_chaos(cx.account(), |chaos| chaos.plant == Some(plant))
}

async fn make(cx: &Cx, id: &str, properties: &Map<String, Value>) -> Result<Actual> {
    if cx.made_before().await?.is_none() {
        let text = Value::Object(properties.clone()).to_string();
        let text = &text;
        cx.store()
            .transact(|tx| async move {
                if tx.get(&world(cx).text(id)).await?.is_some() {
                    return Err(Error::custom("ThingAlreadyExists", 400, "it is there already"));
                }
                tx.put(world(cx).text(id), text.clone().into_bytes());
                if !planted(cx, Plant::Unnoted) {
                    cx.note_made(&tx, id);
                }
                Ok::<_, Error>(())
            })
            .await?;
    }
    Ok(Actual { physical_id: id.to_owned(), ..Actual::default() })
}

/// Changes a thing. One that breaks in the middle has the new `Value`, and the rest as it was.
async fn change(cx: &Cx, changed: Changed<'_>, fate: Fate) -> Result<Actual> {
    let id = changed.physical_id;
    let after = changed.after.properties;
    let undoes = with_chaos(cx.account(), |chaos| {
        let undoes = chaos.halves.remove(id).is_some_and(|half| half == *changed.before);
        if fate == Fate::Breaks {
            chaos.halves.insert(id.to_owned(), after.clone());
        }
        undoes
    });
    let passed_over = undoes && planted(cx, Plant::NotUndone);
    cx.store()
        .transact(|tx| async move {
            let Some(there) = tx.get(&world(cx).text(id)).await? else {
                return Err(Error::custom("ThingNotFound", 404, "it is not there"));
            };
            let mut thing = after.clone();
            if fate == Fate::Breaks {
                thing = serde_json::from_slice(&there).map_err(Error::internal)?;
                thing["Value"] = after["Value"].clone();
            }
            if !passed_over {
                tx.put(world(cx).text(id), Value::Object(thing).to_string().into_bytes());
            }
            Ok::<_, Error>(())
        })
        .await?;
    Ok(Actual { physical_id: id.to_owned(), ..Actual::default() })
}

async fn unmake(cx: &Cx, id: &str) -> Result<()> {
    let needed_by = things(cx).await.into_iter().find(|(_, thing)| {
        thing["Keep"] != true && thing["Needs"].as_array().unwrap().contains(&json!(id))
    });
    if let Some((user, _)) = needed_by {
        with_chaos(cx.account(), |chaos| {
            let wrong = format!("{id} was removed, though {user} needs it");
            chaos.wrongs.extend(Some(wrong).filter(|_| !chaos.failed));
        });
    }
    let stays = planted(cx, Plant::Unremoved);
    let transact = cx.store().transact(|tx| async move {
        if !stays {
            tx.delete(world(cx).text(id));
        }
        Ok::<_, Error>(())
    });
    transact.await
}

/// All that is there, by physical id.
async fn things(cx: &Cx) -> BTreeMap<String, Value> {
    let read = cx.store().snapshot();
    let page = read.range(&world(cx).prefix(), Direction::Forward, usize::MAX).await.unwrap();
    let thing = |(key, value): (bytes::Bytes, bytes::Bytes)| {
        let id = Key::components(&key).unwrap().last().unwrap().as_text().unwrap().to_owned();
        (id, serde_json::from_slice(&value).unwrap())
    };
    page.items.into_iter().map(thing).collect()
}

impl Resource for Unsteady {
    fn type_name(&self) -> &'static str {
        "Test::Chaos"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "Kind" | "Name")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        let id = desired.properties.get("Name").and_then(Value::as_str).unwrap_or(desired.name);
        Box::pin(step(cx, move |_| make(cx, id, desired.properties)))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(step(cx, move |fate| change(cx, changed, fate)))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(step(cx, move |_| unmake(cx, physical_id)))
    }
}

/// A stack under test.
struct Case {
    disk: Disk,
    at: Fixture,
    random: Random,
    name: String,
    id: String,
    /// Whether the stack is as its template says.
    whole: bool,
    events: usize,
    /// Things that the stack was to leave alone.
    skipped: BTreeSet<String>,
    told: String,
}

const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

impl Case {
    /// A template: of up to four things, each of which may need earlier ones.
    fn template(&mut self) -> Value {
        let mut resources = Map::new();
        let random = &mut self.random;
        for (at, id) in LETTERS.iter().enumerate() {
            if random.chance(25) && at > 0 {
                continue;
            }
            let mut needs = Vec::new();
            for other in &LETTERS[..at] {
                if resources.contains_key(*other) && random.chance(50) {
                    needs.push(json!({"Ref": other}));
                }
            }
            let kind = u64::from(random.chance(25));
            let keep = random.chance(10);
            let mut properties =
                json!({"Value": random.below(3), "Kind": kind, "Needs": needs, "Keep": keep});
            if (at % 2 == 0) != random.chance(15) {
                // With a name that stays the same a thing cannot be replaced.
                let kind = if random.chance(70) { kind } else { 9 };
                properties["Name"] = json!(format!("{}-{id}-{kind}", self.name));
            }
            let policy = if keep { "Retain" } else { "Delete" };
            let resource = json!({
                "Type": "Test::Chaos", "Properties": properties,
                "DeletionPolicy": policy, "UpdateReplacePolicy": policy,
            });
            resources.insert((*id).to_owned(), resource);
        }
        json!({"Resources": resources})
    }

    /// Waits until the stack rests; where the engine dies, starts it again.
    async fn settled(&mut self) -> String {
        for _ in 0..20_000 {
            if self.chaos(|chaos| chaos.dead) {
                self.at.stop().await;
                self.chaos(|chaos| chaos.dead = false);
                self.at = Fixture::over(&self.disk);
                self.told += "\n  the engine dies";
            }
            let status = self.at.stack(&self.id).await.unwrap().stack_status.as_str();
            if !status.ends_with("_IN_PROGRESS") {
                return status.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("does not come to rest:{}", self.told);
    }

    async fn events(&self) -> Vec<StackEvent> {
        let mut events = Vec::new();
        let mut next_token = None;
        loop {
            let input = DescribeStackEventsInput { stack_name: self.id.clone(), next_token };
            let page = self.at.cx.call::<DescribeStackEvents>(input).await.unwrap();
            events.extend(page.stack_events.unwrap());
            next_token = page.next_token;
            if next_token.is_none() {
                events.reverse();
                return events;
            }
        }
    }

    /// What stands for each logical id.
    async fn current(&self) -> BTreeMap<String, String> {
        let input = DescribeStackResourcesInput {
            stack_name: Some(self.id.clone()),
            ..DescribeStackResourcesInput::default()
        };
        let found = self.at.cx.call::<DescribeStackResources>(input).await.unwrap();
        let one = |resource: cumulet_api_cloudformation::types::StackResource| {
            Some((resource.logical_resource_id, resource.physical_resource_id?))
        };
        found.stack_resources.unwrap().into_iter().filter_map(one).collect()
    }

    async fn world(&self) -> BTreeMap<String, Value> {
        let mut things = things(&self.at.cx).await;
        things.retain(|id, thing| id.starts_with(&self.name) && thing["Foreign"] != true);
        things
    }

    fn chaos<T>(&self, look: impl FnOnce(&mut Chaos) -> T) -> T {
        with_chaos(&self.disk.account, look)
    }

    fn expect(&self, holds: bool, what: &str) {
        assert!(holds, "{what}:{}", self.told);
    }

    /// What must hold after an operation: `template` is what was asked for, `before` what was there.
    async fn check(&mut self, status: &str, template: &Value, before: &BTreeMap<String, Value>) {
        let (world, current) = (self.world().await, self.current().await);
        let events = self.events().await;
        let new = &events[self.events..];
        let line = |event: &StackEvent| {
            let status = event.resource_status.map_or("?", |status| status.as_str());
            let physical = event.physical_resource_id.as_deref().unwrap_or("-");
            let logical = event.logical_resource_id.as_deref().unwrap();
            format!("\n    {logical} {status} {physical} {}", event.event_id)
        };
        self.told += &new.iter().map(line).collect::<String>();
        let _ = write!(self.told, "\n  {status}: {world:?}\n  {current:?}");
        self.check_events(new, status, template);
        let mut left = BTreeSet::new();
        for event in new {
            let id = event.physical_resource_id.clone();
            match event.resource_status.map_or("?", |status| status.as_str()) {
                "DELETE_SKIPPED" => self.skipped.extend(id),
                "DELETE_FAILED" => left.extend(id),
                _ => {}
            }
        }
        for wrong in self.chaos(|chaos| std::mem::take(&mut chaos.wrongs)) {
            self.expect(false, &wrong);
        }
        // What waits for something that would not go stays too, until the stack is deleted.
        let known: BTreeSet<&String> = current.values().chain(&self.skipped).collect();
        let tidy = !left.is_empty() || world.keys().all(|id| known.contains(id));
        match status {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => {
                self.as_the_template_says(template, &world, &current);
                self.expect(tidy, "something is left over");
                self.whole = left.is_empty();
            }
            "ROLLBACK_COMPLETE" | "DELETE_COMPLETE" => {
                let lost = world.keys().find(|id| !self.skipped.contains(*id));
                self.expect(lost.is_none(), "something is left over");
                self.expect(current.is_empty(), "nothing should stand for anything");
            }
            "UPDATE_ROLLBACK_COMPLETE" => {
                let there = |id: &String| world.contains_key(id);
                self.expect(current.values().all(there), "something wanted was removed");
                self.expect(tidy, "something is left over");
                if self.whole && left.is_empty() {
                    let mut world = world.clone();
                    world.retain(|id, _| before.contains_key(id) || !self.skipped.contains(id));
                    self.expect(world == *before, "not all is as it was");
                }
                self.whole &= left.is_empty();
            }
            _ => {
                let failed = ["CREATE", "UPDATE", "ROLLBACK", "UPDATE_ROLLBACK", "DELETE"];
                let legal = failed.iter().any(|kind| status == format!("{kind}_FAILED"));
                self.expect(legal, "no legal status");
                self.whole = false;
            }
        }
        self.chaos(|chaos| chaos.failed = !self.whole);
        self.events = events.len();
    }

    fn as_the_template_says(
        &self,
        template: &Value,
        world: &BTreeMap<String, Value>,
        current: &BTreeMap<String, String>,
    ) {
        let resources = template["Resources"].as_object().unwrap();
        for (id, resource) in resources {
            let mut wanted = resource["Properties"].clone();
            for need in wanted["Needs"].as_array_mut().unwrap() {
                *need = json!(current[need["Ref"].as_str().unwrap()]);
            }
            let thing = current.get(id).and_then(|id| world.get(id));
            self.expect(thing == Some(&wanted), &format!("{id} is not as it should be"));
        }
        let all = current.keys().all(|id| resources.contains_key(id));
        self.expect(all, "something is still in the stack");
    }

    fn check_events(&self, events: &[StackEvent], status: &str, template: &Value) {
        let status_of = |event: &StackEvent| event.resource_status.map_or("?", |s| s.as_str());
        let of_stack = |event: &StackEvent| event.physical_resource_id.as_ref() == Some(&self.id);
        self.expect(of_stack(&events[0]), "the first event is the stack's");
        let last = events.last().unwrap();
        self.expect(of_stack(last) && status_of(last) == status, "the last event is the stack's");
        let mut open: BTreeMap<&str, &str> = BTreeMap::new();
        let mut created = BTreeSet::new();
        for event in events.iter().filter(|event| !of_stack(event)) {
            let id = event.logical_resource_id.as_deref().unwrap();
            let (verb, outcome) = status_of(event).split_once('_').unwrap();
            if outcome == "IN_PROGRESS" {
                open.insert(id, verb);
                for need in template["Resources"][id]["Properties"]["Needs"]
                    .as_array()
                    .iter()
                    .copied()
                    .flatten()
                {
                    let need = need["Ref"].as_str().unwrap();
                    let ready =
                        verb != "CREATE" || created.contains(need) || !Self::is_new(events, need);
                    self.expect(ready, &format!("{id} was begun before {need} was there"));
                }
            } else if verb == "CREATE" && outcome == "COMPLETE" {
                created.insert(id);
                self.expect(open.get(id) == Some(&verb), &format!("{id} ended without beginning"));
            }
        }
    }

    /// Whether the events are about making this resource.
    fn is_new(events: &[StackEvent], id: &str) -> bool {
        events.iter().any(|event| {
            event.logical_resource_id.as_deref() == Some(id)
                && event.resource_status.is_some_and(|s| s.as_str() == "CREATE_IN_PROGRESS")
        })
    }

    fn shake(&mut self, seed: u64) {
        let calm = self.random.chance(if self.id.is_empty() { 60 } else { 20 });
        let mut draw = |most| if calm { 0 } else { self.random.below(most) };
        let drawn = (draw(200), draw(200), draw(200));
        self.chaos(|chaos| {
            chaos.random = Random(seed);
            (chaos.refuses, chaos.breaks, chaos.dies) = drawn;
        });
    }

    async fn create(&mut self) -> String {
        let template = self.template();
        let on_failure = [OnFailure::Rollback, OnFailure::DoNothing, OnFailure::Delete];
        let on_failure = on_failure[self.random.below(3) as usize];
        let input = CreateStackInput {
            stack_name: self.name.clone(),
            template_body: Some(template.to_string()),
            on_failure: Some(on_failure),
            ..CreateStackInput::default()
        };
        let _ = write!(self.told, "\ncreate {on_failure:?} {template}");
        self.id = self.at.cx.call::<CreateStack>(input).await.unwrap().stack_id.unwrap();
        let status = self.settled().await;
        self.check(&status, &template, &BTreeMap::new()).await;
        status
    }

    async fn update(&mut self) -> String {
        let (template, before) = (self.template(), self.world().await);
        let disable_rollback = Some(self.random.chance(30));
        let input = UpdateStackInput {
            stack_name: self.name.clone(),
            template_body: Some(template.to_string()),
            disable_rollback,
            ..UpdateStackInput::default()
        };
        let _ = write!(self.told, "\nupdate {disable_rollback:?} {template}");
        match self.at.cx.call::<UpdateStack>(input).await {
            Err(error) if error.message.starts_with("No updates") => {
                return self.settled().await;
            }
            done => drop(done.unwrap()),
        }
        let status = self.settled().await;
        self.check(&status, &template, &before).await;
        status
    }

    async fn delete(&mut self) -> String {
        self.told += "\ndelete";
        let input = DeleteStackInput { stack_name: self.id.clone(), ..Default::default() };
        self.at.cx.call::<DeleteStack>(input).await.unwrap();
        let status = self.settled().await;
        self.check(&status, &json!({}), &BTreeMap::new()).await;
        status
    }

    async fn run(&mut self, seed: u64) {
        self.shake(seed);
        let mut status = self.create().await;
        for round in 0..self.random.below(4) {
            let updatable = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];
            let stuck = ["CREATE_FAILED", "UPDATE_FAILED"];
            if !updatable.contains(&status.as_str()) && !stuck.contains(&status.as_str()) {
                break;
            }
            self.shake(seed + round + 1);
            status = self.update().await;
        }
        if status != "DELETE_COMPLETE" {
            self.shake(seed + 9);
            status = self.delete().await;
        }
        if status != "DELETE_COMPLETE" {
            self.chaos(|chaos| (chaos.refuses, chaos.breaks, chaos.dies) = (0, 0, 0));
            status = self.delete().await;
        }
        self.expect(status == "DELETE_COMPLETE", "the stack does not go");
    }
}

/// Something that was there before the stack and has a name that the stack wants.
async fn put_foreign(cx: &Cx, id: &str) {
    let transact = cx.store().transact(|tx| async move {
        tx.put(world(cx).text(id), json!({"Foreign": true, "Needs": []}).to_string().into_bytes());
        Ok::<_, Error>(())
    });
    transact.await.unwrap();
}

async fn run(disk: &Disk, seed: u64, plant: Option<Plant>) {
    let mut case = Case {
        at: Fixture::over(disk),
        disk: disk.clone(),
        random: Random(seed),
        name: format!("c{seed}x"),
        id: String::new(),
        whole: true,
        events: 0,
        skipped: BTreeSet::new(),
        told: format!("\nseed {seed}"),
    };
    case.chaos(|chaos| *chaos = Chaos { plant, ..Chaos::default() });
    let foreign = format!("c{seed}x-B-1");
    let taken = case.random.chance(20);
    if taken {
        put_foreign(&case.at.cx, &foreign).await;
    }
    case.run(seed).await;
    let kept = things(&case.at.cx).await.get(&foreign).is_some_and(|it| it["Foreign"] == true);
    case.expect(kept == taken, "what is somebody else's was touched");
    case.expect(notes_are_gone(&case.at.cx).await, "a note of an attempt is left");
    case.at.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_nothing_is_lost_and_nothing_left_over() {
    in_lines(0, 90, |disk, seeds| async move {
        for seed in seeds {
            run(&disk, seed, None).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_planted_is_found() {
    let plants = [Plant::Unnoted, Plant::Unremoved, Plant::NotUndone];
    for (at, plant) in plants.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let account = format!("{:012}", 100 + at).parse().unwrap();
        let disk = Disk { account, ..Disk::open(folder.path()).await };
        let mut found = None;
        for seed in 0..40 {
            let disk = disk.clone();
            let run = tokio::spawn(async move { run(&disk, seed, Some(plant)).await });
            if let Err(failed) = run.await {
                found = failed.into_panic().downcast::<String>().ok();
                break;
            }
        }
        let told = found.unwrap_or_else(|| panic!("{plant:?} is not found"));
        let expected = match plant {
            // What was made in vain is not known to be the stack's.
            Plant::Unnoted => ["something is left over", "is not as it should be"].as_slice(),
            Plant::Unremoved => &["something is left over"],
            Plant::NotUndone => &["not all is as it was"],
        };
        let complaint = told.lines().next().unwrap_or_default();
        assert!(expected.iter().any(|words| complaint.contains(words)), "{plant:?}: {told}");
    }
}
