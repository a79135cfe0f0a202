//! Where functions' log lines go.

use std::sync::Arc;

use cumulet_base::{AccountId, Region};
use cumulet_sandbox::{LogLine, LogSink};

/// Takes the lines of functions. Must not block; drops what it cannot hold.
pub trait Logs: Send + Sync + 'static {
    /// Takes a line for a log group.
    fn line(&self, account: &AccountId, region: &Region, group: &str, line: LogLine);
}

/// Writes lines to this cloud's own log, at level `debug`: for a cloud without a logs service.
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceLogs;

impl Logs for TraceLogs {
    fn line(&self, _: &AccountId, _: &Region, group: &str, line: LogLine) {
        tracing::debug!(target: "cumulet_lambda::output", group, stream = &*line.stream, "{}", line.text);
    }
}

/// The log of one function version.
pub(crate) struct Group {
    pub(crate) logs: Arc<dyn Logs>,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl LogSink for Group {
    fn line(&self, line: LogLine) {
        self.logs.line(&self.account, &self.region, &self.name, line);
    }
}
