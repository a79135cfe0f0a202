//! PutRetentionPolicy and DeleteRetentionPolicy: how long a group keeps its events.
//!
//! Promises: from the answer on, events older than the retention are not read any more, and are
//! removed durably within the hour. Without a policy events do not expire; those that had expired
//! and were not yet removed are seen again.
//! Refuses: a group that is not there, days that are not among AWS's.

use cumulet_api_logs::ops::{
    DeleteRetentionPolicy, DeleteRetentionPolicyOutput, DeleteRetentionPolicyRequest,
    PutRetentionPolicy, PutRetentionPolicyOutput, PutRetentionPolicyRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::group::GroupName;
use crate::{Logs, retention};

/// API reference, PutRetentionPolicy.
const DAYS: [u16; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

impl Handle<PutRetentionPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &PutRetentionPolicyRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        Ok(vec![name.access(cx, "logs:PutRetentionPolicy", "").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutRetentionPolicyRequest,
    ) -> Result<PutRetentionPolicyOutput> {
        let days = u16::try_from(input.retention_in_days).ok();
        let days = days.filter(|days| DAYS.contains(days));
        let days = days.ok_or_else(|| invalid_days(input.retention_in_days))?;
        set(cx, &GroupName::own(cx, &input.log_group_name), Some(days)).await?;
        Ok(PutRetentionPolicyOutput {})
    }
}

impl Handle<DeleteRetentionPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &DeleteRetentionPolicyRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        Ok(vec![name.access(cx, "logs:DeleteRetentionPolicy", "").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteRetentionPolicyRequest,
    ) -> Result<DeleteRetentionPolicyOutput> {
        set(cx, &GroupName::own(cx, &input.log_group_name), None).await?;
        Ok(DeleteRetentionPolicyOutput {})
    }
}

async fn set(cx: &Cx, name: &GroupName, days: Option<u16>) -> Result<(), Error> {
    let now = cx.now();
    cx.store()
        .transact(async |tx| {
            let mut record = name.load(&tx).await?;
            record.retention = days;
            tx.put_record(name.key(), &record);
            if days.is_some() {
                retention::enqueue(&tx, name, record.id, now).await?;
            }
            Ok(())
        })
        .await
}

fn invalid_days(days: i32) -> Error {
    let known = DAYS.map(|days| days.to_string());
    Error::parameter(format!(
        "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy \
         constraint: Member must satisfy enum value set: [{}]",
        known.join(", ")
    ))
}
