//! Lines that services and functions write about their own work.
//!
//! They do not pass the one door: a line must never hold up or fail what it tells of.

use cumulet_base::{AccountId, Region, Timestamp};

use crate::BoxFuture;

/// One line for a log stream. The stream is made where it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Whose log it is.
    pub account: AccountId,
    /// Where the group lies.
    pub region: Region,
    /// The log group's name: `/aws/lambda/orders`.
    pub group: String,
    /// The log stream's name: `2026/11/21/[$LATEST]0123…`.
    pub stream: String,
    /// When it happened.
    pub at: Timestamp,
    /// What a person reads.
    pub message: String,
    /// Whether its writer may make the group where there is none: if not, the line is dropped then.
    pub makes_group: bool,
}

/// Keeps lines: crate `logs` implements it.
pub trait Telemetry: Send + Sync + 'static {
    /// Takes a line, at once and always. It is durable about 50 ms later; one that finds the queue
    /// full is dropped and counted.
    fn emit(&self, line: LogLine);

    /// Waits until every line taken so far is durable (or given up): before the process ends.
    fn flush(&self) -> BoxFuture<'_, ()>;
}
