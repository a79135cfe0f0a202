//! Work that outlives the request that asked for it: one durable queue with timers and leases.
//!
//! [`enqueue`] puts a job into the transaction that gives rise to it, so that either both are
//! there or neither. [`Work`] runs the jobs of registered kinds, each by one worker at a time. A
//! worker holds a lease: if it dies, the job is taken over when the lease ends, or at once by a
//! worker that has the store for itself ([`Work::sole`]), so a job runs at least once. What a
//! handler changes in the store it can change exactly once, by checking or finishing its lease in
//! the same transaction ([`Lease::check`], [`Lease::finish`]).
//!
//! Knows no service and no kind of job.

mod job;
mod lease;
mod worker;

pub use job::{Enqueued, Job, cancel, enqueue, find};
pub use lease::{Lease, LeaseError};
pub use worker::{Outcome, Work};
