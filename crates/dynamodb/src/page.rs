//! Reading a table or an index page by page: what Query and Scan share.
//!
//! A page ends after the item that reaches `Limit` or 1 MiB; that item's key is where the next page
//! begins, whether the filter let it through or not (developer guide, "Paginating table query
//! results").

use std::collections::BTreeSet;
use std::ops::Bound;

use bytes::Bytes;
use cumulet_api_dynamodb::types::Select;
use cumulet_attribute::{Item, ItemBuilder, ValueRef};
use cumulet_service::{Cx, Result};
use cumulet_store::{Direction, Range, Read as _};

use crate::capacity::{self, Read};
use crate::error::Error;
use crate::expression::{Condition, KeyQuery, Path, Projection};
use crate::key::{KeyAttribute, partition_position};
use crate::model::IndexState;
use crate::request::Sources;
use crate::store::ItemKeys;
use crate::tables::{Index, Table};
use crate::units::Units;
use crate::write::{self, decode, position_of};

/// Bytes that a page evaluates.
pub(crate) const PAGE: usize = 1 << 20;

/// A table or one of its indexes, to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'t> {
    pub(crate) table: &'t Table,
    pub(crate) index: Option<&'t Index>,
}

impl<'t> Source<'t> {
    /// The table, or its index of that name. Refuses an index that is not there or not yet whole,
    /// and consistent reads of a global one.
    pub(crate) fn find(
        table: &'t Table,
        index: Option<&str>,
        consistent: bool,
    ) -> std::result::Result<Self, Error> {
        let Some(name) = index else { return Ok(Self { table, index: None }) };
        let missing =
            || Error::Validation(format!("The table does not have the specified index: {name}"));
        let index = table.index(name).filter(|index| index.record.state != IndexState::Deleting);
        let index = index.ok_or_else(missing)?;
        if consistent && !index.record.local {
            return Err(Error::Validation(
                "Consistent reads are not supported on global secondary indexes".to_owned(),
            ));
        }
        if !index.is_whole() {
            return Err(Error::Validation(format!(
                "Cannot read from backfilling global secondary index: {name}"
            )));
        }
        Ok(Self { table, index: Some(index) })
    }

    /// Where its items or entries lie.
    pub(crate) fn keys(&self) -> &'t ItemKeys {
        self.index.map_or(&self.table.keys, |index| &index.keys)
    }

    /// Where those entries lie that a key condition asks for.
    pub(crate) fn range(&self, query: &KeyQuery) -> Result<Range> {
        let keys = self.keys();
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

    /// The key by which it is queried.
    pub(crate) fn schema(&self) -> &'t crate::key::KeySchema {
        self.index.map_or(&self.table.schema, |index| &index.schema)
    }

    /// The attributes that tell its items apart: an index's key and the table's.
    fn key_attributes(&self) -> impl Iterator<Item = &'t KeyAttribute> {
        let mut seen = BTreeSet::new();
        let index = self.index.into_iter().flat_map(|index| index.schema.attributes());
        let all = index.chain(self.table.schema.attributes());
        all.filter(move |attribute| seen.insert(attribute.name.as_str()))
    }

    /// The key of an item, as `LastEvaluatedKey` has it.
    fn key_of(&self, item: &Item) -> Item {
        self.key_attributes()
            .filter_map(|attribute| Some((attribute.name.as_str(), item.get(&attribute.name)?)))
            .collect::<ItemBuilder>()
            .finish()
            .unwrap_or_default()
    }

    /// The stored key of what an `ExclusiveStartKey` names; it need not be there.
    pub(crate) fn start(&self, key: &Item) -> std::result::Result<Vec<u8>, Error> {
        let fits = |attribute: &KeyAttribute| {
            let value = key.get(&attribute.name);
            value.is_some_and(|value| value.kind() == attribute.kind.kind())
        };
        let whole = key.len() == self.key_attributes().count() && self.key_attributes().all(fits);
        let position = whole.then(|| self.table.schema.position(key)).flatten();
        let position = match (self.index, position) {
            (Some(index), Some(position)) => index.schema.position(key).map(|mut place| {
                place.extend_from_slice(&position);
                place
            }),
            (_, position) => position,
        };
        let position = position.ok_or_else(|| {
            Error::Validation(match self.index {
                None => "The provided starting key is invalid: The provided key element does not \
                         match the schema"
                    .to_owned(),
                Some(_) => "The provided starting key is invalid".to_owned(),
            })
        })?;
        Ok(self.keys().at(&position))
    }
}

/// Refuses a `Select` that contradicts the parameter that asks for parts of items.
pub(crate) fn check_select(
    select: Option<Select>,
    sources: &Sources<'_>,
) -> std::result::Result<(), Error> {
    let parameter = match (sources.projection, sources.legacy.attributes_to_get) {
        (Some(_), _) => Some("ProjectionExpression"),
        (None, Some(_)) => Some("AttributesToGet"),
        (None, None) => None,
    };
    let refuse = |parameter: &str, what: &str| {
        let text = format!("Cannot specify the {parameter} when choosing to get {what}");
        Err(Error::Validation(text))
    };
    match (select, parameter) {
        (Some(Select::AllAttributes), Some(parameter)) => refuse(parameter, "ALL_ATTRIBUTES"),
        (Some(Select::AllProjectedAttributes), Some(parameter)) => {
            refuse(parameter, "ALL_PROJECTED_ATTRIBUTES")
        }
        (Some(Select::Count), Some(parameter)) => refuse(parameter, "only the Count"),
        (Some(Select::SpecificAttributes), None) => Err(Error::Validation(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get \
             SPECIFIC_ATTRIBUTES"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// What `Select` is where it is not given.
pub(crate) fn select(select: Option<Select>, sources: &Sources<'_>, index: bool) -> Select {
    let projected = sources.projection.is_some() || sources.legacy.attributes_to_get.is_some();
    select.unwrap_or(match (projected, index) {
        (true, _) => Select::SpecificAttributes,
        (false, true) => Select::AllProjectedAttributes,
        (false, false) => Select::AllAttributes,
    })
}

/// What is read, and what of it is returned.
#[derive(Debug)]
pub(crate) struct Reading<'t> {
    pub(crate) source: Source<'t>,
    pub(crate) filter: Option<&'t Condition>,
    pub(crate) projection: Option<&'t Projection>,
    pub(crate) select: Option<Select>,
    pub(crate) limit: Option<usize>,
    pub(crate) read: Read,
    /// Whether items come whole all the same: the caller takes the parts.
    pub(crate) whole: bool,
}

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// What passed the filter; empty where only the count is wanted.
    pub(crate) items: Vec<Item>,
    /// How many passed it.
    pub(crate) count: i32,
    /// How many were read.
    pub(crate) scanned: i32,
    /// Where the next page begins.
    pub(crate) last: Option<Item>,
    /// How much was read.
    pub(crate) bytes: usize,
    pub(crate) units: Units,
}

impl Reading<'_> {
    /// Refuses paths into keys, a Query's filter (what messages call it) on keys, and what the
    /// index does not hold and cannot fetch.
    pub(crate) fn check(&self, query_filter: Option<&str>) -> std::result::Result<(), Error> {
        let Source { table, index } = self.source;
        let filter_paths = || self.filter.into_iter().flat_map(Condition::paths);
        if let Some(projection) = self.projection {
            table.check_nested(projection.nested())?;
        }
        table.check_paths(filter_paths())?;
        if let Some(filter) = query_filter
            && let Some(key) = filter_paths().find(|path| self.is_key(path))
        {
            return Err(Error::Validation(format!(
                "{filter} can only contain non-primary key attributes: Primary key \
                 attribute: {}",
                key.attribute()
            )));
        }
        match index {
            None if self.select == Some(Select::AllProjectedAttributes) => Err(Error::Parameter(
                "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
                    .to_owned(),
            )),
            Some(index) if !index.record.local => self.check_global(index),
            _ => Ok(()),
        }
    }

    fn is_key(&self, path: &Path) -> bool {
        self.source.schema().has(path.attribute())
    }

    fn check_global(&self, index: &Index) -> std::result::Result<(), Error> {
        let name = &index.record.name;
        if self.select == Some(Select::AllAttributes) && index.projection.is_some() {
            return Err(Error::Parameter(format!(
                "Select type ALL_ATTRIBUTES is not supported for global secondary index {name} \
                 because its projection type is not ALL"
            )));
        }
        let missing = self.not_held(index);
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::Parameter(format!(
            "Global secondary index {name} does not project [{}]",
            missing.into_iter().collect::<Vec<_>>().join(", ")
        )))
    }

    /// Attributes that are asked for and that the index does not hold.
    fn not_held(&self, index: &Index) -> BTreeSet<&str> {
        let projected = self.projection.into_iter().flat_map(Projection::attributes);
        let filtered = self.filter.into_iter().flat_map(Condition::paths).map(Path::attribute);
        projected.chain(filtered).filter(|name| !index.holds(name)).collect()
    }

    /// Whether the whole item must be fetched from the table for each entry of a local index.
    fn fetches(&self) -> bool {
        self.source.index.is_some_and(|index| {
            index.record.local
                && index.projection.is_some()
                && (self.select == Some(Select::AllAttributes) || !self.not_held(index).is_empty())
        })
    }

    /// Reads a page of `range`.
    pub(crate) async fn page(&self, cx: &Cx, range: Range, direction: Direction) -> Result<Page> {
        let fetches = self.fetches();
        let snapshot = cx.store().snapshot();
        let mut page = Page::default();
        let (mut evaluated, mut fetched, mut fetch_units) = (0, 0, 0.0);
        if range.is_empty() {
            page.units = self.units(evaluated, fetch_units);
            return Ok(page);
        }
        let mut scan = snapshot.scan(range, direction);
        while let Some((_, stored)) = scan.next().await? {
            let entry = decode(stored)?;
            evaluated += entry.size();
            page.scanned += 1;
            let limit = self.limit.is_some_and(|limit| page.scanned as usize >= limit);
            let item = if fetches {
                let position = position_of(self.source.table, &entry)?;
                let item = write::read(&snapshot, self.source.table, &position).await?;
                let item = item.unwrap_or_default();
                // AWS does not say whether these bytes count; without them a page had no bound.
                fetched += item.size();
                fetch_units += capacity::read(item.size(), self.read);
                item
            } else {
                entry.clone()
            };
            if limit || evaluated + fetched >= PAGE {
                page.last = Some(self.source.key_of(&entry));
            }
            if self.filter.is_none_or(|filter| filter.holds(Some(&item))) {
                page.count += 1;
                if self.select != Some(Select::Count) {
                    page.items.push(match self.projection.filter(|_| !self.whole) {
                        Some(projection) => projection.project(&item).map_err(Error::Value)?,
                        None => item,
                    });
                }
            }
            if page.last.is_some() {
                break;
            }
        }
        page.bytes = evaluated + fetched;
        page.units = self.units(evaluated, fetch_units);
        Ok(page)
    }

    fn units(&self, evaluated: usize, fetched: f64) -> Units {
        let units = capacity::read(evaluated, self.read);
        match self.source.index {
            None => Units::table(units),
            Some(index) => {
                let record = &index.record;
                let indexes = vec![(record.name.clone(), record.local, units)];
                Units { table: fetched, indexes }
            }
        }
    }
}

/// The value of a key's partition attribute, for policies.
pub(crate) fn partition<'i>(source: &Source<'_>, key: &'i Item) -> Option<ValueRef<'i>> {
    key.get(&source.schema().partition.name)
}
