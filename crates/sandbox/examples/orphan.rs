//! A platform with three busy functions, for the tests that kill it outright. The function's name
//! is the folder's, by which its processes can be found. Where it is `waiting`, one of the three
//! has answered and is frozen, two sandboxes wait for functions, and one is spare: the folder then
//! has a file `ready`.
//!
//! `cargo run -p cumulet-sandbox --example orphan -- <empty folder> <plain | isolated | waiting>`
#![allow(clippy::unwrap_used, clippy::expect_used)] // an example: its user reads the message

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cumulet_base::{RandomIds, SystemClock, Timestamp};
use cumulet_sandbox::{
    BoxFuture, CgroupParent, CredentialSource, Credentials, Function, Generic, INIT_LIMIT,
    Invocation, IsolatedLauncher, Isolation, Launcher, LogFormat, LogLine, LogSink, PlainLauncher,
    Pool, RuntimeFolder, Setup, discover, sandbox_entry, select,
};

const CODE: &str = "import time\ndef handler(event, context):\n    time.sleep(event)\n";

struct Nobody;

impl CredentialSource for Nobody {
    fn credentials(&self) -> BoxFuture<'_, Result<Credentials, String>> {
        let none = Credentials {
            access_key_id: String::new(),
            secret_access_key: String::new(),
            session_token: String::new(),
            expires: Timestamp::from_millis(i64::MAX),
        };
        Box::pin(async { Ok(none) })
    }
}

struct Silent;

impl LogSink for Silent {
    fn line(&self, _: LogLine) {}
}

fn main() -> ExitCode {
    if let Some(ended) = sandbox_entry() {
        return ended;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run());
    ExitCode::SUCCESS
}

fn kind() -> String {
    std::env::args().nth(2).expect("plain, isolated or waiting")
}

fn launcher(root: &Path) -> Arc<dyn Launcher> {
    let cgroup = CgroupParent::own();
    if kind() == "plain" {
        return Arc::new(PlainLauncher::new(&root.join("tmp"), cgroup).unwrap());
    }
    let program = std::env::current_exe().unwrap();
    let launcher = IsolatedLauncher::open(Isolation { program, cgroup, egress: None }).unwrap();
    if kind() == "waiting" {
        let runtime = "nodejs20.x".parse().unwrap();
        let found = select(runtime, &discover(None)).expect("Node.js is installed");
        let folder = RuntimeFolder::write(&root.join("runtime")).unwrap();
        let program = found.interpreter.unwrap();
        let waiting = Generic::new(runtime, &program, 128, &folder, &launcher);
        launcher.keep(std::slice::from_ref(&waiting), true);
        while launcher.waiting(&waiting) < 2 || !launcher.has_spare() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    Arc::new(launcher)
}

async fn run() {
    let root: PathBuf = std::env::args_os().nth(1).expect("a folder to work in").into();
    let root = root.canonicalize().expect("the folder exists");
    std::fs::create_dir_all(root.join("code")).unwrap();
    std::fs::write(root.join("code/index.py"), CODE).unwrap();
    let runtime = "python3.9".parse().unwrap();
    let selected = select(runtime, &discover(None)).expect("Python is installed");
    let function = Function {
        name: root.file_name().unwrap().to_str().unwrap().to_owned(),
        version: "$LATEST".to_owned(),
        region: "us-east-1".to_owned(),
        runtime,
        interpreter: selected.interpreter,
        handler: "index.handler".to_owned(),
        code: root.join("code"),
        layers: None,
        memory_mb: 128,
        storage_mb: 512,
        timeout: Duration::from_secs(600),
        environment: BTreeMap::new(),
        endpoint: None,
        log_group: "/aws/lambda/orphan".to_owned(),
        log_format: LogFormat::Text,
        log_level: None,
        system_log_level: None,
    };
    let pool = Arc::new(Pool::new(Setup {
        function,
        launcher: launcher(&root),
        folder: RuntimeFolder::write(&root.join("runtime")).unwrap(),
        credentials: Arc::new(Nobody),
        sink: Arc::new(Silent),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        concurrency: 3,
        idle: Duration::from_secs(60),
        init_limit: INIT_LIMIT,
    }));
    let calls: Vec<_> = (0..3)
        .map(|number| {
            let (pool, ready) = (Arc::clone(&pool), root.join("ready"));
            let answers = number == 0 && kind() == "waiting";
            tokio::spawn(async move {
                let invocation = Invocation {
                    request_id: format!("call-{number}"),
                    payload: if answers { "0" } else { "600" }.into(),
                    ..Invocation::default()
                };
                let _ = pool.invoke(&invocation, None).await;
                if answers {
                    // It is frozen a moment later.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    std::fs::write(ready, "").unwrap();
                }
            })
        })
        .collect();
    for call in calls {
        let _ = call.await;
    }
}
