//! ListEventSourceMappings: the mappings of an account, of an event source, of a function, or of
//! both.
//!
//! Promises: at most `MaxItems` (100) of them, by UUID, and `NextMarker` where there are more.
//! (AWS's own order is not documented.) A function's name without qualifier is that of mappings
//! without one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cumulet_api_lambda::ops::{
    ListEventSourceMappings, ListEventSourceMappingsRequest, ListEventSourceMappingsResponse,
};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::Lambda;
use crate::error::Error;
use crate::mapping::{MappingName, MappingRecord, Progress, describe, store};
use crate::name::FunctionName;

/// Mappings of one answer, at most.
const PAGE: usize = 100;

impl Handle<ListEventSourceMappings> for Lambda {
    async fn access(&self, cx: &Cx, _: &ListEventSourceMappingsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "lambda:ListEventSourceMappings")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListEventSourceMappingsRequest,
    ) -> Result<ListEventSourceMappingsResponse> {
        let function = input.function_name.as_deref().map(|name| FunctionName::parse(cx, name));
        let function = function.transpose()?;
        let limit = input.max_items.and_then(|max| usize::try_from(max).ok());
        let limit = limit.unwrap_or(PAGE).clamp(1, PAGE);
        let all = store::all(cx.account(), cx.region());
        let mut range = all.prefix();
        if let Some(marker) = input.marker.as_deref().filter(|marker| !marker.is_empty()) {
            let uuid = URL_SAFE_NO_PAD.decode(marker).ok();
            let uuid = uuid.and_then(|uuid| String::from_utf8(uuid).ok());
            let uuid = uuid.ok_or_else(|| Error::Invalid("Invalid Marker.".to_owned()))?;
            range = range.after(&all.text(&uuid));
        }
        let snapshot = cx.store().snapshot();
        let mut scan = snapshot.scan(range, Direction::Forward);
        let (mut found, mut next_marker) = (Vec::new(), None);
        while let Some((_, record)) = scan.next_record::<MappingRecord>().await? {
            let name = MappingName::of(cx, &record.uuid);
            let is_source = input.event_source_arn.as_ref().is_none_or(|arn| *arn == record.source);
            let is_function =
                function.as_ref().is_none_or(|wanted| record.function_name(&name) == *wanted);
            if !is_source || !is_function {
                continue;
            }
            if found.len() == limit {
                let last: Option<&MappingName> = found.last().map(|(name, _, _)| name);
                next_marker = last.map(|name| URL_SAFE_NO_PAD.encode(&name.uuid));
                break;
            }
            let lanes = name.load_lanes(&snapshot).await?;
            found.push((name, record, lanes));
        }
        let shown = found
            .iter()
            .map(|(name, record, lanes)| describe(name, record, lanes, Progress::Done))
            .collect();
        Ok(ListEventSourceMappingsResponse { next_marker, event_source_mappings: Some(shown) })
    }
}
