//! Reuse, concurrency, idle ending, and what is left when the platform goes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cumulet_base::{Clock, SystemClock};
use cumulet_sandbox::{CgroupParent, InvokeError};

use crate::rig::{Watched, alive, event, example, node, python, until};

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
            tokio::spawn(async move { pool.invoke(&event("1"), None).await.unwrap() })
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
    until("it ends", || rig.pool.counts().0 == 0 && rig.processes(0).is_empty()).await;
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
    let function = Watched::new(pid);
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    until("it dies", || function.ended()).await;
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
/// at what is left of it: processes, namespaces, mounts, control groups.
#[tokio::test]
async fn kill_9_of_the_platform_leaves_nothing() {
    for kind in KINDS {
        let orphan = Orphan::start(kind).await;
        let left = orphan.left_when_killed(&[orphan.platform]).await;
        assert_eq!(left, Vec::<String>::new(), "{kind}");
    }
}

/// What the platform starts functions as, here.
const KINDS: &[&str] = if crate::ISOLATED { &["isolated", "waiting"] } else { &["plain"] };

/// The same with the launcher of sandboxes killed too, so that nobody is there to clean up. What
/// the kernel does not remove by itself, the next platform does.
#[tokio::test]
async fn kill_9_of_all_at_once_leaves_nothing_for_the_next_platform() {
    for kind in KINDS {
        let orphan = Orphan::start(kind).await;
        let all = orphan.family.clone();
        let left = orphan.left_when_killed(&all).await;
        if let Some(next) = CgroupParent::own() {
            drop(next);
            assert_eq!(groups(orphan.platform), Vec::<PathBuf>::new(), "{kind}, of {left:?}");
        } else {
            assert_eq!(left, Vec::<String>::new(), "{kind}");
        }
    }
}

struct Orphan {
    child: std::sync::Mutex<Child>,
    platform: u32,
    /// The platform and all that descends from it.
    family: Vec<u32>,
    namespaces: HashSet<PathBuf>,
    folder: tempfile::TempDir,
}

impl Orphan {
    async fn start(kind: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(example("orphan"))
            .arg(folder.path())
            .arg(kind)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        let own = format!("AWS_LAMBDA_FUNCTION_NAME={name}");
        until("three functions run", || crate::rig::with_variable(&own).len() == 3).await;
        let is_waiting = kind == "waiting";
        until("it is ready", || !is_waiting || folder.path().join("ready").exists()).await;
        let platform = child.id();
        let family = family(platform);
        let functions = if is_waiting { 5 } else { 3 };
        // Each sandbox has a first process besides its function, and all have one launcher.
        let helpers = if crate::ISOLATED { functions + 1 } else { 0 };
        // And a spare one has a first process alone.
        let helpers = helpers + usize::from(is_waiting);
        assert_eq!(family.len(), 1 + functions + helpers, "{family:?}");
        let namespaces = family.iter().flat_map(|&pid| namespaces(pid)).collect();
        Self { child: child.into(), platform, family, namespaces, folder }
    }

    /// What is still there a while after these were killed.
    async fn left_when_killed(&self, pids: &[u32]) -> Vec<String> {
        let own = namespaces(std::process::id());
        let counted = CgroupParent::own().is_some();
        assert_eq!(groups(self.platform).is_empty(), !counted, "each sandbox has a group");
        // Stopped first, so that none can react to another's end.
        for signal in ["-STOP", "-KILL"] {
            let pids = pids.iter().map(u32::to_string);
            Command::new("kill").arg(signal).args(pids).stderr(Stdio::null()).status().unwrap();
        }
        self.child.lock().unwrap().wait().unwrap();
        until("all processes end", || !self.family.iter().any(|&pid| alive(pid))).await;
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let others = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let held: HashSet<PathBuf> = others.flat_map(namespaces).collect();
        let ended = self.namespaces.difference(&own);
        let mut left: Vec<String> =
            ended.filter(|one| held.contains(*one)).map(|one| one.display().to_string()).collect();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let folder = self.folder.path().to_str().unwrap();
        left.extend(mounts.lines().filter(|line| line.contains(folder)).map(str::to_owned));
        // The launcher removes the groups after the processes.
        let until = Instant::now() + Duration::from_secs(if crate::ISOLATED { 10 } else { 0 });
        while !groups(self.platform).is_empty() && Instant::now() < until && pids.len() == 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Plain processes have nobody who would remove their groups before the next platform.
        if crate::ISOLATED {
            left.extend(groups(self.platform).iter().map(|group| group.display().to_string()));
        }
        left
    }
}

fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(&pid) = all.get(at) {
        at += 1;
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children"));
            let children = children.unwrap_or_default();
            all.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
        }
    }
    all
}

fn namespaces(pid: u32) -> HashSet<PathBuf> {
    let links = std::fs::read_dir(format!("/proc/{pid}/ns")).into_iter().flatten().flatten();
    links.filter_map(|link| std::fs::read_link(link.path()).ok()).collect()
}

/// The control groups that a platform made, wherever they are.
fn groups(platform: u32) -> Vec<PathBuf> {
    let prefix = format!("cumulet-{platform}-");
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) {
                    found.push(entry.path());
                }
                folders.push(entry.path());
            }
        }
    }
    found
}
