//! The house rules, checked. `cargo xtask tidy` prints what breaks them; the same checks run as an
//! ordinary test, so `cargo test` is enough to know.
//!
//! A rule is a pure function from values (files, crates, graph, configuration) to findings, with a
//! test that plants a violation and expects it to be caught. Its data lies in `xtask/tidy.toml`
//! (layers, names), `deny.toml` (libraries, licences) and `xtask/ratchet.toml` (sizes).

mod layers;
mod libraries;
mod licence;
mod manifests;
mod sizes;
mod source;
mod wording;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::workspace;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// File, with the line where there is one, or the crate's name.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// `xtask/tidy.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Groups of crates and what each may depend on.
    group: Vec<layers::Group>,
    /// Crates of ours that every crate's tests may use.
    tests_may_use: Vec<String>,
    /// The one crate that may hold `unsafe`.
    unsafe_crate: String,
    /// Path prefixes of files that must be able to spell what the wording rules forbid.
    wording_exempt: Vec<String>,
    /// Names of example applications that are ordinary words too.
    ordinary_words: Vec<String>,
}

/// Checks the workspace and prints what breaks its rules.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("tidy takes no arguments, and `{unknown}` is one"));
    }
    let findings = findings(&workspace::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("one rule is broken, see above".to_owned()),
        count => Err(format!("{count} rules are broken, see above")),
    }
}

/// Everything that breaks a rule, in the order of the rules.
fn findings(root: &Path) -> Result<Vec<Finding>, String> {
    let config: Config = read_toml(root, "xtask/tidy.toml")?;
    let deny: libraries::Deny = read_toml(root, "deny.toml")?;
    let ratchet: sizes::Ratchet = read_toml(root, "xtask/ratchet.toml")?;
    let manifest: toml::Table = read_toml(root, "Cargo.toml")?;
    let architecture = read(root, "ARCHITECTURE.md")?;
    let members = workspace::members(root)?;
    let graph = workspace::graph(root, &deny.graph.targets)?;
    let files = workspace::files(root)?;
    let sources = source::Source::all(&files);
    let ours: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();

    let mut findings = layers::check(&config.group, &config.tests_may_use, &members);
    findings.extend(libraries::check(&deny, &graph, &ours));
    findings.extend(manifests::check_members(&manifest, &members, &config.unsafe_crate));
    findings.extend(manifests::check_reasons(&manifest, &ours, &architecture));
    findings.extend(sizes::check(&sources, &ratchet));
    for source in &sources {
        findings.extend(wording::check_source(source, &config));
    }
    for file in &files {
        findings.extend(wording::check_text(file, &config.wording_exempt));
    }
    let examples = example_names(root)?;
    findings.extend(wording::check_examples(&files, &examples, &config.ordinary_words));
    Ok(findings)
}

/// The folders of `examples/`; none while there is no such folder.
fn example_names(root: &Path) -> Result<Vec<String>, String> {
    let Ok(entries) = fs::read_dir(root.join("examples")) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| format!("examples: {e}"))?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|e| format!("{path}: {e}"))
}

fn read_toml<T: DeserializeOwned>(root: &Path, path: &str) -> Result<T, String> {
    toml::from_str(&read(root, path)?).map_err(|e| format!("{path}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_tidy() {
        let found = findings(&workspace::root()).unwrap();
        let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "cargo xtask tidy finds:\n{}", lines.join("\n"));
    }
}
