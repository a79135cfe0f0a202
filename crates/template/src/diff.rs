//! What changes between two evaluated stacks: the body of a change set.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new, or its type changed and the old one is removed too.
    Add,
    /// Its properties or attributes change.
    Modify,
    /// It is gone.
    Remove,
}

/// One resource that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Logical id.
    pub id: String,
    /// What happens.
    pub action: Action,
    /// For `Modify`: paths that differ, such as `/Properties/Tags/0/Value`, sorted.
    pub paths: Vec<String>,
}

/// Compares two maps of logical id → evaluated resource (`Type`, `Properties`, attributes).
///
/// Changes come in the order of the new template, removals last in the order of the old one.
pub fn diff(old: &Map<String, Value>, new: &Map<String, Value>) -> Vec<Change> {
    let change = |id: &String, action| Change { id: id.clone(), action, paths: Vec::new() };
    let mut changes = Vec::new();
    for (id, resource) in new {
        let Some(before) = old.get(id) else {
            changes.push(change(id, Action::Add));
            continue;
        };
        let mut paths = BTreeSet::new();
        compare(before, resource, &mut String::new(), &mut paths);
        if !paths.is_empty() {
            let paths = paths.into_iter().collect();
            changes.push(Change { id: id.clone(), action: Action::Modify, paths });
        }
    }
    let gone = old.keys().filter(|id| !new.contains_key(*id));
    changes.extend(gone.map(|id| change(id, Action::Remove)));
    changes
}

fn compare(old: &Value, new: &Value, path: &mut String, paths: &mut BTreeSet<String>) {
    let mut step = |name: &str, old: Option<&Value>, new: Option<&Value>| {
        let length = path.len();
        path.push('/');
        path.push_str(name);
        match (old, new) {
            (Some(old), Some(new)) => compare(old, new, path, paths),
            _ => {
                paths.insert(path.clone());
            }
        }
        path.truncate(length);
    };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for key in keys {
                step(key, old.get(key), new.get(key));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            (0..old.len().max(new.len()))
                .for_each(|at| step(&at.to_string(), old.get(at), new.get(at)));
        }
        (old, new) => {
            if old != new {
                paths.insert(path.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_what_changes() {
        let old = json!({
            "Same": {"Type": "T", "Properties": {"a": 1}},
            "Gone": {"Type": "T"},
            "Other": {"Type": "T", "Properties": {"a": [1, {"b": 2}], "c": 1}},
        });
        let new = json!({
            "New": {"Type": "T"},
            "Other": {"Type": "T", "Properties": {"a": [1, {"b": 3}, 4], "d": 1}},
            "Same": {"Type": "T", "Properties": {"a": 1}},
        });
        let changes = diff(old.as_object().unwrap(), new.as_object().unwrap());
        let told: Vec<_> =
            changes.iter().map(|c| (c.id.as_str(), c.action, c.paths.join(" "))).collect();
        let paths = "/Properties/a/1/b /Properties/a/2 /Properties/c /Properties/d";
        assert_eq!(
            told,
            [
                ("New", Action::Add, String::new()),
                ("Other", Action::Modify, paths.to_owned()),
                ("Gone", Action::Remove, String::new()),
            ]
        );
    }
}
