//! Scan: all items of a table or an index, or of one of equal segments of it.
//!
//! Promises: items in the order of their partition keys' hash, then of their sort keys, as of one
//! durable state a page; at most `Limit` or 1 MiB are read for a page; `LastEvaluatedKey` where
//! there may be more. Segments are disjoint and together the whole.
//! Refuses: a segment without its number, a starting key of another segment, consistent reads of a
//! global index and attributes that one does not hold. Old requests have `ScanFilter` and
//! `AttributesToGet` in place of expressions.

use cumulet_api_dynamodb::ops::{Scan, ScanInput, ScanOutput};
use cumulet_api_dynamodb::types::Select;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Range};

use crate::DynamoDb;
use crate::capacity::Read;
use crate::error::Error;
use crate::expression::Kind;
use crate::item_access::{Touched, on_items};
use crate::key::segment;
use crate::legacy::Legacy;
use crate::page::{self, Reading, Source};
use crate::request::{self, Sources};
use crate::store::ItemKeys;
use crate::tables::{Table, TableName};

impl Handle<Scan> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &ScanInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let index = input.index_name.as_deref();
        let touched = |_: &Table| touched(input);
        Ok(vec![on_items(cx, "dynamodb:Scan", &name, index, table.as_deref(), touched)])
    }

    async fn handle(&self, cx: &Cx, mut input: ScanInput) -> Result<ScanOutput> {
        let start = input.exclusive_start_key.take();
        let sources = sources(&input);
        sources.check(&[Kind::Projection, Kind::Filter])?;
        page::check_select(input.select, &sources)?;
        let legacy = sources.legacy.translate()?;
        let start = request::start_key(start)?;
        let part = part(&input)?;
        let compiled = sources.compile_after(legacy)?;
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?.ok_or(Error::TableNotFound)?;
        let consistent = input.consistent_read == Some(true);
        let source = Source::find(&table, input.index_name.as_deref(), consistent)?;
        let mut range = range(source.keys(), part);
        if let Some(key) = start {
            let place = source.start(&key)?;
            if let Some((segment, total)) = part.filter(|_| !range.contains(&place)) {
                return Err(Error::Validation(format!(
                    "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use \
                     ExclusiveStartKey with correct Segment. TotalSegments: {total} Segment: \
                     {segment}"
                ))
                .into());
            }
            range = range.after(&place);
        }
        let reading = Reading {
            source,
            filter: compiled.filter.as_ref(),
            projection: compiled.projection.as_ref(),
            select: input.select,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()),
            read: if consistent { Read::Strong } else { Read::Eventual },
            whole: false,
        };
        reading.check(None)?;
        let page = reading.page(cx, range, Direction::Forward).await?;
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(ScanOutput {
            items: (input.select != Some(Select::Count)).then_some(items),
            count: Some(page.count),
            scanned_count: Some(page.scanned),
            last_evaluated_key: page.last.map(Into::into),
            consumed_capacity: page.units.answer(&input.table_name, input.return_consumed_capacity),
        })
    }
}

fn sources(input: &ScanInput) -> Sources<'_> {
    Sources {
        names: input.expression_attribute_names.as_ref(),
        values: input.expression_attribute_values.as_ref(),
        filter: input.filter_expression.as_deref(),
        projection: input.projection_expression.as_deref(),
        legacy: Legacy {
            attributes_to_get: input.attributes_to_get.as_deref(),
            filter: input.scan_filter.as_ref().map(|filter| ("ScanFilter", filter)),
            operator: input.conditional_operator,
            ..Legacy::default()
        },
        ..Sources::default()
    }
}

/// The segment and the number of segments, where the request names them.
fn part(input: &ScanInput) -> std::result::Result<Option<(u32, u32)>, Error> {
    let number = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok());
    match (number(input.segment), number(input.total_segments)) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::Validation(
            "The TotalSegments parameter is required but was not present in the request when \
             Segment parameter is present"
                .to_owned(),
        )),
        (None, Some(_)) => Err(Error::Validation(
            "The Segment parameter is required but was not present in the request when parameter \
             TotalSegments is present"
                .to_owned(),
        )),
        (Some(segment), Some(total)) if segment >= total => Err(Error::Validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: \
             Segment: {segment} is not less than TotalSegments: {total}"
        ))),
        (Some(segment), Some(total)) => Ok(Some((segment, total))),
    }
}

fn range(keys: &ItemKeys, part: Option<(u32, u32)>) -> Range {
    let whole = keys.within(&[]);
    let Some((number, total)) = part else { return whole };
    let (from, to) = segment(number, total);
    let range = whole.starting_at(&keys.at(&from));
    match to {
        Some(to) => range.before(&keys.at(&to)),
        None => range,
    }
}

fn touched(input: &ScanInput) -> Touched {
    let sources = sources(input);
    let select = page::select(input.select, &sources, input.index_name.is_some());
    Touched::new()
        .with("dynamodb:Select", Some(select))
        .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
        // What cannot be read is refused later, before anything is done.
        .attributes(sources.attributes())
}
