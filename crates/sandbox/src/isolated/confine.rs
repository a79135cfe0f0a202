//! From the sandbox's first process to the function's program: everything that is given up on the
//! way, in an order in which each step still has what it needs.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use rustix::process::Resource;
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags};

use super::barrier::{Barrier, Barriers};
use super::seccomp::Filters;
use super::{SANDBOX_GID, SANDBOX_UID, root, sys};
use crate::child::{FILE_LIMIT, PROCESS_LIMIT, close_on_exec, limit};

/// The variable that tells a runtime client at which descriptor to wait for its function.
const WAITS: &str = "CUMULET_WAIT_FD";

/// A program, and what it is confined by.
pub(super) struct Confined<'a> {
    pub(super) command: Command,
    pub(super) code: PathBuf,
    pub(super) output: OwnedFd,
    /// Where it waits for what is its function's, if it does: a socket that it inherits.
    pub(super) waits: Option<OwnedFd>,
    pub(super) filters: &'a Filters,
    pub(super) without: Barriers,
    /// Whether the user namespace has a user of its own for functions.
    pub(super) own_user: bool,
    /// What it may read and execute besides the system: files and folders.
    pub(super) brought: Vec<PathBuf>,
}

/// A step, and why it failed.
pub(super) struct Failed(pub(super) &'static str, pub(super) io::Error);

impl Confined<'_> {
    /// Becomes the program. Returns only where that fails.
    pub(super) fn run(self) -> Failed {
        match self.prepare() {
            Ok((mut command, _inherited)) => Failed("exec", command.exec()),
            Err(failed) => failed,
        }
    }

    fn prepare(mut self) -> Result<(Command, Option<OwnedFd>), Failed> {
        let step = |name, done: io::Result<()>| done.map_err(|error| Failed(name, error));
        step("session", rustix::process::setsid().map(drop).map_err(Into::into))?;
        step("mount list", self.hide_mounts())?;
        step("working directory", std::env::set_current_dir(&self.code))?;
        step("limits", limits())?;
        if self.without.keeps(Barrier::Privileges) {
            step("privileges", self.drop_privileges())?;
        } else {
            step("privileges", keep_capabilities())?;
        }
        step("no_new_privs", rustix::thread::set_no_new_privs(true).map_err(Into::into))?;
        if self.without.keeps(Barrier::Landlock) {
            step(
                "Landlock",
                landlock(&self.brought, self.waits.is_some()).map_err(io::Error::other),
            )?;
        }
        step("descriptors", close_on_exec())?;
        step("output", self.set_output())?;
        step("waiting", self.let_wait())?;
        // Last, as the steps before make calls that it refuses.
        if self.without.keeps(Barrier::Seccomp) {
            step("seccomp", self.filters.install())?;
        }
        Ok((self.command, self.waits))
    }

    fn let_wait(&mut self) -> io::Result<()> {
        if let Some(socket) = &self.waits {
            rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty())?;
            self.command.env(WAITS, socket.as_raw_fd().to_string());
        }
        Ok(())
    }

    fn set_output(&mut self) -> io::Result<()> {
        self.command.stdin(Stdio::null());
        self.command.stdout(self.output.try_clone()?);
        self.command.stderr(self.output.try_clone()?);
        Ok(())
    }

    /// `/proc/self/mountinfo` tells of every mount where on the machine's disks it comes from. It
    /// lists the mounts of the process's namespace that its root leads to. So the function's
    /// processes get a namespace of their own, but keep their root in that of the sandbox's first
    /// process: nothing that is listed is within reach, and nothing within reach is listed.
    fn hide_mounts(&self) -> io::Result<()> {
        if !self.without.keeps(Barrier::MountList) {
            return Ok(());
        }
        let root = root::root()?;
        sys::unshare(UnshareFlags::NEWNS)?;
        rustix::process::fchdir(&root)?;
        Ok(rustix::process::chroot(".")?)
    }

    fn drop_privileges(&self) -> io::Result<()> {
        for capability in CapabilitySet::all().iter() {
            match rustix::thread::remove_capability_from_bounding_set(capability) {
                // An older kernel does not know the newest ones.
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.own_user {
            let (uid, gid) = (Uid::from_raw(SANDBOX_UID), Gid::from_raw(SANDBOX_GID));
            rustix::thread::set_thread_groups(&[])?;
            rustix::thread::set_thread_res_gid(gid, gid, gid)?;
            rustix::thread::set_thread_res_uid(uid, uid, uid)?;
        }
        keep_only(CapabilitySet::empty())
    }
}

/// Without the barrier: whoever the program runs as has all capabilities in the sandbox.
fn keep_capabilities() -> io::Result<()> {
    let mut sets = rustix::thread::capabilities(None)?;
    sets.inheritable = sets.permitted;
    rustix::thread::set_capabilities(None, sets)?;
    for capability in sets.permitted.iter() {
        rustix::thread::configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// Gives up all other capabilities of the calling thread. None of these passes on by exec.
pub(super) fn keep_only(kept: CapabilitySet) -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let inheritable = CapabilitySet::empty();
    let kept = CapabilitySets { effective: kept, permitted: kept, inheritable };
    Ok(rustix::thread::set_capabilities(None, kept)?)
}

fn limits() -> io::Result<()> {
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, FILE_LIMIT)?;
    // Counted for each user namespace apart since Linux 5.14.
    limit(Resource::Nproc, PROCESS_LIMIT)
}

/// Files by path, once more: what the root's mounts allow, a rule here allows too, and nothing
/// else is, should a mount ever be forgotten. Signals and abstract sockets stay inside.
///
/// Rules name files that are there, and pass over the folders that mounts hide (landlock(7)). What
/// is mounted only after the program has started falls under a rule for the folder above: where
/// `more_to_come`, all that the root shows may be read.
fn landlock(brought: &[PathBuf], more_to_come: bool) -> Result<(), landlock::RulesetError> {
    // What a kernel does not know yet is left out; the mounts stand in any case.
    const KNOWN: ABI = ABI::V6;
    let read = AccessFs::from_read(KNOWN);
    let all = AccessFs::from_all(KNOWN);
    let devices = AccessFs::MakeBlock | AccessFs::MakeChar;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    let system = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"];
    let own = ["/var/task", "/var/runtime", "/opt"];
    let brought = brought.iter().map(PathBuf::as_path);
    let readable = system.into_iter().chain(own).map(std::path::Path::new).chain(brought);
    for path in readable {
        let access = if path.is_dir() { read } else { read & AccessFs::from_file(KNOWN) };
        ruleset = allow(ruleset, path, access)?;
    }
    for path in ["/proc", "/dev"] {
        ruleset = allow(ruleset, path.as_ref(), AccessFs::ReadFile | AccessFs::ReadDir)?;
    }
    for path in ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"] {
        let access = AccessFs::from_file(KNOWN) & !AccessFs::Execute;
        ruleset = allow(ruleset, path.as_ref(), access)?;
    }
    let root = if more_to_come { read } else { AccessFs::ReadDir.into() };
    ruleset = allow(ruleset, "/".as_ref(), root)?;
    allow(ruleset, "/tmp".as_ref(), all & !devices)?.restrict_self().map(drop)
}

fn allow(
    ruleset: landlock::RulesetCreated,
    path: &std::path::Path,
    access: landlock::BitFlags<AccessFs>,
) -> Result<landlock::RulesetCreated, landlock::RulesetError> {
    match PathFd::new(path) {
        Ok(fd) => ruleset.add_rule(PathBeneath::new(fd, access)),
        // What is not there needs no rule.
        Err(_) => Ok(ruleset),
    }
}
