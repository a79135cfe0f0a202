//! Python's dependencies, by the interpreter that will run the function: packages with parts in C
//! are made for one version.

use std::path::Path;

use cumulet_sandbox::{Interpreter, Runtime, select};

use super::kept::Kept;
use crate::command::{Run, on_path};
use crate::up::progress::Step;

/// The interpreter that functions of this runtime get.
pub(super) fn interpreter(found: &[Interpreter], runtime: Runtime) -> Result<Interpreter, String> {
    select(runtime, found).and_then(|selected| selected.interpreter).ok_or_else(|| {
        let name = runtime.name();
        format!("{name} is not installed on this machine, nor a newer version. Install it.")
    })
}

/// What `requirements.txt` of the folder `code` names, if it hangs on no other file: neither on
/// lists that it takes in nor on packages beside it.
pub(super) fn kept(build: &Path, id: &str, code: &Path, interpreter: &Interpreter) -> Option<Kept> {
    let file = code.join("requirements.txt");
    let text = std::fs::read_to_string(&file).ok()?;
    let about = format!("pip {} {}", interpreter.path.display(), interpreter.release);
    hangs_on_itself(&text).then(|| Kept::of(build, id, &about, &[file]))
}

/// ("Requirements File Format" in pip's documentation: options begin with a hyphen, and what has a
/// path's form is one.)
fn hangs_on_itself(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).all(|line| {
        let hash = line.starts_with("--hash=");
        let name = line.split([' ', ';', '=', '<', '>', '!', '~', '[', '@']).next();
        let named = name.is_some_and(|name| {
            let mut signs = name.bytes();
            !name.is_empty() && signs.all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        });
        let begins = line.starts_with(|c: char| c.is_ascii_alphanumeric());
        hash || (named && begins && !line.contains("file:") && !is_file(line))
    })
}

/// A wheel or an archive that lies beside it.
fn is_file(line: &str) -> bool {
    let name = line.split([' ', ';']).next().unwrap_or(line);
    [".whl", ".zip", ".gz", ".bz2", ".xz", ".tar"].iter().any(|end| name.ends_with(end))
        && !name.contains("://")
}

/// Installs `requirements.txt` of the folder `code` into `out`.
pub(super) async fn install(
    interpreter: &Interpreter,
    code: &Path,
    out: &Path,
    step: &Step,
) -> Result<(), String> {
    let pip = pip(interpreter, code).await?;
    step.now("pip install -r requirements.txt");
    pip.arg("install")
        .arg("-r")
        .arg("requirements.txt")
        .quietly("--target")
        .quietly(out)
        // Compiled files carry times, and no two packages would be the same.
        .quietly("--no-compile")
        .quietly("--no-input")
        .quietly("--disable-pip-version-check")
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .run()
        .await
}

/// The interpreter's own pip, or another that is told to install for it.
async fn pip(interpreter: &Interpreter, code: &Path) -> Result<Run, String> {
    let own = || Run::new(&interpreter.path, code).arg("-m").arg("pip");
    if own().arg("--version").run().await.is_ok() {
        return Ok(own());
    }
    let other = ["pip3", "pip"].into_iter().find_map(on_path).ok_or_else(|| {
        let python = interpreter.path.display();
        format!(
            "{python} has no pip: install it (`{python} -m ensurepip`, or the system's package)"
        )
    })?;
    Ok(Run::new(other, code).arg("--python").arg(&interpreter.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hangs_on_other_files_is_not_kept() {
        for text in [
            "requests",
            "# two\nrequests==2.32.3\n\nboto3 >= 1.34 ; python_version < '3.12'\n",
            "uvicorn[standard]~=0.30",
            "a==1 \\\n    --hash=sha256:00\n",
            "a @ https://example.org/a.whl",
        ] {
            assert!(hangs_on_itself(text), "{text}");
        }
        for text in [
            "-r other.txt",
            "requests\n--constraint limits.txt",
            "./local",
            "../local",
            "/opt/local",
            "-e .",
            "local/package",
            "a.whl",
            "a @ file:///opt/a",
            "https://example.org/a.zip",
        ] {
            assert!(!hangs_on_itself(text), "{text}");
        }
    }
}
