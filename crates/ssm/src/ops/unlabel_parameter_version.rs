//! UnlabelParameterVersion: takes labels from a version.
//!
//! Promises: after the answer they are gone, durably; those that the version did not have are
//! answered in `InvalidLabels` and are no error.
//! Refuses: a parameter or version that is not there.

use cumulet_api_ssm::ops::{
    UnlabelParameterVersion, UnlabelParameterVersionRequest, UnlabelParameterVersionResult,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::name::Name;
use crate::{Ssm, store};

impl Handle<UnlabelParameterVersion> for Ssm {
    async fn access(&self, cx: &Cx, input: &UnlabelParameterVersionRequest) -> Result<Vec<Access>> {
        let name = Name::read(cx, &input.name)?;
        let record = store::find(&cx.store().snapshot(), &name).await?;
        Ok(vec![name.access(cx, "ssm:UnlabelParameterVersion", record.as_ref())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UnlabelParameterVersionRequest,
    ) -> Result<UnlabelParameterVersionResult> {
        let name = Name::read(cx, &input.name)?;
        let (removed, invalid) = cx
            .store()
            .transact(async |tx| {
                let mut record = store::load(&tx, &name).await?;
                let version = u64::try_from(input.parameter_version).unwrap_or(0);
                if !(record.oldest..=record.latest).contains(&version) {
                    let version = input.parameter_version.to_string();
                    return Err(Error::VersionNotFound(name.text.clone(), version));
                }
                let has = |label: &String| record.labels.get(label) == Some(&version);
                let (removed, invalid): (Vec<_>, Vec<_>) =
                    input.labels.iter().cloned().partition(has);
                record.labels.retain(|label, _| !removed.contains(label));
                tx.put_record(store::parameter(&name), &record);
                Ok((removed, invalid))
            })
            .await?;
        Ok(UnlabelParameterVersionResult {
            removed_labels: Some(removed),
            invalid_labels: Some(invalid),
        })
    }
}
