//! PutLogGroupDeletionProtection: protects a group against DeleteLogGroup, or ends that.
//!
//! Promises: counts, durably, from the answer on.
//! Refuses: a group that is not there.

use cumulet_api_logs::ops::{
    PutLogGroupDeletionProtection, PutLogGroupDeletionProtectionOutput,
    PutLogGroupDeletionProtectionRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;

impl Handle<PutLogGroupDeletionProtection> for Logs {
    async fn access(
        &self,
        cx: &Cx,
        input: &PutLogGroupDeletionProtectionRequest,
    ) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        Ok(vec![name.access(cx, "logs:PutLogGroupDeletionProtection", "").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutLogGroupDeletionProtectionRequest,
    ) -> Result<PutLogGroupDeletionProtectionOutput> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        cx.store()
            .transact(async |tx| {
                let mut record = name.load(&tx).await?;
                record.deletion_protection = input.deletion_protection_enabled;
                tx.put_record(name.key(), &record);
                Ok::<_, Error>(())
            })
            .await?;
        Ok(PutLogGroupDeletionProtectionOutput {})
    }
}
