//! What many functions start with in common: an interpreter with a runtime client, which can be
//! started before it is known for whom.
//!
//! Such a program waits for its function's environment where the runtime client says
//! "started ahead", and must then be in every respect as if it had been started with it. What an
//! interpreter or the C library reads once, when it starts, cannot be given to it later: functions
//! that set such a variable are started by themselves.

use std::path::{Path, PathBuf};

use crate::function::{Function, RuntimeFolder, command, system_path};
use crate::launch::{Folders, Launcher};
use crate::runtime::{Family, Interpreter, Runtime};

/// Variables that are read at start, by how they begin: the dynamic linker's, the C library's, the
/// interpreters', and those of libraries within them.
const READ_AT_START: [&str; 12] = [
    "AWS_LAMBDA_EXEC_WRAPPER",
    "GLIBC_",
    "ICU_",
    "LANG",
    "LC_",
    "LD_",
    "MALLOC_",
    "NODE_",
    "OPENSSL_",
    "PYTHON",
    "SSL_CERT_",
    "UV_",
];

/// One of those names that is read by programs' own code alone.
const HARMLESS: &str = "NODE_ENV";

/// A program that waits for its function. Two functions with equal ones may get the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Generic {
    /// The interpreter.
    pub(crate) program: PathBuf,
    /// Its arguments, without the program's name.
    pub(crate) arguments: Vec<String>,
    /// What it reads when it starts.
    pub(crate) environment: Vec<(String, String)>,
    /// The runtime clients, on the machine.
    pub(crate) runtime: PathBuf,
}

impl Generic {
    /// What runs functions of a runtime with so much memory.
    pub fn new(
        runtime: Runtime,
        interpreter: &Interpreter,
        memory_mb: u32,
        folder: &RuntimeFolder,
        launcher: &dyn Launcher,
    ) -> Self {
        let layers = Some(PathBuf::from("/opt"));
        let folders = Folders { code: PathBuf::new(), layers, runtime: folder.path().to_owned() };
        let inside = launcher.inside(&folders);
        let (code, client) = (inside.code.display(), inside.runtime.display());
        // With the layers' folder, whether there will be layers or not.
        let libraries = format!("{client}:{client}/lib:{code}:{code}/lib:/opt/lib");
        let mut environment = vec![
            ("TZ".to_owned(), ":UTC".to_owned()),
            ("LANG".to_owned(), "en_US.UTF-8".to_owned()),
            ("PATH".to_owned(), system_path()),
            ("LD_LIBRARY_PATH".to_owned(), libraries),
        ];
        if runtime.family == Family::Python {
            environment.push(("PYTHONPATH".to_owned(), client.to_string()));
        }
        Self {
            program: interpreter.path.clone(),
            arguments: command(runtime, memory_mb, &inside),
            environment,
            runtime: folders.runtime,
        }
    }

    /// The one that `function` can do with, if any.
    pub(crate) fn of(
        function: &Function,
        folder: &RuntimeFolder,
        launcher: &dyn Launcher,
    ) -> Option<Self> {
        let interpreter = function.interpreter.as_ref()?;
        let read_at_start = |name: &String| {
            name != HARMLESS && READ_AT_START.iter().any(|start| name.starts_with(start))
        };
        if function.environment.keys().any(read_at_start)
            || function.layers.as_deref().is_some_and(|layers| customises(layers, function.runtime))
        {
            return None;
        }
        Some(Self::new(function.runtime, interpreter, function.memory_mb, folder, launcher))
    }
}

/// Whether layers have a module that Python loads when it starts (its documentation, module
/// `site`).
fn customises(layers: &Path, runtime: Runtime) -> bool {
    let folders =
        ["python".to_owned(), format!("python/lib/python{}/site-packages", runtime.version)];
    runtime.family == Family::Python
        && folders.iter().any(|folder| {
            let folder = layers.join(folder);
            ["sitecustomize.py", "sitecustomize"].iter().any(|name| folder.join(name).exists())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::tests::function;
    use crate::ladder::RefusingLauncher;
    use crate::launch::Rung;

    #[test]
    fn what_is_read_at_start_takes_a_start_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        let folder = RuntimeFolder::write(root.path()).unwrap();
        let launcher = RefusingLauncher::new(Rung::Process, "");
        let kind = |function: &Function| Generic::of(function, &folder, &launcher);
        let usual = kind(&function()).unwrap();
        let with = |name: &str| {
            let mut function = function();
            function.environment.insert(name.to_owned(), "1".to_owned());
            kind(&function)
        };
        for name in ["TABLE", "TZ", "NODE_ENV", "PATH", "AWS_NODEJS_CONNECTION_REUSE_ENABLED"] {
            assert_eq!(with(name).as_ref(), Some(&usual), "{name}");
        }
        for name in
            ["AWS_LAMBDA_EXEC_WRAPPER", "NODE_OPTIONS", "PYTHONPATH", "LD_PRELOAD", "LC_ALL"]
        {
            assert_eq!(with(name), None, "{name}");
        }
        let mut custom = function();
        custom.interpreter = None;
        assert_eq!(kind(&custom), None);
        // V8 is told its heap's size at start.
        let mut larger = function();
        (larger.runtime, larger.memory_mb) = ("nodejs20.x".parse().unwrap(), 256);
        let small = Function { memory_mb: 128, ..larger.clone() };
        assert_ne!(kind(&larger), kind(&small));
    }
}
