//! How long an invocation takes: warm (p50, p99 in µs) and cold (p50 in ms), as a plain process and
//! in a sandbox, each without and with control groups, and in one that waited, beside a bare start
//! and end of the same interpreter. The kinds take turns, so that a busy machine is unjust to none.
//!
//! `cargo run -p cumulet-sandbox --example bench [warm invocations]`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cumulet_base::{RandomIds, SystemClock, Timestamp};
use cumulet_sandbox::{
    BoxFuture, CgroupParent, CredentialSource, Credentials, Function, Generic, INIT_LIMIT,
    Interpreter, Invocation, IsolatedLauncher, Isolation, Launcher, LogFormat, LogLine, LogSink,
    PlainLauncher, Pool, RuntimeFolder, Setup, discover, sandbox_entry, select,
};

const COLD: usize = 20;
/// MB.
const MEMORY: u32 = 512;

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

/// Whether in a sandbox, and whether in control groups.
const KINDS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

/// Launchers are made once, as a platform does.
fn launcher(root: &Path, (sandbox, grouped): (bool, bool)) -> Arc<dyn Launcher> {
    if sandbox {
        return Arc::new(isolated(grouped));
    }
    let cgroup = grouped.then(CgroupParent::own).flatten();
    Arc::new(PlainLauncher::new(&root.join("tmp"), cgroup).unwrap())
}

fn isolated(grouped: bool) -> IsolatedLauncher {
    let program = std::env::current_exe().unwrap();
    let cgroup = grouped.then(CgroupParent::own).flatten();
    IsolatedLauncher::open(Isolation { program, cgroup, egress: None }).unwrap()
}

/// Until one waits.
async fn wait_ahead(launcher: &IsolatedLauncher, root: &Path, runtime: &str, found: &Interpreter) {
    let folder = RuntimeFolder::write(&root.join("runtime")).unwrap();
    let kind = Generic::new(runtime.parse().unwrap(), found, MEMORY, &folder, launcher);
    launcher.keep(std::slice::from_ref(&kind), false);
    while launcher.waiting(&kind) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn pool(root: &Path, runtime: &str, found: &Interpreter, launcher: &Arc<dyn Launcher>) -> Pool {
    let function = Function {
        name: "bench".to_owned(),
        version: "$LATEST".to_owned(),
        region: "us-east-1".to_owned(),
        runtime: runtime.parse().unwrap(),
        interpreter: Some(found.clone()),
        handler: "index.handler".to_owned(),
        code: root.join("code"),
        layers: None,
        memory_mb: MEMORY,
        storage_mb: 512,
        timeout: Duration::from_secs(10),
        environment: BTreeMap::new(),
        endpoint: None,
        log_group: "/aws/lambda/bench".to_owned(),
        log_format: LogFormat::Text,
        log_level: None,
        system_log_level: None,
    };
    Pool::new(Setup {
        function,
        launcher: Arc::clone(launcher),
        folder: RuntimeFolder::write(&root.join("runtime")).unwrap(),
        credentials: Arc::new(Nobody),
        sink: Arc::new(Silent),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        concurrency: 1,
        idle: Duration::from_secs(60),
        init_limit: INIT_LIMIT,
    })
}

async fn call(pool: &Pool) -> Duration {
    let invocation = Invocation {
        request_id: "bench".to_owned(),
        payload: r#"{"key":"value"}"#.into(),
        ..Invocation::default()
    };
    let start = Instant::now();
    pool.invoke(&invocation, None).await.unwrap().result.unwrap();
    start.elapsed()
}

fn at(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort();
    times[(times.len() - 1) * percent / 100]
}

fn bare(program: &Path, arguments: [&str; 2]) -> Duration {
    let run = || {
        let start = Instant::now();
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).env_clear().status().unwrap();
        start.elapsed()
    };
    at((0..COLD).map(|_| run()).collect(), 50)
}

fn main() -> ExitCode {
    if let Some(ended) = sandbox_entry() {
        return ended;
    }
    // One thread, as the fewest hand-overs show what the sandbox itself costs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run());
    ExitCode::SUCCESS
}

async fn run() {
    let warm = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5000);
    let root = std::env::temp_dir().join(format!("sandbox-bench-{}", std::process::id()));
    std::fs::create_dir_all(root.join("code")).unwrap();
    std::fs::write(root.join("code/index.py"), "def handler(e, c):\n    return e\n").unwrap();
    std::fs::write(root.join("code/index.js"), "exports.handler = async (e) => e\n").unwrap();
    let found = discover(None);
    let launchers = KINDS.map(|kind| launcher(&root, kind));
    let ahead = Arc::new(isolated(true));
    println!(
        "{:<12}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "cold, ms", "bare", "plain", "+cgroup", "sandbox", "+cgroup", "waited"
    );
    let mut warm_lines = Vec::new();
    for (runtime, nothing) in [("python3.11", "pass"), ("nodejs20.x", "0")] {
        let selected = select(runtime.parse().unwrap(), &found).expect("it is installed");
        let interpreter = selected.interpreter.unwrap();
        let flag = if runtime.starts_with("node") { "-e" } else { "-c" };
        let bare = bare(&interpreter.path, [flag, nothing]);
        let mut cold: [Vec<Duration>; 5] = Default::default();
        for _ in 0..COLD {
            for (launcher, times) in launchers.iter().zip(&mut cold) {
                times.push(call(&pool(&root, runtime, &interpreter, launcher)).await);
            }
            wait_ahead(&ahead, &root, runtime, &interpreter).await;
            let launcher: Arc<dyn Launcher> = Arc::<IsolatedLauncher>::clone(&ahead);
            cold[4].push(call(&pool(&root, runtime, &interpreter, &launcher)).await);
        }
        let ms = |time: Duration| format!("{:>9.1}", time.as_secs_f64() * 1e3);
        let cold: String = cold.into_iter().map(|times| ms(at(times, 50))).collect();
        println!("{runtime:<12}{}{cold}", ms(bare));
        for (launcher, kind) in launchers.iter().zip(["plain", "+cgroup", "sandbox", "+cgroup"]) {
            let pool = pool(&root, runtime, &interpreter, launcher);
            let mut times = Vec::new();
            for _ in 0..warm {
                times.push(call(&pool).await);
            }
            let (p50, p99) = (at(times.clone(), 50).as_micros(), at(times, 99).as_micros());
            warm_lines.push(format!("{runtime:<12}{kind:>9}{p50:>9}{p99:>9}"));
        }
    }
    println!("\n{:<12}{:>9}{:>9}{:>9}\n{}", "warm, µs", "", "p50", "p99", warm_lines.join("\n"));
    let _ = std::fs::remove_dir_all(root);
}
