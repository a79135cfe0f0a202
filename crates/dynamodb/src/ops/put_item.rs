//! PutItem: stores an item, in place of the one with its key.
//!
//! Promises: with the answer, item and index entries are durable, or nothing is changed. The
//! condition is judged against the item it replaces, in one serializable transaction.
//! Refuses: an item without the table's key, index keys of wrong types, more than 400 KB, a
//! condition (`Expected` in old requests) that does not hold.

use cumulet_api_dynamodb::ops::{PutItem, PutItemInput, PutItemOutput};
use cumulet_api_dynamodb::types::ReturnValue;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::collections;
use crate::error::Error;
use crate::expression::Kind;
use crate::item_access::{Touched, on_items};
use crate::legacy::Legacy;
use crate::request::{self, Sources};
use crate::tables::TableName;
use crate::write::{Action, Write};

impl Handle<PutItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &PutItemInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let touched = |table: &crate::tables::Table| {
            Touched::new()
                .items(&table.schema, input.item.0.as_ref().ok())
                .attributes(sources(input).attributes())
                .with("dynamodb:ReturnValues", input.return_values)
                .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
        };
        Ok(vec![on_items(cx, "dynamodb:PutItem", &name, None, table.as_deref(), touched)])
    }

    async fn handle(&self, cx: &Cx, mut input: PutItemInput) -> Result<PutItemOutput> {
        sources(&input).check(&[Kind::Condition])?;
        let item = request::values(std::mem::take(&mut input.item))?;
        let returned = input.return_values.unwrap_or(ReturnValue::None);
        if !matches!(returned, ReturnValue::None | ReturnValue::AllOld) {
            return Err(Error::Validation("ReturnValues can only be ALL_OLD or NONE".into()).into());
        }
        request::check_size(&item)?;
        let write = Write {
            action: Action::Put(item),
            condition: sources(&input).compile()?.condition,
            wants_item: request::wants_item(input.return_values_on_condition_check_failure),
        };
        let name = TableName::parse(cx, &input.table_name)?;
        let (table, done) = self.write_one(cx, &name, &write).await?;
        let metrics = input.return_item_collection_metrics;
        Ok(PutItemOutput {
            item_collection_metrics: collections::answer(cx, &table, &write, metrics).await?,
            attributes: done.old.filter(|_| returned == ReturnValue::AllOld).map(Into::into),
            consumed_capacity: done.units.answer(&input.table_name, input.return_consumed_capacity),
        })
    }
}

fn sources(input: &PutItemInput) -> Sources<'_> {
    Sources {
        names: input.expression_attribute_names.as_ref(),
        values: input.expression_attribute_values.as_ref(),
        condition: input.condition_expression.as_deref(),
        legacy: Legacy {
            expected: input.expected.as_ref(),
            operator: input.conditional_operator,
            ..Legacy::default()
        },
        ..Sources::default()
    }
}
