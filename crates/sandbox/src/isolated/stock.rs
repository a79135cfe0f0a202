//! Sandboxes that wait for a function: built, with an interpreter that has started and loaded its
//! runtime client, and nothing of any function's. One is given to one function version, once, and
//! ends with it.
//!
//! A few more are kept for a while after calls found none. One more sandbox is kept empty, for a
//! function that must be started by itself. All are made one after the other by a thread of their
//! own, a moment after they are wanted, and with a small share of the processor: functions that run
//! come first. Where no kind is wanted there are none, and the thread sleeps.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::assignment::{Assignment, Furniture};
use super::link::Link;
use super::process::Account;
use super::{
    Begun, PATIENCE, PROCESS_LIMIT, Prepared, Shared, environment, expect, functions_own, inside,
    interpreter_mounts, limits, network, targets,
};
use crate::cgroup::GroupLimits;
use crate::generic::Generic;
use crate::launch::{Folders, Launch};
use crate::watch;

/// Of each kind, while calls come one at a time.
const USUAL: usize = 2;
/// Of each kind, after calls found none.
const MOST: usize = 8;
/// How long more than the usual number are kept after a call found none.
const BURST: Duration = Duration::from_secs(30);
/// Kinds that any are kept of; at most eight times as many sandboxes wait.
const KINDS: usize = 8;
/// The pause before the next one is made: whoever has just been given one is at its start.
const PAUSE: Duration = Duration::from_millis(20);
/// After a kind could not be started.
const PENALTY: Duration = Duration::from_secs(60);
/// What one that waits may use, files included: the smallest function's memory and storage.
const MEMORY: u64 = (128 + 512) << 20;
/// What its share of the processor is measured by while it starts: an eighth of the smallest
/// function's share. With the least share that there is, none would ever be ready on a busy
/// machine.
const SHARE: u64 = 16 << 20;
const LIMITS: GroupLimits = GroupLimits { bytes: MEMORY, memory: SHARE, processes: PROCESS_LIMIT };
/// Bytes of ephemeral storage that most functions have, so that it need not be changed.
const STORAGE: u64 = 512 << 20;

/// A sandbox that waits.
struct Waiting {
    account: Account,
    control: Link,
    runtime: OwnedFd,
    doors: network::Doors,
    output: OwnedFd,
    /// Where its runtime client reads what is its function's.
    assignment: UnixStream,
}

impl Waiting {
    fn has_ended(&self) -> bool {
        watch::is_readable(&self.runtime)
    }
}

/// A sandbox that is built and has no program.
pub(super) struct Spare {
    pub(super) prepared: Prepared,
    pub(super) doors: network::Doors,
}

/// What to make next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lacking {
    Waiting(Generic),
    Spare,
}

/// Those that there are, and those that are wanted.
#[derive(Default)]
pub(super) struct Stock {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Most wanted first.
    kinds: Vec<Generic>,
    shelves: HashMap<Generic, Shelf>,
    spare: Option<Spare>,
    wants_spare: bool,
    /// Neither is a spare one tried before.
    spare_shut_until: Option<Instant>,
    /// When the last one was taken.
    taken: Option<Instant>,
    /// Whether somebody makes them.
    is_served: bool,
    is_closed: bool,
}

/// Those of one kind.
#[derive(Default)]
struct Shelf {
    waiting: Vec<Waiting>,
    /// When a call found none, and how many are kept since.
    missed: Option<(Instant, usize)>,
    /// Not to be tried before.
    shut_until: Option<Instant>,
}

impl Shelf {
    fn wanted(&self, now: Instant) -> usize {
        match self.missed {
            Some((at, wanted)) if now.duration_since(at) < BURST => wanted,
            _ => USUAL,
        }
    }

    fn miss(&mut self, now: Instant) {
        self.missed = Some((now, (self.wanted(now) + 1).min(MOST)));
    }

    fn lacks(&self, now: Instant) -> bool {
        self.shut_until.is_none_or(|until| until <= now) && self.waiting.len() < self.wanted(now)
    }

    /// Those that are more than are wanted.
    fn surplus(&mut self, now: Instant) -> Vec<Waiting> {
        let wanted = self.wanted(now);
        self.waiting.split_off(wanted.min(self.waiting.len()))
    }

    /// When more or fewer are wanted though nobody has called.
    fn next_change(&self, now: Instant) -> Option<Instant> {
        let over = self.missed.map(|(at, _)| at + BURST);
        over.into_iter().chain(self.shut_until).filter(|at| *at > now).min()
    }
}

impl State {
    /// The first kind of which there are too few, and at last the spare one.
    fn lacking(&self, now: Instant) -> Option<Lacking> {
        let lacks = |kind: &&Generic| self.shelves.get(*kind).is_none_or(|shelf| shelf.lacks(now));
        let spare = self.wants_spare
            && self.spare.is_none()
            && self.spare_shut_until.is_none_or(|until| until <= now);
        let kind = self.kinds.iter().find(lacks).cloned().map(Lacking::Waiting);
        kind.or_else(|| spare.then_some(Lacking::Spare))
    }

    fn next_change(&self, now: Instant) -> Option<Instant> {
        let shelves = self.shelves.values().filter_map(|shelf| shelf.next_change(now));
        shelves.chain(self.spare_shut_until.filter(|at| *at > now)).min()
    }
}

impl Stock {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of a kind that is ready, if any is.
    pub(super) fn take(&self, kind: &Generic) -> Option<TakenWaiting> {
        let mut state = self.lock();
        let now = Instant::now();
        state.taken = Some(now);
        let shelf = state.shelves.get_mut(kind)?;
        let mut ended = Vec::new();
        let found = loop {
            match shelf.waiting.pop() {
                Some(waiting) if waiting.has_ended() => ended.push(waiting),
                found => break found,
            }
        };
        if found.is_none() {
            shelf.miss(now);
        }
        drop(state);
        self.changed.notify_all();
        drop(ended);
        found.map(TakenWaiting)
    }

    pub(super) fn waiting(&self, kind: &Generic) -> usize {
        self.lock().shelves.get(kind).map_or(0, |shelf| shelf.waiting.len())
    }

    pub(super) fn has_spare(&self) -> bool {
        self.lock().spare.is_some()
    }

    /// The spare one, if there is one.
    pub(super) fn take_spare(&self) -> Option<Spare> {
        let mut state = self.lock();
        let spare = state.spare.take()?;
        state.taken = Some(Instant::now());
        drop(state);
        self.changed.notify_all();
        (!spare.prepared.account.has_ended()).then_some(spare)
    }

    /// What to make next, once it is time; `None` when it is all over.
    fn next(&self) -> Option<Lacking> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            let now = Instant::now();
            let shelves = state.shelves.values_mut();
            let surplus: Vec<Waiting> = shelves.flat_map(|shelf| shelf.surplus(now)).collect();
            if !surplus.is_empty() {
                // Ended without the lock.
                drop(state);
                drop(surplus);
                state = self.lock();
                continue;
            }
            let pause = state.taken.map_or(Duration::ZERO, |at| (at + PAUSE).duration_since(now));
            let until = match state.lacking(now) {
                Some(lacking) if pause.is_zero() => return Some(lacking),
                Some(_) => Some(now + pause),
                None => state.next_change(now),
            };
            state = match until {
                Some(until) => {
                    let waited = self.changed.wait_timeout(state, until.duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn put(&self, kind: Generic, made: io::Result<Waiting>) {
        let mut state = self.lock();
        // Nobody wants it any more: dropping it, without the lock, ends it.
        if state.is_closed || !state.kinds.contains(&kind) {
            drop(state);
            return;
        }
        let shelf = state.shelves.entry(kind).or_default();
        match made {
            Ok(waiting) => shelf.waiting.push(waiting),
            Err(error) => {
                tracing::warn!(%error, "no sandbox can be started ahead for now");
                shelf.shut_until = Some(Instant::now() + PENALTY);
            }
        }
    }

    fn put_spare(&self, made: io::Result<Spare>) {
        let mut state = self.lock();
        if state.is_closed || !state.wants_spare {
            drop(state);
            return;
        }
        match made {
            Ok(spare) => state.spare = Some(spare),
            Err(error) => {
                tracing::warn!(%error, "no sandbox can be made ahead for now");
                state.spare_shut_until = Some(Instant::now() + PENALTY);
            }
        }
    }

    /// Keeps these kinds, and no others; whether somebody must begin to make them.
    fn keep(&self, kinds: &[Generic], spare: bool) -> bool {
        let kinds: Vec<Generic> = kinds.iter().take(KINDS).cloned().collect();
        let mut state = self.lock();
        let gone: Vec<Shelf> = state
            .shelves
            .extract_if(|kind, _| !kinds.contains(kind))
            .map(|(_, shelf)| shelf)
            .collect();
        let begin = (spare || !kinds.is_empty()) && !state.is_served && !state.is_closed;
        state.is_served |= begin;
        state.kinds = kinds;
        state.wants_spare = spare;
        let unwanted = if spare { None } else { state.spare.take() };
        drop(state);
        self.changed.notify_all();
        drop((gone, unwanted));
        begin
    }

    /// Ends all of them, and makes no more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let gone = (std::mem::take(&mut state.shelves), state.spare.take());
        drop(state);
        self.changed.notify_all();
        drop(gone);
    }
}

/// One that was taken. There is no way back.
pub(super) struct TakenWaiting(Waiting);

impl Shared {
    pub(super) fn keep(self: &Arc<Self>, kinds: &[Generic], spare: bool) {
        if !self.stock.keep(kinds, spare) {
            return;
        }
        let (stock, shared) = (Arc::clone(&self.stock), Arc::downgrade(self));
        let thread = std::thread::Builder::new().name("sandbox-stock".to_owned());
        if let Err(error) = thread.spawn(move || fill(&stock, &shared)) {
            tracing::warn!(%error, "no sandboxes are started ahead");
        }
    }

    /// Makes a sandbox for whatever comes. Blocks until it is built.
    fn make_spare(&self) -> io::Result<Spare> {
        let prepared = self.prepare(LIMITS, self.plan().as_ref())?;
        let doors = prepared.doors()?;
        Ok(Spare { prepared, doors })
    }

    /// Makes a sandbox in which a program waits for its function. Blocks until it does.
    fn wait_ahead(&self, kind: &Generic) -> io::Result<Waiting> {
        let plan = self.plan();
        let prepared = self.prepare(LIMITS, plan.as_ref())?;
        let runtime = kind.runtime.clone();
        let inside = inside(&Folders { code: "".into(), layers: None, runtime: runtime.clone() });
        let mut shown = vec![(runtime, inside.runtime)];
        shown.extend(interpreter_mounts(&kind.program));
        let trees = self.trees(&shown)?;
        let assignment = Assignment {
            program: kind.program.clone(),
            arguments: kind.arguments.clone(),
            environment: environment(&kind.environment, plan.as_ref()),
            code: inside.code,
            waits: true,
            furniture: Furniture { storage: STORAGE, targets: targets(shown) },
        };
        let (output, input) = io::pipe()?;
        let (mut ours, theirs) = UnixStream::pair()?;
        let mut assign = assignment.message();
        assign.fd(input.into()).fd(theirs.into());
        for tree in trees {
            assign.fd(tree);
        }
        let doors = prepared.doors()?;
        let Prepared { account, control, .. } = prepared;
        control.send(&assign)?;
        drop(assign);
        let runtime = expect(control.receive()?, "started")?.fd()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        // The client's word that it is there.
        ours.read_exact(&mut [0])?;
        let output = output.into();
        Ok(Waiting { account, control, runtime, doors, output, assignment: ours })
    }

    /// Gives a sandbox that waits what is its function's. Blocks for some hundred microseconds.
    pub(super) fn equip(&self, taken: TakenWaiting, launch: &Launch) -> io::Result<Begun> {
        let Waiting { mut account, control, runtime, doors, output, mut assignment } = taken.0;
        let shown = functions_own(&launch.folders, &inside(&launch.folders));
        let trees = self.trees(&shown)?;
        let furniture = Furniture { storage: launch.storage, targets: targets(shown) };
        let mut equip = furniture.equipment();
        for tree in trees {
            equip.fd(tree);
        }
        control.send(&equip)?;
        drop(equip);
        // Meanwhile.
        account.limit(limits(launch))?;
        let environment = environment(&launch.environment, self.plan().as_ref());
        let environment: serde_json::Map<_, _> =
            environment.into_iter().map(|(name, value)| (name, value.into())).collect();
        let said = serde_json::json!({ "environment": environment }).to_string();
        expect(control.receive()?, "equipped")?;
        assignment.write_all(said.as_bytes())?;
        assignment.shutdown(Shutdown::Write)?;
        Ok(Begun { account, control, runtime, doors, output })
    }
}

/// Makes what is wanted until the launcher is gone.
fn fill(stock: &Stock, shared: &Weak<Shared>) {
    while let Some(lacking) = stock.next() {
        let Some(shared) = shared.upgrade() else { return };
        match lacking {
            Lacking::Waiting(kind) => {
                let made = shared.wait_ahead(&kind);
                drop(shared);
                stock.put(kind, made);
            }
            Lacking::Spare => {
                let made = shared.make_spare();
                drop(shared);
                stock.put_spare(made);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_are_wanted_for_a_while_after_calls_found_none() {
        let (mut shelf, start) = (Shelf::default(), Instant::now());
        assert_eq!((shelf.wanted(start), shelf.lacks(start)), (USUAL, true));
        assert_eq!(shelf.next_change(start), None);
        for more in 1..20 {
            shelf.miss(start);
            assert_eq!(shelf.wanted(start), (USUAL + more).min(MOST));
        }
        assert_eq!(shelf.next_change(start), Some(start + BURST));
        assert_eq!(shelf.wanted(start + BURST), USUAL);
        assert_eq!(shelf.next_change(start + BURST), None);
        shelf.shut_until = Some(start + PENALTY);
        assert!(!shelf.lacks(start) && shelf.lacks(start + PENALTY));
    }
}
