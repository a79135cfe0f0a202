//! Where this workspace lies, its text files, its crates and its graph of dependencies, as plain
//! values that the checks work on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that hold nothing written here.
const FOREIGN_FOLDERS: [&str; 6] =
    [".git", ".venv", "__pycache__", "node_modules", "target", ".pytest_cache"];

/// What is read as text; everything else (pictures, archives) is passed over.
const TEXT: [&str; 16] = [
    "cjs", "css", "html", "js", "json", "md", "mjs", "py", "rs", "sh", "sql", "toml", "ts", "txt",
    "yaml", "yml",
];

/// A text file: its path from the root with `/` between folders, and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct File {
    /// `crates/base/src/arn.rs`
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl File {
    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }
}

/// A crate of this workspace.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The package's name, `cumulet-base`.
    pub name: String,
    /// Its folder from the root, `crates/base`.
    pub folder: String,
    /// Its Cargo.toml.
    pub manifest: toml::Table,
    /// Packages it names, ours and others'.
    pub uses: Vec<Use>,
}

/// A dependency as a crate's manifest names it.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    /// The package's name.
    pub name: String,
    /// Whether only its tests, examples and benchmarks see it.
    pub dev: bool,
}

/// The resolved graph: what is compiled, features considered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    /// Package name → the licence expressions of its versions.
    pub licences: BTreeMap<String, BTreeSet<String>>,
    /// Package name → the packages that depend on it directly.
    pub dependents: BTreeMap<String, BTreeSet<String>>,
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// A cargo command in the workspace's folder: the cargo that started us, where one did.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Every text file of the workspace, sorted by path.
pub(crate) fn files(root: &Path) -> Result<Vec<File>, String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let entry = entry.map_err(|e| format!("{}: {e}", folder.display()))?;
            let path = entry.path();
            let name = entry.file_name();
            let kind = entry.file_type().map_err(|e| format!("{}: {e}", path.display()))?;
            if kind.is_dir() {
                if !FOREIGN_FOLDERS.iter().any(|foreign| name == *foreign) {
                    folders.push(path);
                }
            } else if kind.is_file() && is_text(&path) {
                let text = fs::read_to_string(&path)
                    .map_err(|e| format!("{}: {e}; text files are UTF-8", path.display()))?;
                found.push(File { path: relative(root, &path), text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn is_text(path: &Path) -> bool {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) => TEXT.contains(&extension),
        // `.ci/run` is a script without an extension.
        None => {
            path.parent().is_some_and(|folder| folder.file_name().is_some_and(|name| name == ".ci"))
        }
    }
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The crates of this workspace, as `cargo metadata` knows them.
pub(crate) fn members(root: &Path) -> Result<Vec<Member>, String> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1", "--locked"];
    let output = capture(cargo(root).args(arguments))?;
    let metadata: serde_json::Value =
        serde_json::from_str(&output).map_err(|e| format!("cargo metadata: {e}"))?;
    let mut members = Vec::new();
    for package in array(&metadata, "packages") {
        let manifest_path = PathBuf::from(string(package, "manifest_path"));
        let manifest = fs::read_to_string(&manifest_path)
            .map_err(|e| format!("{}: {e}", manifest_path.display()))?;
        members.push(Member {
            name: string(package, "name"),
            folder: relative(root, manifest_path.parent().unwrap_or(root)),
            manifest: manifest.parse().map_err(|e| format!("{}: {e}", manifest_path.display()))?,
            uses: array(package, "dependencies")
                .iter()
                .map(|used| Use {
                    name: string(used, "name"),
                    dev: used.get("kind").and_then(|kind| kind.as_str()) == Some("dev"),
                })
                .collect(),
        });
    }
    Ok(members)
}

fn array<'a>(value: &'a serde_json::Value, key: &str) -> &'a [serde_json::Value] {
    value.get(key).and_then(|found| found.as_array()).map_or(&[], Vec::as_slice)
}

fn string(value: &serde_json::Value, key: &str) -> String {
    value.get(key).and_then(|found| found.as_str()).unwrap_or_default().to_owned()
}

/// The graph for these targets. It comes from `cargo tree`, because `cargo metadata` also lists
/// optional dependencies that no feature switches on (rustls's `ring`).
pub(crate) fn graph(root: &Path, targets: &[String]) -> Result<Graph, String> {
    let mut command = cargo(root);
    command.args(["tree", "--workspace", "--locked", "--edges", "normal,build,dev"]);
    command.args(["--prefix", "depth", "--format", "\t{p}\t{l}"]);
    for target in targets {
        command.args(["--target", target]);
    }
    Ok(parse_tree(&capture(&mut command)?))
}

/// Reads lines such as `2⇥bytes v1.12.1⇥MIT (*)`: depth, package, licence. What stands below a
/// package that came before (`(*)`) is not repeated, so every edge still appears once.
fn parse_tree(tree: &str) -> Graph {
    let mut graph = Graph::default();
    let mut above: Vec<String> = Vec::new();
    for line in tree.lines() {
        let mut fields = line.split('\t');
        let (Some(depth), Some(package), Some(licence)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let Ok(depth) = depth.parse::<usize>() else { continue };
        let name = package.split(' ').next().unwrap_or_default().to_owned();
        let licence = licence.trim_end_matches(" (*)").to_owned();
        graph.licences.entry(name.clone()).or_default().insert(licence);
        above.truncate(depth);
        if let Some(parent) = above.last() {
            graph.dependents.entry(name.clone()).or_default().insert(parent.clone());
        }
        above.push(name);
    }
    graph
}

/// The command's standard output; its standard error goes to ours when it fails.
fn capture(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?} did not start: {e}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed: {}", errors.trim()));
    }
    String::from_utf8(output.stdout).map_err(|e| format!("{command:?}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_gives_edges_and_licences() {
        let graph = parse_tree(
            "0\tnet v0.1.0 (/x)\tMIT\n1\thyper v1.0.0\tMIT OR Zlib\n2\tbytes v1.0.0\tMIT\n\
             1\tbytes v1.0.0\tMIT (*)\n\n0\tstore v0.1.0\tMIT\n1\tbytes v1.0.0\tMIT (*)\n",
        );
        let dependents: Vec<_> = graph.dependents["bytes"].iter().collect();
        assert_eq!(dependents, ["hyper", "net", "store"]);
        assert_eq!(graph.licences["bytes"].len(), 1);
        assert!(graph.licences["hyper"].contains("MIT OR Zlib"));
        assert!(!graph.dependents.contains_key("net"));
    }
}
