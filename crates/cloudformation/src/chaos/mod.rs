//! Random stacks, the steps of which fail, or during which the engine dies, at random. Whatever
//! happens, in the end nothing may be lost and nothing left over.
//!
//! `things` are of a type of the tests' own, with promises about every state on the way; `apis` are
//! of the types of REST APIs and distributions, beside others' that have the same names.

mod apis;
mod things;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cumulet_base::AccountId;
use cumulet_service::{Cx, Error, Result};
use cumulet_store::{Direction, Key, Read as _};
use serde_json::{Map, Value};

use crate::testing::Disk;
pub(crate) use things::Unsteady;

/// Lines of cases, side by side.
const LINES: u64 = 6;

/// What happens to the next steps, by account: each line of cases has its own.
static CHAOS: Mutex<BTreeMap<AccountId, Chaos>> = Mutex::new(BTreeMap::new());

/// The chances of a step, of 1,000 each.
#[derive(Debug, Default)]
struct Chaos {
    random: Random,
    /// Fails before it has done anything.
    refuses: u64,
    /// Fails when it has done its work, or half of it.
    breaks: u64,
    /// The engine dies, before or after the work.
    dies: u64,
    dead: bool,
    /// Whether anything has failed since the stack was last whole: then the order in which things
    /// go is no longer promised.
    failed: bool,
    /// Promises that were broken.
    wrongs: Vec<String>,
    /// What things were to become whose change broke in the middle.
    halves: BTreeMap<String, Map<String, Value>>,
    /// What the tests' own type does wrong, to see that it is found.
    plant: Option<things::Plant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Works,
    Refuses,
    Breaks,
    DiesBefore,
    DiesAfter,
}

impl Chaos {
    fn fate(&mut self) -> Fate {
        if self.dead {
            return Fate::DiesBefore;
        }
        let drawn = self.random.below(1_000);
        let fate = match drawn {
            n if n < self.refuses => Fate::Refuses,
            n if n < self.refuses + self.breaks => Fate::Breaks,
            n if n < self.refuses + self.breaks + self.dies => {
                [Fate::DiesBefore, Fate::DiesAfter][self.random.below(2) as usize]
            }
            _ => Fate::Works,
        };
        self.dead |= matches!(fate, Fate::DiesBefore | Fate::DiesAfter);
        self.failed |= matches!(fate, Fate::Refuses | Fate::Breaks);
        fate
    }
}

fn with_chaos<T>(account: &AccountId, look: impl FnOnce(&mut Chaos) -> T) -> T {
    let mut all = CHAOS.lock().unwrap_or_else(PoisonError::into_inner);
    look(all.entry(account.clone()).or_default())
}

/// SplitMix64.
#[derive(Debug, Clone, Default)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A step with a fate; `work` is told it, where it can break in the middle.
async fn step<T, W>(cx: &Cx, work: impl FnOnce(Fate) -> W) -> Result<T>
where
    W: Future<Output = Result<T>>,
{
    let fate = with_chaos(cx.account(), Chaos::fate);
    tokio::task::yield_now().await;
    if fate == Fate::DiesBefore {
        return std::future::pending().await;
    }
    if fate == Fate::Refuses {
        return Err(Error::validation("the thing refuses"));
    }
    let done = work(fate).await;
    match fate {
        Fate::DiesAfter => std::future::pending().await,
        Fate::Breaks if done.is_ok() => Err(Error::validation("the thing breaks")),
        _ => done,
    }
}

/// Runs cases in lines side by side, each with a disk and an account of its own, counted from
/// `account` on. A line is given its seeds: `seeds` of them, or as the environment has it.
async fn in_lines<W>(account: u64, seeds: u64, line: impl Fn(Disk, Vec<u64>) -> W)
where
    W: Future<Output = ()> + Send + 'static,
{
    let number = |name| std::env::var(name).ok()?.parse().ok();
    let first: u64 = number("CHAOS_FIRST").unwrap_or(0);
    let last = first + number("CHAOS_SEEDS").unwrap_or(seeds);
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    for at in 0..LINES {
        let account = format!("{:012}", account + at).parse().unwrap();
        let disk = Disk { account, ..Disk::open(&folder.path().join(at.to_string())).await };
        let seeds = (first..last).filter(|seed| seed % LINES == at).collect();
        lines.push(tokio::spawn(line(disk, seeds)));
    }
    for line in lines {
        line.await.unwrap();
    }
}

/// Whether nothing of what attempts noted is left in the account.
async fn notes_are_gone(cx: &Cx) -> bool {
    let notes = Key::new("attempt", cx.account(), cx.region()).prefix();
    let notes = cx.store().snapshot().range(&notes, Direction::Forward, usize::MAX).await.unwrap();
    notes.items.is_empty()
}
