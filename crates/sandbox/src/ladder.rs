//! The ladder of isolation: which rung this machine gives, what stands in the way of the next one,
//! and how to clear it away.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::{Resource, Rlimit};

use crate::cgroup::CgroupParent;
use crate::egress::{Egress, Way};
use crate::isolated::{IsolatedLauncher, Isolation};
use crate::launch::{BoxFuture, Folders, Launch, Launched, Launcher, Rung};
use crate::plain::PlainLauncher;

/// The strongest rung that was found.
pub struct Climbed {
    /// Starts functions at that rung.
    pub launcher: Arc<dyn Launcher>,
    /// What keeps functions from a stronger one, and what to do about it. `None` at the top.
    pub obstacle: Option<String>,
    /// How far out functions get, as far as policy lets them. `None` where nothing stands between
    /// them and the machine's own network.
    pub egress: Option<Way>,
}

/// Tries the rungs, strongest first, and takes the first that works: a sandbox is really made.
/// Blocks for some tens of milliseconds.
///
/// `program` calls [`crate::sandbox_entry`] first of all; `scratch` is for what plain processes
/// write; `egress` is the way out of sandboxes.
pub fn climb(program: PathBuf, scratch: &Path, egress: Option<Arc<Egress>>) -> io::Result<Climbed> {
    raise_descriptors();
    let cgroup = CgroupParent::own();
    let counted = cgroup.is_some();
    let opened = IsolatedLauncher::open(Isolation { program, cgroup, egress });
    let tried = opened.and_then(|launcher| launcher.try_out().map(|way| (launcher, way)));
    let (launcher, obstacle, egress): (Arc<dyn Launcher>, _, _) = match tried {
        Ok((launcher, way)) => {
            let obstacle = (launcher.rung() < Rung::Full).then(|| above_rootless(counted));
            (Arc::new(launcher), obstacle, Some(way))
        }
        Err(error) => {
            (Arc::new(PlainLauncher::new(scratch, None)?), Some(above_process(&error)), None)
        }
    };
    Ok(Climbed { launcher, obstacle, egress })
}

/// Each sandbox takes about twenty descriptors of this process, and most systems start programs
/// with 1,024 of some hundred thousand that they may have. What functions may have is set for them.
fn raise_descriptors() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let most = Rlimit { current: limit.maximum, ..limit };
    let _ = rustix::process::setrlimit(Resource::Nofile, most);
}

/// Why sandboxes share this user, or have limits that only this program counts.
fn above_rootless(counted: bool) -> String {
    let mut words = String::new();
    words.push_str(if rustix::process::geteuid().is_root() {
        "This root has no users to give to sandboxes: it is one of a user namespace."
    } else {
        "Started by root, each sandbox would have a user of its own."
    });
    if !counted {
        words.push_str(
            " No control group can be made here, so memory is looked at 20 times a second \
             instead of being limited by the kernel: start it by systemd with Delegate=yes, or by \
             root.",
        );
    }
    words
}

/// Why there are no sandboxes at all.
fn above_process(error: &io::Error) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let status = read("/proc/self/status");
    let machine = Machine {
        root: rustix::process::geteuid().is_root(),
        apparmor: read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1",
        clone_forbidden: read("/proc/sys/kernel/unprivileged_userns_clone") == "0",
        namespaces: read("/proc/sys/user/max_user_namespaces").parse().unwrap_or(0),
        container: ["/.dockerenv", "/run/.containerenv"]
            .iter()
            .any(|path| Path::new(path).exists())
            || status.lines().any(|line| line.starts_with("Seccomp:") && !line.ends_with('0')),
        program: std::env::current_exe().unwrap_or_default(),
    };
    format!("No sandbox can be made ({error}). {}", machine.fix())
}

/// What of a machine decides whether it lets a program make sandboxes.
#[derive(Debug, Clone)]
struct Machine {
    root: bool,
    /// Ubuntu, since 23.10: only programs with a profile may have capabilities in namespaces.
    apparmor: bool,
    /// Debian's own switch.
    clone_forbidden: bool,
    namespaces: u64,
    /// In a container, or under a filter of system calls.
    container: bool,
    program: PathBuf,
}

impl Machine {
    /// What to do, most likely cause first.
    fn fix(&self) -> String {
        if self.namespaces == 0 {
            return "User namespaces are switched off: sysctl -w user.max_user_namespaces=15000"
                .to_owned();
        }
        if self.clone_forbidden && !self.root {
            return "User namespaces are for root only: sysctl -w \
                    kernel.unprivileged_userns_clone=1"
                .to_owned();
        }
        if self.container {
            return "This looks like a container: its filter of system calls and its masked /proc \
                    forbid namespaces. With Docker or Podman: --security-opt seccomp=unconfined \
                    --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
                    (the container stays a container; functions get sandboxes within it)."
                .to_owned();
        }
        if self.apparmor && !self.root {
            let program = self.program.display();
            let mut words = "AppArmor allows user namespaces to programs with a profile only \
                             (Ubuntu 23.10 and later). Write to /etc/apparmor.d/cumulet:\n"
                .to_owned();
            let _ = write!(
                words,
                "  abi <abi/4.0>,\n  profile cumulet {program} flags=(unconfined) {{ userns, }}\n\
                 and load it: sudo apparmor_parser -r /etc/apparmor.d/cumulet"
            );
            return words;
        }
        "The kernel must be Linux 5.12 or newer, with namespaces and seccomp.".to_owned()
    }
}

/// Starts nothing, and says why. For who wants no functions rather than weakly isolated ones.
pub struct RefusingLauncher {
    rung: Rung,
    why: String,
}

impl RefusingLauncher {
    /// Names the rung that there would be, and the reason.
    pub fn new(rung: Rung, why: impl Into<String>) -> Self {
        Self { rung, why: why.into() }
    }
}

impl Launcher for RefusingLauncher {
    fn rung(&self) -> Rung {
        self.rung
    }

    fn inside(&self, folders: &Folders) -> Folders {
        folders.clone()
    }

    fn launch(&self, _: Launch) -> BoxFuture<'_, io::Result<Launched>> {
        Box::pin(async { Err(io::Error::other(self.why.clone())) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_obstacle_has_its_fix() {
        let clear = Machine {
            root: false,
            apparmor: false,
            clone_forbidden: false,
            namespaces: 1000,
            container: false,
            program: "/opt/cumulet".into(),
        };
        let check = |machine: Machine, words: &str| {
            assert!(machine.fix().contains(words), "{machine:?}: {}", machine.fix());
        };
        check(Machine { namespaces: 0, ..clear.clone() }, "user.max_user_namespaces=15000");
        check(Machine { clone_forbidden: true, ..clear.clone() }, "unprivileged_userns_clone=1");
        check(Machine { container: true, ..clear.clone() }, "seccomp=unconfined");
        check(Machine { apparmor: true, ..clear.clone() }, "profile cumulet /opt/cumulet flags");
        check(Machine { apparmor: true, root: true, ..clear.clone() }, "Linux 5.12");
        check(clear, "Linux 5.12");
    }

    #[test]
    fn rungs_are_ordered_and_have_names() {
        assert!(Rung::ALL.is_sorted());
        for rung in Rung::ALL {
            assert_eq!(rung.name().parse(), Ok(rung));
        }
        assert!("none".parse::<Rung>().is_err());
    }
}
