//! Item collections: all items of a table with local indexes, and their entries, that share a
//! partition key (developer guide, "Item collections in Local Secondary Indexes").
//!
//! Their limit of 10 GB is not enforced.

use std::collections::BTreeMap;

use cumulet_api_dynamodb::types::{ItemCollectionMetrics, ReturnItemCollectionMetrics};
use cumulet_attribute::{Item, Value};
use cumulet_service::{Cx, Result};
use cumulet_store::{Direction, Range, Read as _};

use crate::key::partition_position;
use crate::tables::Table;
use crate::write::{Action, Write, decode};

const GIGABYTE: f64 = (1 << 30) as f64;
/// Items and entries that are measured at most. What is beyond makes the estimate too low; AWS's is
/// an estimate too.
const MEASURED: usize = 50_000;

/// The answer's `ItemCollectionMetrics` for what a write has touched, where the caller wants them
/// and the table has local indexes.
pub(crate) async fn answer(
    cx: &Cx,
    table: &Table,
    write: &Write,
    wanted: Option<ReturnItemCollectionMetrics>,
) -> Result<Option<ItemCollectionMetrics>> {
    let has_local = table.indexes.iter().any(|index| index.record.local);
    if wanted != Some(ReturnItemCollectionMetrics::Size) || !has_local {
        return Ok(None);
    }
    let key = match &write.action {
        Action::Put(item) | Action::Insert { item, .. } => item,
        Action::Update(key, _) | Action::Delete(key) | Action::Check(key) => key,
    };
    measure(cx, table, key).await.map(Some)
}

async fn measure(cx: &Cx, table: &Table, key: &Item) -> Result<ItemCollectionMetrics> {
    let name = &table.schema.partition.name;
    let partition = key.get(name);
    let position = partition.and_then(partition_position).unwrap_or_default();
    let locals = table.indexes.iter().filter(|index| index.record.local);
    let ranges = std::iter::once(&table.keys).chain(locals.map(|index| &index.keys));
    let ranges: Vec<Range> = ranges.map(|keys| keys.within(&position)).collect();
    let snapshot = cx.store().snapshot();
    let (mut bytes, mut left) = (0, MEASURED);
    for range in ranges {
        let mut scan = snapshot.scan(range, Direction::Forward);
        while left > 0
            && let Some((_, stored)) = scan.next().await?
        {
            bytes += decode(stored)?.size();
            left -= 1;
        }
    }
    let lower = (bytes as f64 / GIGABYTE).floor();
    let key = partition.map(|value| (name.clone(), Value::from(value).into()));
    Ok(ItemCollectionMetrics {
        item_collection_key: Some(key.into_iter().collect::<BTreeMap<_, _>>()),
        size_estimate_range_gb: Some(vec![lower, lower + 1.0]),
    })
}
