//! Time, memory, size: what is over a limit gets AWS's error for it.

use std::time::{Duration, Instant};

use cumulet_sandbox::{CgroupParent, PAYLOAD_LIMIT};

use crate::rig::{Plan, alive, event, node, python, until};

#[tokio::test]
async fn a_function_that_takes_too_long_is_ended() {
    let text = "import subprocess, time\ndef handler(event, context):\n    subprocess.Popen(['sleep', '60'])\n    time.sleep(60 if event else 0)\n    return 1\n";
    let mut plan = python(text);
    plan.function.timeout = Duration::from_secs(5);
    let rig = plan.start();
    let pool = rig.pool.clone();
    let call = tokio::spawn(async move {
        let start = Instant::now();
        (pool.invoke(&event(r#"{"slow":1}"#), None).await.unwrap(), start.elapsed())
    });
    // The function and its child. What waited for its function is not found by its variables.
    if !crate::POOLED {
        until("both run", || rig.processes(0).len() == 2).await;
    }
    let pids = rig.processes(0);
    let (outcome, took) = call.await.unwrap();
    assert!(took < Duration::from_secs(30), "{took:?}");
    let failure = outcome.result.unwrap_err();
    assert_eq!(failure.error_type, "Sandbox.Timedout");
    let body = String::from_utf8(failure.body.to_vec()).unwrap();
    assert!(body.ends_with(r#" Error: Task timed out after 5.00 seconds"}"#), "{body}");
    assert_eq!(outcome.duration, Duration::from_secs(5));
    let tail = String::from_utf8(outcome.log_tail.to_vec()).unwrap();
    assert!(tail.contains("Z ") && tail.contains(" Task timed out after 5.00 seconds\n"), "{tail}");
    assert!(tail.contains("\tStatus: timeout"), "{tail}");

    until("the function and its child end", || !pids.iter().any(|&pid| alive(pid))).await;
    assert!(rig.invoke("{}").await.result.is_ok(), "the next call has a sandbox of its own");
}

#[tokio::test]
async fn a_start_that_takes_too_long_is_started_over_within_the_invocation() {
    // Slow on the first start only, then on both.
    for (second, want, timeout) in [("0", Ok("7"), 60), ("60", Err("Sandbox.Timedout"), 2)] {
        let text = format!(
            "import os, time\nagain = os.path.exists(os.environ['LAMBDA_TASK_ROOT'] + '/mark')\n\
             print('start')\ntime.sleep({second} if again else 60)\n\
             def handler(event, context):\n    return event\n"
        );
        let mut plan = python(&text);
        plan.init_limit = Duration::from_secs(5);
        plan.function.timeout = Duration::from_secs(timeout);
        let mark = plan.function.code.join("mark");
        let rig = plan.start();
        let pool = rig.pool.clone();
        let call = tokio::spawn(async move { pool.invoke(&event("7"), None).await.unwrap() });
        until("the first start", || rig.log.count("start") == 1).await;
        std::fs::write(mark, "").unwrap();
        let outcome = call.await.unwrap();
        let got = outcome.result.map_err(|error| error.error_type);
        assert_eq!(got.as_deref().map_err(String::as_str), want.map(str::as_bytes));
        assert_eq!(outcome.init_duration, None);
        assert_eq!(rig.log.count("Phase: init\tStatus: timeout"), 1);
        let failed = usize::from(want.is_err());
        assert_eq!(rig.log.count("Phase: invoke\tStatus: timeout"), failed);
        assert_eq!(rig.log.count("INIT_START"), 2);
    }
}

async fn hog(mut plan: Plan, what: &str) {
    plan.function.memory_mb = 128;
    let rig = plan.start();
    let outcome = rig.invoke("{}").await;
    let failure = outcome.result.expect_err(what);
    let body = String::from_utf8(failure.body.to_vec()).unwrap();
    assert!(body.contains("Runtime exited with error: signal: killed"), "{what}: {body}");
    assert!(outcome.max_memory >= 100 << 20, "{what}: {}", outcome.max_memory);
    let small = rig.invoke(r#"{"small":1}"#).await;
    assert_eq!(small.result.unwrap(), "1", "{what}");
    assert!(small.max_memory > 1 << 20 && small.max_memory < 128 << 20, "{what}");
}

const PYTHON_HOG: &str = "
import time
def handler(event, context):
    if event: return 1
    kept = []
    while True:
        kept.append(b'x' * (8 << 20))
        time.sleep(0.02)
";

#[tokio::test]
async fn memory_hogs_are_ended() {
    hog(python(PYTHON_HOG), "python").await;
    let text = "exports.handler = async (event) => {
        if (event.small) return 1;
        for (const kept = [];;) {
            kept.push(Buffer.alloc(8 << 20, 1));
            await new Promise((r) => setTimeout(r, 20));
        }
    }";
    hog(node("index.js", text), "node").await;
    let child = "
import subprocess, sys
def handler(event, context):
    if event: return 1
    subprocess.run([sys.executable, '-c', \"import time; x = b'x' * (300 << 20); time.sleep(30)\"])
";
    hog(python(child), "a child of the function").await;
}

#[tokio::test]
async fn memory_hogs_are_ended_by_the_kernel_where_there_is_a_cgroup() {
    let Some(cgroup) = CgroupParent::own() else {
        eprintln!("passed over: no memory control group can be made here");
        return;
    };
    let fast = "
def handler(event, context):
    if event: return 1
    return len(b'x' * (1 << 30))
";
    let mut plan = python(fast);
    plan.cgroup = Some(cgroup);
    hog(plan, "cgroup").await;
}

#[tokio::test]
async fn responses_over_the_limit_are_refused_and_the_sandbox_lives() {
    for plan in [
        node("index.js", "exports.handler = async (e) => 'x'.repeat(e.n)"),
        python("def handler(event, context):\n    return 'x' * event['n']\n"),
    ] {
        let rig = plan.start();
        let fits = PAYLOAD_LIMIT - 2;
        let outcome = rig.invoke(&format!("{{\"n\":{fits}}}")).await;
        assert_eq!(outcome.result.unwrap().len(), PAYLOAD_LIMIT);
        let (failure, body) = rig.error(&format!("{{\"n\":{}}}", fits + 1)).await;
        assert_eq!(failure.error_type, "Function.ResponseSizeTooLarge");
        assert_eq!(
            body["errorMessage"],
            "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        );
        assert_eq!(rig.invoke("{\"n\":1}").await.result.unwrap(), "\"x\"");
        assert_eq!(rig.log.count("INIT_START"), 1);
    }
}
