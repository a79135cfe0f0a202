//! CreateEventSourceMapping: runs a function with the records of a DynamoDB stream.
//!
//! Promises: every record from the starting position on that a filter lets pass is handed on, in
//! the order of each item, at least once, until the function succeeds, the retries are used up or
//! the record is too old. `LATEST` is the moment of the request.
//! Refuses: functions and streams that are not there, streams that the function's role may not
//! read, a second mapping of both; other event sources by the name of the service that is missing,
//! and `TumblingWindowInSeconds`, `KMSKeyArn`, `MetricsConfig`, `LoggingConfig` (501).

use cumulet_api_lambda::ops::{CreateEventSourceMapping, CreateEventSourceMappingRequest};
use cumulet_api_lambda::types::EventSourceMappingConfiguration;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::destination::{self, Purpose};
use crate::error::Error;
use crate::mapping::model::MappingSettings;
use crate::mapping::settings::{self, Wanted};
use crate::mapping::store::claim;
use crate::mapping::{MappingName, MappingRecord, Progress, access, check_source, describe};
use crate::name::FunctionName;
use crate::ops::add_permission::exists;
use crate::ops::tag_resource;

impl Handle<CreateEventSourceMapping> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &CreateEventSourceMappingRequest,
    ) -> Result<Vec<Access>> {
        let function = FunctionName::parse(cx, &input.function_name)?;
        let access = Access::any(cx, "lambda:CreateEventSourceMapping");
        let tags = input.tags.clone().unwrap_or_default();
        let mut all = vec![access::with_function(access, &function).tagging(tags.clone())];
        if !tags.is_empty() {
            let any = cumulet_base::Arn::new(
                "lambda",
                cx.region(),
                cx.account(),
                "event-source-mapping:*",
            );
            all.push(Access::on(cx, "lambda:TagResource", any).tagging(tags));
        }
        Ok(all)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateEventSourceMappingRequest,
    ) -> Result<EventSourceMappingConfiguration> {
        let function = FunctionName::parse(cx, &input.function_name)?;
        check_owner(cx, &function)?;
        let source = settings::source(&input)?;
        let start = settings::start(&input, &source)?;
        let mut wanted = MappingSettings::default();
        Wanted::from(&input).apply(&mut wanted)?;
        let tags = input.tags.clone().unwrap_or_default();
        tag_resource::check(&tags)?;
        let found = self.resolve(cx, &function).await?;
        let role = &found.version.settings.role;
        check_source(cx, &function, role, &source).await?;
        check_destination(cx, &function, role, &wanted).await?;
        let now = cx.now().millis();
        let name = MappingName::of(cx, &cx.ids().uuid());
        let record = MappingRecord {
            account: name.account.to_string(),
            region: name.region.to_string(),
            uuid: name.uuid.clone(),
            source: source.as_str().to_owned(),
            function: function.name.clone(),
            qualifier: function.qualifier.clone(),
            enabled: input.enabled.unwrap_or(true),
            start,
            settings: wanted,
            tags,
            created: now,
            modified: now,
        };
        let (function, name, record) = (&function, &name, &record);
        cx.store()
            .transact(|tx: Tx| async move {
                exists(&tx, function).await?;
                claim(&tx, &record.source, function, &record.uuid).await?;
                tx.put_record(name.key(), record);
                cx.note_made(&tx, &record.uuid);
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(describe(name, record, &[], Progress::Creating))
    }
}

/// A mapping lies beside its function.
pub(crate) fn check_owner(cx: &Cx, function: &FunctionName) -> Result<(), Error> {
    if function.account == *cx.account() {
        return Ok(());
    }
    Err(Error::NoFunction(function.named_arn()))
}

/// Refuses a destination that the function's role could not send to.
pub(crate) async fn check_destination(
    cx: &Cx,
    function: &FunctionName,
    role: &str,
    settings: &MappingSettings,
) -> Result<()> {
    let wanted = settings.on_failure.as_deref().map(|arn| (arn, Purpose::Discarded));
    destination::check(cx, function, role, wanted.as_slice()).await
}
