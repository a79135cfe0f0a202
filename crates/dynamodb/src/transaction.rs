//! Transactions: all of their reads as of one moment, all of their writes or none.
//! TransactGetItems, TransactWriteItems and ExecuteTransaction are made of them.
//!
//! AWS refuses at once what meets a transaction under way (developer guide, "Transaction conflict
//! handling in DynamoDB"). Here nothing is locked, so of two that meet one is done and the other
//! tried again, up to 64 times within about a second. A transaction that has lost each time is
//! cancelled with TransactionConflict. The store does not say over which item, so each action has
//! that reason. A single write that has lost each time is answered with 503, which SDKs try again:
//! whether it met a transaction is not known, and TransactionConflictException would tell callers
//! to give up. Reads are of what is durable at one moment, and never conflict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cumulet_api_dynamodb::types::{
    ConsumedCapacity, ItemCollectionMetrics, ReturnConsumedCapacity, ReturnItemCollectionMetrics,
};
use cumulet_attribute::Item;
use cumulet_base::Timestamp;
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::{StoreError, Tx};

use crate::DynamoDb;
use crate::capacity::{self, Read};
use crate::collections;
use crate::error::Error;
use crate::expression::Projection;
use crate::tables::{Table, TableName};
use crate::tokens;
use crate::units::{Side, Units};
use crate::write::{self, Action, Cause, Write};

/// Bytes of all items of a transaction, at most.
const BYTES: usize = 4 << 20;

/// One read of a transaction.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) target: TableName,
    /// The table as the request names it.
    pub(crate) name: String,
    pub(crate) key: Item,
    pub(crate) projection: Option<Projection>,
}

/// One write of a transaction.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) target: TableName,
    /// The table as the request names it.
    pub(crate) name: String,
    pub(crate) write: Write,
}

/// Why a transaction was not done.
#[derive(Debug)]
enum Failure {
    Refused(ServiceError),
    Store(StoreError),
}

impl Failure {
    /// The answer to so many actions.
    fn answer(self, actions: usize) -> ServiceError {
        match self {
            Self::Store(StoreError::Conflict) => {
                let conflicts = std::iter::repeat_n(Some(Error::TransactionConflict), actions);
                Error::TransactionCanceled(conflicts.collect()).into()
            }
            Self::Store(error) => error.into(),
            Self::Refused(error) => error,
        }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A write, and where its item lies.
struct Placed<'a> {
    planned: &'a Planned,
    table: Arc<Table>,
    position: Vec<u8>,
}

/// What the writes of a transaction have cost and done.
pub(crate) struct Done<'a> {
    placed: Vec<Placed<'a>>,
    units: Vec<Units>,
    /// A transaction that was done before only reads.
    side: Side,
}

impl DynamoDb {
    /// Reads items in order, whole, with the units by table. Refuses one item twice.
    pub(crate) async fn transact_get(
        &self,
        cx: &Cx,
        wanted: &[Wanted],
    ) -> Result<(Vec<Option<Item>>, BTreeMap<String, Units>)> {
        let (mut placed, mut seen) = (Vec::new(), BTreeSet::new());
        for one in wanted {
            let table = self.named(&one.target).await?.ok_or(Error::TableNotFound)?;
            table.schema.check_key(&one.key).map_err(Error::Key)?;
            if let Some(projection) = &one.projection {
                table.check_nested(projection.nested()).map_err(Error::Key)?;
            }
            let position = table.schema.position(&one.key).unwrap_or_default();
            if !seen.insert(table.keys.at(&position)) {
                return Err(Error::one_item_twice().into());
            }
            placed.push((&one.name, table, position));
        }
        let snapshot = cx.store().snapshot();
        let (mut items, mut units, mut bytes) = (Vec::new(), BTreeMap::new(), 0);
        for (name, table, position) in placed {
            let item = write::read(&snapshot, &table, &position).await?;
            let size = item.as_ref().map_or(0, Item::size);
            bytes += size;
            if bytes > BYTES {
                return Err(Error::transaction_too_large().into());
            }
            let used: &mut Units = units.entry(name.clone()).or_default();
            used.table += capacity::read(size, Read::Transactional);
            items.push(item);
        }
        Ok((items, units))
    }

    /// Does all writes or none. `token`: the client's, and the fingerprint of what it asks for.
    pub(crate) async fn transact_write<'a>(
        &self,
        cx: &Cx,
        planned: &'a [Planned],
        token: Option<(&str, String)>,
    ) -> Result<Done<'a>> {
        loop {
            let placed = self.place(planned).await?;
            let done = cx
                .store()
                .transact(|tx| {
                    let (placed, token) = (&placed, &token);
                    async move {
                        for part in placed {
                            if !part.table.check(&tx).await? {
                                return Ok(None);
                            }
                        }
                        if let Some((token, fingerprint)) = token
                            && tokens::seen(cx, &tx, token, fingerprint).await?
                        {
                            let units = replay(&tx, placed).await?;
                            return Ok(Some((units, Side::Read)));
                        }
                        let units = run(&tx, placed, cx.now()).await?;
                        Ok::<_, Failure>(Some((units, Side::Write)))
                    }
                })
                .await
                .map_err(|failure| failure.answer(placed.len()))?;
            // A table changed since it was found: find it again.
            if let Some((units, side)) = done {
                return Ok(Done { placed, units, side });
            }
        }
    }

    /// Finds the tables and the places of the items. Refuses what does not fit its table, and two
    /// actions on one item.
    async fn place<'a>(&self, planned: &'a [Planned]) -> Result<Vec<Placed<'a>>> {
        let (mut placed, mut seen) = (Vec::new(), BTreeSet::new());
        for planned in planned {
            let table = self.named(&planned.target).await?.ok_or(Error::TableNotFound)?;
            let position = planned.write.locate(&table)?;
            if !seen.insert(table.keys.at(&position)) {
                return Err(Error::one_item_twice().into());
            }
            placed.push(Placed { planned, table, position });
        }
        Ok(placed)
    }
}

impl Done<'_> {
    /// The answer's `ConsumedCapacity`, where the caller wants it.
    pub(crate) fn capacity(
        &self,
        wanted: Option<ReturnConsumedCapacity>,
    ) -> Option<Vec<ConsumedCapacity>> {
        let mut tables = BTreeMap::<String, Units>::new();
        for (part, units) in self.placed.iter().zip(&self.units) {
            tables.entry(part.planned.name.clone()).or_default().add(units.clone());
        }
        consumed(tables, wanted, self.side)
    }

    /// The answer's `ItemCollectionMetrics`, where the caller wants them.
    pub(crate) async fn metrics(
        &self,
        cx: &Cx,
        wanted: Option<ReturnItemCollectionMetrics>,
    ) -> Result<Option<BTreeMap<String, Vec<ItemCollectionMetrics>>>> {
        let mut metrics = BTreeMap::<String, Vec<_>>::new();
        for part in &self.placed {
            let write = &part.planned.write;
            if let Some(found) = collections::answer(cx, &part.table, write, wanted).await? {
                metrics.entry(part.planned.name.clone()).or_default().push(found);
            }
        }
        Ok(Some(metrics).filter(|map| !map.is_empty()))
    }
}

/// The `ConsumedCapacity` of a transaction's tables, where the caller wants it.
pub(crate) fn consumed(
    tables: BTreeMap<String, Units>,
    wanted: Option<ReturnConsumedCapacity>,
    side: Side,
) -> Option<Vec<ConsumedCapacity>> {
    let tables = tables.into_iter();
    tables.map(|(name, units)| units.answer_transaction(&name, wanted, side)).collect()
}

/// Does all actions, or says what is wrong with each: the units of each.
async fn run(tx: &Tx, placed: &[Placed<'_>], now: Timestamp) -> Result<Vec<Units>> {
    let (mut outcomes, mut faults, mut bytes) = (Vec::new(), Vec::new(), 0);
    for part in placed {
        let old = write::read(tx, &part.table, &part.position).await?;
        let new = part.planned.write.decide(&part.table, old.as_ref());
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
    for (at, (part, old, new)) in outcomes.into_iter().enumerate() {
        let (old, new) = (old.as_ref(), new.as_ref());
        units.push(if matches!(part.planned.write.action, Action::Check(_)) {
            // The developer guide counts it among the writes.
            Units::table(capacity::write(old.map_or(0, Item::size), 0, true))
        } else {
            let cause = Cause::Transaction;
            let images = (old, new);
            match write::change(tx, &part.table, &part.position, images, cause, now).await? {
                Ok(units) => units,
                Err(error) => {
                    let mut faults: Vec<_> = placed.iter().map(|_| None).collect();
                    faults.splice(at..=at, [Some(error)]);
                    return Err(Error::TransactionCanceled(faults).into());
                }
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_keeps_losing_is_cancelled() {
        let answer = Failure::from(StoreError::Conflict).answer(2);
        assert_eq!((&*answer.code, answer.status), ("TransactionCanceledException", 400));
        assert!(answer.message.ends_with("[TransactionConflict, TransactionConflict]"), "{answer}");
        let answer = Failure::from(StoreError::Full).answer(2);
        assert_eq!(answer.status, 503);
    }
}
