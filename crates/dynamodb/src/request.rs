//! What item operations share of their parameters.

use std::collections::BTreeMap;

use cumulet_api_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use cumulet_attribute::{Attributes, Item, MAX_ITEM_SIZE, ValueError};
use cumulet_service::{Error as ServiceError, Result};

use crate::error::Error;
use crate::expression::{
    Condition, ExpressionError, Kind, Placeholders, Projection, Update, check_parameters,
};

/// An item or key of the request, or what is wrong with it.
pub(crate) fn item(attributes: Attributes) -> Result<Item> {
    let item = attributes.0.map_err(|fault| Error::Value(fault.error))?;
    if item.size() > MAX_ITEM_SIZE {
        return Err(Error::Value(ValueError::ItemTooLarge).into());
    }
    Ok(item)
}

/// The maps of placeholders of one request (or of one action of a transaction), and its
/// expressions that use them.
#[derive(Debug, Default)]
pub(crate) struct Sources<'a> {
    pub(crate) names: Option<&'a BTreeMap<String, String>>,
    pub(crate) values: Option<&'a Attributes>,
    pub(crate) update: Option<&'a str>,
    pub(crate) condition: Option<&'a str>,
    pub(crate) projection: Option<&'a str>,
}

/// The expressions of a write, compiled.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) update: Option<Update>,
    pub(crate) condition: Option<Condition>,
    pub(crate) projection: Option<Projection>,
}

impl Sources<'_> {
    /// Refuses expressions beside the parameters that they replaced (`legacy`, those present), and
    /// placeholders without expressions. The old parameters alone are not here yet: 501 by name.
    pub(crate) fn check(
        &self,
        operation: &'static str,
        kinds: &[(Kind, bool)],
        legacy: &[(&'static str, bool)],
    ) -> Result<()> {
        let legacy: Vec<&'static str> =
            legacy.iter().filter(|(_, present)| *present).map(|(name, _)| *name).collect();
        check_parameters(kinds, &legacy, self.names.is_some(), self.values.is_some())
            .map_err(Error::Expression)?;
        match legacy.first() {
            Some(name) => {
                let what = format!("{operation} with {name}");
                Err(ServiceError::not_implemented("dynamodb", &what))
            }
            None => Ok(()),
        }
    }

    /// The values of ExpressionAttributeValues, or what is wrong with one of them.
    pub(crate) fn values(&self) -> Result<Option<&Item>> {
        match self.values.map(|values| &values.0) {
            None => Ok(None),
            Some(Ok(values)) => Ok(Some(values)),
            Some(Err(fault)) => {
                let (message, name) = (fault.error.to_string(), fault.name.clone());
                Err(Error::Expression(ExpressionError::Value(message, name)).into())
            }
        }
    }

    /// Compiles the expressions in AWS's order and refuses placeholders that none uses.
    pub(crate) fn compile(&self) -> Result<Compiled> {
        let mut placeholders = placeholders(self.names, self.values()?)?;
        let compiled = self.parse(&mut placeholders).map_err(Error::Expression)?;
        placeholders.check_used().map_err(Error::Expression)?;
        Ok(compiled)
    }

    fn parse(
        &self,
        placeholders: &mut Placeholders<'_>,
    ) -> std::result::Result<Compiled, ExpressionError> {
        let update = self.update.map(|text| Update::parse(text, placeholders)).transpose()?;
        let condition =
            self.condition.map(|text| Condition::parse(Kind::Condition, text, placeholders));
        let condition = condition.transpose()?;
        let projection = self.projection.map(|text| Projection::parse(text, placeholders));
        Ok(Compiled { update, condition, projection: projection.transpose()? })
    }

    /// The attributes that the expressions name, as far as they can be read: what cannot be is
    /// refused later, before anything is done.
    pub(crate) fn attributes(&self) -> Vec<String> {
        self.compile().map(|compiled| compiled.attributes()).unwrap_or_default()
    }
}

impl Compiled {
    fn attributes(&self) -> Vec<String> {
        let update = self.update.iter().flat_map(Update::paths);
        let condition = self.condition.iter().flat_map(Condition::paths);
        let paths = update.chain(condition).map(|path| path.attribute().to_owned());
        let projected = self.projection.iter().flat_map(Projection::attributes);
        paths.chain(projected.map(str::to_owned)).collect()
    }
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
