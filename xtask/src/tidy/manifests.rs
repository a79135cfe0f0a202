//! What the manifests owe: the workspace's lints, dependencies named once, a reason for each.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Finding;
use crate::workspace::Member;

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Every crate takes the workspace's lints and versions. `unsafe_crate` alone (lints cannot be
/// inherited in part) may repeat the lints with `unsafe_code` relaxed, and nothing else.
pub(super) fn check_members(
    workspace: &Table,
    members: &[Member],
    unsafe_crate: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lints = path(workspace, &["workspace", "lints"]);
    let unsafe_code = lints.and_then(|lints| lints.get("rust")?.get("unsafe_code"));
    if unsafe_code.and_then(Value::as_str) != Some("forbid") {
        let message = "[workspace.lints.rust] says unsafe_code = \"forbid\", always";
        findings.push(Finding::new("Cargo.toml", message));
    }
    for member in members {
        let place = format!("{}/Cargo.toml", member.folder);
        let own = member.manifest.get("lints");
        let inherited = own.and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
        if inherited != Some(true) {
            if member.folder != unsafe_crate {
                findings.push(Finding::new(&place, "add `[lints]` with `workspace = true`"));
            } else if without_unsafe_code(own) != without_unsafe_code(lints) {
                let message = "its lints may differ from the workspace's in unsafe_code only";
                findings.push(Finding::new(&place, message));
            }
        }
        for section in SECTIONS {
            let Some(Value::Table(dependencies)) = member.manifest.get(section) else { continue };
            for (name, dependency) in dependencies {
                if dependency.get("workspace").and_then(Value::as_bool) != Some(true) {
                    let message = format!(
                        "{name}: its version belongs into [workspace.dependencies] of the root; \
                         here stands `{name}.workspace = true`"
                    );
                    findings.push(Finding::new(&place, message));
                }
            }
        }
    }
    findings
}

fn without_unsafe_code(lints: Option<&Value>) -> Option<Value> {
    let mut lints = lints?.clone();
    lints.get_mut("rust")?.as_table_mut()?.remove("unsafe_code");
    Some(lints)
}

fn path<'a>(table: &'a Table, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

/// Every library has a row `| library | reason |` below `## Dependencies` in ARCHITECTURE.md, and
/// every row a library.
pub(super) fn check_reasons(
    workspace: &Table,
    ours: &BTreeSet<&str>,
    architecture: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let libraries: BTreeSet<&str> = path(workspace, &["workspace", "dependencies"])
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::keys)
        .map(String::as_str)
        .filter(|name| !ours.contains(name))
        .collect();
    let reasons = reasons(architecture);
    for library in &libraries {
        if reasons.get(library).is_none_or(|reason| reason.is_empty()) {
            let message = format!("say in the table below `## Dependencies` what {library} is for");
            findings.push(Finding::new("ARCHITECTURE.md", message));
        }
    }
    for library in reasons.keys().filter(|name| !libraries.contains(*name)) {
        let message = format!("{library} is no dependency any more: remove its row");
        findings.push(Finding::new("ARCHITECTURE.md", message));
    }
    findings
}

/// The rows of the table below `## Dependencies`: name → reason. One row may name several
/// libraries that serve one purpose (`hyper`, `hyper-util`).
fn reasons(architecture: &str) -> BTreeMap<&str, &str> {
    let mut reasons = BTreeMap::new();
    let mut below = false;
    for line in architecture.lines() {
        if line.starts_with("## ") {
            below = line.trim_end() == "## Dependencies";
        }
        let mut cells = line.split('|').map(str::trim);
        if !below || cells.next() != Some("") {
            continue;
        }
        let (Some(names), Some(reason)) = (cells.next(), cells.next()) else { continue };
        for name in names.split('`').skip(1).step_by(2) {
            reasons.insert(name, reason);
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r#"
        [workspace.lints.rust]
        unsafe_code = "forbid"
        missing_docs = "warn"
        [workspace.dependencies]
        bytes = "1"
        hyper = "1"
        cumulet-base = { path = "crates/base" }
    "#;

    fn member(folder: &str, manifest: &str) -> Member {
        Member {
            name: folder.to_owned(),
            folder: folder.to_owned(),
            manifest: manifest.parse().unwrap(),
            uses: Vec::new(),
        }
    }

    fn member_findings(root: &str, folder: &str, manifest: &str) -> usize {
        let root = root.parse().unwrap();
        check_members(&root, &[member(folder, manifest)], "crates/sandbox").len()
    }

    #[test]
    fn lints_of_one_s_own_are_caught() {
        let own = "[lints.rust]\nunsafe_code = \"deny\"\nmissing_docs = \"warn\"";
        assert_eq!(member_findings(ROOT, "crates/net", "[lints]\nworkspace = true"), 0);
        assert_eq!(member_findings(ROOT, "crates/net", ""), 1);
        assert_eq!(member_findings(ROOT, "crates/net", own), 1);
        assert_eq!(member_findings(ROOT, "crates/sandbox", own), 0);
        assert_eq!(member_findings(ROOT, "crates/sandbox", &own.replace("warn", "allow")), 1);
    }

    #[test]
    fn unsafe_code_in_the_workspace_is_caught() {
        let relaxed = ROOT.replace("forbid", "deny");
        assert_eq!(member_findings(&relaxed, "crates/net", "[lints]\nworkspace = true"), 1);
    }

    #[test]
    fn a_version_in_a_crate_is_caught() {
        let manifest = "lints.workspace = true\n[dev-dependencies]\n";
        let here = format!("{manifest}bytes = \"1\"");
        let inherited = format!("{manifest}bytes.workspace = true");
        assert_eq!(member_findings(ROOT, "crates/net", &here), 1);
        assert_eq!(member_findings(ROOT, "crates/net", &inherited), 0);
    }

    #[test]
    fn a_library_without_a_reason_is_caught() {
        let root = ROOT.parse().unwrap();
        let found = |architecture: &str| {
            let ours = BTreeSet::from(["cumulet-base"]);
            let found = check_reasons(&root, &ours, architecture);
            found.into_iter().map(|finding| finding.message).collect::<Vec<_>>()
        };
        let table = "## Dependencies\n| library | for |\n|---|---|\n| `bytes` | bodies |\n";
        assert_eq!(found(table), ["say in the table below `## Dependencies` what hyper is for"]);
        assert!(found(&table.replace("`bytes`", "`bytes`, `hyper`")).is_empty());
        let stale = format!("{table}| `hyper` | HTTP |\n| `gone` | once |\n## Next\n| `x` | y |");
        assert_eq!(found(&stale), ["gone is no dependency any more: remove its row"]);
        assert_eq!(found(&format!("{table}| `hyper` | |")).len(), 1);
    }
}
