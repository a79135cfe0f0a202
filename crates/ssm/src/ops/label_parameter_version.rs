//! LabelParameterVersion: gives names to a version, taking them from the version that has them.
//!
//! Promises: after the answer the labels are there, durably; those that break the rules are
//! answered in `InvalidLabels` and are no error.
//! Refuses: a parameter or version that is not there, more than ten labels on a version.

use cumulet_api_ssm::ops::{
    LabelParameterVersion, LabelParameterVersionRequest, LabelParameterVersionResult,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::error::Error;
use crate::name::Name;
use crate::{Ssm, store};

const MOST_LABELS: usize = 10;

impl Handle<LabelParameterVersion> for Ssm {
    async fn access(&self, cx: &Cx, input: &LabelParameterVersionRequest) -> Result<Vec<Access>> {
        let name = Name::read(cx, &input.name)?;
        let record = store::find(&cx.store().snapshot(), &name).await?;
        Ok(vec![name.access(cx, "ssm:LabelParameterVersion", record.as_ref())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: LabelParameterVersionRequest,
    ) -> Result<LabelParameterVersionResult> {
        let name = Name::read(cx, &input.name)?;
        let (valid, invalid): (Vec<_>, Vec<_>) =
            input.labels.into_iter().partition(|label| is_label(label));
        let version = cx
            .store()
            .transact(async |tx| {
                let mut record = store::load(&tx, &name).await?;
                let version = match input.parameter_version {
                    None => record.latest,
                    Some(version) => u64::try_from(version)
                        .ok()
                        .filter(|version| (record.oldest..=record.latest).contains(version))
                        .ok_or_else(|| {
                            Error::VersionNotFound(name.text.clone(), version.to_string())
                        })?,
                };
                record.labels.extend(valid.iter().map(|label| (label.clone(), version)));
                if record.labels_of(version).len() > MOST_LABELS {
                    return Err(Error::TooManyLabels);
                }
                tx.put_record(store::parameter(&name), &record);
                Ok(version)
            })
            .await?;
        Ok(LabelParameterVersionResult {
            invalid_labels: Some(invalid),
            parameter_version: i64::try_from(version).ok(),
        })
    }
}

/// Letters, digits, `.-_`; not beginning with a digit, `aws` or `ssm` (API reference).
fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    label.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

#[cfg(test)]
mod tests {
    use super::is_label;

    #[test]
    fn labels_keep_the_rules() {
        assert!(["prod", "v1.0-rc_2", "_x"].into_iter().all(is_label));
        assert!(!["1x", "awsx", "SSM", "a b", "a/b", "ä"].into_iter().any(is_label));
    }
}
