//! What the tests share: a function made of a few files, its pool, its log.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cumulet_base::{Ids, RandomIds, SystemClock, Timestamp};
use cumulet_sandbox::egress::Egress;
use cumulet_sandbox::{
    BoxFuture, CgroupParent, CredentialSource, Credentials, Function, FunctionError, Generic,
    INIT_LIMIT, Interpreter, Invocation, InvokeError, IsolatedLauncher, Isolation, Launcher,
    LogFormat, LogLine, LogSink, Outcome, PlainLauncher, Pool, Runtime, RuntimeFolder, Setup,
    discover, select,
};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn interpreters() -> &'static [Interpreter] {
    static FOUND: OnceLock<Vec<Interpreter>> = OnceLock::new();
    FOUND.get_or_init(|| discover(None))
}

/// Keeps log lines.
#[derive(Default)]
pub(crate) struct Log(Mutex<Vec<LogLine>>);

impl LogSink for Log {
    fn line(&self, line: LogLine) {
        self.0.lock().unwrap().push(line);
    }
}

impl Log {
    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.text).collect()
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.texts().iter().filter(|text| text.contains(part)).count()
    }
}

pub(crate) struct FixedCredentials(pub(crate) Timestamp);

impl CredentialSource for FixedCredentials {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, String>> {
        let credentials = Credentials {
            access_key_id: "ASIAEXAMPLE".to_owned(),
            secret_access_key: "example".to_owned(),
            session_token: "token".to_owned(),
            expires: self.0,
        };
        Box::pin(async move { Ok(credentials) })
    }
}

/// A launcher of sandboxes.
pub(crate) fn isolated(
    cgroup: Option<CgroupParent>,
    egress: Option<Arc<Egress>>,
) -> IsolatedLauncher {
    let program = example("launcher");
    IsolatedLauncher::open(Isolation { program, cgroup, egress }).unwrap()
}

/// Has sandboxes wait for a function, as the platform does for all of its runtime.
pub(crate) fn wait_ahead(launcher: &IsolatedLauncher, function: &Function, folder: &RuntimeFolder) {
    let Some(interpreter) = &function.interpreter else { return };
    let (runtime, memory) = (function.runtime, function.memory_mb);
    let kind = Generic::new(runtime, interpreter, memory, folder, launcher);
    launcher.keep(std::slice::from_ref(&kind), false);
    let start = Instant::now();
    while launcher.waiting(&kind) == 0 {
        assert!(start.elapsed() < Duration::from_secs(30), "no sandbox waits");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A program of this crate's `examples`.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut program: PathBuf = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.extend(["examples", name]);
    assert!(program.exists(), "build it first: cargo build -p cumulet-sandbox --examples");
    program
}

/// A function and its pool.
pub(crate) struct Rig {
    pub(crate) pool: Arc<Pool>,
    pub(crate) log: Arc<Log>,
    pub(crate) timeout: Duration,
    _folder: TempDir,
}

/// What a test changes before the pool is made.
pub(crate) struct Plan {
    pub(crate) function: Function,
    pub(crate) concurrency: usize,
    pub(crate) idle: Duration,
    pub(crate) init_limit: Duration,
    pub(crate) expires: Timestamp,
    pub(crate) cgroup: Option<CgroupParent>,
    /// Whether it runs in a sandbox.
    pub(crate) isolated: bool,
    /// The way out of the sandbox.
    pub(crate) egress: Option<Arc<Egress>>,
    folder: TempDir,
}

impl Plan {
    pub(crate) fn new(runtime: &str, handler: &str, files: &[(&str, &str)]) -> Self {
        let runtime: Runtime = runtime.parse().unwrap();
        let selected = select(runtime, interpreters())
            .unwrap_or_else(|| panic!("install an interpreter for {}", runtime.name()));
        let folder = tempfile::tempdir().unwrap();
        let code = folder.path().join("code");
        for (name, text) in files {
            let file = code.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let function = Function {
            name: "fn".to_owned(),
            version: "$LATEST".to_owned(),
            region: "eu-west-1".to_owned(),
            runtime,
            interpreter: selected.interpreter,
            handler: handler.to_owned(),
            code: code.canonicalize().unwrap(),
            layers: None,
            memory_mb: 256,
            storage_mb: 512,
            // For a busy machine; what is to run out of time says so itself.
            timeout: Duration::from_secs(60),
            environment: BTreeMap::new(),
            endpoint: None,
            log_group: "/aws/lambda/fn".to_owned(),
            log_format: LogFormat::Text,
            log_level: None,
            system_log_level: None,
        };
        let expires = Timestamp::from_millis(i64::MAX);
        let idle = Duration::from_secs(60);
        Self {
            function,
            concurrency: 10,
            idle,
            init_limit: INIT_LIMIT,
            expires,
            cgroup: None,
            isolated: crate::ISOLATED,
            egress: None,
            folder,
        }
    }

    pub(crate) fn start(mut self) -> Rig {
        let (isolate, cgroup) = (self.isolated, self.cgroup.take());
        let egress = self.egress.take();
        let kind = self.function.clone();
        self.start_on(|folder| {
            if isolate {
                let launcher = isolated(cgroup, egress);
                if crate::POOLED {
                    let runtime = RuntimeFolder::write(&folder.path().join("runtime")).unwrap();
                    wait_ahead(&launcher, &kind, &runtime);
                }
                Arc::new(launcher)
            } else {
                Arc::new(PlainLauncher::new(&folder.path().join("tmp"), cgroup).unwrap())
            }
        })
    }

    pub(crate) fn start_on(self, launcher: impl FnOnce(&TempDir) -> Arc<dyn Launcher>) -> Rig {
        let folder = RuntimeFolder::write(&self.folder.path().join("runtime")).unwrap();
        self.start_with(folder, launcher)
    }

    pub(crate) fn start_with(
        self,
        folder: RuntimeFolder,
        launcher: impl FnOnce(&TempDir) -> Arc<dyn Launcher>,
    ) -> Rig {
        let (log, timeout) = (Arc::new(Log::default()), self.function.timeout);
        let pool = Pool::new(Setup {
            function: self.function,
            launcher: launcher(&self.folder),
            folder,
            credentials: Arc::new(FixedCredentials(self.expires)),
            sink: log.clone(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            concurrency: self.concurrency,
            idle: self.idle,
            init_limit: self.init_limit,
        });
        Rig { pool: Arc::new(pool), log, timeout, _folder: self.folder }
    }
}

/// A Python function of one file, handler `index.handler`.
pub(crate) fn python(text: &str) -> Plan {
    Plan::new("python3.11", "index.handler", &[("index.py", text)])
}

/// A Node.js function of one file, handler `index.handler`.
pub(crate) fn node(file: &str, text: &str) -> Plan {
    Plan::new("nodejs20.x", "index.handler", &[(file, text)])
}

pub(crate) fn event(payload: &str) -> Invocation {
    Invocation {
        request_id: RandomIds.uuid(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        function_arn: "arn:aws:lambda:eu-west-1:000000000000:function:fn".to_owned(),
        ..Invocation::default()
    }
}

impl Rig {
    pub(crate) async fn invoke(&self, payload: &str) -> Outcome {
        self.try_invoke(payload).await.unwrap()
    }

    pub(crate) async fn try_invoke(&self, payload: &str) -> Result<Outcome, InvokeError> {
        self.pool.invoke(&event(payload), None).await
    }

    pub(crate) async fn value(&self, payload: &str) -> Value {
        value(&self.invoke(payload).await)
    }

    pub(crate) async fn error(&self, payload: &str) -> (FunctionError, Value) {
        error(&self.invoke(payload).await)
    }
}

impl Rig {
    /// The living processes of the sandbox that was the n-th to write a line, from 0, by the
    /// machine's own numbers: inside, they have others. The function itself comes first.
    pub(crate) fn processes(&self, sandbox: usize) -> Vec<u32> {
        let mut streams: Vec<Arc<str>> = Vec::new();
        for line in self.log.lines() {
            if !streams.contains(&line.stream) {
                streams.push(line.stream);
            }
        }
        let Some(stream) = streams.get(sandbox) else { return Vec::new() };
        with_variable(&format!("AWS_LAMBDA_LOG_STREAM_NAME={stream}"))
    }
}

/// The living processes that were started with an environment variable, oldest first.
pub(crate) fn with_variable(variable: &str) -> Vec<u32> {
    let has_it = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|one| one == variable.as_bytes())
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut pids: Vec<u32> = pids.filter(has_it).collect();
    pids.sort_unstable();
    pids
}

pub(crate) fn value(outcome: &Outcome) -> Value {
    match &outcome.result {
        Ok(payload) => serde_json::from_slice(payload).unwrap(),
        Err(error) => panic!("the function failed: {}", String::from_utf8_lossy(&error.body)),
    }
}

pub(crate) fn error(outcome: &Outcome) -> (FunctionError, Value) {
    let error = outcome.result.clone().expect_err("the function should have failed");
    let body = serde_json::from_slice(&error.body).unwrap();
    (error, body)
}

/// A process whose end is waited for, as the kernel tells the platform of it: a moment after its
/// memory is gone.
pub(crate) struct Watched(OwnedFd);

impl Watched {
    pub(crate) fn new(pid: u32) -> Self {
        let pid = Pid::from_raw(pid.cast_signed()).unwrap();
        Self(rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap())
    }

    pub(crate) fn ended(&self) -> bool {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&now)).unwrap() > 0
    }
}

pub(crate) fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A first thread that has ended already leaves others that are about to.
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    !stat.is_empty() && (!stat.contains(") Z ") || threads > 1)
}

/// Waits until `done`, half a minute at most.
pub(crate) async fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
