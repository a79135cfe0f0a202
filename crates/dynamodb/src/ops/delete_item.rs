//! DeleteItem: removes the item with a key.
//!
//! Promises: with the answer, the item and its index entries are gone, durably; that there was none
//! is no error. The condition is judged against the item, in one serializable transaction.
//! Refuses: a key that is not the table's, a condition (`Expected` in old requests) that does not
//! hold.

use cumulet_api_dynamodb::ops::{DeleteItem, DeleteItemInput, DeleteItemOutput};
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

impl Handle<DeleteItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &DeleteItemInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let touched = |table: &crate::tables::Table| {
            Touched::new()
                .items(&table.schema, input.key.0.as_ref().ok())
                .attributes(sources(input).attributes())
                .with("dynamodb:ReturnValues", input.return_values)
                .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
        };
        Ok(vec![on_items(cx, "dynamodb:DeleteItem", &name, None, table.as_deref(), touched)])
    }

    async fn handle(&self, cx: &Cx, mut input: DeleteItemInput) -> Result<DeleteItemOutput> {
        sources(&input).check(&[Kind::Condition])?;
        let key = request::item(std::mem::take(&mut input.key))?;
        let returned = input.return_values.unwrap_or(ReturnValue::None);
        if !matches!(returned, ReturnValue::None | ReturnValue::AllOld) {
            return Err(Error::Validation("ReturnValues can only be ALL_OLD or NONE".into()).into());
        }
        let write = Write {
            action: Action::Delete(key),
            condition: sources(&input).compile()?.condition,
            wants_item: request::wants_item(input.return_values_on_condition_check_failure),
        };
        let name = TableName::parse(cx, &input.table_name)?;
        let (table, done) = self.write_one(cx, &name, &write).await?;
        let metrics = input.return_item_collection_metrics;
        Ok(DeleteItemOutput {
            item_collection_metrics: collections::answer(cx, &table, &write, metrics).await?,
            attributes: done.old.filter(|_| returned == ReturnValue::AllOld).map(Into::into),
            consumed_capacity: done.units.answer(&input.table_name, input.return_consumed_capacity),
        })
    }
}

fn sources(input: &DeleteItemInput) -> Sources<'_> {
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
