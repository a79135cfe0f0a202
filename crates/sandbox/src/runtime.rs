//! Runtimes that functions ask for, and the interpreters that this machine has.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

/// What a function's `Runtime` property names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Runtime {
    /// The language, or a program of the function's own.
    pub family: Family,
    /// Its version; for Node.js the minor part counts nothing, for `provided` neither does.
    pub version: Version,
}

/// The language of a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Node.js, `nodejs20.x` and its like.
    Node,
    /// CPython, `python3.12` and its like.
    Python,
    /// The package brings its own `bootstrap` program: `provided.al2023`.
    Provided,
}

/// Major and minor number of a language's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// The runtimes offered, by AWS's names ("Lambda runtimes" in the developer guide).
const OFFERED: [(&str, Family, Version); 9] = [
    ("nodejs20.x", Family::Node, Version(20, 0)),
    ("nodejs22.x", Family::Node, Version(22, 0)),
    ("nodejs24.x", Family::Node, Version(24, 0)),
    ("python3.9", Family::Python, Version(3, 9)),
    ("python3.10", Family::Python, Version(3, 10)),
    ("python3.11", Family::Python, Version(3, 11)),
    ("python3.12", Family::Python, Version(3, 12)),
    ("python3.13", Family::Python, Version(3, 13)),
    ("provided.al2023", Family::Provided, Version(2023, 0)),
];

/// A name that is no runtime of this cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRuntime(pub String);

impl fmt::Display for UnknownRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a runtime that is offered here", self.0)
    }
}

impl std::error::Error for UnknownRuntime {}

impl FromStr for Runtime {
    type Err = UnknownRuntime;

    fn from_str(name: &str) -> Result<Self, UnknownRuntime> {
        OFFERED
            .iter()
            .find(|(offered, ..)| *offered == name)
            .map(|&(_, family, version)| Self { family, version })
            .ok_or_else(|| UnknownRuntime(name.to_owned()))
    }
}

impl Runtime {
    /// AWS's name, such as `python3.12`.
    pub fn name(self) -> &'static str {
        OFFERED
            .iter()
            .find(|(_, family, version)| *family == self.family && *version == self.version)
            .map_or("provided.al2023", |(name, ..)| name)
    }

    /// Every runtime offered.
    pub fn all() -> impl Iterator<Item = Self> {
        OFFERED.iter().map(|&(_, family, version)| Self { family, version })
    }
}

/// A program of this machine that runs functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// What it runs.
    pub family: Family,
    /// Its own version.
    pub version: Version,
    /// The same as it says it itself, to the last number: `22.23.3`.
    pub release: String,
    /// The executable.
    pub path: PathBuf,
    /// Where it was found.
    pub source: Source,
}

/// Where an interpreter was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In the folder that was configured.
    Folder,
    /// Among the versions of pyenv.
    Pyenv,
    /// Among the versions of nvm.
    Nvm,
    /// In a folder of `PATH`.
    Path,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Folder => "runtimes folder",
            Self::Pyenv => "pyenv",
            Self::Nvm => "nvm",
            Self::Path => "PATH",
        })
    }
}

impl Interpreter {
    /// The interpreter that this executable is. `None` where it is none, or does not run here.
    /// Runs it.
    pub fn of(executable: &Path, source: Source) -> Option<Self> {
        let path = executable.canonicalize().ok().filter(|path| is_native(path))?;
        let (family, version, release) = ask_version(&path)?;
        Some(Self { family, version, release, path, source })
    }
}

/// How well an interpreter fits the runtime that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The very version.
    Exact,
    /// The machine lacks the version; a newer one runs in its place. Callers warn or refuse.
    Substituted {
        /// The version that the function names.
        wanted: Version,
        /// The version that runs it.
        got: Version,
    },
}

/// What runs a function: an interpreter, or nothing but the package's own `bootstrap`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// `None` for `provided.al2023`.
    pub interpreter: Option<Interpreter>,
    /// Whether it is the version asked for.
    pub fit: Fit,
}

/// The interpreter for `runtime`: the version itself, else the nearest newer one. `None` where the
/// machine has neither: an older interpreter would fail on syntax that the function may use.
pub fn select(runtime: Runtime, interpreters: &[Interpreter]) -> Option<Selected> {
    if runtime.family == Family::Provided {
        return Some(Selected { interpreter: None, fit: Fit::Exact });
    }
    // Node.js runtimes name a major version only.
    let same = |got: Version| match runtime.family {
        Family::Node => got.0 == runtime.version.0,
        _ => got == runtime.version,
    };
    let family = || interpreters.iter().filter(|found| found.family == runtime.family);
    if let Some(exact) = family().find(|found| same(found.version)) {
        return Some(Selected { interpreter: Some(exact.clone()), fit: Fit::Exact });
    }
    let newer =
        family().filter(|found| found.version > runtime.version).min_by_key(|f| f.version)?;
    let fit = Fit::Substituted { wanted: runtime.version, got: newer.version };
    Some(Selected { interpreter: Some(newer.clone()), fit })
}

/// Looks for interpreters: in `folder` (if any) and its subfolders' `bin`, then in the version
/// folders of pyenv and nvm, then on `PATH`. Runs each one found once, so call it off the async
/// threads and keep the answer.
pub fn discover(folder: Option<&Path>) -> Vec<Interpreter> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (source, bin) in folders(folder) {
        for path in candidates(&bin) {
            // Two names of one file are one interpreter.
            if let Ok(real) = path.canonicalize()
                && seen.insert(real.clone())
            {
                found.extend(Interpreter::of(&real, source));
            }
        }
    }
    found
}

/// The folders to look into, best first.
fn folders(configured: Option<&Path>) -> Vec<(Source, PathBuf)> {
    let mut all = Vec::new();
    if let Some(folder) = configured {
        all.extend([folder.to_owned(), folder.join("bin")].map(|bin| (Source::Folder, bin)));
    }
    let mut versions = |source, root: &Path| {
        let Ok(entries) = std::fs::read_dir(root) else { return };
        let mut bins: Vec<_> = entries.flatten().map(|entry| entry.path().join("bin")).collect();
        bins.sort();
        all.extend(bins.into_iter().map(|bin| (source, bin)));
    };
    if let Some(folder) = configured {
        versions(Source::Folder, folder);
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let under = |variable: &str, default: &str| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .or_else(|| home.as_ref().map(|home| home.join(default)))
    };
    if let Some(root) = under("PYENV_ROOT", ".pyenv") {
        versions(Source::Pyenv, &root.join("versions"));
    }
    if let Some(root) = under("NVM_DIR", ".nvm") {
        versions(Source::Nvm, &root.join("versions/node"));
    }
    if let Some(path) = std::env::var_os("PATH") {
        all.extend(std::env::split_paths(&path).map(|bin| (Source::Path, bin)));
    }
    all
}

/// Files of `bin` whose name is an interpreter's.
fn candidates(bin: &Path) -> Vec<PathBuf> {
    let mut names = vec!["node".to_owned(), "nodejs".to_owned(), "python3".to_owned()];
    names.extend((9..40).map(|minor| format!("python3.{minor}")));
    names.into_iter().map(|name| bin.join(name)).filter(|path| path.is_file()).collect()
}

/// Whether a file is an ELF executable. Version managers put shell scripts ("shims") on `PATH` that
/// choose a version by the working directory: no ground to run a function on.
fn is_native(path: &Path) -> bool {
    let mut magic = [0_u8; 4];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic == *b"\x7fELF"
}

/// Runs `path --version` in an empty environment.
fn ask_version(path: &Path) -> Option<(Family, Version, String)> {
    let output = Command::new(path)
        .arg("--version")
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    parse_version(std::str::from_utf8(&output.stdout).ok()?)
}

/// Reads `v20.20.2` (Node.js) and `Python 3.11.7`.
fn parse_version(text: &str) -> Option<(Family, Version, String)> {
    let text = text.trim();
    let (family, numbers) = match text.strip_prefix("Python ") {
        Some(numbers) => (Family::Python, numbers),
        None => (Family::Node, text.strip_prefix('v')?),
    };
    let mut parts = numbers.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    Some((family, Version(major, minor), numbers.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(minor: u16) -> Interpreter {
        interpreter(Family::Python, Version(3, minor))
    }

    fn node(major: u16) -> Interpreter {
        interpreter(Family::Node, Version(major, 4))
    }

    fn interpreter(family: Family, version: Version) -> Interpreter {
        let (release, path) = (format!("{version}.0"), "/bin/of/it".into());
        Interpreter { family, version, release, path, source: Source::Path }
    }

    #[test]
    fn the_exact_version_wins_then_the_nearest_newer() {
        let have = [python(13), python(10), python(12), node(22), node(26)];
        let check = |name: &str, want: Option<Fit>| {
            let runtime: Runtime = name.parse().unwrap();
            assert_eq!(select(runtime, &have).map(|s| s.fit), want, "{name}");
        };
        let substituted = |wanted, got| Some(Fit::Substituted { wanted, got });
        check("python3.12", Some(Fit::Exact));
        check("python3.11", substituted(Version(3, 11), Version(3, 12)));
        check("python3.9", substituted(Version(3, 9), Version(3, 10)));
        check("nodejs22.x", Some(Fit::Exact));
        check("nodejs24.x", substituted(Version(24, 0), Version(26, 4)));
        check("provided.al2023", Some(Fit::Exact));
        assert_eq!(select("python3.13".parse().unwrap(), &[python(12)]), None);
    }

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for runtime in Runtime::all() {
            assert_eq!(runtime.name().parse(), Ok(runtime));
        }
        for name in ["", "python3.8", "nodejs20", "provided", "python3.12 "] {
            assert!(name.parse::<Runtime>().is_err(), "{name}");
        }
    }

    #[test]
    fn versions_as_the_programs_print_them() {
        let said = |text| parse_version(text).unwrap();
        assert_eq!(said("v20.20.2\n"), (Family::Node, Version(20, 20), "20.20.2".to_owned()));
        let (family, version, release) = said("Python 3.14.0rc1\n");
        assert_eq!((family, version, &*release), (Family::Python, Version(3, 14), "3.14.0rc1"));
        for odd in ["", "v", "Python 3", "Python x.y", "20.1.0", "v99999999.1"] {
            assert_eq!(parse_version(odd), None, "{odd}");
        }
    }

    #[test]
    fn this_machine_has_node_and_python() {
        let found = discover(None);
        for family in [Family::Node, Family::Python] {
            assert!(
                found.iter().any(|one| one.family == family),
                "the sandbox tests need {family:?} installed; found {found:?}"
            );
        }
    }

    #[test]
    fn a_configured_folder_comes_first() {
        let found = discover(None);
        let python = found.iter().find(|one| one.family == Family::Python).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("mine/bin")).unwrap();
        std::fs::copy(&python.path, folder.path().join("mine/bin/python3")).unwrap();
        std::fs::write(folder.path().join("mine/bin/node"), "#!/bin/sh\necho v20.1.1\n").unwrap();
        let first = discover(Some(folder.path())).into_iter().next();
        // A copied interpreter may lack its library; where it runs, it is first. Scripts never are.
        if let Some(first) = first {
            assert_ne!(first.path.file_name().unwrap(), "node");
            if first.path.starts_with(folder.path().canonicalize().unwrap()) {
                assert_eq!(first.source, Source::Folder);
            }
        }
    }
}
