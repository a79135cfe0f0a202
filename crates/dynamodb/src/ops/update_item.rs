//! UpdateItem: changes attributes of the item with a key, or makes the item.
//!
//! Promises: with the answer, the change and its index entries are durable, or nothing is changed.
//! Condition and operands are read from the item as it was, in one serializable transaction; an
//! item that was not there begins with its key alone.
//! Refuses: a key that is not the table's, changes of key attributes, index keys of other types, a
//! condition that does not hold, an item that would be over 400 KB. Old requests have
//! `AttributeUpdates` and `Expected` in place of expressions.

use cumulet_api_dynamodb::ops::{UpdateItem, UpdateItemInput, UpdateItemOutput};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::collections;
use crate::expression::Kind;
use crate::item_access::{Touched, on_items};
use crate::legacy::Legacy;
use crate::request::{self, Sources};
use crate::tables::TableName;
use crate::write::{Action, Write};

impl Handle<UpdateItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &UpdateItemInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let touched = |table: &crate::tables::Table| {
            Touched::new()
                .items(&table.schema, input.key.0.as_ref().ok())
                .attributes(sources(input).attributes())
                .with("dynamodb:ReturnValues", input.return_values)
                .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
        };
        Ok(vec![on_items(cx, "dynamodb:UpdateItem", &name, None, table.as_deref(), touched)])
    }

    async fn handle(&self, cx: &Cx, mut input: UpdateItemInput) -> Result<UpdateItemOutput> {
        sources(&input).check(&[Kind::Update, Kind::Condition])?;
        let key = request::item(std::mem::take(&mut input.key))?;
        let compiled = sources(&input).compile()?;
        let write = Write {
            action: Action::Update(key, compiled.update),
            condition: compiled.condition,
            wants_item: request::wants_item(input.return_values_on_condition_check_failure),
        };
        let name = TableName::parse(cx, &input.table_name)?;
        let (table, done) = self.write_one(cx, &name, &write).await?;
        let metrics = input.return_item_collection_metrics;
        let item_collection_metrics = collections::answer(cx, &table, &write, metrics).await?;
        let units = done.units.clone();
        let attributes = match &write.action {
            Action::Update(_, update) => done.returned(input.return_values, update.as_ref())?,
            _ => None,
        };
        Ok(UpdateItemOutput {
            attributes: attributes.map(Into::into),
            item_collection_metrics,
            consumed_capacity: units.answer(&input.table_name, input.return_consumed_capacity),
        })
    }
}

fn sources(input: &UpdateItemInput) -> Sources<'_> {
    Sources {
        names: input.expression_attribute_names.as_ref(),
        values: input.expression_attribute_values.as_ref(),
        update: input.update_expression.as_deref(),
        condition: input.condition_expression.as_deref(),
        legacy: Legacy {
            attribute_updates: input.attribute_updates.as_ref(),
            expected: input.expected.as_ref(),
            operator: input.conditional_operator,
            ..Legacy::default()
        },
        ..Sources::default()
    }
}
