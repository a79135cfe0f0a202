//! PutParameter: makes a parameter or a new version of one.
//!
//! Promises: after the answer the version is there, durably; SecureStrings are sealed. Of more than
//! 100 versions the oldest goes.
//! Refuses: names and values that break AWS's rules, a parameter that exists without `Overwrite`,
//! another type, a smaller tier, tags together with `Overwrite`, keys of KMS (there is none but
//! `alias/aws/ssm`), a 101st version where the oldest has a label.
//! An overwrite keeps type, tier and data type where the request names none; description and
//! pattern belong to each version, as the history shows them. That AWS does not carry those two
//! over is our reading of it.
//! Not here: parameter policies and some data types (501 by name).

use std::collections::BTreeMap;

use cumulet_api_ssm::ops::{PutParameter, PutParameterRequest, PutParameterResult};
use cumulet_api_ssm::types::{ParameterTier, ParameterType};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Ssm;
use crate::error::Error;
use crate::model::{ParameterRecord, StoredValue, VersionRecord};
use crate::name::Name;
use crate::value::{self, STANDARD_BYTES, Typed};
use crate::{store, tags};

const MOST_VERSIONS: u64 = 100;
/// Parameters of an account in a region ("Systems Manager endpoints and quotas").
const MOST_STANDARD: u64 = 10_000;
const MOST_ADVANCED: u64 = 100_000;

impl Handle<PutParameter> for Ssm {
    async fn access(&self, cx: &Cx, input: &PutParameterRequest) -> Result<Vec<Access>> {
        let name = Name::to_put(cx, &input.name)?;
        let record = store::find(&cx.store().snapshot(), &name).await?;
        let overwrite = input.overwrite.unwrap_or_default().to_string();
        let put = name.access(cx, "ssm:PutParameter", record.as_ref());
        let put = put.with("ssm:Overwrite", vec![overwrite]);
        let put = put.with_some("ssm:Policies", input.policies.as_deref());
        let Some(tags) = input.tags.as_deref().filter(|tags| !tags.is_empty()) else {
            return Ok(vec![put]);
        };
        let tag = name.access(cx, "ssm:AddTagsToResource", record.as_ref());
        Ok(vec![tags::requesting(put, tags), tags::requesting(tag, tags)])
    }

    async fn handle(&self, cx: &Cx, input: PutParameterRequest) -> Result<PutParameterResult> {
        let name = Name::to_put(cx, &input.name)?;
        check(&input)?;
        if is_secret(cx, &name, &input).await? {
            cx.authorize(&value::key_access(cx, "kms:Encrypt", &name)).await?;
        }
        let now = cx.now();
        let made = cx
            .store()
            .transact(async |tx| {
                let before = store::find(&tx, &name).await?;
                let put = Put { cx, name: &name, input: &input, now: now.millis() };
                put.version(&tx, before).await
            })
            .await?;
        Ok(PutParameterResult {
            version: i64::try_from(made.latest).ok(),
            tier: ParameterTier::from_wire(&made.tier),
        })
    }
}

/// Whether the version will be a SecureString: by the request or by what is there.
async fn is_secret(cx: &Cx, name: &Name, input: &PutParameterRequest) -> Result<bool> {
    let secret = ParameterType::SecureString;
    if let Some(kind) = input.r#type {
        return Ok(kind == secret);
    }
    let before = store::find(&cx.store().snapshot(), name).await?;
    Ok(before.is_some_and(|before| before.kind == secret.as_str()))
}

/// What can be said of a request without knowing the parameter.
fn check(input: &PutParameterRequest) -> Result<()> {
    let overwrite = input.overwrite.unwrap_or_default();
    if overwrite && input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        return Err(Error::validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter \
             with tags, please remove overwrite flag. To update tags for an existing parameter, \
             please use AddTagsToResource or RemoveTagsFromResource.",
        )
        .into());
    }
    let policies = input.policies.as_deref().map(str::trim);
    if policies.is_some_and(|policies| !matches!(policies, "" | "[]" | "{}")) {
        return Err(ServiceError::not_implemented("ssm", "PutParameter with Policies"));
    }
    value::check(&input.value)?;
    if let Some(pattern) = input.allowed_pattern.as_deref().filter(|pattern| !pattern.is_empty()) {
        value::check_pattern(&input.value, pattern)?;
    }
    tags::check(input.tags.as_deref().unwrap_or_default())?;
    let data_type = input.data_type.as_deref().unwrap_or("text");
    match value::typed(&input.value, data_type) {
        Typed::NotHere => {
            let what = format!("PutParameter with DataType {data_type}");
            Err(ServiceError::not_implemented("ssm", &what))
        }
        Typed::Unknown => Err(Error::validation(format!(
            "The following data type is not supported: {data_type} (Data type names are all \
             lowercase.)"
        ))
        .into()),
        _ => Ok(()),
    }
}

/// A request, about to be stored.
struct Put<'a> {
    cx: &'a Cx,
    name: &'a Name,
    input: &'a PutParameterRequest,
    /// Milliseconds since the epoch.
    now: i64,
}

impl Put<'_> {
    async fn version(
        &self,
        tx: &Tx,
        before: Option<ParameterRecord>,
    ) -> Result<ParameterRecord, Error> {
        if before.is_some() && !self.input.overwrite.unwrap_or_default() {
            return Err(Error::AlreadyExists);
        }
        let kind = self.kind(before.as_ref())?;
        let tier = self.tier(before.as_ref())?;
        value::check_size(&self.input.value, tier == "Advanced")?;
        let data_type = match (&self.input.data_type, &before) {
            (Some(named), _) => named.clone(),
            (None, Some(before)) => before.data_type.clone(),
            (None, None) => "text".to_owned(),
        };
        if value::typed(&self.input.value, &data_type) == Typed::Wrong {
            return Err(Error::validation(format!(
                "The parameter value is not valid for the data type {data_type}."
            )));
        }
        let key_id = self.key_id(kind, before.as_ref())?;
        let count =
            store::count(tx, self.name, before.as_ref().map(|b| b.tier.as_str()), Some(&tier));
        let counts = count.await?;
        if counts.standard > MOST_STANDARD || counts.advanced > MOST_ADVANCED {
            return Err(Error::TooManyParameters);
        }
        if before.is_none() {
            self.cx.note_made(tx, &self.input.name);
        }
        let mut record = before.unwrap_or_else(|| self.first());
        record.latest += 1;
        kind.clone_into(&mut record.kind);
        (record.tier, record.data_type, record.key_id) = (tier, data_type, key_id);
        self.make_room(tx, &mut record)?;
        let version = self.record(kind, &record)?;
        tx.put_record(store::versions(self.name).u64(record.latest), &version);
        tx.put_record(store::parameter(self.name), &record);
        Ok(record)
    }

    /// A parameter that has no version yet.
    fn first(&self) -> ParameterRecord {
        let tags = self.input.tags.iter().flatten();
        ParameterRecord {
            name: self.name.text.clone(),
            oldest: 1,
            latest: 0,
            kind: String::new(),
            tier: String::new(),
            data_type: String::new(),
            key_id: None,
            labels: BTreeMap::new(),
            tags: tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect(),
        }
    }

    fn record(&self, kind: &str, record: &ParameterRecord) -> Result<VersionRecord, Error> {
        let value = if kind == "SecureString" {
            value::seal(self.cx, self.name, record.latest, &self.input.value)?
        } else {
            StoredValue::Plain(self.input.value.clone())
        };
        Ok(VersionRecord {
            value,
            kind: kind.to_owned(),
            tier: record.tier.clone(),
            data_type: record.data_type.clone(),
            key_id: record.key_id.clone(),
            description: self.input.description.clone().filter(|text| !text.is_empty()),
            allowed_pattern: self.input.allowed_pattern.clone().filter(|text| !text.is_empty()),
            modified: self.now,
            modified_by: self.cx.principal().arn(),
        })
    }

    fn kind(&self, before: Option<&ParameterRecord>) -> Result<&'static str, Error> {
        let kept = before.and_then(|before| ParameterType::from_wire(&before.kind));
        let kind = self.input.r#type.or(kept).ok_or_else(|| {
            Error::validation("A parameter type is required when you create a parameter.")
        })?;
        if kept.is_some_and(|kept| kept != kind) {
            return Err(Error::TypeMismatch);
        }
        Ok(kind.as_str())
    }

    /// The tier that the parameter gets; one that is advanced stays so.
    fn tier(&self, before: Option<&ParameterRecord>) -> Result<String, Error> {
        let advanced = before.is_some_and(|before| before.tier == "Advanced");
        let tier = match self.input.tier {
            Some(ParameterTier::Standard) if advanced => {
                return Err(Error::validation(
                    "This parameter uses the advanced-parameter tier. You can't downgrade a \
                     parameter from the advanced-parameter tier to the standard-parameter tier. If \
                     necessary, you can delete the advanced parameter and recreate it as a \
                     standard parameter.",
                ));
            }
            _ if advanced => ParameterTier::Advanced,
            Some(ParameterTier::IntelligentTiering) if self.input.value.len() > STANDARD_BYTES => {
                ParameterTier::Advanced
            }
            Some(ParameterTier::Advanced) => ParameterTier::Advanced,
            _ => ParameterTier::Standard,
        };
        Ok(tier.as_str().to_owned())
    }

    fn key_id(
        &self,
        kind: &str,
        before: Option<&ParameterRecord>,
    ) -> Result<Option<String>, Error> {
        let named = self.input.key_id.as_deref();
        if kind == "SecureString" {
            let kept = before.and_then(|before| before.key_id.as_deref());
            return value::key(self.cx, named.or(kept)).map(Some);
        }
        match named {
            // The wording of AWS is not known to us.
            Some(_) => Err(Error::validation("KeyId is for parameters of type SecureString only.")),
            None => Ok(None),
        }
    }

    /// Removes the oldest version where there would be more than 100.
    fn make_room(&self, tx: &Tx, record: &mut ParameterRecord) -> Result<(), Error> {
        while record.latest - record.oldest >= MOST_VERSIONS {
            if record.labels.values().any(|version| *version == record.oldest) {
                return Err(Error::MaxVersions(record.name.clone(), record.oldest));
            }
            tx.delete(store::versions(self.name).u64(record.oldest));
            record.oldest += 1;
        }
        Ok(())
    }
}
