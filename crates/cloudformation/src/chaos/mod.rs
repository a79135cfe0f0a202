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
use serde_json::{Map, Value};

pub(crate) use things::Unsteady;

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

/// A number in the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
