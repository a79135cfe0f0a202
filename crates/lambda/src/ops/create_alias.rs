//! CreateAlias: a name that leads to a version, or by weights to two.
//!
//! Refuses: a name that is taken or is a number, versions that are not there, weights for
//! `$LATEST` or for the version that the alias leads to anyway.

use std::collections::BTreeMap;

use cumulet_api_lambda::ops::{CreateAlias, CreateAliasRequest};
use cumulet_api_lambda::types::{AliasConfiguration, AliasRoutingConfiguration};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_store::{Read as _, Tx};

use crate::Lambda;
use crate::access::on_whole;
use crate::describe;
use crate::error::Error;
use crate::model::{AliasRecord, FunctionRecord};
use crate::name::{FunctionName, LATEST};
use crate::resolve::version_number;

impl Handle<CreateAlias> for Lambda {
    async fn access(&self, cx: &Cx, input: &CreateAliasRequest) -> Result<Vec<Access>> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        Ok(vec![on_whole(cx, "lambda:CreateAlias", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: CreateAliasRequest) -> Result<AliasConfiguration> {
        let name = FunctionName::unqualified(cx, &input.function_name)?;
        let record = AliasRecord {
            name: input.name.clone(),
            version: number(&input.function_version)?,
            description: input.description.clone().unwrap_or_default(),
            weights: weights(input.routing_config.as_ref())?,
            revision: cx.ids().uuid(),
        };
        let (name, record) = (&name, &record);
        cx.store()
            .transact(|tx: Tx| async move {
                let function = name.load(&tx).await?;
                let key = name.aliases().text(&record.name);
                if tx.get(&key).await?.is_some() {
                    let arn = name.arn_of(&record.name);
                    return Err(Error::Conflict(format!("Alias already exists: {arn}")).into());
                }
                check(&tx, name, &function, record).await?;
                tx.put_record(key, record);
                cx.note_made(&tx, name.arn_of(&record.name).as_str());
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(describe::alias(name, record))
    }
}

/// The number of the version that an alias is to lead to.
pub(crate) fn number(version: &str) -> Result<u64, Error> {
    version_number(version)
        .ok_or_else(|| Error::Invalid(format!("{version} is neither {LATEST} nor a version.")))
}

/// The weights that are asked for.
pub(crate) fn weights(
    routing: Option<&AliasRoutingConfiguration>,
) -> Result<BTreeMap<u64, f64>, Error> {
    let wanted = routing.and_then(|routing| routing.additional_version_weights.as_ref());
    let mut weights = BTreeMap::new();
    for (version, weight) in wanted.into_iter().flatten() {
        if !(0.0..=1.0).contains(weight) {
            return Err(Error::Invalid(format!(
                "The weight of version {version} must be between 0.0 and 1.0."
            )));
        }
        weights.insert(number(version)?, *weight);
    }
    if weights.len() > 1 {
        return Err(Error::Invalid(
            "An alias can lead to two versions at most: AdditionalVersionWeights takes one entry."
                .to_owned(),
        ));
    }
    Ok(weights)
}

/// Refuses an alias whose versions are not there or cannot share.
pub(crate) async fn check(
    tx: &Tx,
    name: &FunctionName,
    function: &FunctionRecord,
    alias: &AliasRecord,
) -> Result<()> {
    if version_number(&alias.name).is_some() {
        return Err(Error::Invalid(format!(
            "{} is a version's number and cannot be an alias's name.",
            alias.name
        ))
        .into());
    }
    name.load_version(tx, function, alias.version).await?;
    for number in alias.weights.keys() {
        if alias.version == 0 || *number == 0 {
            return Err(Error::Invalid(format!(
                "{LATEST} is not supported for an alias pointing to more than 1 version"
            ))
            .into());
        }
        if *number == alias.version {
            return Err(Error::Invalid(format!(
                "Invalid function version {number}. Function version {number} is already included \
                 in routing configuration."
            ))
            .into());
        }
        name.load_version(tx, function, *number).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_further_version_with_a_share() {
        let routing = |pairs: &[(&str, f64)]| {
            let weights = pairs.iter().map(|(v, w)| ((*v).to_owned(), *w)).collect();
            weights_of(weights)
        };
        assert_eq!(routing(&[]), Ok(BTreeMap::new()));
        assert_eq!(routing(&[("2", 0.25)]), Ok(BTreeMap::from([(2, 0.25)])));
        for wrong in
            [&[("2", 1.5)][..], &[("2", f64::NAN)], &[("x", 0.1)], &[("2", 0.1), ("3", 0.1)]]
        {
            assert!(routing(wrong).is_err(), "{wrong:?}");
        }
    }

    fn weights_of(weights: BTreeMap<String, f64>) -> Result<BTreeMap<u64, f64>, Error> {
        let routing = AliasRoutingConfiguration { additional_version_weights: Some(weights) };
        super::weights(Some(&routing))
    }
}
