//! UpdateEventSourceMapping: changes a mapping; what the request leaves out stays.
//!
//! Promises: no record is lost or left out by a change. A batch under way ends first; with another
//! `ParallelizationFactor`, what some lanes had done already comes again.
//! Refuses what CreateEventSourceMapping refuses.

use cumulet_api_lambda::ops::{UpdateEventSourceMapping, UpdateEventSourceMappingRequest};
use cumulet_api_lambda::types::EventSourceMappingConfiguration;
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::Tx;

use crate::Lambda;
use crate::mapping::access::on_mapping;
use crate::mapping::settings::Wanted;
use crate::mapping::store::{claim, release};
use crate::mapping::{MappingName, MappingRecord, Progress, check_source, describe};
use crate::name::FunctionName;
use crate::ops::add_permission::exists;
use crate::ops::create_event_source_mapping::{check_destination, check_owner};

impl Handle<UpdateEventSourceMapping> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &UpdateEventSourceMappingRequest,
    ) -> Result<Vec<Access>> {
        let name = MappingName::of(cx, &input.uuid);
        let mut all = vec![on_mapping(cx, "lambda:UpdateEventSourceMapping", &name).await?];
        // Who may change mappings of one function only may not turn one to another.
        if let Some(function) = &input.function_name {
            let function = FunctionName::parse(cx, function)?;
            let access = Access::on(cx, "lambda:UpdateEventSourceMapping", name.arn());
            all.push(crate::mapping::access::with_function(access, &function));
        }
        Ok(all)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateEventSourceMappingRequest,
    ) -> Result<EventSourceMappingConfiguration> {
        let name = MappingName::of(cx, &input.uuid);
        let before = name.load(&cx.store().snapshot()).await?;
        let after = self.changed(cx, &name, &before, &input).await?;
        let (name, before, after) = (&name, &before, &after);
        let functions = (before.function_name(name), after.function_name(name));
        let (old, new) = (&functions.0, &functions.1);
        let lanes = cx.store().transact(|tx: Tx| async move {
            let present = name.load(&tx).await?;
            if present != *before {
                return Err(in_use());
            }
            exists(&tx, new).await?;
            if old != new {
                release(&tx, &before.source, old);
                claim(&tx, &after.source, new, &after.uuid).await?;
            }
            tx.put_record(name.key(), after);
            Ok::<_, ServiceError>(name.load_lanes(&tx).await?)
        });
        let lanes = lanes.await?;
        let progress = match (before.enabled, after.enabled) {
            (false, true) => Progress::Enabling,
            (true, false) => Progress::Disabling,
            _ => Progress::Updating,
        };
        Ok(describe(name, after, &lanes, progress))
    }
}

impl Lambda {
    /// The mapping as the request wants it.
    async fn changed(
        &self,
        cx: &Cx,
        name: &MappingName,
        before: &MappingRecord,
        input: &UpdateEventSourceMappingRequest,
    ) -> Result<MappingRecord> {
        let mut after = before.clone();
        Wanted::from(input).apply(&mut after.settings)?;
        after.enabled = input.enabled.unwrap_or(before.enabled);
        after.modified = cx.now().millis();
        if let Some(function) = &input.function_name {
            let function = FunctionName::parse(cx, function)?;
            check_owner(cx, &function)?;
            (after.function, after.qualifier) = (function.name, function.qualifier);
        }
        let function = after.function_name(name);
        let found = self.resolve(cx, &function).await?;
        let role = &found.version.settings.role;
        if function != before.function_name(name)
            && let Ok(source) = after.source.parse::<Arn>()
        {
            check_source(cx, &function, role, &source).await?;
        }
        if after.settings.on_failure != before.settings.on_failure {
            check_destination(cx, &function, role, &after.settings).await?;
        }
        Ok(after)
    }
}

fn in_use() -> ServiceError {
    use cumulet_api_lambda::errors::ResourceInUseException;
    let message = "Cannot update the event source mapping because it is in use.";
    ServiceError::detailed(
        message,
        ResourceInUseException {
            r#type: Some("User".to_owned()),
            ..ResourceInUseException::default()
        },
    )
}
