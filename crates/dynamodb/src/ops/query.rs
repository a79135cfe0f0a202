//! Query: the items of one partition of a table or an index, in the order of their sort keys.
//!
//! Promises: items as of one durable state; at most `Limit` or 1 MiB are read for a page, in either
//! direction; `LastEvaluatedKey` where there may be more. A local index fetches from the table what
//! it does not hold.
//! Refuses: a key condition that is not one partition and one range, a starting key outside of it,
//! a filter on the key, consistent reads of a global index and attributes that one does not hold.
//! Old requests have `KeyConditions`, `QueryFilter` and `AttributesToGet` in place of expressions.

use cumulet_api_dynamodb::ops::{Query, QueryInput, QueryOutput};
use cumulet_api_dynamodb::types::Select;
use cumulet_attribute::{Attributes, Item};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Direction;

use crate::DynamoDb;
use crate::capacity::Read;
use crate::error::Error;
use crate::expression::{KeyQuery, Kind};
use crate::item_access::{Touched, on_items};
use crate::legacy::Legacy;
use crate::page::{self, Reading, Source};
use crate::request::{self, Compiled, Sources};
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
        let start = input.exclusive_start_key.take();
        let (compiled, start) = parse(&input, start)?;
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?.ok_or(Error::TableNotFound)?;
        let consistent = input.consistent_read == Some(true);
        let source = Source::find(&table, input.index_name.as_deref(), consistent)?;
        let start = start.map(|key| Ok::<_, Error>((source.start(&key)?, key))).transpose()?;
        let key = compiled.key_condition.as_ref().ok_or_else(no_key_condition)?;
        let query = key.resolve(source.schema()).map_err(Error::KeyCondition)?;
        let reading = Reading {
            source,
            filter: compiled.filter.as_ref(),
            projection: compiled.projection.as_ref(),
            select: input.select,
            limit: input.limit.and_then(|limit| usize::try_from(limit).ok()),
            read: if consistent { Read::Strong } else { Read::Eventual },
            whole: false,
        };
        let mut range = source.range(&query)?;
        let forward = input.scan_index_forward != Some(false);
        if let Some((place, key)) = start {
            check_start(&source, &query, &key)?;
            range = if forward { range.after(&place) } else { range.before(&place) };
        }
        reading.check(Some(match input.query_filter {
            Some(_) => "QueryFilter",
            None => "Filter Expression",
        }))?;
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

/// The parameters and the starting key, in AWS's order of checks.
fn parse(input: &QueryInput, start: Option<Attributes>) -> Result<(Compiled, Option<Item>)> {
    let sources = sources(input);
    sources.check(&[Kind::Projection, Kind::Filter, Kind::KeyCondition])?;
    page::check_select(input.select, &sources)?;
    let legacy = sources.legacy.translate()?;
    let start = request::start_key(start)?;
    if sources.key_condition.is_none() && sources.legacy.key_conditions.is_none() {
        return Err(no_key_condition().into());
    }
    Ok((sources.compile_after(legacy)?, start))
}

fn no_key_condition() -> Error {
    Error::Validation(
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the \
         request."
            .to_owned(),
    )
}

fn sources(input: &QueryInput) -> Sources<'_> {
    Sources {
        names: input.expression_attribute_names.as_ref(),
        values: input.expression_attribute_values.as_ref(),
        key_condition: input.key_condition_expression.as_deref(),
        filter: input.filter_expression.as_deref(),
        projection: input.projection_expression.as_deref(),
        legacy: Legacy {
            attributes_to_get: input.attributes_to_get.as_deref(),
            filter: input.query_filter.as_ref().map(|filter| ("QueryFilter", filter)),
            operator: input.conditional_operator,
            key_conditions: input.key_conditions.as_ref(),
            ..Legacy::default()
        },
        ..Sources::default()
    }
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
    let Ok(compiled) = sources(input).compile() else { return touched };
    let index = input.index_name.as_deref().and_then(|name| table.index(name));
    let source = Source { table, index };
    let keys = source.schema().attributes().map(|attribute| attribute.name.clone());
    let touched = touched.attributes(compiled.attributes().into_iter().chain(keys));
    match compiled.key_condition.map(|key| key.resolve(source.schema())) {
        Some(Ok(query)) => touched.partition(query.partition.view()),
        _ => touched,
    }
}

fn select(input: &QueryInput) -> Select {
    page::select(input.select, &sources(input), input.index_name.is_some())
}
