//! TransactWriteItems: up to 100 writes and condition checks in any tables, all or none.
//!
//! Promises: one serializable transaction over all tables, durable with the answer. If any action
//! cannot be done, none is, and the answer says for each action in order what is wrong with it. A
//! `ClientRequestToken` makes the same request within ten minutes do nothing more.
//! Refuses: two actions on one item, more than 4 MB, a token of another transaction. Transactions
//! that meet wait for each other here: TransactionConflict and TransactionInProgress do not occur.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cumulet_api_dynamodb::ops::{
    TransactWriteItems, TransactWriteItemsInput, TransactWriteItemsOutput,
};
use cumulet_api_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use cumulet_attribute::{Attributes, Item};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Tx;

use crate::DynamoDb;
use crate::capacity::{self, Read};
use crate::collections;
use crate::error::Error;
use crate::expression::Kind;
use crate::fingerprint;
use crate::item_access::{Touched, on_items};
use crate::request::{self, Sources};
use crate::tables::{Table, TableName};
use crate::tokens;
use crate::units::{Side, Units};
use crate::write::{self, Action, Write};

/// Bytes of all items of a transaction, at most.
const BYTES: usize = 4 << 20;

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
        let mut actions = Vec::new();
        for item in &input.transact_items {
            let part = Part::of(item)?;
            let name = TableName::parse(cx, part.table)?;
            actions.push((name, part.table, part.write()?));
        }
        let (placed, units, side) = loop {
            let placed = self.place(&actions).await?;
            let done = cx
                .store()
                .transact(|tx| {
                    let (placed, fingerprint) = (&placed, &fingerprint);
                    async move {
                        for part in placed {
                            if !part.table.check(&tx).await? {
                                return Ok(None);
                            }
                        }
                        if let Some((token, fingerprint)) = fingerprint
                            && tokens::seen(cx, &tx, token, fingerprint).await?
                        {
                            return replay(&tx, placed)
                                .await
                                .map(|units| Some((units, Side::Read)));
                        }
                        run(&tx, placed).await.map(|units| Some((units, Side::Write)))
                    }
                })
                .await?;
            // A table changed since it was found: find it again.
            if let Some((units, side)) = done {
                break (placed, units, side);
            }
        };
        let mut metrics = BTreeMap::<String, Vec<_>>::new();
        for part in &placed {
            let wanted = input.return_item_collection_metrics;
            if let Some(found) = collections::answer(cx, &part.table, part.write, wanted).await? {
                metrics.entry(part.name.to_owned()).or_default().push(found);
            }
        }
        Ok(TransactWriteItemsOutput {
            consumed_capacity: capacity(&placed, units, side, input.return_consumed_capacity),
            item_collection_metrics: Some(metrics).filter(|map| !map.is_empty()),
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

/// One action, and where its item lies.
struct Placed<'a> {
    name: &'a str,
    table: Arc<Table>,
    position: Vec<u8>,
    write: &'a Write,
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

impl DynamoDb {
    /// Finds the tables and the places of the items. Refuses what does not fit its table, and two
    /// actions on one item.
    async fn place<'a>(
        &self,
        actions: &'a [(TableName, &'a str, Write)],
    ) -> Result<Vec<Placed<'a>>> {
        let (mut placed, mut seen) = (Vec::new(), BTreeSet::new());
        for (target, name, write) in actions {
            let table = self.named(target).await?.ok_or(Error::TableNotFound)?;
            let position = write.locate(&table)?;
            if !seen.insert(table.keys.at(&position)) {
                return Err(Error::one_item_twice().into());
            }
            placed.push(Placed { name, table, position, write });
        }
        Ok(placed)
    }
}

/// Does all actions, or says what is wrong with each: the units of each.
async fn run(tx: &Tx, placed: &[Placed<'_>]) -> Result<Vec<Units>> {
    let (mut outcomes, mut faults, mut bytes) = (Vec::new(), Vec::new(), 0);
    for part in placed {
        let old = write::read(tx, &part.table, &part.position).await?;
        let new = part.write.decide(&part.table, old.as_ref());
        let size = |item: Option<&Item>| item.map_or(0, Item::size);
        bytes += size(old.as_ref()).max(new.as_ref().map_or(0, |new| size(new.as_ref())));
        let (new, fault) = match new {
            Ok(new) => (new, None),
            Err(error) => (None, Some(error)),
        };
        outcomes.push((part, old, new));
        faults.push(fault);
    }
    if faults.iter().any(Option::is_some) {
        return Err(Error::TransactionCanceled(faults).into());
    }
    if bytes > BYTES {
        return Err(Error::transaction_too_large().into());
    }
    let mut units = Vec::new();
    for (part, old, new) in outcomes {
        let (old, new) = (old.as_ref(), new.as_ref());
        units.push(if matches!(part.write.action, Action::Check(_)) {
            // The developer guide counts it among the writes.
            Units::table(capacity::write(old.map_or(0, Item::size), 0, true))
        } else {
            write::replace(tx, &part.table, &part.position, old, new, true)?
        });
    }
    Ok(units)
}

/// A transaction that was done already: it costs what reading its items costs.
async fn replay(tx: &Tx, placed: &[Placed<'_>]) -> Result<Vec<Units>> {
    let mut units = Vec::new();
    for part in placed {
        let item = write::read(tx, &part.table, &part.position).await?;
        let size = item.as_ref().map_or(0, Item::size);
        units.push(Units::table(capacity::read(size, Read::Transactional)));
    }
    Ok(units)
}

fn capacity(
    placed: &[Placed<'_>],
    units: Vec<Units>,
    side: Side,
    wanted: Option<ReturnConsumedCapacity>,
) -> Option<Vec<cumulet_api_dynamodb::types::ConsumedCapacity>> {
    let mut tables = BTreeMap::<&str, Units>::new();
    for (part, units) in placed.iter().zip(units) {
        tables.entry(part.name).or_default().add(units);
    }
    let tables = tables.into_iter();
    tables.map(|(name, units)| units.answer_transaction(name, wanted, side)).collect()
}
