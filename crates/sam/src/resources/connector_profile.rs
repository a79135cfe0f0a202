//! What a connector allows, by the types of its ends and the permissions asked for.

use std::sync::LazyLock;

use crate::fault::Fault;
use crate::intrinsics::{sub, sub_with};
use crate::node::{Dict, Node, dict};
use crate::resources::SamResource;
use crate::resources::connector_end::End;

static PROFILES: LazyLock<toml::Table> =
    LazyLock::new(|| include_str!("connectors.toml").parse().unwrap_or_default());

/// The profile for two types of resources.
pub(super) fn find(from: &str, to: &str) -> Option<&'static toml::Value> {
    PROFILES.get(from).and_then(|all| all.get(to))
}

fn strings(value: Option<&toml::Value>) -> Vec<String> {
    let items = value.and_then(toml::Value::as_array).into_iter().flatten();
    items.filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

/// The permissions asked for, in the profile's order.
pub(super) fn permissions(
    connector: &SamResource,
    profile: &toml::Value,
    ends: &str,
) -> Result<Vec<String>, Fault> {
    let known = strings(profile.get("categories"));
    let valid = known.join(", ");
    let given = connector.at("Permissions");
    if given.as_list().is_some_and(<[Node]>::is_empty) {
        return Err(
            connector.fault(format!("'Permissions' cannot be empty; valid values are: {valid}."))
        );
    }
    let unsupported = "Unsupported 'Permissions' provided for connector";
    let fits = |one: &Node| one.as_str().is_some_and(|one| known.iter().any(|k| k == one));
    let Some(given) = given.as_list().filter(|given| given.iter().all(fits)) else {
        return Err(connector.fault(format!("{unsupported} {ends}; valid values are: {valid}.")));
    };
    let wanted: Vec<String> =
        known.into_iter().filter(|name| given.iter().any(|one| one.is(name))).collect();
    let combinations: Vec<Vec<String>> = profile
        .get("valid")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .map(|one| strings(Some(one)))
        .collect();
    let mut sorted = wanted.clone();
    sorted.sort();
    if !combinations.is_empty() && !combinations.contains(&sorted) {
        let shown: Vec<_> = combinations.iter().map(|one| one.join(" + ")).collect();
        return Err(connector.fault(format!(
            "{unsupported} {ends}; valid combinations are: {}.",
            shown.join(", ")
        )));
    }
    Ok(wanted)
}

/// The statements of these permissions, the ends' attributes filled in.
pub(super) fn statements(
    profile: &toml::Value,
    names: &[String],
    from: &End,
    to: &End,
) -> Result<Vec<Node>, String> {
    let permission = profile.get("kind").and_then(toml::Value::as_str) == Some("function");
    let fill = |value: &toml::Value| match value {
        toml::Value::String(text) => filled(text, from, to),
        other => strings(Some(other))
            .iter()
            .map(|text| filled(text, from, to))
            .collect::<Result<Vec<_>, _>>()
            .map(Node::from),
    };
    let mut result = Vec::new();
    for name in names {
        let all = profile.get(name).and_then(toml::Value::as_array);
        for statement in all.into_iter().flatten() {
            let get = |key: &str| statement.get(key).map(fill).transpose();
            let mut one = Dict::default();
            if permission {
                for (key, name) in [
                    ("service", "Principal"),
                    ("source_arn", "SourceArn"),
                    ("source_account", "SourceAccount"),
                ] {
                    one.insert_some(name, &get(key)?.unwrap_or_default());
                }
                result.push(one.into());
                continue;
            }
            one.insert("Effect", "Allow");
            one.insert_some("Action", &get("action")?.unwrap_or_default());
            one.insert_some("Resource", &get("resource")?.unwrap_or_default());
            if let Some(service) = get("service")? {
                one.insert("Principal", dict! { "Service" => service });
            }
            if let Some(source) = get("source_arn")? {
                let equals = dict! { "aws:SourceArn" => source };
                one.insert("Condition", dict! { "ArnEquals" => equals });
            }
            result.push(one.into());
        }
    }
    Ok(result)
}

/// Fills in what stands between `%{` and `}`.
fn filled(text: &str, from: &End, to: &End) -> Result<Node, String> {
    let mut text = text.to_owned();
    let mut values = Dict::default();
    for (end, prefix) in [(from, "Source"), (to, "Destination")] {
        for (attribute, value) in [
            ("Arn", &end.arn),
            ("ResourceId", &end.resource_id),
            ("Name", &end.name),
            ("Qualifier", &end.qualifier),
        ] {
            let pattern = format!("%{{{prefix}.{attribute}}}");
            if !text.contains(&pattern) {
                continue;
            }
            if value.is_null() {
                return Err(format!("{prefix}.{attribute} is missing."));
            }
            if text == pattern {
                return Ok(value.clone());
            }
            let variable = format!("{prefix}{attribute}");
            text = text.replace(&pattern, &format!("${{{variable}}}"));
            values.insert(variable, value.clone());
        }
    }
    Ok(match (text.contains("${"), values.is_empty()) {
        (false, _) => text.into(),
        (true, true) => sub(text),
        (true, false) => sub_with(text, values.into()),
    })
}
