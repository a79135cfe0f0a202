//! Hostile functions. Each attack is made twice: once where the barrier that is there for it is
//! missing, where it must come through, or it would show nothing; and once in a sandbox as it is,
//! where it must be refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod leftovers;
#[path = "../functions/rig.rs"]
#[allow(dead_code)]
mod rig;
mod users;

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::{Child, Command};
use std::sync::Arc;

use cumulet_sandbox::{Barrier, CgroupParent, Launcher, PlainLauncher, RuntimeFolder};
use rustix::thread::CapabilitySet;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{Plan, Rig, isolated, wait_ahead};

const ISOLATED: bool = true;
/// Started for their function, not ahead.
const POOLED: bool = false;

/// What an attack needs to come through.
#[derive(Clone, Copy)]
enum Where {
    /// No sandbox.
    Plain,
    /// No sandbox, and the platform has these capabilities: it could not do it itself without.
    PlainWith(CapabilitySet),
    /// A sandbox without these barriers.
    Without(&'static [Barrier]),
}

use Barrier::{Landlock, MountList, Privileges, Seccomp};
use Where::{Plain, PlainWith, Without};

const ALL: Where = Without(&[Landlock, MountList, Privileges, Seccomp]);

const ATTACKS: &[(&str, Where)] = &[
    ("read_platform_file", Plain),
    ("list_platform_folder", Plain),
    ("read_others_temporary_file", Plain),
    ("write_own_code", Plain),
    ("write_runtime_client", Plain),
    ("write_programs", PlainWith(CapabilitySet::DAC_OVERRIDE)),
    ("write_core_pattern", PlainWith(CapabilitySet::DAC_OVERRIDE)),
    ("write_own_proc", Without(&[Landlock])),
    ("open_device", Plain),
    ("make_device", PlainWith(CapabilitySet::MKNOD)),
    ("list_control_groups", Plain),
    ("read_kernel_command_line", Plain),
    ("fill_temporary_folder", Plain),
    ("flood_temporary_folder", Plain),
    ("leak_mounts", Without(&[MountList])),
    ("leak_platforms_mounts", Plain),
    ("list_mounts", Without(&[Seccomp])),
    ("see_process", Plain),
    ("kill_process", Plain),
    ("platforms_environment", Plain),
    ("platforms_files", Plain),
    ("platforms_root", Plain),
    ("platforms_memory", PlainWith(CapabilitySet::SYS_PTRACE)),
    ("trace_process", Without(&[Seccomp])),
    ("read_memory", Without(&[Seccomp])),
    ("become_root", PlainWith(CapabilitySet::SETUID)),
    ("gain_by_exec", Plain),
    ("raise_limit", PlainWith(CapabilitySet::SYS_RESOURCE)),
    ("many_threads", Plain),
    ("unshare_user", Without(&[Seccomp, MountList])),
    ("clone_user", Without(&[Seccomp, MountList])),
    ("clone3_user", Without(&[Seccomp, MountList])),
    ("enter_namespace", Without(&[Seccomp, Privileges])),
    ("rename_machine", Without(&[Seccomp, Privileges])),
    ("mount", ALL),
    ("unmount", ALL),
    ("make_file_system", ALL),
    ("copy_mounts", ALL),
    ("move_mount", ALL),
    ("change_root", ALL),
    ("use_bpf", PlainWith(CapabilitySet::SYS_ADMIN)),
    ("use_io_uring", Without(&[Seccomp])),
    ("use_userfaultfd", Without(&[Seccomp])),
    ("use_keys", Without(&[Seccomp])),
    ("read_keyring", Without(&[Seccomp])),
    ("name_by_handle", Without(&[Seccomp])),
    ("open_by_handle", PlainWith(CapabilitySet::DAC_READ_SEARCH)),
    ("connect_to_loopback", Plain),
    ("connect_to_abstract_socket", Plain),
    ("send_raw_packets", Without(&[Privileges])),
    ("capture_packets", Without(&[Seccomp, Privileges])),
    ("open_vsock", Without(&[Seccomp])),
    ("open_kernel_crypto", Without(&[Seccomp])),
    ("open_netlink_events", Without(&[Seccomp])),
    ("open_vsock_pair", Without(&[Seccomp])),
];

/// Refusals that mean that this kernel has no such thing.
const ABSENT: [&str; 4] = [
    "refused: EAFNOSUPPORT",
    "refused: ENOSYS",
    "refused: EPROTONOSUPPORT",
    "refused: ENOPROTOOPT",
];

/// What attackers would like to reach.
struct Prey {
    folder: TempDir,
    temporary: tempfile::NamedTempFile,
    victim: Child,
    listener: TcpListener,
    abstract_name: String,
    _abstract: UnixListener,
}

impl Prey {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let abstract_name = format!("cumulet-prey-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        Self {
            temporary: tempfile::NamedTempFile::new_in("/tmp").unwrap(),
            victim: Command::new("sleep").arg("600").spawn().unwrap(),
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            _abstract: UnixListener::bind_addr(&address).unwrap(),
            abstract_name,
            folder,
        }
    }

    fn event(&self, attack: &str, code: &str) -> Value {
        json!({
            "attack": attack,
            "calls": calls(),
            "secret": self.folder.path().join("secret"),
            "folder": self.folder.path(),
            "temporary": self.temporary.path(),
            "victim": self.victim.id(),
            "port": self.listener.local_addr().unwrap().port(),
            "abstract": self.abstract_name,
            "code": code,
        })
    }
}

impl Drop for Prey {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

/// The numbers of the calls that Python has no name for.
fn calls() -> Value {
    json!({
        "add_key": libc::SYS_add_key,
        "bpf": libc::SYS_bpf,
        "chroot": libc::SYS_chroot,
        "clone": libc::SYS_clone,
        "clone3": libc::SYS_clone3,
        "fsopen": libc::SYS_fsopen,
        "io_uring_setup": libc::SYS_io_uring_setup,
        "keyctl": libc::SYS_keyctl,
        "listmount": 458,
        "mount": libc::SYS_mount,
        "move_mount": libc::SYS_move_mount,
        "name_to_handle_at": libc::SYS_name_to_handle_at,
        "open_by_handle_at": libc::SYS_open_by_handle_at,
        "open_tree": libc::SYS_open_tree,
        "process_vm_readv": libc::SYS_process_vm_readv,
        "ptrace": libc::SYS_ptrace,
        "sethostname": libc::SYS_sethostname,
        "setns": libc::SYS_setns,
        "umount2": libc::SYS_umount2,
        "unshare": libc::SYS_unshare,
        "userfaultfd": libc::SYS_userfaultfd,
    })
}

/// The attacker under one launcher.
struct Ground {
    rig: Rig,
    code: String,
    _root: Option<TempDir>,
}

impl Ground {
    fn new(launcher: impl FnOnce(&TempDir) -> Arc<dyn Launcher>) -> Self {
        let (plan, code) = Self::plan();
        Self { rig: plan.start_on(launcher), code, _root: None }
    }

    fn plan() -> (Plan, String) {
        let attacks = include_str!("attacks.py");
        let mut plan = Plan::new("python3.11", "index.handler", &[("index.py", attacks)]);
        plan.function.memory_mb = 1024;
        plan.function.storage_mb = 64;
        plan.function.timeout = std::time::Duration::from_secs(60);
        let code = plan.function.code.display().to_string();
        (plan, code)
    }

    /// `first` is the process above the function: the platform, or the sandbox's first one.
    async fn attempt(&self, prey: &Prey, first: u32, attack: &str) -> String {
        let mut event = prey.event(attack, &self.code);
        event["first"] = first.into();
        let event = event.to_string();
        self.rig.value(&event).await.as_str().unwrap().to_owned()
    }
}

fn sandbox(without: &'static [Barrier]) -> Ground {
    Ground::new(|_| Arc::new(isolated(CgroupParent::own(), None).without(without)))
}

/// A sandbox that waited for the attacker.
fn waited() -> Ground {
    let root = tempfile::tempdir().unwrap();
    let folder = RuntimeFolder::write(root.path()).unwrap();
    let launcher = Arc::new(isolated(CgroupParent::own(), None));
    let (plan, code) = Ground::plan();
    wait_ahead(&launcher, &plan.function, &folder);
    Ground { rig: plan.start_with(folder, |_| launcher), code, _root: Some(root) }
}

fn plain() -> Ground {
    Ground::new(|folder| Arc::new(PlainLauncher::new(&folder.path().join("tmp"), None).unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_comes_through_without_its_barrier_and_is_refused_with_it() {
    let prey = Prey::new();
    let (plain, full, waited) = (plain(), sandbox(&[]), waited());
    let mut weakened: HashMap<u64, Ground> = HashMap::new();
    let capable = rustix::thread::capabilities(None).unwrap().effective;
    let own = std::process::id();
    let mut wrong = Vec::new();
    for &(attack, place) in ATTACKS {
        let ground = match place {
            Plain => Some(&plain),
            PlainWith(needed) => capable.contains(needed).then_some(&plain),
            Without(barriers) => {
                let key = barriers.iter().map(|&barrier| barrier as u64).sum();
                Some(&*weakened.entry(key).or_insert_with(|| sandbox(barriers)))
            }
        };
        let without = match ground {
            Some(ground) => ground.attempt(&prey, own, attack).await,
            None => "passed over: the platform itself could not".to_owned(),
        };
        let with = [full.attempt(&prey, 1, attack).await, waited.attempt(&prey, 1, attack).await];
        let bites = without == "done" || ground.is_none() || ABSENT.contains(&without.as_str());
        if without != "done" && bites {
            eprintln!("{attack} shows nothing here: {without}");
        }
        if !bites || !with.iter().all(|one| one.starts_with("refused: ")) {
            wrong.push(format!("{attack}: {without:?} without its barrier, {with:?} with it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for ground in [full, waited] {
        assert_eq!(ground.rig.log.count("INIT_START"), 1, "nobody brought the sandbox down");
    }
}
