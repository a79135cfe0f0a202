//! What item operations share of their parameters.

use std::collections::BTreeMap;

use cumulet_api_dynamodb::types::{
    Capacity, ConsumedCapacity, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};
use cumulet_attribute::{Attributes, Item};
use cumulet_service::Result;

use crate::error::Error;
use crate::expression::Placeholders;

/// An item or key of the request, or what is wrong with it.
pub(crate) fn item(attributes: Attributes) -> Result<Item> {
    attributes.0.map_err(|error| Error::Value(error).into())
}

/// The values of ExpressionAttributeValues. Must be called before [`placeholders`].
pub(crate) fn values(attributes: Option<Attributes>) -> Result<Option<Item>> {
    // AWS names the first key whose value is wrong; the stored form does not know it any more.
    attributes.map(item).transpose()
}

/// The two maps, for the expressions of one request.
pub(crate) fn placeholders<'a>(
    names: Option<&'a BTreeMap<String, String>>,
    values: Option<&'a Item>,
) -> Result<Placeholders<'a>> {
    let names = names.map(|names| names.iter().map(|(key, name)| (key.as_str(), name.as_str())));
    Placeholders::new(names, values).map_err(|error| Error::Expression(error).into())
}

/// Whether a failed condition's answer carries the item.
pub(crate) fn wants_item(on_failure: Option<ReturnValuesOnConditionCheckFailure>) -> bool {
    on_failure == Some(ReturnValuesOnConditionCheckFailure::AllOld)
}

/// What an operation has consumed, by index; turned into the answer's form at the end.
#[derive(Debug, Default)]
pub(crate) struct Units {
    pub(crate) table: f64,
    /// Name, whether local, units.
    pub(crate) indexes: Vec<(String, bool, f64)>,
}

impl Units {
    /// Of the table alone.
    pub(crate) fn table(units: f64) -> Self {
        Self { table: units, indexes: Vec::new() }
    }

    /// The answer's `ConsumedCapacity`, where the caller wants it.
    pub(crate) fn answer(
        self,
        table: &str,
        wanted: Option<ReturnConsumedCapacity>,
    ) -> Option<ConsumedCapacity> {
        let wanted = wanted.filter(|wanted| *wanted != ReturnConsumedCapacity::None)?;
        let total = self.table + self.indexes.iter().map(|(.., units)| units).sum::<f64>();
        let mut answer = ConsumedCapacity {
            table_name: Some(table.to_owned()),
            capacity_units: Some(total),
            ..ConsumedCapacity::default()
        };
        if wanted == ReturnConsumedCapacity::Indexes {
            let units = |units| Capacity { capacity_units: Some(units), ..Capacity::default() };
            answer.table = Some(units(self.table));
            for (name, local, used) in self.indexes.into_iter().filter(|(.., used)| *used > 0.0) {
                let map = if local {
                    &mut answer.local_secondary_indexes
                } else {
                    &mut answer.global_secondary_indexes
                };
                map.get_or_insert_default().insert(name, units(used));
            }
        }
        Some(answer)
    }
}
