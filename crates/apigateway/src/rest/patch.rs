//! Patch operations: how every update of a REST API's parts is said ("Patch operations").
//!
//! A document is changed operation by operation, all or nothing. Which paths a kind of document
//! has, and what lies at each, its list of [`Member`]s says.

use cumulet_api_apigateway::types::{Op, PatchOperation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::Error;

/// Operations in one request; AWS names no limit, a request's size is one.
const MOST: usize = 1000;

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    Truth,
    /// Texts, each by itself at the end of the path (`/binaryMediaTypes/image~1png`), by its number
    /// there, or, without an end, as the operation's value.
    List,
    /// Texts by name.
    Texts,
    /// Truths by name.
    Truths,
    /// Members that can only go together; those of them that have paths of their own stand before
    /// it.
    Group,
}

/// A path and what lies there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member(pub(crate) &'static str, pub(crate) Kind);

/// `record` after `operations`; what is removed is as if it had never been given.
pub(crate) fn record<R: Serialize + DeserializeOwned>(
    record: &R,
    members: &[Member],
    operations: &[PatchOperation],
) -> Result<R, Error> {
    let broken = |why: serde_json::Error| Error::Broken(why.to_string());
    let document = serde_json::to_value(record).map_err(broken)?;
    let mut document = apply(document, members, operations)?;
    drop_nulls(&mut document);
    serde_json::from_value(document).map_err(|why| Error::BadRequest(why.to_string()))
}

/// Nulls of a record's own members: records are as deep as their type.
fn drop_nulls(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(drop_nulls);
    }
}

/// `document` after `operations`.
pub(crate) fn apply(
    document: Value,
    members: &[Member],
    operations: &[PatchOperation],
) -> Result<Value, Error> {
    if operations.len() > MOST {
        return Err(Error::bad("Too many patch operations."));
    }
    operations.iter().try_fold(document, |mut document, operation| {
        one(&mut document, members, operation)?;
        Ok(document)
    })
}

fn one(document: &mut Value, members: &[Member], operation: &PatchOperation) -> Result<(), Error> {
    let op = verb(operation)?;
    let path = operation.path.as_deref().unwrap_or_default();
    let segments = pointer(path);
    let (member, rest) = members
        .iter()
        .find_map(|member| Some((member, below(member.0, segments.as_deref()?)?)))
        .ok_or_else(|| invalid_path(path, op, members))?;
    let wrong = || invalid_path(path, op, members);
    let Some(slot) = slot(document, member.0) else { return Err(wrong()) };
    let value = operation.value.as_deref();
    match (member.1, rest) {
        (Kind::Text | Kind::Integer | Kind::Number | Kind::Truth, []) => {
            *slot = match (op, value) {
                (Verb::Remove, _) | (_, None) => Value::Null,
                (_, Some(text)) => typed(member.1, text, path)?,
            };
            Ok(())
        }
        (Kind::List, rest) => match rest {
            [] => list(slot, op, value, value).ok_or_else(wrong),
            [entry] => list(slot, op, Some(entry), value).ok_or_else(wrong),
            _ => Err(wrong()),
        },
        (Kind::Texts | Kind::Truths, [entry]) => {
            let kind = if member.1 == Kind::Texts { Kind::Text } else { Kind::Truth };
            let map = filled_map(slot).ok_or_else(wrong)?;
            match op {
                Verb::Remove => drop(map.shift_remove(entry)),
                _ => drop(map.insert(entry.clone(), typed(kind, value.unwrap_or_default(), path)?)),
            }
            Ok(())
        }
        (Kind::Texts | Kind::Truths | Kind::Group, []) if op == Verb::Remove => {
            *slot = Value::Null;
            Ok(())
        }
        _ => Err(wrong()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// What an operation does. `copy` is for canaries, which are not here; where AWS takes `move` and
/// `test`, its pages do not say.
fn verb(operation: &PatchOperation) -> Result<Verb, Error> {
    match operation.op {
        Some(Op::Add) => Ok(Verb::Add),
        Some(Op::Replace) => Ok(Verb::Replace),
        Some(Op::Remove) => Ok(Verb::Remove),
        _ => Err(Error::bad(
            "Invalid patch operation specified. Must be one of: [add, remove, replace]",
        )),
    }
}

fn invalid_path(path: &str, verb: Verb, members: &[Member]) -> Error {
    let verb = format!("{verb:?}").to_lowercase();
    let known: Vec<&str> = members.iter().map(|member| member.0).collect();
    Error::BadRequest(format!(
        "Invalid patch path '{path}' specified for op '{verb}'. Must be one of: [{}]",
        known.join(", ")
    ))
}

/// The segments of a JSON pointer (RFC 6901), unescaped.
pub(crate) fn pointer(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    Some(path.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect())
}

/// What of `segments` is left below `path`, if it is at or below it.
fn below<'a>(path: &str, segments: &'a [String]) -> Option<&'a [String]> {
    let own: Vec<&str> = path.split('/').skip(1).collect();
    let (start, rest) = (segments.get(..own.len())?, segments.get(own.len()..)?);
    (start == own).then_some(rest)
}

/// The place of a member, with objects on the way to it.
fn slot<'a>(document: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('/')
        .skip(1)
        .try_fold(document, |at, name| Some(filled_map(at)?.entry(name).or_insert(Value::Null)))
}

/// The object at `slot`, which is made where nothing is.
fn filled_map(slot: &mut Value) -> Option<&mut Map<String, Value>> {
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut()
}

fn typed(kind: Kind, text: &str, path: &str) -> Result<Value, Error> {
    let value = match kind {
        Kind::Integer => text.parse::<i64>().ok().map(Value::from),
        Kind::Number => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from),
        Kind::Truth => text.to_ascii_lowercase().parse::<bool>().ok().map(Value::from),
        _ => Some(Value::from(text)),
    };
    value
        .ok_or_else(|| Error::BadRequest(format!("Invalid value '{text}' for patch path '{path}'")))
}

/// Changes the entry of a list; `None` where that cannot be.
fn list(slot: &mut Value, verb: Verb, entry: Option<&str>, value: Option<&str>) -> Option<()> {
    if slot.is_null() {
        *slot = Value::Array(Vec::new());
    }
    let all = slot.as_array_mut()?;
    let Some(entry) = entry else {
        // Without an entry and a value, only all of it can be meant.
        return (verb == Verb::Remove).then(|| all.clear());
    };
    let at = all.iter().position(|one| one.as_str() == Some(entry)).or_else(|| {
        let number = entry.parse::<usize>().ok()?;
        (number < all.len()).then_some(number)
    });
    match (verb, at) {
        (Verb::Add, Some(at)) if all.get(at).and_then(Value::as_str) == Some(entry) => {}
        (Verb::Add, _) => all.push(Value::from(entry)),
        (Verb::Remove, Some(at)) => drop(all.remove(at)),
        (Verb::Replace, Some(at)) => *all.get_mut(at)? = Value::from(value?),
        (Verb::Remove | Verb::Replace, None) => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MEMBERS: [Member; 7] = [
        Member("/name", Kind::Text),
        Member("/size", Kind::Integer),
        Member("/rate", Kind::Number),
        Member("/on", Kind::Truth),
        Member("/types", Kind::List),
        Member("/in/variables", Kind::Texts),
        Member("/required", Kind::Truths),
    ];

    fn operation(op: Op, path: &str, value: Option<&str>) -> PatchOperation {
        let (path, value) = (Some(path.to_owned()), value.map(str::to_owned));
        PatchOperation { op: Some(op), path, value, from: None }
    }

    #[test]
    fn documents_change_as_they_are_told() {
        let cases = [
            (json!({}), Op::Replace, "/name", Some("a"), json!({ "name": "a" })),
            (json!({ "name": "a" }), Op::Remove, "/name", None, json!({ "name": null })),
            (json!({}), Op::Replace, "/size", Some("5"), json!({ "size": 5 })),
            (json!({}), Op::Replace, "/rate", Some("0.5"), json!({ "rate": 0.5 })),
            (json!({}), Op::Add, "/on", Some("True"), json!({ "on": true })),
            (json!({}), Op::Add, "/types/image~1png", None, json!({ "types": ["image/png"] })),
            (json!({ "types": ["a"] }), Op::Add, "/types/a", None, json!({ "types": ["a"] })),
            (
                json!({ "types": ["a"] }),
                Op::Add,
                "/types",
                Some("b"),
                json!({ "types": ["a", "b"] }),
            ),
            (json!({ "types": ["a"] }), Op::Remove, "/types", Some("a"), json!({ "types": [] })),
            (
                json!({ "types": ["a"] }),
                Op::Replace,
                "/types/a",
                Some("b"),
                json!({ "types": ["b"] }),
            ),
            (
                json!({ "types": ["a"] }),
                Op::Replace,
                "/types/0",
                Some("b"),
                json!({ "types": ["b"] }),
            ),
            (
                json!({}),
                Op::Add,
                "/in/variables/x~1y",
                Some("1"),
                json!({ "in": { "variables": { "x/y": "1" } } }),
            ),
            (
                json!({ "in": { "variables": { "x": "1" } } }),
                Op::Remove,
                "/in/variables/x",
                None,
                json!({ "in": { "variables": {} } }),
            ),
            (
                json!({ "in": { "variables": { "x": "1" } } }),
                Op::Remove,
                "/in/variables",
                None,
                json!({ "in": { "variables": null } }),
            ),
            (
                json!({}),
                Op::Add,
                "/required/method.request.header.a",
                Some("true"),
                json!({ "required": { "method.request.header.a": true } }),
            ),
        ];
        for (document, op, path, value, expected) in cases {
            let found = apply(document, &MEMBERS, &[operation(op, path, value)]).unwrap();
            assert_eq!(found, expected, "{op:?} {path}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let cases = [
            (Op::Replace, "/none", Some("a")),
            (Op::Replace, "name", Some("a")),
            (Op::Replace, "", None),
            (Op::Replace, "/name/x", Some("a")),
            (Op::Replace, "/size", Some("much")),
            (Op::Replace, "/rate", Some("NaN")),
            (Op::Add, "/on", Some("maybe")),
            (Op::Remove, "/types/none", None),
            (Op::Replace, "/types/none", Some("a")),
            (Op::Replace, "/in/variables", Some("a")),
            (Op::Replace, "/in", Some("a")),
            (Op::Test, "/name", Some("a")),
            (Op::Copy, "/name", None),
        ];
        for (op, path, value) in cases {
            let refused = apply(json!({}), &MEMBERS, &[operation(op, path, value)]);
            assert!(matches!(refused, Err(Error::BadRequest(_))), "{op:?} {path}");
        }
    }

    /// Any operations leave the document one that has the members' types, or are refused.
    #[test]
    fn any_operations_can_be_asked() {
        let ops = [Op::Add, Op::Remove, Op::Replace, Op::Move, Op::Copy, Op::Test];
        bolero::check!()
            .with_type::<Vec<(u8, u8, Option<String>, Option<String>)>>()
            .with_iterations(5_000)
            .for_each(|asked| {
                let operations: Vec<_> = asked
                    .iter()
                    .map(|(op, member, below, value)| {
                        let path = MEMBERS[usize::from(*member) % MEMBERS.len()].0;
                        let below = below.as_ref().map(|b| format!("/{b}")).unwrap_or_default();
                        let op = ops[usize::from(*op) % ops.len()];
                        operation(op, &format!("{path}{below}"), value.as_deref())
                    })
                    .collect();
                let Ok(found) = apply(json!({}), &MEMBERS, &operations) else { return };
                let is = |name: &str, fits: fn(&Value) -> bool| {
                    found.pointer(name).is_none_or(|value| value.is_null() || fits(value))
                };
                assert!(is("/name", Value::is_string) && is("/size", Value::is_i64));
                assert!(is("/rate", Value::is_f64) && is("/on", Value::is_boolean));
                assert!(is("/types", |all| all.as_array().unwrap().iter().all(Value::is_string)));
                assert!(is("/in/variables", |all| all
                    .as_object()
                    .unwrap()
                    .values()
                    .all(Value::is_string)));
            });
    }
}
