//! What waits, and how long.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use cumulet_sandbox::{CgroupParent, Generic, IsolatedLauncher, Launcher, RuntimeFolder};
use serde_json::json;

use crate::rig::{Plan, Rig, alive, isolated, node, python, until};

/// Whether it waited, what of the machine it may use, and who it is.
const WAITED: &str = "
import os
def handler(event, context):
    waited = b'CUMULET_WAIT_FD' in open('/proc/self/environ', 'rb').read()
    return [waited, os.getpid(), context.log_stream_name]
";

/// Some functions on one launcher, with the kinds that their runtimes are.
struct Ground {
    launcher: Arc<IsolatedLauncher>,
    folder: RuntimeFolder,
    _root: tempfile::TempDir,
}

impl Ground {
    fn new(cgroup: Option<CgroupParent>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = RuntimeFolder::write(root.path()).unwrap();
        Self { launcher: Arc::new(isolated(cgroup, None)), folder, _root: root }
    }

    fn kind(&self, plan: &Plan) -> Generic {
        let function = &plan.function;
        let interpreter = function.interpreter.as_ref().unwrap();
        let (runtime, memory) = (function.runtime, function.memory_mb);
        Generic::new(runtime, interpreter, memory, &self.folder, &*self.launcher)
    }

    async fn keep(&self, kind: &Generic) {
        self.launcher.keep(std::slice::from_ref(kind), false);
        until("two wait", || self.waiting(kind) == 2).await;
    }

    fn waiting(&self, kind: &Generic) -> usize {
        self.launcher.waiting(kind)
    }

    fn start(&self, plan: Plan) -> Rig {
        let launcher = Arc::clone(&self.launcher);
        plan.start_with(self.folder.clone(), |_| launcher)
    }

    /// The launcher's process, by way of a function that never waits.
    async fn process(&self) -> u32 {
        let mut plan = python(WAITED);
        plan.function.environment.insert("PYTHONHASHSEED".to_owned(), "1".to_owned());
        let rig = self.start(plan);
        assert_eq!(rig.value("{}").await[0], false);
        parent(parent(rig.processes(0)[0]))
    }
}

fn parent(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    line.trim().parse().unwrap()
}

fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(&pid) = all.get(at) {
        at += 1;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        all.extend(children.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
    }
    all
}

#[tokio::test]
async fn none_waits_before_it_is_wanted_and_none_longer() {
    let ground = Ground::new(None);
    let (python, node) = (ground.kind(&python(WAITED)), ground.kind(&node("index.js", "")));
    assert_eq!((ground.waiting(&python), ground.waiting(&node)), (0, 0));
    ground.keep(&python).await;
    assert_eq!(ground.waiting(&node), 0);
    ground.keep(&node).await;
    assert_eq!(ground.waiting(&python), 0);
    ground.launcher.keep(&[], false);
    assert_eq!((ground.waiting(&python), ground.waiting(&node)), (0, 0));
}

#[tokio::test]
async fn each_is_used_once_and_another_takes_its_place() {
    let ground = Ground::new(CgroupParent::own());
    let kind = ground.kind(&python(WAITED));
    ground.keep(&kind).await;
    let (one, other) = (ground.start(python(WAITED)), ground.start(python(WAITED)));
    let (first, second) = (one.value("{}").await, other.value("{}").await);
    assert_eq!([&first[0], &second[0]], [true, true]);
    assert_ne!(first[2], second[2]);
    until("two wait again", || ground.waiting(&kind) == 2).await;
    // Each stays its function's.
    assert_eq!([one.value("{}").await, other.value("{}").await], [first, second]);
    assert_eq!(ground.waiting(&kind), 2);
}

#[tokio::test]
async fn after_a_burst_more_wait() {
    let ground = Ground::new(None);
    let kind = ground.kind(&python(WAITED));
    ground.keep(&kind).await;
    let rigs: Vec<Rig> = (0..6).map(|_| ground.start(python(WAITED))).collect();
    let answers = futures_util::future::join_all(rigs.iter().map(|rig| rig.value("{}"))).await;
    // Who finds none is started by itself.
    assert!(answers.iter().all(|answer| answer[0].is_boolean()));
    until("more than usual wait", || ground.waiting(&kind) > 2).await;
}

#[tokio::test]
async fn none_is_given_that_has_died() {
    let ground = Ground::new(None);
    let kind = ground.kind(&python(WAITED));
    let launcher = ground.process().await;
    ground.keep(&kind).await;
    let all = family(launcher);
    assert!(all.len() >= 5, "two waiting programs with first processes: {all:?}");
    let kill = |pid: &u32| Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(kill(&launcher).unwrap().success());
    until("all end", || !all.iter().any(|&pid| alive(pid))).await;
    let rig = ground.start(python(WAITED));
    assert_eq!(rig.value("{}").await[0], false);
    until("others wait", || ground.waiting(&kind) >= 2).await;
    assert_eq!(ground.start(python(WAITED)).value("{}").await[0], true);
}

#[tokio::test]
async fn they_end_with_their_launcher() {
    let ground = Ground::new(CgroupParent::own());
    let kind = ground.kind(&python(WAITED));
    let launcher = ground.process().await;
    ground.keep(&kind).await;
    let all = family(launcher);
    let Ground { launcher, .. } = ground;
    drop(launcher);
    until("all end", || !all.iter().any(|&pid| alive(pid))).await;
}

/// An empty one is for whoever is started by himself.
#[tokio::test]
async fn a_spare_one_is_anybodys() {
    let ground = Ground::new(CgroupParent::own());
    let plan = || {
        let mut plan = python(WAITED);
        plan.function.environment.insert("PYTHONHASHSEED".to_owned(), "1".to_owned());
        plan
    };
    ground.launcher.keep(&[], true);
    until("there is one", || ground.launcher.has_spare()).await;
    for _ in 0..2 {
        let rig = ground.start(plan());
        assert_eq!(rig.value("{}").await[0], false);
        until("there is another", || ground.launcher.has_spare()).await;
    }
    ground.launcher.keep(&[], false);
    assert!(!ground.launcher.has_spare());
    assert_eq!(ground.start(plan()).value("{}").await[0], false);
}

/// What waits has the limits of the smallest function; who is given it has those of his own.
#[tokio::test]
async fn limits_are_the_functions() {
    let hog = "
import os
def handler(event, context):
    with open('/tmp/file', 'wb') as file:
        for _ in range(700): file.write(b'x' * (1 << 20))
    os.remove('/tmp/file')
    return len(b'x' * (event << 20))
";
    let ground = Ground::new(CgroupParent::own());
    let mut plan = python(hog);
    (plan.function.memory_mb, plan.function.storage_mb) = (512, 800);
    ground.keep(&ground.kind(&plan)).await;
    let rig = ground.start(plan);
    assert_eq!(rig.value("400").await, json!(400 << 20));
    let (error, _) = rig.error("700").await;
    assert_eq!(error.error_type, "Runtime.ExitError");
    assert!(rig.log.texts().iter().any(|line| line.contains("signal: killed")));
}
