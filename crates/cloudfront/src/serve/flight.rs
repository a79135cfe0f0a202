//! One fetch of an object at a time: who asks for what is being fetched waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::cache::store::Object;

/// What became of a fetch.
#[derive(Debug, Clone)]
pub(crate) enum Landed {
    /// It is under way.
    NotYet,
    /// An answer for all who wait.
    Object(Arc<Object>),
    /// An answer that is one viewer's alone: the others ask for themselves.
    Unshared,
}

type Waiters = Mutex<HashMap<Vec<u8>, watch::Receiver<Landed>>>;

/// The fetches under way, by key.
#[derive(Debug, Default)]
pub(crate) struct Flights(Arc<Waiters>);

/// What one who misses an object does.
#[derive(Debug)]
pub(crate) enum Join {
    /// Fetches it.
    Lead(Lead),
    /// Waits for another's fetch.
    Wait(watch::Receiver<Landed>),
}

/// The right and the duty to fetch. Dropped without landing (the viewer went away), it leaves the
/// fetch to one of those who wait.
#[derive(Debug)]
pub(crate) struct Lead {
    waiters: Arc<Waiters>,
    key: Vec<u8>,
    landed: watch::Sender<Landed>,
}

fn lock(waiters: &Waiters) -> MutexGuard<'_, HashMap<Vec<u8>, watch::Receiver<Landed>>> {
    waiters.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flights {
    /// Joins the fetch of `key`, or begins one.
    pub(crate) fn join(&self, key: &[u8]) -> Join {
        let mut waiters = lock(&self.0);
        if let Some(receiver) = waiters.get(key) {
            return Join::Wait(receiver.clone());
        }
        let (landed, receiver) = watch::channel(Landed::NotYet);
        waiters.insert(key.to_vec(), receiver);
        Join::Lead(Lead { waiters: Arc::clone(&self.0), key: key.to_vec(), landed })
    }
}

impl Lead {
    /// Tells all who wait. What is to be found in the cache must be there by now.
    pub(crate) fn land(self, landed: Landed) {
        lock(&self.waiters).remove(&self.key);
        self.landed.send_replace(landed);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if matches!(*self.landed.borrow(), Landed::NotYet) {
            lock(&self.waiters).remove(&self.key);
        }
    }
}

/// Waits for another's fetch; `None`: he went away before its end.
pub(crate) async fn wait(mut receiver: watch::Receiver<Landed>) -> Option<Landed> {
    let landed = receiver.wait_for(|landed| !matches!(landed, Landed::NotYet)).await;
    landed.ok().map(|landed| landed.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_leads_and_the_rest_wait() {
        let flights = Flights::default();
        let Join::Lead(lead) = flights.join(b"k") else { panic!("the first leads") };
        let Join::Wait(one) = flights.join(b"k") else { panic!("the second waits") };
        assert!(matches!(flights.join(b"other"), Join::Lead(_)));
        let waiting = tokio::spawn(wait(one));
        lead.land(Landed::Unshared);
        assert!(matches!(waiting.await.unwrap(), Some(Landed::Unshared)));
        assert!(matches!(flights.join(b"k"), Join::Lead(_)));
    }

    #[tokio::test]
    async fn a_leader_who_goes_away_leaves_his_place() {
        let flights = Flights::default();
        let Join::Lead(lead) = flights.join(b"k") else { panic!("the first leads") };
        let Join::Wait(one) = flights.join(b"k") else { panic!("the second waits") };
        drop(lead);
        assert!(wait(one).await.is_none());
        let Join::Lead(_lead) = flights.join(b"k") else { panic!("his place is free") };
        assert!(matches!(flights.join(b"k"), Join::Wait(_)));
    }
}
