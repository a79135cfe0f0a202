//! What a connection's reader and its service tell each other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use super::head::Refusal;
use super::target::RawTarget;

/// What the reader saw in a head that hyper cannot show.
#[derive(Debug)]
pub(crate) enum Note {
    /// The target as it was sent.
    Target(RawTarget),
    /// The request is not to be handled, but answered with this.
    Refused(Refusal),
}

/// The requests under way on one connection, and notes on them.
#[derive(Debug)]
pub(crate) struct Flow {
    opened: Instant,
    under_way: AtomicUsize,
    /// Milliseconds after `opened` when the last exchange ended.
    ended: AtomicU64,
    calls: AtomicU64,
    /// Whether `notes` holds any: most connections never have one.
    noted: AtomicBool,
    notes: Mutex<VecDeque<(u64, Note)>>,
}

impl Flow {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            under_way: AtomicUsize::new(0),
            ended: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            noted: AtomicBool::new(false),
            notes: Mutex::default(),
        })
    }

    /// Leaves a note on the head with this number, counted from 0.
    pub(super) fn note(&self, head: u64, note: Note) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push_back((head, note));
        self.noted.store(true, Ordering::Release);
    }

    /// Counts a request that arrived at the service, and hands over the note on it.
    pub(crate) fn begin(self: &Arc<Self>) -> (Exchange, Option<Note>) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let exchange = Exchange(Arc::clone(self));
        if !self.noted.load(Ordering::Acquire) {
            return (exchange, None);
        }
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let note = notes.pop_front_if(|(head, _)| *head == call);
        self.noted.store(!notes.is_empty(), Ordering::Release);
        (exchange, note.map(|(_, note)| note))
    }

    /// Since when no request has been under way; `None` where one is.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        (self.under_way.load(Ordering::Acquire) == 0)
            .then(|| self.opened + Duration::from_millis(self.ended.load(Ordering::Relaxed)))
    }
}

/// A request under way, until its answer is sent or nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct Exchange(Arc<Flow>);

impl Drop for Exchange {
    fn drop(&mut self) {
        let age = self.0.opened.elapsed().as_millis();
        self.0.ended.store(u64::try_from(age).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.0.under_way.fetch_sub(1, Ordering::Release);
    }
}
