//! What only sandboxes have: the cloud's endpoint inside, storage of their own, a launcher that can
//! be lost; and the ladder.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use cumulet_sandbox::egress::{Egress, EgressLimits, EgressPolicy, Resolvers};
use cumulet_sandbox::{CgroupParent, Rung, climb};
use serde_json::json;

use crate::rig::{Watched, event, example, isolated, python, until};

#[tokio::test]
async fn the_endpoint_is_reached_and_no_other_port() {
    let cloud = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, other) = (cloud.local_addr().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    std::thread::spawn(move || {
        for stream in cloud.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 4096]);
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ncloud");
        }
    });
    let text = "
import os, socket, urllib.request
def handler(event, context):
    said = [urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL']).read().decode() for _ in range(20)]
    try:
        socket.create_connection(('127.0.0.1', event), 2)
        return 'reached'
    except ConnectionRefusedError:
        return said
";
    let mut plan = python(text);
    plan.function.endpoint = Some(format!("http://{address}"));
    let mut policy = EgressPolicy::default();
    policy.cloud(address, []);
    let nobody = Resolvers::new(Vec::new());
    plan.egress = Some(Arc::new(Egress::new(policy, EgressLimits::default(), nobody)));
    let rig = plan.start();
    let port = other.local_addr().unwrap().port();
    assert_eq!(rig.value(&port.to_string()).await, json!(vec!["cloud"; 20]));
}

#[tokio::test]
async fn signals_reach_neither_the_first_process_nor_anything_outside() {
    let text = "
import os, signal, subprocess
def handler(event, context):
    child = subprocess.Popen(['sleep', '60'])
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
        try: os.kill(1, number)
        except PermissionError: pass
    # All that it may: its own children.
    os.kill(-1, signal.SIGKILL)
    return child.wait()
";
    let rig = python(text).start();
    for _ in 0..3 {
        assert_eq!(rig.value("{}").await, -9);
    }
    assert_eq!(rig.log.count("INIT_START"), 1);
}

#[tokio::test]
async fn storage_is_there_as_asked_for_and_is_no_memory() {
    let text = "
import os
def handler(event, context):
    with open('/tmp/file', 'wb') as file:
        for _ in range(200): file.write(b'x' * (1 << 20))
    left = os.statvfs('/tmp')
    os.remove('/tmp/file')
    return left.f_blocks * left.f_frsize >> 20
";
    let mut plan = python(text);
    plan.function.memory_mb = 128;
    plan.function.storage_mb = 600;
    plan.cgroup = CgroupParent::own();
    let rig = plan.start();
    let outcome = rig.invoke("{}").await;
    assert_eq!(outcome.result.unwrap(), "600");
    assert!(outcome.max_memory <= 128 << 20, "{}", outcome.max_memory);
}

#[tokio::test]
async fn a_launcher_that_is_killed_is_replaced() {
    let mut plan = python("def handler(event, context):\n    return event\n");
    plan.concurrency = 2;
    let rig = plan.start();
    assert_eq!(rig.value("1").await, 1);
    let function = rig.processes(0)[0];
    // Its parent is the sandbox's first process, and the launcher is that one's.
    let (launcher, function) = (parent(parent(function)), Watched::new(function));
    assert!(
        Command::new("kill").args(["-KILL", &launcher.to_string()]).status().unwrap().success()
    );
    until("its sandboxes end", || function.ended()).await;
    assert_eq!(rig.value("2").await, 2);
    assert_ne!(parent(parent(rig.processes(1)[0])), launcher);
}

#[tokio::test]
async fn a_launcher_that_says_nothing_is_ended_and_replaced() {
    let text = "def handler(event, context):\n    return event\n";
    let launcher = Arc::new(isolated(None, None));
    let shared = Arc::clone(&launcher);
    let one = python(text).start_on(|_| shared);
    assert_eq!(one.value("1").await, 1);
    let stopped = parent(parent(one.processes(0)[0]));
    assert!(Command::new("kill").args(["-STOP", &stopped.to_string()]).status().unwrap().success());
    let stopped = Watched::new(stopped);
    launcher.set_patience(Duration::from_millis(50)).unwrap();
    let other = python(text).start_on(|_| launcher);
    assert_eq!(other.value("2").await, 2);
    assert!(stopped.ended());
    // Its sandboxes ended with it.
    assert_eq!(one.value("3").await, 3);
}

fn parent(pid: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn a_burst_of_sandboxes() {
    let mut plan = python(
        "import time\ndef handler(event, context):\n    time.sleep(0.2)\n    return event\n",
    );
    plan.concurrency = 30;
    plan.function.timeout = Duration::from_secs(60);
    let rig = plan.start();
    let calls: Vec<_> = (0..30)
        .map(|number: u32| {
            let pool = rig.pool.clone();
            tokio::spawn(
                async move { pool.invoke(&event(&number.to_string()), None).await.unwrap() },
            )
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().result.unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn this_machine_gives_the_rung_that_its_user_can_have() {
    let folder = tempfile::tempdir().unwrap();
    let climbed = climb(example("launcher"), folder.path(), None).unwrap();
    let root = rustix::process::geteuid().is_root();
    let full = root && CgroupParent::own().is_some();
    assert_eq!(climbed.launcher.rung(), if full { Rung::Full } else { Rung::Rootless });
    assert_eq!(climbed.obstacle.is_none(), full);
    if !root {
        assert!(climbed.obstacle.unwrap().starts_with("Started by root, "));
    }
}

/// Starts this test again where user namespaces are switched off, as containers and some
/// distributions have it.
#[tokio::test]
async fn where_namespaces_are_denied_functions_are_plain_processes_and_it_says_why() {
    const DENIED: &str = "SANDBOX_TEST_DENIED";
    if std::env::var_os(DENIED).is_some() {
        let folder = tempfile::tempdir().unwrap();
        let climbed = climb(example("launcher"), folder.path(), None).unwrap();
        assert_eq!(climbed.launcher.rung(), Rung::Process);
        let why = climbed.obstacle.unwrap();
        assert!(why.contains("sysctl -w user.max_user_namespaces=15000"), "{why}");
        let rig = python("def handler(event, context):\n    return event\n");
        assert_eq!(rig.start_on(|_| climbed.launcher).value("7").await, 7);
        return;
    }
    // A user namespace may forbid further ones; without capabilities nothing undoes that.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && \
                  exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" \"$@\"";
    let again =
        "sandboxes::where_namespaces_are_denied_functions_are_plain_processes_and_it_says_why";
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", again])
        .env(DENIED, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("1 passed"), "{said}");
}
