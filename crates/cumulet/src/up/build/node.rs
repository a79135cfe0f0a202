//! Node's dependencies by `npm`, and bundles by the app's own `esbuild`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::copy;
use super::kept::Kept;
use crate::command::{Run, on_path};
use crate::up::code::Code;
use crate::up::files::{Entry, Kind, Listing};
use crate::up::progress::Step;

/// Files that say which dependencies a folder has.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];
/// Endings of an entry point, the likeliest first.
const SOURCES: [&str; 6] = ["ts", "mts", "js", "mjs", "tsx", "cjs"];

/// Steps of npm that run a package's own programs, on its own files.
const SCRIPTS: [&str; 7] =
    ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];

/// The dependencies of the package in the folder `code`, if they hang on nothing but its manifests:
/// neither on programs of its own nor on other folders.
fn kept(build: &Path, id: &str, code: &Path, production: bool) -> Option<Kept> {
    let read = |name: &str| std::fs::read_to_string(code.join(name)).unwrap_or_default();
    let package = serde_json::from_str(&read("package.json")).ok()?;
    let files: Vec<PathBuf> = kept_files().map(|name| code.join(name)).collect();
    // Parts in C are made for one version of it.
    let node = on_path("node").and_then(|path| path.canonicalize().ok());
    let made = node.as_ref().and_then(|path| std::fs::metadata(path).ok()?.modified().ok());
    let about = format!("npm {production} {node:?} {made:?}");
    (hangs_on_manifests(&package) && !read("package-lock.json").contains("\"link\": true"))
        .then(|| Kept::of(build, id, &about, &files))
}

/// Files that say what npm brings.
fn kept_files() -> impl Iterator<Item = &'static str> {
    MANIFESTS.into_iter().chain(["npm-shrinkwrap.json", ".npmrc"])
}

fn hangs_on_manifests(package: &Value) -> bool {
    let runs = SCRIPTS
        .iter()
        .any(|script| package.get("scripts").is_some_and(|scripts| scripts.get(script).is_some()));
    let sections = ["dependencies", "optionalDependencies", "devDependencies", "peerDependencies"];
    let named = sections.iter().filter_map(|section| package.get(section)?.as_object());
    let elsewhere = |text: &str| {
        // `~/a`, and not `~1.2`.
        let starts = ["./", "../", "/", "~/", "file:", "link:", "workspace:"];
        starts.iter().any(|start| text.starts_with(start))
    };
    let mut versions = named.flat_map(Map::values);
    let near = versions.any(|version| version.as_str().is_none_or(elsewhere));
    !runs && !near && package.get("workspaces").is_none()
}

/// Brings kept dependencies.
async fn bring(code: &Path, folder: &Path, step: &Step, production: bool) -> Result<(), String> {
    for name in kept_files().filter(|name| code.join(name).is_file()) {
        let to = folder.join(name);
        std::fs::copy(code.join(name), &to).map_err(|why| format!("{}: {why}", to.display()))?;
    }
    install(folder, step, production).await
}

/// Brings the dependencies of the package in `folder`; for production without those of its
/// development.
pub(in crate::up) async fn install(
    folder: &Path,
    step: &Step,
    production: bool,
) -> Result<(), String> {
    let locked = folder.join("package-lock.json").is_file();
    let mut npm = Run::new("npm", folder).arg(if locked { "ci" } else { "install" });
    if production {
        npm = npm.arg("--omit=dev");
        if !locked {
            npm = npm.quietly("--no-package-lock");
        }
    }
    step.now(npm.shown());
    let npm = npm.quietly("--no-audit").quietly("--no-fund");
    npm.env("npm_config_update_notifier", "false").run().await
}

/// What lies around a folder that is bundled, up to the app's: dependencies may be named there.
pub(super) fn around(folder: &Path, app: &Path) -> Listing {
    let mut found = Listing::new();
    for (level, above) in folders(folder, app).skip(1).enumerate() {
        for name in MANIFESTS {
            let path = above.join(name);
            if let Ok(data) = std::fs::metadata(&path) {
                let kind = Kind::File { executable: false, bytes: data.len() };
                found.insert(format!("{}{name}", "../".repeat(level + 1)), Entry { path, kind });
            }
        }
    }
    found
}

/// The folder, and those above it up to the app's.
fn folders<'a>(folder: &'a Path, app: &'a Path) -> impl Iterator<Item = &'a Path> {
    folder.ancestors().take_while(move |above| *above == folder || above.starts_with(app))
}

/// Puts the files of `code` into the folder `to`, and its dependencies: those that are kept in the
/// folder of packages `build`, or else those that npm brings.
pub(super) async fn furnish(
    build: &Path,
    code: &Code,
    listing: Listing,
    to: &Path,
    step: &Step,
    production: bool,
) -> Result<(), String> {
    let own = listing.into_iter().filter(|(name, _)| !name.starts_with("../")).collect();
    if let Some(kept) = kept(build, &code.id, &code.path, production) {
        let bring = async |to: &Path| bring(&code.path, to, step, production).await;
        kept.put(to, bring).await?;
        return copy(own, to).await;
    }
    copy(own, to).await?;
    install(to, step, production).await
}

/// Whether dependencies are to be brought before `code` can be bundled: the app has them installed
/// nowhere, and names some.
pub(super) fn lacks_dependencies(code: &Code, app: &Path) -> bool {
    let installed = folders(&code.path, app).any(|folder| folder.join("node_modules").is_dir());
    !installed && code.path.join("package.json").is_file()
}

/// Bundles `code` into `out`, in a folder that has its files and dependencies.
pub(super) async fn bundle(
    code: &Code,
    properties: &Map<String, Value>,
    app: &Path,
    folder: &Path,
    out: &Path,
    step: &Step,
) -> Result<(), String> {
    let esbuild = esbuild(folder, app).ok_or_else(|| {
        format!(
            "esbuild is not installed: add it to the app (`npm install --save-dev esbuild` in {})",
            code.path.display()
        )
    })?;
    let mut run = Run::new(esbuild, folder);
    for entry in entries(code, properties)? {
        run = run.arg(entry);
    }
    for flag in flags(properties)? {
        run = run.quietly(flag);
    }
    step.now(run.shown());
    run.quietly(format!("--outdir={}", out.display())).run().await
}

fn esbuild(folder: &Path, app: &Path) -> Option<PathBuf> {
    let mut beside = folders(folder, app).map(|above| above.join("node_modules/.bin/esbuild"));
    beside.find(|file| file.is_file()).or_else(|| on_path("esbuild"))
}

/// `EntryPoints`, or the handler's file.
fn entries(code: &Code, properties: &Map<String, Value>) -> Result<Vec<String>, String> {
    if let Some(named) = properties.get("EntryPoints") {
        let items = named.as_array().into_iter().flatten();
        return Ok(items.filter_map(Value::as_str).map(str::to_owned).collect());
    }
    let handler = code.handler.as_deref().unwrap_or_default();
    let stem = handler.rsplit_once('.').map_or(handler, |(stem, _)| stem);
    let mut files = SOURCES.iter().map(|end| format!("{stem}.{end}"));
    let found = files.find(|file| code.path.join(file).is_file()).ok_or_else(|| {
        format!("no file for the handler `{handler}`: name EntryPoints in BuildProperties")
    })?;
    Ok(vec![found])
}

/// `BuildProperties` as options of esbuild ("Building Node.js Lambda functions with esbuild").
fn flags(properties: &Map<String, Value>) -> Result<Vec<String>, String> {
    let mut flags = vec!["--bundle".to_owned(), "--platform=node".to_owned()];
    for (name, default) in [("Format", "cjs"), ("Target", "es2020"), ("Minify", "true")] {
        if !properties.contains_key(name) {
            flags.push(format!("--{}={default}", name.to_ascii_lowercase()));
        }
    }
    for (name, value) in properties {
        let (flag, each) = match name.as_str() {
            "EntryPoints" => continue,
            "Format" => ("format", false),
            "Target" => ("target", false),
            "Minify" => ("minify", false),
            // The one switch that takes no `true`.
            "Sourcemap" if value == false => continue,
            "Sourcemap" if value == true => {
                flags.push("--sourcemap".to_owned());
                continue;
            }
            "Sourcemap" => ("sourcemap", false),
            "SourcesContent" => ("sources-content", false),
            "KeepNames" => ("keep-names", false),
            "MainFields" => ("main-fields", false),
            "TreeShaking" => ("tree-shaking", false),
            "External" => ("external", true),
            "Loader" => ("loader", true),
            "OutExtension" => ("out-extension", true),
            "Banner" => ("banner", true),
            "Footer" => ("footer", true),
            "Define" => ("define", true),
            "Alias" => ("alias", true),
            other => {
                return Err(format!("`up` does not know `{other}` of esbuild's BuildProperties"));
            }
        };
        let items: Vec<String> = match value {
            Value::Array(items) => items.iter().map(text).collect(),
            Value::Object(map) => {
                map.iter().map(|(key, item)| format!("{key}={}", text(item))).collect()
            }
            one => vec![text(one)],
        };
        if each {
            flags.extend(items.iter().map(|item| format!("--{flag}:{item}")));
        } else {
            flags.push(format!("--{flag}={}", items.join(",")));
        }
    }
    Ok(flags)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn properties_become_options() {
        let properties = json!({
            "Minify": false, "Target": "node20", "EntryPoints": ["app.ts"],
            "External": ["a", "b"], "MainFields": ["module", "main"], "Sourcemap": true, "OutExtension": [".js=.mjs"]
        });
        assert_eq!(
            flags(properties.as_object().unwrap()).unwrap(),
            [
                "--bundle",
                "--platform=node",
                "--format=cjs",
                "--minify=false",
                "--target=node20",
                "--external:a",
                "--external:b",
                "--main-fields=module,main",
                "--sourcemap",
                "--out-extension:.js=.mjs",
            ]
        );
        let unknown = json!({"Plugins": []});
        assert!(flags(unknown.as_object().unwrap()).unwrap_err().contains("`Plugins`"));
    }

    #[test]
    fn what_hangs_on_other_files_is_not_kept() {
        let kept = |package: Value| hangs_on_manifests(&package);
        assert!(kept(json!({})));
        assert!(kept(json!({"dependencies": {"a": "~1.2", "b": "^3", "c": "git+ssh://x/y.git"}})));
        assert!(kept(json!({"scripts": {"test": "mocha"}})));
        for package in [
            json!({"dependencies": {"a": "file:../a"}}),
            json!({"devDependencies": {"a": "../a"}}),
            json!({"dependencies": {"a": "~/a"}}),
            json!({"dependencies": {"a": 1}}),
            json!({"scripts": {"prepare": "make"}}),
            json!({"workspaces": ["a"]}),
        ] {
            assert!(!kept(package.clone()), "{package}");
        }
    }

    #[test]
    fn the_folders_above_end_at_the_app() {
        let found: Vec<_> = folders(Path::new("/a/b/c"), Path::new("/a/b")).collect();
        assert_eq!(found, [Path::new("/a/b/c"), Path::new("/a/b")]);
        let found: Vec<_> = folders(Path::new("/x/y"), Path::new("/a")).collect();
        assert_eq!(found, [Path::new("/x/y")]);
    }
}
