//! `cargo xtask test`: everything that CI runs, in the order in which it fails fastest. What the
//! real clients need is installed below the target folder; a tool that cannot be installed from
//! here fails the run with a sentence that says how to get it. Nothing is passed over in silence.

mod browser;
mod clients;
mod steps;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{self, cargo};
use steps::Steps;

/// Runs all tests, those of one crate, or the real clients alone.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let root = workspace::root();
    let target = target_folder(&root);
    let _alone = lock(&target)?;
    let mut steps = Steps::default();
    match arguments {
        [] => everything(&mut steps, &root, &target),
        [clients, rest @ ..] if clients == "clients" => {
            build(&mut steps, &root);
            clients::run(&mut steps, &root, &target, rest);
        }
        [name] => one_crate(&mut steps, &root, name)?,
        [_, extra, ..] => return Err(format!("test takes one crate, and `{extra}` is one more")),
    }
    steps.finish()
}

fn everything(steps: &mut Steps, root: &Path, target: &Path) {
    steps.run("format", cargo(root).args(["fmt", "--all", "--check"]));
    steps.record("generated code", || crate::codegen::run(&["--check".to_owned()]));
    let lints = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    steps.run("lints", cargo(root).args(lints));
    build(steps, root);
    if has_nextest(root) {
        let tests = ["nextest", "run", "--workspace", "--locked", "--no-fail-fast"];
        steps.run("tests", cargo(root).args(tests));
        steps.run(
            "examples in documentation",
            cargo(root).args(["test", "--doc", "--locked", "--workspace"]),
        );
    } else {
        steps.run("tests", cargo(root).args(["test", "--workspace", "--locked", "--no-fail-fast"]));
    }
    clients::run(steps, root, target, &[]);
}

fn one_crate(steps: &mut Steps, root: &Path, name: &str) -> Result<(), String> {
    let members = workspace::members(root)?;
    let prefixed = format!("cumulet-{name}");
    let package = members
        .iter()
        .map(|member| member.name.as_str())
        .find(|package| *package == prefixed || *package == name)
        .ok_or_else(|| {
            format!("there is no crate `{name}`; the folders of crates/ and api/ are")
        })?;
    let lints = ["clippy", "--all-targets", "--locked", "-p", package, "--", "-D", "warnings"];
    steps.run("lints", cargo(root).args(lints));
    steps.run("tests", cargo(root).args(["test", "--locked", "-p", package]));
    Ok(())
}

fn build(steps: &mut Steps, root: &Path) {
    steps.run("build", cargo(root).args(["build", "--locked", "-p", "cumulet"]));
}

fn has_nextest(root: &Path) -> bool {
    cargo(root).args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}

/// Where cargo builds: CARGO_TARGET_DIR as cargo itself reads it, or `target/`.
fn target_folder(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// One run at a time in one target folder: another one would replace the binary under test.
fn lock(target: &Path) -> Result<File, String> {
    let path = target.join("xtask-test.lock");
    let at = |e: io::Error| format!("{}: {e}", path.display());
    fs::create_dir_all(target).map_err(at)?;
    let file = File::create(&path).map_err(at)?;
    if file.try_lock().is_err() {
        println!("another `cargo xtask test` runs in {}; waiting for it", target.display());
        file.lock().map_err(at)?;
    }
    Ok(file)
}

/// Whether a program starts and says its version; the error is a sentence with the remedy.
fn need(program: &str, remedy: &str) -> Result<String, String> {
    let output = Command::new(program).arg("--version").output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!("`{program} --version` failed ({}): {remedy}", output.status)),
        Err(error) => Err(format!("`{program}` is missing ({error}): {remedy}")),
    }
}
