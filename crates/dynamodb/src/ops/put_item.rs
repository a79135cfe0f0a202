//! PutItem: stores an item, in place of the one with its key.
//!
//! Promises: with the answer, item and index entries are durable, or nothing is changed. The
//! condition is judged against the item it replaces, in one serializable transaction.
//! Refuses: an item without the table's key, index keys of wrong types, more than 400 KB, a
//! condition that does not hold. Legacy `Expected` is not here yet (501 by name).

use cumulet_api_dynamodb::ops::{PutItem, PutItemInput, PutItemOutput};
use cumulet_api_dynamodb::types::ReturnValue;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::expression::{Condition, Kind, check_parameters};
use crate::item_access::on_items;
use crate::request;
use crate::tables::TableName;
use crate::write;

impl Handle<PutItem> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &PutItemInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        let table = self.named(&name).await?;
        let item = input.item.0.as_ref().ok();
        let names = item.into_iter().flat_map(write::names);
        Ok(vec![on_items(cx, "dynamodb:PutItem", &name, table.as_deref(), item, names)])
    }

    async fn handle(&self, cx: &Cx, input: PutItemInput) -> Result<PutItemOutput> {
        if input.expected.is_some() || input.conditional_operator.is_some() {
            return Err(ServiceError::not_implemented("dynamodb", "PutItem with Expected"));
        }
        let names = input.expression_attribute_names.as_ref();
        let conditional = [(Kind::Condition, input.condition_expression.is_some())];
        let valued = input.expression_attribute_values.is_some();
        check_parameters(&conditional, &[], names.is_some(), valued).map_err(Error::Expression)?;
        let item = request::item(input.item)?;
        let returned = input.return_values.unwrap_or(ReturnValue::None);
        if !matches!(returned, ReturnValue::None | ReturnValue::AllOld) {
            return Err(Error::Validation("ReturnValues can only be ALL_OLD or NONE".into()).into());
        }
        let values = request::values(input.expression_attribute_values)?;
        let mut placeholders = request::placeholders(names, values.as_ref())?;
        let condition = match &input.condition_expression {
            Some(text) => Some(
                Condition::parse(Kind::Condition, text, &mut placeholders)
                    .map_err(Error::Expression)?,
            ),
            None => None,
        };
        placeholders.check_used().map_err(Error::Expression)?;
        let name = TableName::parse(cx, &input.table_name)?;
        let wants_item = request::wants_item(input.return_values_on_condition_check_failure);
        let (old, units) = self
            .write(cx, &name, |table, tx| {
                let (item, condition) = (&item, condition.as_ref());
                async move {
                    write::check(&table, item)?;
                    let position = table.schema.position(item).unwrap_or_default();
                    let old = write::read(&tx, &table, &position).await?;
                    if condition.is_some_and(|condition| !condition.holds(old.as_ref())) {
                        return Err(Error::ConditionFailed(old.filter(|_| wants_item)).into());
                    }
                    let units = write::replace(&tx, &table, &position, old.as_ref(), Some(item))?;
                    Ok((old, units))
                }
            })
            .await?;
        Ok(PutItemOutput {
            attributes: old.filter(|_| returned == ReturnValue::AllOld).map(Into::into),
            consumed_capacity: units.answer(&input.table_name, input.return_consumed_capacity),
            ..PutItemOutput::default()
        })
    }
}
