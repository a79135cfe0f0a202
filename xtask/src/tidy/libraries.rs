//! Others' libraries: which are forbidden, which crate may name which, and under what licences.
//! `deny.toml` is the source, in cargo-deny's format, so that `cargo deny check` agrees; checked
//! here because it has to hold where that tool is not installed.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Finding, licence};
use crate::workspace::Graph;

/// The part of `deny.toml` that is enforced here.
#[derive(Debug, Deserialize)]
pub(super) struct Deny {
    /// What is built.
    pub graph: Targets,
    bans: Bans,
    licenses: Licences,
}

/// `[graph]`
#[derive(Debug, Deserialize)]
pub(super) struct Targets {
    /// Target triples whose dependencies count.
    pub targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
    /// The only packages that may depend on it directly; none at all may where it is empty.
    #[serde(default)]
    wrappers: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<String>,
}

pub(super) fn check(deny: &Deny, graph: &Graph, ours: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for ban in &deny.bans.deny {
        for dependent in graph.dependents.get(&ban.name).into_iter().flatten() {
            if !ban.wrappers.contains(dependent) {
                let message =
                    format!("depends on {}, which deny.toml forbids: {}", ban.name, ban.reason);
                findings.push(Finding::new(dependent, message));
            }
        }
    }
    for (package, expressions) in &graph.licences {
        if ours.contains(package.as_str()) {
            continue;
        }
        for expression in expressions {
            let message = match licence::is_met(expression, &deny.licenses.allow) {
                Ok(true) => continue,
                Ok(false) => format!("its licence `{expression}` is not allowed by deny.toml"),
                Err(error) => format!("its licence `{expression}` cannot be read: {error}"),
            };
            findings.push(Finding::new(package, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"
        graph = { targets = ["x86_64-unknown-linux-gnu"] }
        licenses = { allow = ["MIT"] }
        [bans]
        deny = [
            { crate = "ring", reason = "one crypto provider" },
            { crate = "hyper", wrappers = ["net", "hyper-util"], reason = "only net" },
        ]
    "#;

    fn findings(edges: &[(&str, &str)], licences: &[(&str, &str)]) -> Vec<String> {
        let mut graph = Graph::default();
        for (from, to) in edges {
            let dependents = graph.dependents.entry((*to).to_owned()).or_default();
            dependents.insert((*from).to_owned());
        }
        for (package, licence) in licences {
            let expressions = graph.licences.entry((*package).to_owned()).or_default();
            expressions.insert((*licence).to_owned());
        }
        let deny = toml::from_str(DENY).unwrap();
        let found = check(&deny, &graph, &BTreeSet::from(["net", "store"]));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_forbidden_library_is_caught() {
        assert_eq!(
            findings(&[("net", "hyper"), ("hyper-util", "hyper"), ("webpki", "ring")], &[]),
            ["webpki: depends on ring, which deny.toml forbids: one crypto provider"]
        );
    }

    #[test]
    fn a_library_in_the_wrong_crate_is_caught() {
        assert_eq!(
            findings(&[("store", "hyper")], &[]),
            ["store: depends on hyper, which deny.toml forbids: only net"]
        );
    }

    #[test]
    fn a_licence_that_is_not_allowed_is_caught() {
        assert_eq!(
            findings(&[], &[("a", "MIT"), ("b", "AGPL-3.0"), ("c", ""), ("store", "")]),
            [
                "b: its licence `AGPL-3.0` is not allowed by deny.toml",
                "c: its licence `` cannot be read: a licence is missing",
            ]
        );
    }
}
