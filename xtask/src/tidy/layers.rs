//! Who may depend on whom among our own crates. Cargo forbids cycles; this forbids the wrong
//! direction, and services that know each other.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Finding;
use crate::workspace::Member;

/// Crates that stand on the same layer. They may not use each other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    /// What others call it in `may_use`.
    name: String,
    /// Folders; `api/*` stands for every crate below `api/`.
    crates: Vec<String>,
    /// Groups whose crates these may depend on; `*` stands for all but `xtask`.
    may_use: Vec<String>,
}

pub(super) fn check(
    groups: &[Group],
    tests_may_use: &[String],
    members: &[Member],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folders: BTreeMap<&str, &str> =
        members.iter().map(|member| (member.name.as_str(), member.folder.as_str())).collect();
    for member in members {
        let Some(group) = group_of(groups, &member.folder) else {
            let message = format!(
                "{} stands in no [[group]]; say in xtask/tidy.toml which layer it is part of",
                member.folder
            );
            findings.push(Finding::new(&member.name, message));
            continue;
        };
        for used in &member.uses {
            let Some(folder) = folders.get(used.name.as_str()) else { continue };
            if used.dev && tests_may_use.iter().any(|allowed| allowed == folder) {
                continue;
            }
            let other = group_of(groups, folder).map_or("no group", |found| found.name.as_str());
            if !group.may_use.iter().any(|allowed| allowed == other || allowed == "*") {
                let message = format!(
                    "depends on {}: crates of the group `{}` may not use `{other}` \
                     (layers point down, see ARCHITECTURE.md and xtask/tidy.toml)",
                    used.name, group.name
                );
                findings.push(Finding::new(&member.name, message));
            }
        }
    }
    findings
}

fn group_of<'a>(groups: &'a [Group], folder: &str) -> Option<&'a Group> {
    let names = |group: &&Group| {
        group.crates.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => folder.starts_with(prefix),
            None => folder == pattern,
        })
    };
    groups.iter().find(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Use;

    fn member(folder: &str, uses: &[(&str, bool)]) -> Member {
        Member {
            name: format!("cumulet-{}", folder.rsplit('/').next().unwrap()),
            folder: folder.to_owned(),
            manifest: toml::Table::new(),
            uses: uses
                .iter()
                .map(|(name, dev)| Use { name: (*name).to_owned(), dev: *dev })
                .collect(),
        }
    }

    fn group(name: &str, crates: &[&str], may_use: &[&str]) -> Group {
        let own = |list: &[&str]| list.iter().map(|item| (*item).to_owned()).collect();
        Group { name: name.to_owned(), crates: own(crates), may_use: own(may_use) }
    }

    #[test]
    fn a_service_that_names_a_service_is_caught() {
        let groups = [
            group("base", &["crates/base"], &[]),
            group("tests", &["crates/testkit"], &["base"]),
            group("service", &["crates/iam", "crates/sts"], &["base"]),
        ];
        let members = [
            member("crates/base", &[("bytes", false)]),
            member("crates/testkit", &[]),
            member("crates/iam", &[("cumulet-base", false), ("cumulet-testkit", true)]),
            member("crates/sts", &[("cumulet-iam", false)]),
        ];
        let found = check(&groups, &["crates/testkit".to_owned()], &members);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, "cumulet-sts");
        assert!(found[0].message.contains("depends on cumulet-iam"), "{found:?}");
    }

    #[test]
    fn the_test_kit_in_ordinary_code_is_caught() {
        let groups =
            [group("tests", &["crates/testkit"], &[]), group("service", &["crates/iam"], &[])];
        let members =
            [member("crates/testkit", &[]), member("crates/iam", &[("cumulet-testkit", false)])];
        assert_eq!(check(&groups, &["crates/testkit".to_owned()], &members).len(), 1);
    }

    #[test]
    fn a_crate_on_no_layer_is_caught() {
        let groups = [group("api", &["api/*"], &[])];
        let found = check(&groups, &[], &[member("api/iam", &[]), member("crates/new", &[])]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, "cumulet-new");
    }
}
