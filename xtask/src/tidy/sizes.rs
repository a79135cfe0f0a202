//! Files fit a sitting and functions a screen. What is longer today stands in `xtask/ratchet.toml`
//! with its length, which may only go down. Generated code and tests are aside.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Finding;
use super::source::Source;

/// Lines of a file, its tests not counted.
const FILE: usize = 500;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION: usize = 70;

/// `xtask/ratchet.toml`: what is over the limit, and by how much.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ratchet {
    /// Path → lines.
    #[serde(default)]
    files: BTreeMap<String, usize>,
    /// `path: function` → lines.
    #[serde(default)]
    functions: BTreeMap<String, usize>,
}

pub(super) fn check(sources: &[Source<'_>], ratchet: &Ratchet) -> Vec<Finding> {
    let mut files = BTreeMap::new();
    let mut functions = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_generated() && !source.is_test()) {
        if source.length() > FILE {
            files.insert(source.path.to_owned(), source.length());
        }
        for function in source.functions().iter().filter(|function| function.lines > FUNCTION) {
            // Of several functions of one name in one file, the longest counts.
            let key = format!("{}: {}", source.path, function.name);
            let longest: &mut usize = functions.entry(key).or_default();
            *longest = function.lines.max(*longest);
        }
    }
    let mut findings = compare(&files, &ratchet.files, FILE, "files");
    findings.extend(compare(&functions, &ratchet.functions, FUNCTION, "functions"));
    findings
}

fn compare(
    found: &BTreeMap<String, usize>,
    allowed: &BTreeMap<String, usize>,
    limit: usize,
    section: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, lines) in found {
        let message = match allowed.get(place) {
            None => format!("{lines} lines, and {limit} is the limit: split it by what it does"),
            Some(before) if lines > before => {
                format!("has grown from {before} to {lines} lines, and only shrinking is allowed")
            }
            Some(before) if lines < before => format!(
                "has shrunk from {before} to {lines} lines, well done: write {lines} into \
                 [{section}] of xtask/ratchet.toml"
            ),
            Some(_) => continue,
        };
        findings.push(Finding::new(place, message));
    }
    for place in allowed.keys().filter(|place| !found.contains_key(*place)) {
        let message = format!(
            "is within the limit or gone, well done: remove it from [{section}] of \
             xtask/ratchet.toml"
        );
        findings.push(Finding::new(place, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str, ratchet: &str) -> Vec<String> {
        let ratchet = toml::from_str(ratchet).unwrap();
        let found = check(&[Source::new(path, text)], &ratchet);
        found.iter().map(ToString::to_string).collect()
    }

    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_file_is_caught() {
        let long = "x();\n".repeat(501);
        assert_eq!(findings("a.rs", &"x();\n".repeat(500), "").len(), 0);
        assert_eq!(
            findings("a.rs", &long, ""),
            ["a.rs: 501 lines, and 500 is the limit: split it by what it does"]
        );
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    x();\n".repeat(501));
        assert_eq!(findings("a.rs", &tests, "").len(), 0);
        assert_eq!(findings("a.rs", &format!("// @generated\n{long}"), "").len(), 0);
    }

    #[test]
    fn a_long_function_is_caught() {
        assert_eq!(findings("a.rs", &function(70), "").len(), 0);
        assert_eq!(
            findings("a.rs", &function(71), ""),
            ["a.rs: long: 71 lines, and 70 is the limit: split it by what it does"]
        );
    }

    #[test]
    fn the_ratchet_turns_one_way() {
        let ratchet = "[functions]\n\"a.rs: long\" = 80";
        let found = |lines| findings("a.rs", &function(lines), ratchet);
        assert_eq!(found(80).len(), 0);
        assert!(found(81)[0].contains("has grown from 80 to 81"), "{:?}", found(81));
        assert!(found(79)[0].contains("write 79"), "{:?}", found(79));
        assert!(found(60)[0].contains("remove it"), "{:?}", found(60));
    }
}
