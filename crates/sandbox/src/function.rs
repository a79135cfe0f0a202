//! A function's version as the sandbox needs it, and the environment and command made of it.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cumulet_base::Timestamp;

use crate::generic::Generic;
use crate::launch::{BoxFuture, Folders, Launch, Launcher};
use crate::runtime::{Family, Interpreter, Runtime};

/// One published version of a function, or `$LATEST` as it is now.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name, without ARN or qualifier.
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// The region it runs in.
    pub region: String,
    /// What it is written for.
    pub runtime: Runtime,
    /// What runs it; `None` for `provided.al2023`.
    pub interpreter: Option<Interpreter>,
    /// `file.function`; for `provided.al2023` whatever its bootstrap makes of it.
    pub handler: String,
    /// The folder with the unpacked package.
    pub code: PathBuf,
    /// The folder with the unpacked layers, one over the other: what AWS shows as `/opt`.
    pub layers: Option<PathBuf>,
    /// MB, 128 to 10,240.
    pub memory_mb: u32,
    /// MB of `/tmp`, 512 to 10,240.
    pub storage_mb: u32,
    /// 1 to 900 seconds.
    pub timeout: Duration,
    /// The function's own variables.
    pub environment: BTreeMap<String, String>,
    /// Where programs of this machine find this cloud. What the function's SDK reads in
    /// `AWS_ENDPOINT_URL` is what the launcher makes of it.
    pub endpoint: Option<String>,
    /// Such as `/aws/lambda/<name>`.
    pub log_group: String,
    /// How its runtime writes log lines.
    pub log_format: LogFormat,
    /// The least severe level that is logged, where one is set: `DEBUG`, `INFO`, `WARN` …
    pub log_level: Option<String>,
    /// Likewise of the platform's own events, where they are JSON: `DEBUG`, `INFO` or `WARN`.
    pub system_log_level: Option<String>,
}

/// `LoggingConfig.LogFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Plain lines.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Temporary credentials of a function's execution role.
#[derive(Clone)]
pub struct Credentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// The session's token.
    pub session_token: String,
    /// When they end; a sandbox is not used beyond that.
    pub expires: Timestamp,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Who assumes a function's execution role.
pub trait CredentialSource: Send + Sync + 'static {
    /// Credentials for a new sandbox, or the reason why there are none.
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, String>>;
}

/// The runtime clients, written to a folder where interpreters can read them.
#[derive(Debug, Clone)]
pub struct RuntimeFolder(Arc<Path>);

const NODE_CLIENT: (&str, &str) = ("node.cjs", include_str!("../bootstrap/node.cjs"));
const PYTHON_CLIENT: (&str, &str) = ("python.py", include_str!("../bootstrap/python.py"));

impl RuntimeFolder {
    /// Writes the clients into `folder`, replacing what an older version left there.
    pub fn write(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        for (name, text) in [NODE_CLIENT, PYTHON_CLIENT] {
            // A sandbox may start from the folder at any time: it must never see half a file.
            let temporary = folder.join(format!(".{name}.{}", std::process::id()));
            std::fs::write(&temporary, text)?;
            // Sandboxes may run as other users, whatever this process's mask.
            std::fs::set_permissions(&temporary, Permissions::from_mode(0o644))?;
            std::fs::rename(&temporary, folder.join(name))?;
        }
        Ok(Self(folder.into()))
    }

    /// Where they are.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// What to start for `function`.
pub(crate) fn launch(
    function: &Function,
    folder: &RuntimeFolder,
    credentials: &Credentials,
    log_stream: &str,
    launcher: &dyn Launcher,
) -> Launch {
    let folders = Folders {
        code: function.code.clone(),
        layers: function.layers.clone(),
        runtime: folder.0.to_path_buf(),
    };
    let inside = launcher.inside(&folders);
    let (program, arguments) = program(function, &inside);
    Launch {
        program,
        arguments,
        environment: environment(
            function,
            &inside,
            function.endpoint.as_deref().map(|url| launcher.endpoint(url)).as_deref(),
            credentials,
            log_stream,
        ),
        folders,
        interpreter: function.interpreter.as_ref().map(|found| found.path.clone()),
        generic: Generic::of(function, folder, launcher),
        memory: u64::from(function.memory_mb) << 20,
        storage: u64::from(function.storage_mb) << 20,
    }
}

fn program(function: &Function, inside: &Folders) -> (PathBuf, Vec<String>) {
    let Some(interpreter) = &function.interpreter else {
        let folder = match &inside.layers {
            Some(layers) if !function.code.join("bootstrap").exists() => layers,
            _ => &inside.code,
        };
        return (folder.join("bootstrap"), Vec::new());
    };
    let arguments = command(function.runtime, function.memory_mb, inside);
    // "Modifying the runtime environment": a wrapper script is given the command to run.
    match function.environment.get("AWS_LAMBDA_EXEC_WRAPPER") {
        Some(wrapper) => {
            let interpreter = interpreter.path.display().to_string();
            let arguments = std::iter::once(interpreter).chain(arguments).collect();
            (in_layers(inside, wrapper), arguments)
        }
        None => (interpreter.path.clone(), arguments),
    }
}

/// An interpreter's arguments.
pub(crate) fn command(runtime: Runtime, memory_mb: u32, inside: &Folders) -> Vec<String> {
    let client = |name: &str| inside.runtime.join(name).display().to_string();
    match runtime.family {
        // V8 sizes its heap by the machine, and would collect too late for the function's limit.
        Family::Node => {
            vec![format!("--max-old-space-size={}", memory_mb * 9 / 10), client(NODE_CLIENT.0)]
        }
        // No byte code into the code folder, no user's site folder, UTF-8 whatever the locale.
        _ => ["-B", "-s", "-X", "utf8"]
            .map(str::to_owned)
            .into_iter()
            .chain([client(PYTHON_CLIENT.0)])
            .collect(),
    }
}

/// Where programs of the machine are.
pub(crate) fn system_path() -> String {
    "/usr/local/bin:/usr/bin:/bin".to_owned()
}

/// A path under `/opt` where the function finds it.
fn in_layers(inside: &Folders, path: &str) -> PathBuf {
    match (&inside.layers, path.strip_prefix("/opt/")) {
        (Some(layers), Some(rest)) => layers.join(rest),
        _ => PathBuf::from(path),
    }
}

/// "Defined runtime environment variables" in the developer guide. Reserved ones win over the
/// function's own; the others are defaults that it may replace.
fn environment(
    function: &Function,
    inside: &Folders,
    endpoint: Option<&str>,
    credentials: &Credentials,
    log_stream: &str,
) -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        all.insert(name.to_owned(), value.to_owned());
    };
    for (name, value) in defaults(function, inside) {
        set(name, &value);
    }
    if let Some(endpoint) = endpoint {
        set("AWS_ENDPOINT_URL", endpoint);
    }
    for (name, value) in &function.environment {
        // What no program could read anyway would make exec fail as a whole.
        if !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0') {
            set(name, value);
        }
    }
    let code = inside.code.display().to_string();
    set("_HANDLER", &function.handler);
    set("LAMBDA_TASK_ROOT", &code);
    set("LAMBDA_RUNTIME_DIR", &inside.runtime.display().to_string());
    set("AWS_REGION", &function.region);
    set("AWS_DEFAULT_REGION", &function.region);
    set("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
    set("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
    set("AWS_SESSION_TOKEN", &credentials.session_token);
    set("AWS_LAMBDA_FUNCTION_NAME", &function.name);
    set("AWS_LAMBDA_FUNCTION_VERSION", &function.version);
    set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory_mb.to_string());
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    set("AWS_LAMBDA_LOG_GROUP_NAME", &function.log_group);
    set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    set(
        "AWS_LAMBDA_LOG_FORMAT",
        if function.log_format == LogFormat::Json { "JSON" } else { "Text" },
    );
    if let Some(level) = &function.log_level {
        set("AWS_LAMBDA_LOG_LEVEL", level);
    }
    // OS-only runtimes have no identifier (developer guide, same page).
    if function.runtime.family != Family::Provided {
        set("AWS_EXECUTION_ENV", &format!("AWS_Lambda_{}", function.runtime.name()));
    }
    all.into_iter().collect()
}

/// Variables that a function may replace. Without layers nothing points to `/opt`: what this
/// machine has there is no business of the function's.
fn defaults(function: &Function, inside: &Folders) -> Vec<(&'static str, String)> {
    let own = |part: &str| format!("{}{part}", inside.code.display());
    let runtime = |part: &str| format!("{}{part}", inside.runtime.display());
    let layers = |parts: &[String]| -> Vec<String> {
        let opt = inside.layers.iter();
        opt.flat_map(|opt| parts.iter().map(move |part| format!("{}{part}", opt.display())))
            .collect()
    };
    let list = |parts: [Vec<String>; 2]| parts.concat().join(":");
    let libraries =
        [vec![runtime(""), runtime("/lib"), own(""), own("/lib")], layers(&["/lib".to_owned()])];
    let mut all = vec![
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", list([vec![system_path()], layers(&["/bin".to_owned()])])),
        ("LD_LIBRARY_PATH", list(libraries)),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned()),
    ];
    let version = function.runtime.version;
    match function.runtime.family {
        Family::Node => {
            let from_layers = layers(&[
                format!("/nodejs/node{}/node_modules", version.0),
                "/nodejs/node_modules".to_owned(),
            ]);
            all.push(("NODE_PATH", list([from_layers, vec![runtime("/node_modules")]])));
        }
        Family::Python => {
            let from_layers = layers(&[
                format!("/python/lib/python{version}/site-packages"),
                "/python".to_owned(),
            ]);
            all.push(("PYTHONPATH", list([vec![runtime("")], from_layers])));
        }
        Family::Provided => {}
    }
    all
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn function() -> Function {
        Function {
            name: "f".to_owned(),
            version: "$LATEST".to_owned(),
            region: "eu-west-1".to_owned(),
            runtime: "python3.12".parse().unwrap(),
            interpreter: Some(Interpreter {
                family: Family::Python,
                version: crate::Version(3, 12),
                release: "3.12.4".to_owned(),
                source: crate::Source::Path,
                path: "/usr/bin/python3".into(),
            }),
            handler: "a.b".to_owned(),
            code: "/code".into(),
            layers: Some("/layers".into()),
            memory_mb: 128,
            storage_mb: 512,
            timeout: Duration::from_secs(3),
            environment: BTreeMap::new(),
            endpoint: Some("http://127.0.0.1:4566".to_owned()),
            log_group: "/aws/lambda/f".to_owned(),
            log_format: LogFormat::Text,
            log_level: None,
            system_log_level: None,
        }
    }

    fn folders() -> Folders {
        let runtime = "/runtime".into();
        Folders { code: "/code".into(), layers: Some("/layers".into()), runtime }
    }

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "ASIA1".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: "token".to_owned(),
            expires: Timestamp::from_secs(0),
        }
    }

    #[test]
    fn reserved_variables_win_and_defaults_give_way() {
        let mut function = function();
        for (name, value) in [
            ("TZ", "Europe/Vienna"),
            ("_HANDLER", "evil"),
            ("MINE", "1"),
            ("A=B", "x"),
            ("N", "\0"),
        ] {
            function.environment.insert(name.to_owned(), value.to_owned());
        }
        let all: BTreeMap<_, _> = {
            let endpoint = function.endpoint.as_deref();
            environment(&function, &folders(), endpoint, &credentials(), "stream")
        }
        .into_iter()
        .collect();
        let get = |name: &str| all.get(name).map(String::as_str);
        assert_eq!(get("TZ"), Some("Europe/Vienna"));
        assert_eq!(get("_HANDLER"), Some("a.b"));
        assert_eq!(get("MINE"), Some("1"));
        assert_eq!(get("A=B"), None);
        assert_eq!(get("N"), None);
        assert_eq!(get("AWS_EXECUTION_ENV"), Some("AWS_Lambda_python3.12"));
        assert_eq!(get("AWS_ENDPOINT_URL"), Some("http://127.0.0.1:4566"));
        assert_eq!(get("AWS_SESSION_TOKEN"), Some("token"));
        assert!(get("PYTHONPATH").unwrap().contains("/layers/python/lib/python3.12/site-packages"));
        assert_eq!(get("HOME"), None);
    }

    #[test]
    fn a_wrapper_is_given_the_command() {
        let mut function = function();
        function.environment.insert("AWS_LAMBDA_EXEC_WRAPPER".to_owned(), "/opt/wrap".to_owned());
        let (program, arguments) = program(&function, &folders());
        assert_eq!(program, Path::new("/layers/wrap"));
        assert_eq!(arguments.first().unwrap(), "/usr/bin/python3");
        function.interpreter = None;
        assert_eq!(super::program(&function, &folders()).0, Path::new("/layers/bootstrap"));
        let none = Folders { layers: None, ..folders() };
        assert_eq!(super::program(&function, &none).0, Path::new("/code/bootstrap"));
    }

    #[test]
    fn secrets_are_not_printed() {
        assert!(!format!("{:?}", credentials()).contains("secret\""));
        assert!(!format!("{:?}", credentials()).contains("token"));
    }
}
