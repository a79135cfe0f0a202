//! Scan: all items of a table or an index, or of one of equal segments of it.
//!
//! Promises: items in the order of their partition keys' hash, then of their sort keys, as of one
//! durable state a page; at most `Limit` or 1 MiB are read for a page; `LastEvaluatedKey` where
//! there may be more. Segments are disjoint and together the whole.
//! Refuses: a segment without its number, a starting key of another segment, consistent reads of a
//! global index and attributes that one does not hold. Legacy `ScanFilter` and `AttributesToGet`
//! are not here yet (501 by name).

use cumulet_api_dynamodb::ops::{Scan, ScanInput, ScanOutput};
use cumulet_api_dynamodb::types::Select;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Range};

use crate::DynamoDb;
use crate::capacity::Read;
use crate::error::Error;
use crate::expression::{Condition, Kind, Projection};
use crate::item_access::{Touched, on_items};
use crate::key::segment;
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
        let start = input.exclusive_start_key.take().map(request::item).transpose()?;
        let expressions = Expressions::parse(&input)?;
        let part = part(&input)?;
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
            filter: expressions.filter.as_ref(),
            projection: expressions.projection.as_ref(),
            select: input.select,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()),
            read: if consistent { Read::Strong } else { Read::Eventual },
        };
        reading.check(false)?;
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

/// The expressions of a Scan.
struct Expressions {
    filter: Option<Condition>,
    projection: Option<Projection>,
}

impl Expressions {
    fn parse(input: &ScanInput) -> Result<Self> {
        let kinds = [
            (Kind::Projection, input.projection_expression.is_some()),
            (Kind::Filter, input.filter_expression.is_some()),
        ];
        let legacy = [
            ("ScanFilter", input.scan_filter.is_some()),
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ];
        let names = input.expression_attribute_names.as_ref();
        let values = input.expression_attribute_values.as_ref();
        let sources = Sources { names, values, ..Sources::default() };
        sources.check("Scan", &kinds, &legacy)?;
        page::check_select(input.select, input.projection_expression.is_some())?;
        let mut placeholders = request::placeholders(names, sources.values()?)?;
        let filter = input.filter_expression.as_deref();
        let filter = filter.map(|text| Condition::parse(Kind::Filter, text, &mut placeholders));
        let filter = filter.transpose().map_err(Error::Expression)?;
        let projection = input.projection_expression.as_deref();
        let projection = projection.map(|text| Projection::parse(text, &mut placeholders));
        let projection = projection.transpose().map_err(Error::Expression)?;
        placeholders.check_used().map_err(Error::Expression)?;
        Ok(Self { filter, projection })
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
    let select = input.select.unwrap_or(match (&input.projection_expression, &input.index_name) {
        (Some(_), _) => Select::SpecificAttributes,
        (None, Some(_)) => Select::AllProjectedAttributes,
        (None, None) => Select::AllAttributes,
    });
    let touched = Touched::new()
        .with("dynamodb:Select", Some(select))
        .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity);
    // What cannot be read is refused later, before anything is done.
    let Ok(expressions) = Expressions::parse(input) else { return touched };
    let paths = expressions.filter.iter().flat_map(Condition::paths);
    let paths = paths.map(|path| path.attribute().to_owned());
    let projected = expressions.projection.iter().flat_map(Projection::attributes);
    touched.attributes(paths.chain(projected.map(str::to_owned)))
}
