//! Reuse, concurrency, idle ending, and what is left when the platform goes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use cumulet_base::{Clock, SystemClock};
use cumulet_sandbox::InvokeError;

use crate::rig::{alive, event, node, python, until};

/// Answers with its sandbox's log stream, which no other has, and how often it was called.
const STREAM: &str = "import time\ncount = 0\ndef handler(event, context):\n    global count\n    count += 1\n    time.sleep(event)\n    return [context.log_stream_name, count]\n";

#[tokio::test]
async fn a_warm_sandbox_is_used_again() {
    let rig = python(STREAM).start();
    let first = rig.value("0").await;
    for count in 2..20 {
        assert_eq!(rig.value("0").await, serde_json::json!([first[0], count]));
    }
    assert_eq!(rig.pool.counts(), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_once_have_sandboxes_of_their_own_up_to_the_limit() {
    let mut plan = python(STREAM);
    plan.concurrency = 4;
    let rig = plan.start();
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let pool = rig.pool.clone();
            tokio::spawn(async move { pool.invoke(&event("0.5"), None).await.unwrap() })
        })
        .collect();
    until("four run", || rig.pool.counts() == (0, 4)).await;
    assert!(matches!(rig.try_invoke("0").await, Err(InvokeError::Throttled)));
    let mut streams = HashSet::new();
    for call in calls {
        streams.insert(crate::rig::value(&call.await.unwrap())[0].to_string());
    }
    assert_eq!(streams.len(), 4);
    assert_eq!(rig.pool.counts(), (4, 0));
    assert!(streams.contains(&rig.value("0").await[0].to_string()), "warm again");
}

#[tokio::test]
async fn idle_sandboxes_end() {
    let mut plan = python(STREAM);
    plan.idle = Duration::from_millis(200);
    let rig = plan.start();
    let first = rig.value("0").await;
    let [pid] = rig.processes(0)[..] else { panic!("one process") };
    assert!(alive(pid));
    until("it ends", || rig.pool.counts().0 == 0 && !alive(pid)).await;
    assert_ne!(rig.value("0").await[0], first[0]);
}

#[tokio::test]
async fn dropping_the_pool_or_the_call_ends_what_runs() {
    let rig = node(
        "index.js",
        "exports.handler = async (e) => {
        console.log('at work'); await new Promise((r) => setTimeout(r, e.ms)) }",
    )
    .start();
    rig.invoke(r#"{"ms":0}"#).await;
    let (warm, calling) = (rig.processes(0)[0], rig.pool.clone());
    let call = tokio::spawn(async move { calling.invoke(&event(r#"{"ms":9000}"#), None).await });
    until("it runs", || rig.log.count("at work") == 2).await;
    assert_eq!(rig.log.count("INIT_START"), 1, "warm");
    call.abort();
    until("the call's sandbox ends", || !alive(warm)).await;
    until("and is not counted", || rig.pool.counts() == (0, 0)).await;

    rig.invoke(r#"{"ms":0}"#).await;
    let idle = rig.processes(1)[0];
    assert!(alive(idle));
    drop(rig.pool);
    until("the idle one ends", || !alive(idle)).await;
    // Reaped, not only ended: no zombie of it is left.
    let gone = || !std::path::Path::new(&format!("/proc/{idle}")).exists();
    until("it is reaped", gone).await;
}

#[tokio::test]
async fn a_sandbox_that_died_while_idle_is_replaced() {
    let rig = python(STREAM).start();
    let first = rig.value("0").await;
    assert_eq!(rig.pool.counts(), (1, 0));
    let pid = rig.processes(0)[0];
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    until("it dies", || !alive(pid)).await;
    assert_ne!(rig.value("0").await[0], first[0]);
}

#[tokio::test]
async fn a_sandbox_is_not_used_beyond_its_credentials() {
    let mut plan = python(STREAM);
    plan.expires = SystemClock.now().after(Duration::from_secs(5));
    let rig = plan.start();
    let first = rig.value("0").await;
    assert_ne!(rig.value("0").await[0], first[0]);
}

#[tokio::test]
async fn request_ids_are_checked() {
    let rig = python(STREAM).start();
    for id in ["", "a b", "a\r\nX: y", "a/b", &"a".repeat(65)] {
        let mut invocation = event("0");
        id.clone_into(&mut invocation.request_id);
        let result = rig.pool.invoke(&invocation, None).await;
        assert!(matches!(result, Err(InvokeError::RequestId)), "{id:?}");
    }
}

/// Starts `examples/orphan.rs`, a platform with three busy functions, kills it outright, and looks
/// at what is left of them.
#[tokio::test]
async fn kill_9_of_the_platform_leaves_no_function() {
    let mut program: PathBuf = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.push("examples/orphan");
    assert!(program.exists(), "build it first: cargo build -p cumulet-sandbox --examples");
    let folder = tempfile::tempdir().unwrap();
    let mut platform =
        Command::new(program).arg(folder.path()).stdout(Stdio::null()).spawn().unwrap();
    let pids = || -> Vec<u32> {
        let files = std::fs::read_dir(folder.path().join("pids"));
        let files = files.map(|files| files.flatten().collect::<Vec<_>>()).unwrap_or_default();
        files.iter().filter_map(|file| file.file_name().to_str()?.parse().ok()).collect()
    };
    until("three functions run", || pids().len() == 3).await;
    let pids = pids();
    assert!(pids.iter().all(|&pid| alive(pid)), "{pids:?}");
    platform.kill().unwrap();
    platform.wait().unwrap();
    until("all functions end", || !pids.iter().any(|&pid| alive(pid))).await;
}
