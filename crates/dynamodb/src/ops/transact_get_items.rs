//! TransactGetItems: up to 100 items by their keys, from any tables, as of one moment.
//!
//! Promises: all items as of one durable state, in the order of the request.
//! Refuses: one item twice, more than 4 MB, keys that are not their table's.

use cumulet_api_dynamodb::ops::{TransactGetItems, TransactGetItemsInput, TransactGetItemsOutput};
use cumulet_api_dynamodb::types::{Get, ItemResponse, Select};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::expression::Kind;
use crate::item_access::{Touched, on_items};
use crate::request::{self, Sources};
use crate::tables::{Table, TableName};
use crate::transaction::{self, Wanted};
use crate::units::Side;

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
        let mut wanted = Vec::new();
        for item in input.transact_items {
            let mut get = item.get;
            sources(&get).check(&[Kind::Projection])?;
            let key = request::item(std::mem::take(&mut get.key))?;
            let projection = sources(&get).compile()?.projection;
            let target = TableName::parse(cx, &get.table_name)?;
            wanted.push(Wanted { target, name: get.table_name, key, projection });
        }
        let (items, units) = self.transact_get(cx, &wanted).await?;
        let mut responses = Vec::new();
        for (item, wanted) in items.into_iter().zip(&wanted) {
            let item = match (item, &wanted.projection) {
                (Some(item), Some(projection)) => {
                    Some(projection.project(&item).map_err(Error::Value)?)
                }
                (item, _) => item,
            };
            responses.push(ItemResponse { item: item.map(Into::into) });
        }
        let capacity = transaction::consumed(units, input.return_consumed_capacity, Side::Read);
        Ok(TransactGetItemsOutput { consumed_capacity: capacity, responses: Some(responses) })
    }
}

fn sources(get: &Get) -> Sources<'_> {
    Sources {
        names: get.expression_attribute_names.as_ref(),
        projection: get.projection_expression.as_deref(),
        ..Sources::default()
    }
}
