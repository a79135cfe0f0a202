//! BatchWriteItem: up to 25 puts and deletes, in any tables.
//!
//! Promises: each write is done whole and durably or not at all; the batch is not one transaction.
//! What could not be done once something was comes back as `UnprocessedItems`.
//! Refuses: an item twice, items and keys that do not fit their table, a table that is not there:
//! then nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cumulet_api_dynamodb::ops::{BatchWriteItem, BatchWriteItemInput, BatchWriteItemOutput};
use cumulet_api_dynamodb::types::{
    DeleteRequest, ItemCollectionMetrics, PutRequest, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, WriteRequest,
};
use cumulet_attribute::{Item, ValueError};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::collections;
use crate::error::Error;
use crate::item_access::{Touched, on_items};
use crate::key::KeyError;
use crate::request;
use crate::tables::{Table, TableName};
use crate::units::Units;
use crate::write::{Action, Write};

/// Writes of one request.
const WRITES: usize = 25;
/// Bytes, with those of index entries, that one transaction of the store gets.
const CHUNK: usize = 4 << 20;

impl Handle<BatchWriteItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &BatchWriteItemInput) -> Result<Vec<Access>> {
        let mut accesses = Vec::new();
        for (name, requests) in &input.request_items {
            let name = TableName::parse(cx, name)?;
            let table = self.named(&name).await?;
            let touched = |table: &Table| {
                Touched::new()
                    .items(&table.schema, requests.iter().filter_map(item_of))
                    .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
            };
            let table = table.as_deref();
            accesses.push(on_items(cx, "dynamodb:BatchWriteItem", &name, None, table, touched));
        }
        Ok(accesses)
    }

    async fn handle(&self, cx: &Cx, input: BatchWriteItemInput) -> Result<BatchWriteItemOutput> {
        if input.request_items.values().map(Vec::len).sum::<usize>() > WRITES {
            let text = "Too many items requested for the BatchWriteItem call";
            return Err(Error::Validation(text.to_owned()).into());
        }
        let mut parts = Vec::new();
        for (name, requests) in input.request_items {
            let writes: Vec<Write> = requests.into_iter().map(parse).collect::<Result<_>>()?;
            parts.push((name, writes));
        }
        let mut chunks = Vec::new();
        for (name, writes) in parts {
            let target = TableName::parse(cx, &name)?;
            let table = self.named(&target).await?.ok_or(Error::TableNotFound)?;
            check(&table, &writes)?;
            chunks.extend(split(&table, writes).into_iter().map(|writes| Chunk {
                name: name.clone(),
                target: target.clone(),
                writes,
            }));
        }
        let metrics = input.return_item_collection_metrics;
        let mut output = Output::default();
        for chunk in chunks {
            match self.write_chunk(cx, &chunk).await {
                Ok((table, units)) => output.done(cx, &table, chunk, units, metrics).await?,
                // Once something is written, an error would say that nothing was.
                Err(error) if error.status >= 500 && output.wrote => output.left(chunk),
                Err(error) => return Err(error),
            }
        }
        Ok(output.answer(input.return_consumed_capacity))
    }
}

/// Writes to one table that one transaction does.
struct Chunk {
    name: String,
    target: TableName,
    writes: Vec<Write>,
}

impl DynamoDb {
    async fn write_chunk(&self, cx: &Cx, chunk: &Chunk) -> Result<(Arc<Table>, Units)> {
        self.write(cx, &chunk.target, |table, tx| async move {
            let mut units = Units::default();
            for write in &chunk.writes {
                units.add(write.run(&tx, &table, cx.now()).await?.units);
            }
            Ok((table, units))
        })
        .await
    }
}

/// What has been done so far.
#[derive(Default)]
struct Output {
    wrote: bool,
    units: BTreeMap<String, Units>,
    metrics: BTreeMap<String, Vec<ItemCollectionMetrics>>,
    left: BTreeMap<String, Vec<WriteRequest>>,
}

impl Output {
    async fn done(
        &mut self,
        cx: &Cx,
        table: &Table,
        chunk: Chunk,
        units: Units,
        metrics: Option<ReturnItemCollectionMetrics>,
    ) -> Result<()> {
        self.wrote = true;
        for write in &chunk.writes {
            if let Some(found) = collections::answer(cx, table, write, metrics).await? {
                self.metrics.entry(chunk.name.clone()).or_default().push(found);
            }
        }
        self.units.entry(chunk.name).or_default().add(units);
        Ok(())
    }

    fn left(&mut self, chunk: Chunk) {
        let requests = chunk.writes.into_iter().filter_map(|write| match write.action {
            Action::Put(item) => Some(WriteRequest {
                put_request: Some(PutRequest { item: item.into() }),
                delete_request: None,
            }),
            Action::Delete(key) => Some(WriteRequest {
                put_request: None,
                delete_request: Some(DeleteRequest { key: key.into() }),
            }),
            Action::Insert { .. } | Action::Update(..) | Action::Check(_) => None,
        });
        self.left.entry(chunk.name).or_default().extend(requests);
    }

    fn answer(self, wanted: Option<ReturnConsumedCapacity>) -> BatchWriteItemOutput {
        let units = self.units.into_iter();
        let capacity: Vec<_> =
            units.filter_map(|(name, units)| units.answer(&name, wanted)).collect();
        BatchWriteItemOutput {
            unprocessed_items: Some(self.left),
            item_collection_metrics: Some(self.metrics).filter(|map| !map.is_empty()),
            consumed_capacity: Some(capacity).filter(|list| !list.is_empty()),
        }
    }
}

/// The item or key of a request, where it can be read.
fn item_of(request: &WriteRequest) -> Option<&Item> {
    let put = request.put_request.as_ref().map(|put| &put.item);
    let delete = request.delete_request.as_ref().map(|delete| &delete.key);
    put.or(delete)?.0.as_ref().ok()
}

fn parse(request: WriteRequest) -> Result<Write> {
    let action = match (request.put_request, request.delete_request) {
        (Some(put), None) => Action::Put(request::item(put.item)?),
        (None, Some(delete)) => Action::Delete(request::item(delete.key)?),
        // AWS takes it for a value without a type, or with two.
        (None, None) => return Err(Error::Value(ValueError::Empty).into()),
        (Some(_), Some(_)) => return Err(Error::Value(ValueError::MoreThanOneType).into()),
    };
    Ok(Write { action, condition: None, wants_item: false })
}

/// Refuses what does not fit the table, and two writes of one item.
fn check(table: &Table, writes: &[Write]) -> std::result::Result<(), Error> {
    let mut seen = BTreeSet::new();
    for write in writes {
        let position = write.locate(table).map_err(|error| match error {
            // Of a batch AWS says so of items too.
            Error::Key(KeyError::Missing(_) | KeyError::Type(..)) => Error::Key(KeyError::Schema),
            other => other,
        })?;
        if !seen.insert(position) {
            return Err(Error::duplicate_keys());
        }
    }
    Ok(())
}

/// Writes in chunks that a transaction of the store can hold.
fn split(table: &Table, writes: Vec<Write>) -> Vec<Vec<Write>> {
    // A stream's record may have the item as it was as well.
    let copies = table.indexes.len() + if table.stream.is_some() { 3 } else { 1 };
    let (mut chunks, mut weight) = (vec![Vec::new()], 0);
    for write in writes {
        let size = match &write.action {
            Action::Put(item) => item.size() * copies,
            _ => 0,
        };
        if weight > 0 && weight + size > CHUNK {
            chunks.push(Vec::new());
            weight = 0;
        }
        weight += size;
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(write);
        }
    }
    chunks
}
