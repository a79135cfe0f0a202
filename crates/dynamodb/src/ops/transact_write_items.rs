//! TransactWriteItems: up to 100 writes and condition checks in any tables, all or none.
//!
//! Promises: one serializable transaction over all tables, durable with the answer. If any action
//! cannot be done, none is, and the answer says for each action in order what is wrong with it. A
//! `ClientRequestToken` makes the same request within ten minutes do nothing more.
//! Refuses: two actions on one item, more than 4 MB, a token of another transaction. Transactions
//! that meet are tried again for about a second before one is cancelled with TransactionConflict;
//! a token's transaction that is under way is waited for, so TransactionInProgress does not occur.

use cumulet_api_dynamodb::ops::{
    TransactWriteItems, TransactWriteItemsInput, TransactWriteItemsOutput,
};
use cumulet_api_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem, Update};
use cumulet_attribute::Attributes;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::DynamoDb;
use crate::error::Error;
use crate::expression::Kind;
use crate::fingerprint;
use crate::item_access::{Touched, on_items};
use crate::request::{self, Sources};
use crate::tables::{Table, TableName};
use crate::transaction::Planned;
use crate::write::{Action, Write};

impl Handle<TransactWriteItems> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &TransactWriteItemsInput) -> Result<Vec<Access>> {
        let mut accesses = Vec::new();
        for item in &input.transact_items {
            let part = Part::of(item)?;
            let name = TableName::parse(cx, part.table)?;
            let table = self.named(&name).await?;
            let touched = |table: &Table| {
                Touched::new()
                    .items(&table.schema, part.item.0.as_ref().ok())
                    .attributes(part.sources.attributes())
                    .with("dynamodb:EnclosingOperation", Some("TransactWriteItems"))
                    .with("dynamodb:ReturnConsumedCapacity", input.return_consumed_capacity)
            };
            accesses.push(on_items(cx, part.action, &name, None, table.as_deref(), touched));
        }
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: TransactWriteItemsInput,
    ) -> Result<TransactWriteItemsOutput> {
        let fingerprint = input
            .client_request_token
            .as_ref()
            .map(|token| (token.as_str(), fingerprint::of(&input.transact_items)));
        let mut planned = Vec::new();
        for item in &input.transact_items {
            let part = Part::of(item)?;
            let target = TableName::parse(cx, part.table)?;
            planned.push(Planned { target, name: part.table.to_owned(), write: part.write()? });
        }
        let done = self.transact_write(cx, &planned, fingerprint).await?;
        Ok(TransactWriteItemsOutput {
            consumed_capacity: done.capacity(input.return_consumed_capacity),
            item_collection_metrics: done.metrics(cx, input.return_item_collection_metrics).await?,
        })
    }
}

/// One action as the request has it.
struct Part<'a> {
    action: &'static str,
    table: &'a str,
    /// The item or its key.
    item: &'a Attributes,
    sources: Sources<'a>,
    wants_item: bool,
}

impl<'a> Part<'a> {
    fn of(item: &'a TransactWriteItem) -> Result<Self> {
        match item {
            TransactWriteItem {
                condition_check: Some(check),
                put: None,
                delete: None,
                update: None,
            } => Ok(Self::of_check(check)),
            TransactWriteItem {
                condition_check: None,
                put: Some(put),
                delete: None,
                update: None,
            } => Ok(Self::of_put(put)),
            TransactWriteItem {
                condition_check: None,
                put: None,
                delete: Some(delete),
                update: None,
            } => Ok(Self::of_delete(delete)),
            TransactWriteItem {
                condition_check: None,
                put: None,
                delete: None,
                update: Some(update),
            } => Ok(Self::of_update(update)),
            _ => Err(Error::Validation(
                "TransactItems can only contain one of Check, Put, Update or Delete".to_owned(),
            )
            .into()),
        }
    }

    fn of_check(check: &'a ConditionCheck) -> Self {
        Self {
            action: "dynamodb:ConditionCheckItem",
            table: &check.table_name,
            item: &check.key,
            sources: Sources {
                names: check.expression_attribute_names.as_ref(),
                values: check.expression_attribute_values.as_ref(),
                condition: Some(&check.condition_expression),
                ..Sources::default()
            },
            wants_item: request::wants_item(check.return_values_on_condition_check_failure),
        }
    }

    fn of_put(put: &'a Put) -> Self {
        Self {
            action: "dynamodb:PutItem",
            table: &put.table_name,
            item: &put.item,
            sources: Sources {
                names: put.expression_attribute_names.as_ref(),
                values: put.expression_attribute_values.as_ref(),
                condition: put.condition_expression.as_deref(),
                ..Sources::default()
            },
            wants_item: request::wants_item(put.return_values_on_condition_check_failure),
        }
    }

    fn of_delete(delete: &'a Delete) -> Self {
        Self {
            action: "dynamodb:DeleteItem",
            table: &delete.table_name,
            item: &delete.key,
            sources: Sources {
                names: delete.expression_attribute_names.as_ref(),
                values: delete.expression_attribute_values.as_ref(),
                condition: delete.condition_expression.as_deref(),
                ..Sources::default()
            },
            wants_item: request::wants_item(delete.return_values_on_condition_check_failure),
        }
    }

    fn of_update(update: &'a Update) -> Self {
        Self {
            action: "dynamodb:UpdateItem",
            table: &update.table_name,
            item: &update.key,
            sources: Sources {
                names: update.expression_attribute_names.as_ref(),
                values: update.expression_attribute_values.as_ref(),
                update: Some(&update.update_expression),
                condition: update.condition_expression.as_deref(),
                ..Sources::default()
            },
            wants_item: request::wants_item(update.return_values_on_condition_check_failure),
        }
    }

    fn write(&self) -> Result<Write> {
        let kinds: &[Kind] = match self.sources.update {
            Some(_) => &[Kind::Update, Kind::Condition],
            None => &[Kind::Condition],
        };
        self.sources.check(kinds)?;
        let item = request::item(self.item.clone())?;
        let compiled = self.sources.compile()?;
        let action = match self.action {
            "dynamodb:PutItem" => Action::Put(item),
            "dynamodb:DeleteItem" => Action::Delete(item),
            "dynamodb:UpdateItem" => Action::Update(item, compiled.update),
            _ => Action::Check(item),
        };
        Ok(Write { action, condition: compiled.condition, wants_item: self.wants_item })
    }
}
