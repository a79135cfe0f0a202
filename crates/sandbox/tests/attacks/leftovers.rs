//! What one call leaves for the next: things that run, and what another function was told.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cumulet_sandbox::{Barrier, CgroupParent, Launcher, RuntimeFolder};

use crate::rig::{Plan, Rig, isolated, python, wait_ahead};

/// Leaves a thread and a process behind that note every few milliseconds that they run; says how
/// many notes there are from a stretch of time.
const GOES_ON: &str = "
import os, threading, time

def tick(name):
    with open('/tmp/' + name, 'a', buffering=1) as file:
        while True:
            file.write('%f\\n' % time.time())
            time.sleep(0.005)

def handler(event, context):
    if event is None:
        threading.Thread(target=tick, args=('thread',), daemon=True).start()
        if os.fork() == 0:
            tick('process')
        return None
    begin, end = event
    counts = []
    for name in ('thread', 'process'):
        lines = open('/tmp/' + name).read().split('\\n')[:-1]
        counts.append(len([line for line in lines if begin <= float(line) < end]))
    return counts
";

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Whether what was left running ran in the second half of a pause, for as many pauses as it takes
/// until that is as `wanted`: how soon a busy machine gets around to anything is not known.
async fn goes_on(rig: &Rig, wanted: bool) -> bool {
    rig.value("null").await;
    let start = Instant::now();
    loop {
        let begun = now();
        tokio::time::sleep(Duration::from_millis(400)).await;
        let (half, end) = (begun + 0.2, now());
        let counts = rig.value(&format!("[{half}, {end}]")).await;
        let ran = [&counts[0], &counts[1]].map(|count| count.as_u64().unwrap() > 0);
        if ran == [wanted; 2] || start.elapsed() > Duration::from_secs(30) {
            return ran[0] || ran[1];
        }
    }
}

fn frozen_by(cgroup: Option<CgroupParent>, without: &[Barrier]) -> Rig {
    python(GOES_ON).start_on(|_| Arc::new(isolated(cgroup, None).without(without)))
}

#[tokio::test]
async fn what_goes_on_between_calls_is_stopped_by_the_freezer_and_by_nothing_else() {
    assert!(goes_on(&frozen_by(CgroupParent::own(), &[Barrier::Freezer]), true).await);
    // As this machine has it, by the older one where there is one, and without control groups.
    let old = CgroupParent::own().map(CgroupParent::with_freezer_of_v1);
    for (name, cgroup) in [("own", CgroupParent::own()), ("version 1", old), ("none", None)] {
        let rig = frozen_by(cgroup, &[]);
        assert!(!goes_on(&rig, false).await, "{name}");
        assert_eq!(rig.log.count("INIT_START"), 1, "the same sandbox all the time");
    }
}

/// What is frozen ends all the same.
#[tokio::test]
async fn what_is_frozen_ends_with_its_pool() {
    let old = CgroupParent::own().map(CgroupParent::with_freezer_of_v1);
    for cgroup in [CgroupParent::own(), old, None] {
        let rig = frozen_by(cgroup, &[]);
        goes_on(&rig, false).await;
        let pids = rig.processes(0);
        assert!(pids.len() >= 2, "{pids:?}");
        drop(rig);
        crate::rig::until("all end", || !pids.iter().any(|&pid| crate::rig::alive(pid))).await;
    }
}

/// Looks for another function's secrets everywhere, its own memory included; or is that other.
const SEARCHES: &str = "
import os, re
PATTERN = re.compile(b'SEC' + b'RET-[0-9a-f]{16}')

def places():
    yield repr(dict(os.environ)).encode()
    for path in ('/proc/self/environ', '/proc/self/cmdline'):
        yield open(path, 'rb').read()
    for top in ('/tmp', '/var/task', '/opt', '/var/runtime'):
        for folder, _, files in os.walk(top):
            for file in files:
                yield open(os.path.join(folder, file), 'rb').read()
    memory = open('/proc/self/mem', 'rb', buffering=0)
    for line in open('/proc/self/maps'):
        range, access = line.split()[:2]
        if access[0] == 'r' and '[v' not in line:
            begin, end = (int(part, 16) for part in range.split('-'))
            try: yield os.pread(memory.fileno(), end - begin, begin)
            except OSError: pass

def handler(event, context):
    if event.get('secret'):
        os.environ['TOLD'] = event['secret']
        open('/tmp/told', 'w').write(event['secret'])
        return None
    return any(PATTERN.search(place) for place in places())
";

#[tokio::test]
async fn what_another_function_was_told_is_found_only_where_they_share_a_sandbox() {
    let plan = || {
        let mut plan = Plan::new("python3.11", "index.handler", &[("index.py", SEARCHES)]);
        plan.function.memory_mb = 1024;
        plan
    };
    let launcher = Arc::new(isolated(CgroupParent::own(), None));
    let root = tempfile::tempdir().unwrap();
    let folder = RuntimeFolder::write(root.path()).unwrap();
    wait_ahead(&launcher, &plan().function, &folder);
    let start = |plan: Plan| {
        let launcher = Arc::clone(&launcher);
        plan.start_with(folder.clone(), |_| launcher as Arc<dyn Launcher>)
    };
    let told = r#"{"secret": "SECRET-0123456789abcdef"}"#;
    let shared = start(plan());
    shared.value(told).await;
    assert_eq!(shared.value("{}").await, true, "the search finds what is there");

    let mut other = plan();
    let secret = "SECRET-fedcba9876543210".to_owned();
    other.function.environment.insert("PASSWORD".to_owned(), secret);
    let other = start(other);
    other.value(told).await;
    assert_eq!(other.value("{}").await, true);
    for _ in 0..3 {
        let searching = start(plan());
        assert_eq!(searching.value("{}").await, false);
    }
}
