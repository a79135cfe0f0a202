//! From a qualifier to the version that runs.

use std::collections::BTreeMap;

use cumulet_base::{Arn, Ids};
use cumulet_service::Result;
use cumulet_store::Read;

use crate::error::Error;
use crate::model::{FunctionRecord, VersionRecord};
use crate::name::{FunctionName, LATEST};

/// A function's version, as a request reached it.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) name: FunctionName,
    pub(crate) function: FunctionRecord,
    pub(crate) version: VersionRecord,
    /// The ARN as it was named.
    pub(crate) arn: Arn,
}

/// Finds the version that a name leads to. An alias with weights leads to one of several by chance.
pub(crate) async fn resolve(
    read: &impl Read,
    ids: &dyn Ids,
    name: &FunctionName,
) -> Result<Resolved> {
    let function = name.load(read).await?;
    let number = match name.qualifier.as_deref() {
        None | Some(LATEST) => 0,
        Some(qualifier) => {
            if let Some(number) = version_number(qualifier) {
                number
            } else {
                let alias = read.get_record(&name.aliases().text(qualifier)).await?;
                let alias: crate::model::AliasRecord =
                    alias.ok_or_else(|| Error::NoFunction(name.named_arn()))?;
                choose(alias.version, &alias.weights, chance(ids))
            }
        }
    };
    let version = name.load_version(read, &function, number).await?;
    Ok(Resolved { name: name.clone(), function, version, arn: name.named_arn() })
}

/// The number that a qualifier names, where it is one: aliases are no numbers.
pub(crate) fn version_number(qualifier: &str) -> Option<u64> {
    match qualifier {
        LATEST => Some(0),
        number => number.parse().ok().filter(|number| *number > 0),
    }
}

/// As answers spell a version.
pub(crate) fn version_text(number: u64) -> String {
    if number == 0 { LATEST.to_owned() } else { number.to_string() }
}

/// The version that an alias leads to at `chance`, 0 to 1: the main one gets what the weights
/// leave.
fn choose(main: u64, weights: &BTreeMap<u64, f64>, mut chance: f64) -> u64 {
    for (version, weight) in weights {
        if chance < *weight {
            return *version;
        }
        chance -= weight;
    }
    main
}

/// Evenly from 0 to 1, 1 itself left out.
fn chance(ids: &dyn Ids) -> f64 {
    let mut bytes = [0; 8];
    ids.fill(&mut bytes);
    (u64::from_be_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Refuses where the caller names another revision than the present one.
pub(crate) fn check_revision(named: Option<&str>, present: &str) -> Result<(), Error> {
    match named {
        Some(named) if named != present => Err(Error::Revision),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_base::SeededIds;

    #[test]
    fn weights_share_the_invocations() {
        let weights = BTreeMap::from([(2, 0.1), (3, 0.2)]);
        assert_eq!(choose(1, &weights, 0.05), 2);
        assert_eq!(choose(1, &weights, 0.15), 3);
        assert_eq!(choose(1, &weights, 0.31), 1);
        assert_eq!(choose(1, &BTreeMap::new(), 0.0), 1);
        let ids = SeededIds::new(3);
        let seconds = (0..10_000).filter(|_| choose(1, &weights, chance(&ids)) == 2).count();
        assert!((800..1_200).contains(&seconds), "{seconds}");
    }

    #[test]
    fn versions_are_numbers_and_aliases_are_not() {
        assert_eq!(version_number("$LATEST"), Some(0));
        assert_eq!(version_number("17"), Some(17));
        for alias in ["0", "prod", "1a", "-1"] {
            assert_eq!(version_number(alias), None, "{alias}");
        }
    }
}
