//! Python's dependencies, by the interpreter that will run the function: packages with parts in C
//! are made for one version.

use std::path::Path;

use cumulet_sandbox::{Interpreter, Runtime, select};

use crate::command::{Run, on_path};
use crate::up::progress::Step;

/// The interpreter that functions of this runtime get.
pub(super) fn interpreter(found: &[Interpreter], runtime: Runtime) -> Result<Interpreter, String> {
    select(runtime, found).and_then(|selected| selected.interpreter).ok_or_else(|| {
        let name = runtime.name();
        format!("{name} is not installed on this machine, nor a newer version. Install it.")
    })
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
