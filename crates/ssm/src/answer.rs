//! Parameters as answers show them.

use cumulet_api_ssm::types::{
    Parameter, ParameterHistory, ParameterMetadata, ParameterTier, ParameterType,
};
use cumulet_service::{Cx, Result};
use cumulet_shape::Timestamp;
use cumulet_store::Read;

use crate::error::Error;
use crate::model::{ParameterRecord, VersionRecord};
use crate::name::{Name, Selector};
use crate::{store, value};

/// The parameter's version that the selector means.
pub(crate) async fn parameter(
    cx: &Cx,
    read: &impl Read,
    name: &Name,
    selector: &Selector,
    decrypt: bool,
) -> Result<Parameter> {
    let record = store::load(read, name).await?;
    let missing = |version: u64| Error::VersionNotFound(name.text.clone(), version.to_string());
    let (version, shown) = match selector {
        Selector::Latest => (record.latest, None),
        Selector::Version(version) if (record.oldest..=record.latest).contains(version) => {
            (*version, Some(format!(":{version}")))
        }
        Selector::Version(version) => return Err(missing(*version).into()),
        Selector::Label(label) => match record.labels.get(label) {
            Some(version) => (*version, Some(format!(":{label}"))),
            None => return Err(Error::LabelNotFound(name.text.clone(), label.clone()).into()),
        },
    };
    let stored = store::version(read, name, version).await?;
    Ok(Parameter {
        name: Some(record.name),
        r#type: ParameterType::from_wire(&stored.kind),
        version: i64::try_from(version).ok(),
        selector: shown,
        source_result: None,
        last_modified_date: Some(Timestamp::from_millis(stored.modified)),
        arn: Some(name.arn().to_string()),
        data_type: Some(stored.data_type),
        value: Some(value::reveal(cx, name, version, stored.value, decrypt).await?),
    })
}

/// A parameter without its value.
pub(crate) fn metadata(
    name: &Name,
    record: &ParameterRecord,
    latest: VersionRecord,
) -> ParameterMetadata {
    ParameterMetadata {
        name: Some(record.name.clone()),
        arn: Some(name.arn().to_string()),
        r#type: ParameterType::from_wire(&latest.kind),
        key_id: latest.key_id,
        last_modified_date: Some(Timestamp::from_millis(latest.modified)),
        last_modified_user: Some(latest.modified_by),
        description: latest.description,
        allowed_pattern: latest.allowed_pattern,
        version: i64::try_from(record.latest).ok(),
        tier: ParameterTier::from_wire(&latest.tier),
        policies: Some(Vec::new()),
        data_type: Some(latest.data_type),
    }
}

/// One version of a parameter.
pub(crate) async fn history(
    cx: &Cx,
    name: &Name,
    record: &ParameterRecord,
    version: u64,
    stored: VersionRecord,
    decrypt: bool,
) -> Result<ParameterHistory> {
    Ok(ParameterHistory {
        name: Some(record.name.clone()),
        r#type: ParameterType::from_wire(&stored.kind),
        key_id: stored.key_id,
        last_modified_date: Some(Timestamp::from_millis(stored.modified)),
        last_modified_user: Some(stored.modified_by),
        description: stored.description,
        value: Some(value::reveal(cx, name, version, stored.value, decrypt).await?),
        allowed_pattern: stored.allowed_pattern,
        version: i64::try_from(version).ok(),
        labels: Some(record.labels_of(version)),
        tier: ParameterTier::from_wire(&stored.tier),
        policies: Some(Vec::new()),
        data_type: Some(stored.data_type),
    })
}
