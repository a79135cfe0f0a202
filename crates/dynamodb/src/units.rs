//! What an operation has consumed, and how its answer shows it.

use cumulet_api_dynamodb::types::{Capacity, ConsumedCapacity, ReturnConsumedCapacity};

/// What an operation has consumed of a table and its indexes, in units.
#[derive(Debug, Clone, Default)]
pub(crate) struct Units {
    pub(crate) table: f64,
    /// Name, whether local, units.
    pub(crate) indexes: Vec<(String, bool, f64)>,
}

/// Whether a transaction read or wrote: its answer shows the units a second time under that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Read,
    Write,
}

impl Units {
    /// Of the table alone.
    pub(crate) fn table(units: f64) -> Self {
        Self { table: units, indexes: Vec::new() }
    }

    /// Adds what another action consumed of the same table.
    pub(crate) fn add(&mut self, other: Self) {
        self.table += other.table;
        for (name, local, units) in other.indexes {
            match self.indexes.iter_mut().find(|(index, ..)| *index == name) {
                Some((_, _, sum)) => *sum += units,
                None => self.indexes.push((name, local, units)),
            }
        }
    }

    /// The answer's `ConsumedCapacity`, where the caller wants it.
    pub(crate) fn answer(
        self,
        table: &str,
        wanted: Option<ReturnConsumedCapacity>,
    ) -> Option<ConsumedCapacity> {
        self.show(table, wanted, None)
    }

    /// The same for a transaction.
    pub(crate) fn answer_transaction(
        self,
        table: &str,
        wanted: Option<ReturnConsumedCapacity>,
        side: Side,
    ) -> Option<ConsumedCapacity> {
        self.show(table, wanted, Some(side))
    }

    fn show(
        self,
        table: &str,
        wanted: Option<ReturnConsumedCapacity>,
        side: Option<Side>,
    ) -> Option<ConsumedCapacity> {
        let wanted = wanted.filter(|wanted| *wanted != ReturnConsumedCapacity::None)?;
        let total = self.table + self.indexes.iter().map(|(.., units)| units).sum::<f64>();
        let of = |which: Side, units: f64| (side == Some(which)).then_some(units);
        let mut answer = ConsumedCapacity {
            table_name: Some(table.to_owned()),
            capacity_units: Some(total),
            read_capacity_units: of(Side::Read, total),
            write_capacity_units: of(Side::Write, total),
            ..ConsumedCapacity::default()
        };
        if wanted == ReturnConsumedCapacity::Indexes {
            let capacity = |units| Capacity {
                capacity_units: Some(units),
                read_capacity_units: of(Side::Read, units),
                write_capacity_units: of(Side::Write, units),
            };
            answer.table = Some(capacity(self.table));
            for (name, local, used) in self.indexes.into_iter().filter(|(.., used)| *used > 0.0) {
                let map = if local {
                    &mut answer.local_secondary_indexes
                } else {
                    &mut answer.global_secondary_indexes
                };
                map.get_or_insert_default().insert(name, capacity(used));
            }
        }
        Some(answer)
    }
}
