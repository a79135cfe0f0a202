//! Where functions' log lines go.

use std::sync::Weak;

use cumulet_base::{AccountId, Region};
use cumulet_sandbox::{LogLine, LogSink};
use cumulet_service::Cloud;

/// The log group of one function version.
pub(crate) struct Group {
    pub(crate) cloud: Weak<Cloud>,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl LogSink for Group {
    fn line(&self, line: LogLine) {
        let Some(cloud) = self.cloud.upgrade() else { return };
        let Some(telemetry) = cloud.telemetry() else { return };
        telemetry.emit(cumulet_service::LogLine {
            account: self.account.clone(),
            region: self.region.clone(),
            group: self.name.clone(),
            stream: line.stream.as_ref().to_owned(),
            at: line.at,
            message: line.text,
        });
    }
}
