//! Query: the items of one partition of a table or an index, in the order of their sort keys.
//!
//! Promises: items as of one durable state; at most `Limit` or 1 MiB are read for a page, in either
//! direction; `LastEvaluatedKey` where there may be more. A local index fetches from the table what
//! it does not hold.
//! Refuses: a key condition that is not one partition and one range, a starting key outside of it,
//! a filter on the key, consistent reads of a global index and attributes that one does not hold.
//! Legacy `KeyConditions`, `QueryFilter` and `AttributesToGet` are not here yet (501 by name).

use std::ops::Bound;

use bytes::Bytes;
use cumulet_api_dynamodb::ops::{Query, QueryInput, QueryOutput};
use cumulet_api_dynamodb::types::Select;
use cumulet_attribute::Item;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Range};

use crate::DynamoDb;
use crate::capacity::Read;
use crate::error::Error;
use crate::expression::{Condition, KeyCondition, KeyQuery, Kind, Projection};
use crate::item_access::{Touched, on_items};
use crate::key::partition_position;
use crate::page::{self, Reading, Source};
use crate::request::{self, Sources};
use crate::store::ItemKeys;
use crate::tables::{Table, TableName};

impl Handle<Query> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &QueryInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let index = input.index_name.as_deref();
        let touched = |table: &Table| touched(table, input);
        Ok(vec![on_items(cx, "dynamodb:Query", &name, index, table.as_deref(), touched)])
    }

    async fn handle(&self, cx: &Cx, mut input: QueryInput) -> Result<QueryOutput> {
        let start = input.exclusive_start_key.take().map(request::item).transpose()?;
        let expressions = Expressions::parse(&input)?;
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?.ok_or(Error::TableNotFound)?;
        let consistent = input.consistent_read == Some(true);
        let source = Source::find(&table, input.index_name.as_deref(), consistent)?;
        let start = start.map(|key| Ok::<_, Error>((source.start(&key)?, key))).transpose()?;
        let query = expressions.key.resolve(source.schema()).map_err(Error::KeyCondition)?;
        let reading = Reading {
            source,
            filter: expressions.filter.as_ref(),
            projection: expressions.projection.as_ref(),
            select: input.select,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()),
            read: if consistent { Read::Strong } else { Read::Eventual },
        };
        let mut range = range(source.keys(), &query)?;
        let forward = input.scan_index_forward != Some(false);
        if let Some((place, key)) = start {
            check_start(&source, &query, &key)?;
            range = if forward { range.after(&place) } else { range.before(&place) };
        }
        reading.check(true)?;
        let direction = if forward { Direction::Forward } else { Direction::Backward };
        let page = reading.page(cx, range, direction).await?;
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(QueryOutput {
            items: (input.select != Some(Select::Count)).then_some(items),
            count: Some(page.count),
            scanned_count: Some(page.scanned),
            last_evaluated_key: page.last.map(Into::into),
            consumed_capacity: page.units.answer(&input.table_name, input.return_consumed_capacity),
        })
    }
}

/// The expressions of a Query.
struct Expressions {
    key: KeyCondition,
    filter: Option<Condition>,
    projection: Option<Projection>,
}

impl Expressions {
    fn parse(input: &QueryInput) -> Result<Self> {
        let kinds = [
            (Kind::Projection, input.projection_expression.is_some()),
            (Kind::Filter, input.filter_expression.is_some()),
            (Kind::KeyCondition, input.key_condition_expression.is_some()),
        ];
        let legacy = [
            ("KeyConditions", input.key_conditions.is_some()),
            ("QueryFilter", input.query_filter.is_some()),
            ("AttributesToGet", input.attributes_to_get.is_some()),
            ("ConditionalOperator", input.conditional_operator.is_some()),
        ];
        let names = input.expression_attribute_names.as_ref();
        let values = input.expression_attribute_values.as_ref();
        let sources = Sources { names, values, ..Sources::default() };
        sources.check("Query", &kinds, &legacy)?;
        page::check_select(input.select, input.projection_expression.is_some())?;
        let mut placeholders = request::placeholders(names, sources.values()?)?;
        let key = input.key_condition_expression.as_deref().ok_or_else(|| {
            Error::Validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified \
                 in the request."
                    .to_owned(),
            )
        })?;
        let key = KeyCondition::parse(key, &mut placeholders).map_err(Error::Expression)?;
        let filter = input.filter_expression.as_deref();
        let filter = filter.map(|text| Condition::parse(Kind::Filter, text, &mut placeholders));
        let filter = filter.transpose().map_err(Error::Expression)?;
        let projection = input.projection_expression.as_deref();
        let projection = projection.map(|text| Projection::parse(text, &mut placeholders));
        let projection = projection.transpose().map_err(Error::Expression)?;
        placeholders.check_used().map_err(Error::Expression)?;
        Ok(Self { key, filter, projection })
    }
}

/// Where those entries lie that a key condition asks for.
fn range(keys: &ItemKeys, query: &KeyQuery) -> Result<Range> {
    let partition = partition_position(query.partition.view());
    let prefix = keys.at(&partition.ok_or(Error::TableNotFound)?);
    let whole = Range::prefix(&prefix);
    let Some(sort) = &query.sort else { return Ok(whole) };
    let at = |key: &[u8]| Bytes::from([prefix.as_slice(), key].concat());
    // In an index more follows on the sort key: what lies at a key is all that begins with it.
    let behind = |key: &[u8]| Range::prefix(&at(key)).to;
    let (lower, upper) = sort.bounds();
    let from = match lower {
        Bound::Unbounded => whole.from,
        Bound::Included(key) => Bound::Included(at(&key)),
        Bound::Excluded(key) => match behind(&key) {
            Bound::Excluded(end) => Bound::Included(end),
            other => other,
        },
    };
    let to = match upper {
        Bound::Unbounded => whole.to,
        Bound::Included(key) => behind(&key),
        Bound::Excluded(key) => Bound::Excluded(at(&key)),
    };
    Ok(Range { from, to })
}

/// Refuses to begin outside of what is asked for.
fn check_start(source: &Source<'_>, query: &KeyQuery, key: &Item) -> Result<()> {
    let refuse = |text: &str| Err(Error::Validation(text.to_owned()).into());
    if page::partition(source, key) != Some(query.partition.view()) {
        return refuse(
            "The provided starting key is outside query boundaries based on provided conditions",
        );
    }
    let sort = source.schema().sort.as_ref().and_then(|sort| key.get(&sort.name));
    if let (Some(condition), Some(value)) = (&query.sort, sort)
        && !condition.holds(value)
    {
        return refuse("The provided starting key does not match the range key predicate");
    }
    Ok(())
}

fn touched(table: &Table, input: &QueryInput) -> Touched {
    let touched = Touched::new()
        .with("dynamodb:Select", Some(select(input)))
        .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity);
    // What cannot be read is refused later, before anything is done.
    let Ok(expressions) = Expressions::parse(input) else { return touched };
    let paths = expressions.filter.iter().flat_map(Condition::paths);
    let paths = paths.map(|path| path.attribute().to_owned());
    let projected = expressions.projection.iter().flat_map(Projection::attributes);
    let index = input.index_name.as_deref().and_then(|name| table.index(name));
    let source = Source { table, index };
    let keys = source.schema().attributes().map(|attribute| attribute.name.clone());
    let touched = touched.attributes(paths.chain(projected.map(str::to_owned)).chain(keys));
    match expressions.key.resolve(source.schema()) {
        Ok(query) => touched.partition(query.partition.view()),
        Err(_) => touched,
    }
}

fn select(input: &QueryInput) -> Select {
    input.select.unwrap_or(match (&input.projection_expression, &input.index_name) {
        (Some(_), _) => Select::SpecificAttributes,
        (None, Some(_)) => Select::AllProjectedAttributes,
        (None, None) => Select::AllAttributes,
    })
}
