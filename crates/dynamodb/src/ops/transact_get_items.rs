//! TransactGetItems: up to 100 items by their keys, from any tables, as of one moment.
//!
//! Promises: all items as of one durable state, in the order of the request.
//! Refuses: one item twice, more than 4 MB, keys that are not their table's.

use std::collections::{BTreeMap, BTreeSet};

use cumulet_api_dynamodb::ops::{TransactGetItems, TransactGetItemsInput, TransactGetItemsOutput};
use cumulet_api_dynamodb::types::{Get, ItemResponse, Select};
use cumulet_attribute::Item;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::capacity::{self, Read};
use crate::error::Error;
use crate::expression::Kind;
use crate::item_access::{Touched, on_items};
use crate::request::{self, Sources};
use crate::tables::{Table, TableName};
use crate::units::{Side, Units};
use crate::write;

/// Bytes of all items of a transaction, at most.
const BYTES: usize = 4 << 20;

impl Handle<TransactGetItems> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &TransactGetItemsInput) -> Result<Vec<Access>> {
        let mut accesses = Vec::new();
        for item in &input.transact_items {
            let get = &item.get;
            let name = TableName::parse(cx, &get.table_name)?;
            let table = self.named(&name).await?;
            let touched = |table: &Table| {
                let select = match get.projection_expression {
                    Some(_) => Select::SpecificAttributes,
                    None => Select::AllAttributes,
                };
                Touched::new()
                    .items(&table.schema, get.key.0.as_ref().ok())
                    .attributes(sources(get).attributes())
                    .with("dynamodb:Select", Some(select))
                    .with("dynamodb:EnclosingOperation", Some("TransactGetItems"))
                    .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
            };
            accesses.push(on_items(cx, "dynamodb:GetItem", &name, None, table.as_deref(), touched));
        }
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: TransactGetItemsInput,
    ) -> Result<TransactGetItemsOutput> {
        let mut parsed = Vec::new();
        for item in input.transact_items {
            let mut get = item.get;
            sources(&get).check(&[Kind::Projection])?;
            let key = request::item(std::mem::take(&mut get.key))?;
            let projection = sources(&get).compile()?.projection;
            parsed.push((get.table_name, key, projection));
        }
        let (mut placed, mut seen) = (Vec::new(), BTreeSet::new());
        for (name, key, projection) in &parsed {
            let target = TableName::parse(cx, name)?;
            let table = self.named(&target).await?.ok_or(Error::TableNotFound)?;
            table.schema.check_key(key).map_err(Error::Key)?;
            if let Some(projection) = projection {
                table.check_nested(projection.nested()).map_err(Error::Key)?;
            }
            let position = table.schema.position(key).unwrap_or_default();
            if !seen.insert(table.keys.at(&position)) {
                return Err(Error::one_item_twice().into());
            }
            placed.push((name, table, position, projection));
        }
        let snapshot = cx.store().snapshot();
        let (mut responses, mut units, mut bytes) = (Vec::new(), BTreeMap::new(), 0);
        for (name, table, position, projection) in placed {
            let item = write::read(&snapshot, &table, &position).await?;
            let size = item.as_ref().map_or(0, Item::size);
            bytes += size;
            if bytes > BYTES {
                return Err(Error::transaction_too_large().into());
            }
            let used: &mut Units = units.entry(name.as_str()).or_default();
            used.table += capacity::read(size, Read::Transactional);
            let item = match (item, projection) {
                (Some(item), Some(projection)) => {
                    Some(projection.project(&item).map_err(Error::Value)?)
                }
                (item, _) => item,
            };
            responses.push(ItemResponse { item: item.map(Into::into) });
        }
        let wanted = input.return_consumed_capacity;
        let units = units.into_iter();
        Ok(TransactGetItemsOutput {
            consumed_capacity: units
                .map(|(name, units)| units.answer_transaction(name, wanted, Side::Read))
                .collect(),
            responses: Some(responses),
        })
    }
}

fn sources(get: &Get) -> Sources<'_> {
    Sources {
        names: get.expression_attribute_names.as_ref(),
        projection: get.projection_expression.as_deref(),
        ..Sources::default()
    }
}
