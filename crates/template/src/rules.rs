//! The `Rules` section: assertions on the parameters.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html>

use serde_json::{Map, Value};

use crate::error::Error;
use crate::evaluate::{Evaluator, scalar};

/// Checks every rule whose condition holds.
pub(crate) fn check(on: &Evaluator<'_>, rules: &Map<String, Value>) -> Result<(), Error> {
    for (name, rule) in rules {
        let applies = match rule.get("RuleCondition") {
            None => true,
            Some(condition) => holds(on, name, condition)?,
        };
        let assertions = rule.get("Assertions").and_then(Value::as_array);
        let Some(assertions) = assertions else {
            return Err(Error::format(format!("Rule {name} must contain Assertions.")));
        };
        for assertion in assertions.iter().filter(|_| applies) {
            let Some(assert) = assertion.get("Assert") else {
                return Err(Error::format(format!(
                    "Rule {name}: every Assertions member must contain an Assert."
                )));
            };
            if !holds(on, name, assert)? {
                // AWS's wording around the description is not documented.
                let why = assertion.get("AssertDescription").and_then(scalar);
                return Err(Error::Parameters(format!(
                    "Template validation error: Rule {name} failed: {}",
                    why.unwrap_or_else(|| assert.to_string())
                )));
            }
        }
    }
    Ok(())
}

fn holds(on: &Evaluator<'_>, rule: &str, value: &Value) -> Result<bool, Error> {
    let wrong = || Error::function(format!("Rule {rule}: an assertion must be a rule function."));
    let (function, argument) = value
        .as_object()
        .filter(|map| map.len() == 1)
        .and_then(|map| map.iter().next())
        .ok_or_else(wrong)?;
    let items = argument.as_array().map(Vec::as_slice).unwrap_or_default();
    match (function.as_str(), items) {
        ("Fn::And", items) => {
            items.iter().try_fold(true, |all, item| Ok(holds(on, rule, item)? && all))
        }
        ("Fn::Or", items) => {
            items.iter().try_fold(false, |any, item| Ok(holds(on, rule, item)? || any))
        }
        ("Fn::Not", [item]) => Ok(!holds(on, rule, item)?),
        ("Fn::Equals", _) => match on.value(value)? {
            Some(Value::Bool(flag)) => Ok(flag),
            _ => Err(wrong()),
        },
        ("Fn::Contains", [list, item]) => {
            let list = strings(on, list)?.ok_or_else(wrong)?;
            let item = on.value(item)?.as_ref().and_then(scalar).ok_or_else(wrong)?;
            Ok(list.contains(&item))
        }
        ("Fn::EachMemberEquals", [list, item]) => {
            let list = strings(on, list)?.ok_or_else(wrong)?;
            let item = on.value(item)?.as_ref().and_then(scalar).ok_or_else(wrong)?;
            Ok(list.iter().all(|one| *one == item))
        }
        ("Fn::EachMemberIn", [list, allowed]) => {
            let list = strings(on, list)?.ok_or_else(wrong)?;
            let allowed = strings(on, allowed)?.ok_or_else(wrong)?;
            Ok(list.iter().all(|one| allowed.contains(one)))
        }
        // Fn::RefAll, Fn::ValueOf and Fn::ValueOfAll ask about resources of the account that no
        // service here has (VPCs, subnets, key pairs).
        _ => Err(Error::function(format!("Rule {rule}: {function} is not supported."))),
    }
}

fn strings(on: &Evaluator<'_>, value: &Value) -> Result<Option<Vec<String>>, Error> {
    Ok(match on.value(value)? {
        Some(Value::Array(items)) => items.iter().map(scalar).collect(),
        _ => None,
    })
}
