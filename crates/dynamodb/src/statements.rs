//! Statements done to tables: what ExecuteStatement, BatchExecuteStatement and ExecuteTransaction
//! share. Writes go the way of all writes; reads are pages of queries or a scan.

use std::cmp::Reverse;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cumulet_api_dynamodb::types::Select as WireSelect;
use cumulet_attribute::{AttributeValue, Item, ItemBuilder, Value, encode_key};
use cumulet_service::{Access, Cx, Result};
use cumulet_store::{Direction, Range};

use crate::capacity::Read;
use crate::error::Error;
use crate::expression::{Condition, KeyQuery, Path, Projection, Test};
use crate::item_access::{Touched, on_items};
use crate::key::KeySchema;
use crate::page::{PAGE, Reading, Source};
use crate::partiql::{self, Lookup, Select, Selected, Statement, Target, lookup, whole_key};
use crate::tables::{Table, TableName};
use crate::units::Units;
use crate::write::{Action, Write, Written};

/// Values of IN that one page looks up ("PartiQL operators for DynamoDB").
const LOOKUPS: usize = 10;

/// The values of a request's `Parameters`.
fn parameters(given: Option<&[AttributeValue]>) -> Result<Vec<Value>> {
    let values = given.unwrap_or_default().iter();
    values.map(|value| value.0.clone().map_err(|error| Error::Value(error).into())).collect()
}

/// A request's statement.
pub(crate) fn parse(text: &str, given: Option<&[AttributeValue]>) -> Result<Statement> {
    Ok(partiql::parse(text, &parameters(given)?)?)
}

/// The leave that a statement needs. `enclosing`: the operation around it, where that is one.
pub(crate) fn access(
    cx: &Cx,
    statement: &Statement,
    name: &TableName,
    table: Option<&Table>,
    enclosing: Option<&'static str>,
) -> Access {
    let index = statement.target().index.as_deref();
    on_items(cx, statement.action(), name, index, table, |table| {
        touched(table, statement).with("dynamodb:EnclosingOperation", enclosing)
    })
}

/// What a statement touches, as far as it fits the table: what does not is refused later.
fn touched(table: &Table, statement: &Statement) -> Touched {
    let schema = &table.schema;
    let attributes = |paths: &[&Path]| -> Vec<String> {
        paths.iter().map(|path| path.attribute().to_owned()).collect()
    };
    match statement {
        Statement::Select(select) | Statement::Exists(select) => {
            let condition = select.condition.as_ref().map_or(Vec::new(), Test::paths);
            let selected = select.selected.iter().flatten().map(|one| &one.path);
            let paths: Vec<&Path> = condition.into_iter().chain(selected).collect();
            let index = select.target.index.as_deref().and_then(|name| table.index(name));
            let source = Source { table, index };
            let found = lookup(select.condition.as_ref(), source.schema()).unwrap_or_default();
            let what = match select.selected {
                Some(_) => WireSelect::SpecificAttributes,
                None => WireSelect::AllAttributes,
            };
            let touched = Touched::new()
                .attributes(attributes(&paths))
                .with("dynamodb:FullTableScan", Some(found.is_none()))
                .with("dynamodb:Select", Some(what));
            let queries = found.into_iter().flat_map(|found| found.queries);
            queries.fold(touched, |touched, query| touched.partition(query.partition.view()))
        }
        Statement::Insert { item, .. } => Touched::new().items(schema, [item]),
        Statement::Update { update, condition, returning, .. } => {
            let paths: Vec<&Path> = condition.paths().into_iter().chain(update.paths()).collect();
            Touched::new()
                .items(schema, whole_key(condition, schema).ok().iter().map(|(key, _)| key))
                .attributes(attributes(&paths))
                .with("dynamodb:ReturnValues", *returning)
        }
        Statement::Delete { condition, returning, .. } => Touched::new()
            .items(schema, whole_key(condition, schema).ok().iter().map(|(key, _)| key))
            .attributes(attributes(&condition.paths()))
            .with("dynamodb:ReturnValues", *returning),
    }
}

/// The write that a statement is. `wants_item`: whether a failed condition hands over the item.
pub(crate) fn write(table: &Table, statement: &Statement, wants_item: bool) -> Result<Write> {
    let refuse = |text: &str| Err(Error::Validation(text.to_owned()).into());
    if statement.target().index.is_some() {
        return refuse("This operation is not supported on an index");
    }
    // An item that is there has its key.
    let there = || Path::of(&table.schema.partition.name);
    let (action, condition) = match statement {
        Statement::Insert { item, lenient, .. } => {
            (Action::Insert { item: item.clone(), lenient: *lenient }, None)
        }
        Statement::Update { update, condition, .. } => {
            let (key, rest) = whole_key(condition, &table.schema)?;
            let tests = std::iter::once(Test::Exists(there())).chain(rest).collect();
            (Action::Update(key, Some(update.clone())), Some(Test::All(tests)))
        }
        Statement::Delete { condition, .. } => {
            let (key, rest) = whole_key(condition, &table.schema)?;
            let condition = rest.map(|rest| Test::Any(vec![Test::NotExists(there()), rest]));
            (Action::Delete(key), condition)
        }
        Statement::Exists(select) => {
            let one = "EXISTS() must contain a single item read with additional condition";
            let Some(condition) = &select.condition else { return refuse(one) };
            let Ok((key, Some(rest))) = whole_key(condition, &table.schema) else {
                return refuse(one);
            };
            (Action::Check(key), Some(Test::All(vec![Test::Exists(there()), rest])))
        }
        Statement::Select(_) => return refuse("Unsupported operation in transaction."),
    };
    Ok(Write { action, condition: condition.map(Condition::from_test), wants_item })
}

/// What RETURNING asks for of a write that was done.
pub(crate) fn returned(statement: &Statement, done: Written) -> Result<Option<Item>> {
    let update = match statement {
        Statement::Update { update, .. } => Some(update),
        _ => None,
    };
    done.returned(statement.returning(), update)
}

/// The one item that a SELECT of a batch or a transaction reads: its key, and what else its
/// condition asks. Refuses one that reads more in the name of the operation around it.
pub(crate) fn single(
    table: &Table,
    select: &Select,
    operation: &str,
) -> Result<(Item, Option<Test>)> {
    let condition = select.condition.as_ref();
    let found = condition.and_then(|condition| whole_key(condition, &table.schema).ok());
    let found = found.ok_or_else(|| {
        Error::Validation(format!(
            "Select statements within {operation} must specify the primary key in the where clause."
        ))
    });
    Ok(found?)
}

/// The parts of an item that SELECT names, or all of it.
pub(crate) fn projected(select: &Select, item: Item) -> Result<Item> {
    let Some(selected) = &select.selected else { return Ok(item) };
    let mut builder = ItemBuilder::new();
    for Selected { path, name } in selected {
        if let Some(value) = path.find(item.attributes()) {
            builder.name(name);
            builder.value(value);
        }
    }
    Ok(builder.finish().map_err(Error::Value)?)
}

/// How much of a SELECT is to be read.
#[derive(Debug, Default)]
pub(crate) struct Paging<'a> {
    pub(crate) consistent: bool,
    pub(crate) limit: Option<usize>,
    /// Where an earlier page ended.
    pub(crate) token: Option<&'a str>,
    /// The statement and its parameters, which tokens are for.
    pub(crate) fingerprint: &'a str,
}

/// A page of a SELECT.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    pub(crate) items: Vec<Item>,
    pub(crate) units: Units,
    pub(crate) last: Option<Item>,
    pub(crate) token: Option<String>,
}

/// Reads a page of a SELECT.
pub(crate) async fn select(
    cx: &Cx,
    table: &Table,
    select: &Select,
    paging: Paging<'_>,
) -> Result<Selection> {
    let source = source(table, &select.target, paging.consistent)?;
    let plan = Plan::of(select, &source)?;
    let paths = select.selected.as_ref().map(|list| list.iter().map(|one| &one.path));
    let projection = paths.map(Projection::of);
    let mut reading = Reading {
        source,
        filter: plan.filter.as_ref(),
        projection: projection.as_ref(),
        select: None,
        limit: None,
        read: if paging.consistent { Read::Strong } else { Read::Eventual },
        whole: true,
    };
    reading.check(None)?;
    let origin = source.keys().at(&[]).len();
    let mut at = match paging.token {
        Some(token) => Place::read(token, paging.fingerprint)?,
        None => Place::default(),
    };
    let (mut selection, mut scanned, mut bytes, mut lookups) = (Selection::default(), 0, 0, 0);
    while let Some(range) = plan.ranges.get(at.range) {
        let room = paging.limit.map(|limit| limit.saturating_sub(scanned));
        if room == Some(0) || bytes >= PAGE || lookups == LOOKUPS {
            selection.token = Some(at.token(paging.fingerprint));
            break;
        }
        reading.limit = room;
        let rest = at.rest(range, &source, plan.direction)?;
        let page = reading.page(cx, rest, plan.direction).await?;
        scanned += page.scanned as usize;
        bytes += page.bytes;
        lookups += 1;
        selection.units.add(page.units);
        for item in page.items {
            selection.items.push(projected(select, item)?);
        }
        at = match page.last.filter(|_| !plan.single) {
            Some(last) => {
                let stored = source.start(&last)?;
                selection.last = Some(last);
                Place { range: at.range, position: stored.get(origin..).unwrap_or_default().into() }
            }
            None => Place { range: at.range + 1, position: Vec::new() },
        };
        if !at.position.is_empty() {
            selection.token = Some(at.token(paging.fingerprint));
            break;
        }
    }
    Ok(selection)
}

fn source<'t>(table: &'t Table, target: &Target, consistent: bool) -> Result<Source<'t>> {
    let index = target.index.as_deref();
    let is_global = index.and_then(|name| table.index(name)).is_some_and(|one| !one.record.local);
    if consistent && is_global {
        return Err(Error::Validation(
            "Strongly consistent read is not supported on Global Secondary Indexes".to_owned(),
        )
        .into());
    }
    Ok(Source::find(table, index, consistent)?)
}

/// What a SELECT reads, in which order.
struct Plan {
    ranges: Vec<Range>,
    filter: Option<Condition>,
    direction: Direction,
    /// Each range is the place of one item.
    single: bool,
}

impl Plan {
    fn of(select: &Select, source: &Source<'_>) -> Result<Self> {
        let schema = source.schema();
        let found = lookup(select.condition.as_ref(), schema)?;
        check_order(select, schema, found.as_ref())?;
        let descends = |name: &str| {
            let order = select.order.iter().find(|one| one.name == name);
            order.map(|one| one.descending)
        };
        let sort = schema.sort.as_ref().and_then(|sort| descends(&sort.name));
        let direction = if sort == Some(true) { Direction::Backward } else { Direction::Forward };
        let Some(mut found) = found else {
            let filter = select.condition.clone().map(Condition::from_test);
            let ranges = vec![source.keys().within(&[])];
            return Ok(Self { ranges, filter, direction, single: false });
        };
        order(&mut found, descends(&schema.partition.name), sort);
        let ranges = found.queries.iter().map(|query| source.range(query));
        Ok(Self {
            ranges: ranges.collect::<Result<_>>()?,
            single: source.index.is_none() && found.is_whole_key(schema),
            filter: found.filter,
            direction,
        })
    }
}

/// Refuses an ORDER BY that no index has.
fn check_order(select: &Select, schema: &KeySchema, found: Option<&Lookup>) -> Result<()> {
    let Some(first) = select.order.first() else { return Ok(()) };
    let refuse = |text: String| Err(Error::Validation(text).into());
    if select.condition.is_none() {
        let text = "Must have WHERE clause in the statement when using ORDER BY clause.";
        return refuse(text.to_owned());
    }
    let Some(found) = found else {
        return refuse(
            "Must have at least one non-optional hash key condition in WHERE clause when using \
             ORDER BY clause."
                .to_owned(),
        );
    };
    if let Some(other) = select.order.iter().find(|one| !schema.has(&one.name)) {
        return refuse(format!(
            "Variable reference {} in ORDER BY clause must be part of the primary key",
            other.name
        ));
    }
    let mut partitions = found.queries.iter().map(|query| &query.partition);
    let one = partitions.next();
    if partitions.any(|other| Some(other) != one) && first.name != schema.partition.name {
        return refuse(
            "Must have hash key in ORDER BY clause when more than one hash key condition \
             specified in WHERE clause."
                .to_owned(),
        );
    }
    Ok(())
}

/// Puts queries in the order that is asked for; `Some(true)` descends.
fn order(found: &mut Lookup, partition: Option<bool>, sort: Option<bool>) {
    let encoded = |value: &Value| {
        let mut bytes = Vec::new();
        let _ = encode_key(value.view(), &mut bytes);
        bytes
    };
    if let Some(descending) = sort {
        let key = |query: &KeyQuery| {
            let values = query.sort.as_ref().and_then(|sort| sort.values().next());
            values.map(encoded)
        };
        found.queries.sort_by_cached_key(key);
        if descending {
            found.queries.reverse();
        }
    }
    // Stable sorts: within a partition the order stays.
    match partition {
        Some(true) => found.queries.sort_by_cached_key(|query| Reverse(encoded(&query.partition))),
        Some(false) => found.queries.sort_by_cached_key(|query| encoded(&query.partition)),
        None => {}
    }
}

/// Where a page ended: in which of the statement's ranges, and at which position in the table or
/// index. Callers hand it back: what they may read was decided by the statement's ranges, so a
/// place outside of these is refused.
#[derive(Debug, Default)]
struct Place {
    range: usize,
    position: Vec<u8>,
}

/// Bytes of a statement's fingerprint in a token.
const PRINT: usize = 16;

impl Place {
    fn token(&self, fingerprint: &str) -> String {
        let mut bytes = print(fingerprint);
        bytes.extend_from_slice(&(self.range as u32).to_be_bytes());
        bytes.extend_from_slice(&self.position);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What is left of the range that it lies in.
    fn rest(&self, range: &Range, source: &Source<'_>, direction: Direction) -> Result<Range> {
        if self.position.is_empty() {
            return Ok(range.clone());
        }
        let key = source.keys().at(&self.position);
        if !range.contains(&key) {
            return Err(invalid_token().into());
        }
        Ok(match direction {
            Direction::Forward => range.clone().after(&key),
            Direction::Backward => range.clone().before(&key),
        })
    }

    fn read(token: &str, fingerprint: &str) -> Result<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid_token())?;
        let (print_given, rest) = bytes.split_at_checked(PRINT).ok_or_else(invalid_token)?;
        let (range, position) = rest.split_first_chunk::<4>().ok_or_else(invalid_token)?;
        if print_given != print(fingerprint) {
            let text = "NextToken does not match request";
            return Err(Error::Validation(text.to_owned()).into());
        }
        Ok(Self { range: u32::from_be_bytes(*range) as usize, position: position.into() })
    }
}

fn invalid_token() -> Error {
    Error::Validation("Invalid NextToken".to_owned())
}

fn print(fingerprint: &str) -> Vec<u8> {
    digest(&SHA256, fingerprint.as_bytes()).as_ref().iter().take(PRINT).copied().collect()
}
