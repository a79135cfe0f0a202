//! BatchGetItem: up to 100 items by their keys, from any tables.
//!
//! Promises: every item as of one durable state, in no order; what is beyond 16 MB comes back as
//! `UnprocessedKeys`.
//! Refuses: a key twice, keys that are not the table's, a table that is not there: then nothing is
//! read.

use std::collections::BTreeMap;

use cumulet_api_dynamodb::ops::{BatchGetItem, BatchGetItemInput, BatchGetItemOutput};
use cumulet_api_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity, Select};
use cumulet_attribute::{Attributes, Item};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Snapshot;

use crate::DynamoDb;
use crate::capacity::{self, Read};
use crate::error::Error;
use crate::expression::{Kind, Projection};
use crate::item_access::{Touched, on_items};
use crate::legacy::Legacy;
use crate::request::{self, Sources};
use crate::tables::{Table, TableName};
use crate::units::Units;
use crate::write;

/// Keys of one request, and bytes of its items.
const KEYS: usize = 100;
const BYTES: usize = 16 << 20;

impl Handle<BatchGetItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &BatchGetItemInput) -> Result<Vec<Access>> {
        let mut accesses = Vec::new();
        for (name, wanted) in &input.request_items {
            let name = TableName::parse(cx, name)?;
            let table = self.named(&name).await?;
            let touched = |table: &Table| touched(table, wanted, input.return_consumed_capacity);
            let table = table.as_deref();
            accesses.push(on_items(cx, "dynamodb:BatchGetItem", &name, None, table, touched));
        }
        Ok(accesses)
    }

    async fn handle(&self, cx: &Cx, input: BatchGetItemInput) -> Result<BatchGetItemOutput> {
        let count: usize = input.request_items.values().map(|wanted| wanted.keys.len()).sum();
        if count > KEYS {
            let text = "Too many items requested for the BatchGetItem call";
            return Err(Error::Validation(text.to_owned()).into());
        }
        let mut parts = Vec::new();
        for (name, wanted) in input.request_items {
            parts.push(Part::parse(name, wanted)?);
        }
        let mut placed = Vec::new();
        for part in parts {
            let name = TableName::parse(cx, &part.name)?;
            let table = self.named(&name).await?.ok_or(Error::TableNotFound)?;
            for key in &part.keys {
                table.schema.check_key(key).map_err(Error::Key)?;
            }
            if let Some(projection) = &part.projection {
                table.check_nested(projection.nested()).map_err(Error::Key)?;
            }
            placed.push((table, part));
        }
        let snapshot = cx.store().snapshot();
        let mut output = BatchGetItemOutput::default();
        let responses = output.responses.insert(BTreeMap::new());
        let unprocessed = output.unprocessed_keys.insert(BTreeMap::new());
        let (mut capacities, mut room) = (Vec::new(), BYTES);
        for (table, part) in placed {
            let read = part.read(&snapshot, &table, &mut room).await?;
            capacities.extend(read.units.answer(&part.name, input.return_consumed_capacity));
            if !read.left.is_empty() {
                let left = read.left.into_iter().map(Into::into).collect();
                unprocessed
                    .insert(part.name.clone(), KeysAndAttributes { keys: left, ..part.request });
            }
            responses.insert(part.name, read.items);
        }
        output.consumed_capacity = Some(capacities).filter(|list| !list.is_empty());
        Ok(output)
    }
}

/// What is wanted of one table.
struct Part {
    name: String,
    keys: Vec<Item>,
    projection: Option<Projection>,
    /// The request's part without its keys.
    request: KeysAndAttributes,
}

/// What was read of it.
struct Done {
    items: Vec<Attributes>,
    left: Vec<Item>,
    units: Units,
}

impl Part {
    fn parse(name: String, mut request: KeysAndAttributes) -> Result<Self> {
        sources(&request).check(&[Kind::Projection])?;
        let keys = std::mem::take(&mut request.keys);
        let keys: Vec<Item> = keys.into_iter().map(request::item).collect::<Result<_>>()?;
        let projection = sources(&request).compile()?.projection;
        for (at, key) in keys.iter().enumerate() {
            if keys.iter().take(at).any(|earlier| earlier == key) {
                return Err(Error::duplicate_keys().into());
            }
        }
        Ok(Self { name, keys, projection, request })
    }

    /// Reads until `room` bytes are filled; at least one item of a request is always read.
    async fn read(&self, snapshot: &Snapshot, table: &Table, room: &mut usize) -> Result<Done> {
        let strong = self.request.consistent_read == Some(true);
        let read = if strong { Read::Strong } else { Read::Eventual };
        let mut done = Done { items: Vec::new(), left: Vec::new(), units: Units::default() };
        for key in &self.keys {
            if *room == 0 {
                done.left.push(key.clone());
                continue;
            }
            let position = table.schema.position(key).unwrap_or_default();
            let item = write::read(snapshot, table, &position).await?;
            let size = item.as_ref().map_or(0, Item::size);
            done.units.table += capacity::read(size, read);
            *room = room.saturating_sub(size);
            let Some(item) = item else { continue };
            let item = match &self.projection {
                Some(projection) => projection.project(&item).map_err(Error::Value)?,
                None => item,
            };
            done.items.push(item.into());
        }
        Ok(done)
    }
}

fn sources(request: &KeysAndAttributes) -> Sources<'_> {
    Sources {
        names: request.expression_attribute_names.as_ref(),
        projection: request.projection_expression.as_deref(),
        legacy: Legacy {
            attributes_to_get: request.attributes_to_get.as_deref(),
            ..Legacy::default()
        },
        ..Sources::default()
    }
}

fn touched(
    table: &Table,
    wanted: &KeysAndAttributes,
    capacity: Option<ReturnConsumedCapacity>,
) -> Touched {
    let select = match (&wanted.projection_expression, &wanted.attributes_to_get) {
        (None, None) => Select::AllAttributes,
        _ => Select::SpecificAttributes,
    };
    Touched::new()
        .items(&table.schema, wanted.keys.iter().filter_map(|key| key.0.as_ref().ok()))
        .attributes(sources(wanted).attributes())
        .with("dynamodb:Select", Some(select))
        .with("dynamodb:ReturnConsumedCapacity", capacity)
}
