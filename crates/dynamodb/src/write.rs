//! One write: what it makes of an item, and what becomes of the item's index entries.
//!
//! PutItem, UpdateItem, DeleteItem, each request of a batch and each action of a transaction are a
//! [`Write`]. [`Write::decide`] is pure; [`change`] alone writes items, index entries, what items
//! were and what the table's stream tells of them.

use bytes::Bytes;
use cumulet_api_dynamodb::types::ReturnValue;
use cumulet_attribute::Item;
use cumulet_base::Timestamp;
use cumulet_service::Result;
use cumulet_store::{Read, StoreError, Tx};

use crate::capacity::{self, IndexChange};
use crate::collections;
use crate::error::Error;
use crate::expression::{Action as UpdateAction, Condition, Expression, Projection, Update};
use crate::key::KeyError;
use crate::streams;
use crate::tables::{Index, Table};
use crate::units::Units;

/// One write, parsed.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) action: Action,
    pub(crate) condition: Option<Condition>,
    /// Whether a failed condition's answer carries the item.
    pub(crate) wants_item: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Action {
    /// The item, in place of the one with its key.
    Put(Item),
    /// The item, unless one has its key; `lenient`: that is no error.
    Insert { item: Item, lenient: bool },
    /// The item with this key, changed; `None` changes nothing but makes the item.
    Update(Item, Option<Update>),
    /// The item with this key, removed.
    Delete(Item),
    /// Nothing: only the condition is judged.
    Check(Item),
}

impl Write {
    /// Where the item lies. Refuses what does not fit the table, whatever lies there.
    pub(crate) fn locate(&self, table: &Table) -> std::result::Result<Vec<u8>, Error> {
        let key = match &self.action {
            Action::Put(item) | Action::Insert { item, .. } => {
                table.schema.check_item(item)?;
                for index in table.kept_indexes() {
                    index.schema.check_indexed(&index.record.name, item)?;
                }
                item
            }
            Action::Update(key, _) | Action::Delete(key) | Action::Check(key) => {
                table.schema.check_key(key)?;
                key
            }
        };
        if let Action::Update(_, Some(update)) = &self.action {
            table.schema.check_updated(update.paths())?;
            check_index_updates(table, update)?;
        }
        if let Some(condition) = &self.condition {
            table.check_paths(condition.paths())?;
        }
        table.schema.position(key).ok_or(Error::Key(KeyError::Schema))
    }

    /// What the item is afterwards; `None`: it is not there.
    pub(crate) fn decide(
        &self,
        table: &Table,
        old: Option<&Item>,
    ) -> std::result::Result<Option<Item>, Error> {
        if self.condition.as_ref().is_some_and(|condition| !condition.holds(old)) {
            return Err(Error::ConditionFailed(old.filter(|_| self.wants_item).cloned()));
        }
        match &self.action {
            Action::Insert { lenient: true, .. } if old.is_some() => Ok(old.cloned()),
            Action::Insert { .. } if old.is_some() => Err(Error::DuplicateItem),
            Action::Put(item) | Action::Insert { item, .. } => Ok(Some(item.clone())),
            Action::Delete(_) => Ok(None),
            Action::Check(_) => Ok(old.cloned()),
            Action::Update(key, None) => Ok(Some(old.unwrap_or(key).clone())),
            Action::Update(_, Some(update)) if old.is_none() && !update.makes_item() => Ok(None),
            Action::Update(key, Some(update)) => {
                let new = update.apply(old.unwrap_or(key))?;
                let touched =
                    |index: &&Index| update.paths().any(|path| index.schema.has(path.attribute()));
                for index in table.kept_indexes().filter(touched) {
                    index.schema.check_indexed(&index.record.name, &new).map_err(unsupported)?;
                }
                Ok(Some(new))
            }
        }
    }

    /// Does it within a transaction: the item before and after, and what that cost.
    pub(crate) async fn run(&self, tx: &Tx, table: &Table, now: Timestamp) -> Result<Written> {
        Ok(self.attempt(tx, table, now).await??)
    }

    /// The same for those who answer with the refusal themselves; then nothing is written.
    pub(crate) async fn attempt(
        &self,
        tx: &Tx,
        table: &Table,
        now: Timestamp,
    ) -> Result<std::result::Result<Written, Error>> {
        let position = match self.locate(table) {
            Ok(position) => position,
            Err(error) => return Ok(Err(error)),
        };
        let old = read(tx, table, &position).await?;
        let new = match self.decide(table, old.as_ref()) {
            Ok(new) => new,
            Err(error) => return Ok(Err(error)),
        };
        let images = (old.as_ref(), new.as_ref());
        let done = change(tx, table, &position, images, Cause::Request, now).await?;
        Ok(done.map(|units| Written { old, new, units }))
    }
}

/// Why an item changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody wrote it.
    Request,
    /// Somebody wrote it in a transaction, which costs twice as much.
    Transaction,
    /// Its time to live is over.
    Expiry,
}

/// What a write has done.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) old: Option<Item>,
    pub(crate) new: Option<Item>,
    pub(crate) units: Units,
}

impl Written {
    /// What `ReturnValues` or RETURNING asks for. `update`: by which the item was changed.
    pub(crate) fn returned(
        self,
        wanted: Option<ReturnValue>,
        update: Option<&Update>,
    ) -> Result<Option<Item>> {
        let touched = |item: Option<Item>| match (update, item) {
            (Some(update), Some(item)) => touched(update, &item),
            _ => Ok(None),
        };
        match wanted.unwrap_or(ReturnValue::None) {
            ReturnValue::None => Ok(None),
            ReturnValue::AllOld => Ok(self.old),
            ReturnValue::AllNew => Ok(self.new),
            ReturnValue::UpdatedOld => touched(self.old),
            ReturnValue::UpdatedNew => touched(self.new),
        }
    }
}

/// Refuses updates into index keys, and values of the request as index keys of other types: before
/// the condition is judged, as AWS does. (Values that the update computes are refused in other
/// words once they are known.)
fn check_index_updates(table: &Table, update: &Update) -> std::result::Result<(), Error> {
    for index in table.kept_indexes() {
        for attribute in index.schema.attributes() {
            let mut actions = update.actions().iter();
            let Some(action) = actions.find(|one| one.path().attribute() == attribute.name) else {
                continue;
            };
            if action.path().is_nested() {
                return Err(KeyError::IndexNested(attribute.name.clone()).into());
            }
            let kind = match action {
                UpdateAction::Set(_, Expression::Value(value)) | UpdateAction::Add(_, value) => {
                    Some(value.kind())
                }
                _ => None,
            };
            let expected = attribute.kind.kind();
            if let Some(kind) = kind.filter(|kind| *kind != expected) {
                let (name, index) = (attribute.name.clone(), index.record.name.clone());
                return Err(KeyError::IndexType(name, expected, kind, index).into());
            }
        }
    }
    Ok(())
}

fn unsupported(error: KeyError) -> Error {
    match error {
        KeyError::IndexType(..) => Error::IndexKeyUpdate,
        other => Error::Key(other),
    }
}

/// The item at a position.
pub(crate) async fn read(from: &impl Read, table: &Table, position: &[u8]) -> Result<Option<Item>> {
    let stored = from.get(&table.keys.at(position)).await?;
    Ok(stored.map(decode).transpose()?)
}

/// An item from its stored form.
pub(crate) fn decode(bytes: Bytes) -> std::result::Result<Item, StoreError> {
    Item::from_bytes(bytes).map_err(|_| StoreError::Corrupt("an item is damaged".to_owned()))
}

/// Replaces `old`, which lies at `position`, by `new`; `None` is no item. What it costs, or why the
/// items cannot be so; then nothing is written.
pub(crate) async fn change(
    tx: &Tx,
    table: &Table,
    position: &[u8],
    (old, new): (Option<&Item>, Option<&Item>),
    cause: Cause,
    now: Timestamp,
) -> Result<std::result::Result<Units, Error>> {
    let entries = match changes(table, position, old, new) {
        Ok(entries) => entries,
        Err(error) => return Ok(Err(error)),
    };
    if table.has_collections()
        && let Err(error) = collections::grow(tx, table, (old, new), &entries).await?
    {
        return Ok(Err(error));
    }
    if let Some(history) = table.history.as_ref().filter(|_| old != new) {
        history.note(tx, position, old, now).await?;
    }
    let units = replace(tx, table, position, (old, new), entries, cause == Cause::Transaction);
    if let Some(stream) = &table.stream {
        streams::append(tx, table, stream, (old, new), cause, now).await?;
    }
    Ok(Ok(units))
}

/// Puts an item into a table that is being restored, at a position where none is.
pub(crate) async fn restore(tx: &Tx, table: &Table, position: &[u8], item: &Item) -> Result<()> {
    let entries = changes(table, position, None, Some(item))?;
    if table.has_collections() {
        collections::grow(tx, table, (None, Some(item)), &entries).await??;
    }
    replace(tx, table, position, (None, Some(item)), entries, false);
    Ok(())
}

/// What becomes of an item's entry in an index.
pub(crate) struct EntryChange<'t> {
    pub(crate) index: &'t Index,
    before: Option<(Vec<u8>, Item)>,
    after: Option<(Vec<u8>, Item)>,
}

impl EntryChange<'_> {
    /// By how many bytes the index grows.
    pub(crate) fn growth(&self) -> i64 {
        let size = |entry: &Option<(Vec<u8>, Item)>| {
            entry.as_ref().map_or(0, |(_, entry)| entry.size() as i64)
        };
        size(&self.after) - size(&self.before)
    }
}

/// What becomes of an item's entries.
fn changes<'t>(
    table: &'t Table,
    position: &[u8],
    old: Option<&Item>,
    new: Option<&Item>,
) -> std::result::Result<Vec<EntryChange<'t>>, Error> {
    let of = |index: &'t Index| {
        let entry = |item: Option<&Item>| -> std::result::Result<_, Error> {
            Ok(item.map(|item| entry(index, position, item)).transpose()?.flatten())
        };
        Ok(EntryChange { index, before: entry(old)?, after: entry(new)? })
    };
    table.kept_indexes().map(of).collect()
}

/// The item and its index entries.
fn replace(
    tx: &Tx,
    table: &Table,
    position: &[u8],
    (old, new): (Option<&Item>, Option<&Item>),
    entries: Vec<EntryChange<'_>>,
    transactional: bool,
) -> Units {
    let key = table.keys.at(position);
    match new {
        Some(new) => tx.put(key, new.clone().into_bytes()),
        None => tx.delete(key),
    }
    let size = |item: Option<&Item>| item.map_or(0, Item::size);
    let mut units = Units::table(capacity::write(size(old), size(new), transactional));
    for entry in entries {
        let index = &entry.index.record;
        let used = capacity::index_write(replace_entry(tx, entry), transactional);
        units.indexes.push((index.name.clone(), index.local, used));
    }
    units
}

fn replace_entry(tx: &Tx, change: EntryChange<'_>) -> IndexChange {
    let EntryChange { index, before, after } = change;
    match (before, after) {
        (None, None) => IndexChange::None,
        // While an index is being made, the entry of an old item may not be there yet: an item that
        // stays the same to the index is written all the same.
        (Some((_, before)), Some((_, after))) if before == after && index.is_whole() => {
            IndexChange::None
        }
        (None, Some((key, after))) => {
            let change = IndexChange::Insert(after.size());
            tx.put(key, after.into_bytes());
            change
        }
        (Some((key, before)), None) => {
            tx.delete(key);
            IndexChange::Delete(before.size())
        }
        (Some((old_key, before)), Some((key, after))) => {
            let sizes = (before.size(), after.size());
            let moved = old_key != key;
            if moved {
                tx.delete(old_key);
            }
            tx.put(key, after.into_bytes());
            if moved {
                IndexChange::Move(sizes.0, sizes.1)
            } else {
                IndexChange::Update(sizes.0, sizes.1)
            }
        }
    }
}

/// The key and the attributes of an item's entry in an index; `None` where it has none: without all
/// of the index's key, or (an item older than the index) with a key that the index cannot have.
pub(crate) fn entry(
    index: &Index,
    position: &[u8],
    item: &Item,
) -> std::result::Result<Option<(Vec<u8>, Item)>, Error> {
    if index.schema.check_indexed(&index.record.name, item) != Ok(true) {
        return Ok(None);
    }
    let Some(mut place) = index.schema.position(item) else { return Ok(None) };
    // Entries with one index key lie side by side in the order of the table's keys.
    place.extend_from_slice(position);
    let entry = match &index.projection {
        None => item.clone(),
        Some(projection) => projection.project(item).map_err(Error::Value)?,
    };
    Ok(Some((index.keys.at(&place), entry)))
}

/// The parts of an item that an update's paths lead to; `None` where there is nothing.
fn touched(update: &Update, item: &Item) -> Result<Option<Item>> {
    let parts = Projection::of(update.paths()).project(item).map_err(Error::Value)?;
    Ok(Some(parts).filter(|parts| !parts.is_empty()))
}

/// The position of an index's entry in its table: the entry has the table's key too.
pub(crate) fn position_of(table: &Table, entry: &Item) -> std::result::Result<Vec<u8>, StoreError> {
    let lost = || StoreError::Corrupt("an index entry without its table's key".to_owned());
    table.schema.position(entry).ok_or_else(lost)
}
