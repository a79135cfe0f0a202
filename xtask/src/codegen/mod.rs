//! `cargo xtask codegen`: writes `api/<service>/src` from AWS's API models.
//!
//! The models are those of a pinned botocore, taken from a virtual environment that this command
//! makes when it is missing. `api/operations.toml` lists what is generated. No documentation text
//! is carried over.

mod emit;
mod meta;
mod model;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use model::Model;

/// The release whose models are used; a test regenerates and compares, so it must be exact.
const BOTOCORE: &str = "botocore==1.44.5";

/// What `api/operations.toml` says of one service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Operations to generate.
    pub(crate) operations: Vec<String>,
    /// Shapes that are Rust types written by hand.
    #[serde(default)]
    pub(crate) types: BTreeMap<String, String>,
    /// Enumerations whose order in AWS's messages differs from the model's.
    #[serde(default)]
    pub(crate) enums: BTreeMap<String, Vec<String>>,
    /// Root elements of XML answers that the model does not name, by operation.
    #[serde(default)]
    pub(crate) roots: BTreeMap<String, String>,
    /// Members left out, as `Structure.Member`.
    #[serde(default)]
    pub(crate) omit: BTreeSet<String>,
    /// The namespace of XML answers, where the model's metadata does not have it.
    #[serde(default)]
    pub(crate) xmlns: Option<String>,
}

/// `cargo xtask codegen [--check]`: with `--check` it says what differs and writes nothing.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = crate::workspace::root();
    match words.as_slice() {
        [] => generate(&root, false),
        ["--check"] => generate(&root, true),
        _ => Err("usage: cargo xtask codegen [--check]".to_owned()),
    }
}

fn generate(root: &Path, check: bool) -> Result<(), String> {
    let list = fs::read_to_string(root.join("api/operations.toml"))
        .map_err(|e| format!("api/operations.toml: {e}"))?;
    let services: BTreeMap<String, Wanted> =
        toml::from_str(&list).map_err(|e| format!("api/operations.toml: {e}"))?;
    let python = python(root)?;
    let mut stale = Vec::new();
    for (name, wanted) in &services {
        let model = load(&python, name)?;
        let files = emit::service(name, &model, wanted).map_err(|e| format!("{name}: {e}"))?;
        let src = root.join("api").join(name).join("src");
        let mut old = existing(&src);
        for (path, text) in files {
            let text = rustfmt(&text).map_err(|e| format!("{name}/{path}: {e}"))?;
            let path = src.join(path);
            old.remove(&path);
            if fs::read_to_string(&path).is_ok_and(|there| there == text) {
                continue;
            }
            stale.push(path.clone());
            if !check {
                write(&path, &text)?;
            }
        }
        for path in old {
            stale.push(path.clone());
            if !check {
                fs::remove_file(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            }
        }
    }
    if check && !stale.is_empty() {
        let list: Vec<String> = stale.iter().map(|p| p.display().to_string()).collect();
        return Err(format!(
            "generated code is stale; run `cargo xtask codegen`:\n{}",
            list.join("\n")
        ));
    }
    println!("{} services, {} files changed", services.len(), stale.len());
    Ok(())
}

/// The Rust files below `src`.
fn existing(src: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.insert(path);
            }
        }
    }
    found
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .map_err(|e| format!("{}: {e}", path.display()))
}

/// The interpreter of a virtual environment that has the pinned botocore.
fn python(root: &Path) -> Result<PathBuf, String> {
    let venv = root.join("target/models");
    let python = venv.join("bin/python");
    let stamp = venv.join("botocore-pin");
    if fs::read_to_string(&stamp).is_ok_and(|pin| pin == BOTOCORE) {
        return Ok(python);
    }
    run_to_end(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run_to_end(Command::new(&python).args([
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        BOTOCORE,
    ]))?;
    fs::write(&stamp, BOTOCORE).map_err(|e| e.to_string())?;
    Ok(python)
}

fn run_to_end(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}

/// The newest model of a service.
fn load(python: &Path, service: &str) -> Result<Model, String> {
    const SCRIPT: &str = "import botocore.loaders, json, sys\n\
        loader = botocore.loaders.Loader()\n\
        json.dump(loader.load_service_model(sys.argv[1], 'service-2'), sys.stdout)";
    let output = Command::new(python)
        .args(["-c", SCRIPT, service])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("{}: {e}", python.display()))?;
    if !output.status.success() {
        return Err(format!("botocore has no model of {service}"));
    }
    let mut model: Model = serde_json::from_slice(&output.stdout)
        .map_err(|e| format!("the model of {service}: {e}"))?;
    // CloudFront's names have its API's version at their end, which clients and policies leave out.
    for (name, operation) in &mut model.operations {
        operation.name.clone_from(name);
    }
    Ok(model)
}

fn rustfmt(text: &str) -> Result<String, String> {
    use std::io::Write as _;
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=100,use_small_heuristics=Max"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("rustfmt: {e}"))?;
    let mut stdin = child.stdin.take().ok_or("rustfmt has no input")?;
    let owned = text.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(owned.as_bytes()));
    let output = child.wait_with_output().map_err(|e| e.to_string())?;
    feeder.join().map_err(|_| "rustfmt's input broke off")?.map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err("rustfmt refuses the generated text".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|e| e.to_string())
}
