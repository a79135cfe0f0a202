//! A sandbox's first process: it makes the sandbox around itself, starts the function's runtime
//! when it is told which, and ends with it, which ends everything in the sandbox.
//!
//! Until the runtime is there nothing of the function's has run: this process may be trusted, and
//! may wait, made ready, for a function to be given to it.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions};
use rustix::thread::{CapabilitySet, Gid, Uid, UnshareFlags};

use super::assignment::{Assignment, Furniture};
use super::barrier::Barriers;
use super::confine::{Confined, Failed, keep_only};
use super::host::{Users, failed};
use super::link::{Link, Message, Reader, malformed};
use super::root::{self, Brought};
use super::seccomp::Filters;
use super::sys::{self, Forked};
use super::{SANDBOX_GID, SANDBOX_UID, network};
use crate::egress;

/// The platform's words to a first process whose runtime runs, where the machine has no other means
/// to stop processes. A function that wants to go on can: a timer of its own may send it the signal
/// to continue. So this holds back what was left running, not who means to run.
pub(super) const FREEZE: &str = "freeze";
pub(super) const THAW: &str = "thaw";

/// What a sandbox is made to, whatever will run in it.
pub(super) struct Spec {
    /// What leads out of it, if anything does.
    pub(super) egress: Option<egress::Plan>,
    pub(super) without: Barriers,
}

/// The same, with what all sandboxes of a launcher share.
pub(super) struct Settings {
    pub(super) spec: Spec,
    pub(super) filters: Filters,
    pub(super) users: Users,
}

/// Runs as the sandbox's first process, to its end.
pub(super) fn run(control: &Link, go: io::PipeReader, settings: &Settings) -> ExitCode {
    if let Err(Failed(step, error)) = live(control, go, settings) {
        let _ = control.send(&failed(step, &error));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn live(control: &Link, go: io::PipeReader, settings: &Settings) -> Result<(), Failed> {
    let step = |name, done: io::Result<()>| done.map_err(|error| Failed(name, error));
    step("users", become_first(go, settings.users))?;
    step("root", root::build())?;
    let doors = network::open(settings.spec.egress.as_ref());
    let doors = doors.map_err(|why| Failed("network", why))?;
    let mut ready = Message::new("ready");
    ready.fd(doors.runtime_api.into());
    if let Some(inside) = doors.egress {
        let (kinds, sockets) = inside.into_parts();
        ready.word(kinds);
        for socket in sockets {
            ready.fd(socket);
        }
    }
    step("control", control.send(&ready))?;
    drop(ready);
    let Some(message) = control.receive().map_err(|why| Failed("control", why))? else {
        return Ok(());
    };
    let (runtime, waits) = assign(message.read(), settings)?;
    let mut started = Message::new("started");
    let pidfd = rustix::process::pidfd_open(runtime, PidfdFlags::empty());
    started.fd(pidfd.map_err(|why| Failed("control", why.into()))?);
    step("control", control.send(&started))?;
    drop(started);
    if waits {
        let Some(message) = control.receive().map_err(|why| Failed("control", why))? else {
            return Ok(());
        };
        step("equipment", equip(message.read()))?;
        step("control", control.send(&Message::new("equipped")))?;
    }
    // All that is left to do takes no more.
    step("capabilities", keep_only(CapabilitySet::KILL))?;
    let ended = look_after(control, runtime).map_err(|why| Failed("wait", why))?;
    step("control", control.send(&ended))
}

/// Waits until its users are mapped, takes its own, and binds its life to the launcher's.
fn become_first(mut go: io::PipeReader, users: Users) -> io::Result<()> {
    go.read_exact(&mut [0])?;
    if users == Users::Own {
        rustix::thread::set_thread_groups(&[])?;
        rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
        rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)?;
    }
    // After the change of user, which would reset it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Nobody looks into this process, be he the same user.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(rustix::system::sethostname(b"localhost")?)
}

/// Furnishes the sandbox and starts a runtime: whether that waits for its function.
fn assign(mut message: Reader, settings: &Settings) -> Result<(Pid, bool), Failed> {
    let step = |name| move |error| Failed(name, error);
    let assignment = Assignment::read(&mut message).map_err(step("assignment"))?;
    let output = message.fd().map_err(step("assignment"))?;
    let waits =
        if assignment.waits { Some(message.fd().map_err(step("assignment"))?) } else { None };
    // Its root is the control group that the platform has moved this process to meanwhile.
    sys::unshare(UnshareFlags::NEWCGROUP).map_err(step("control group"))?;
    let Furniture { storage, targets } = assignment.furniture;
    let brought = bring(&targets, &mut message).map_err(step("assignment"))?;
    let furnished = root::furnish(storage, SANDBOX_UID, SANDBOX_GID, brought);
    furnished
        .and_then(|()| if waits.is_some() { root::furnish_ahead() } else { root::seal() })
        .map_err(step("root"))?;
    let mut command = Command::new(&assignment.program);
    command.args(&assignment.arguments).env_clear().envs(assignment.environment);
    let is_waiting = waits.is_some();
    let confined = Confined {
        command,
        code: assignment.code,
        output,
        waits,
        filters: &settings.filters,
        without: settings.spec.without,
        own_user: settings.users == Users::Own,
        brought: targets.into_iter().map(|(target, _)| target).collect(),
    };
    spawn(confined).map(|runtime| (runtime, is_waiting))
}

/// What was made to wait is given what is its function's. Nothing of any function's has run yet.
fn equip(mut message: Reader) -> io::Result<()> {
    let furniture = Furniture::read_equipment(&mut message)?;
    root::unfurnish()?;
    root::resize_storage(furniture.storage)?;
    bring(&furniture.targets, &mut message)?.into_iter().try_for_each(Brought::attach)?;
    root::seal()
}

/// The copies of mounts that came with a message.
fn bring(targets: &[(PathBuf, bool)], message: &mut Reader) -> io::Result<Vec<Brought>> {
    let one = |(target, is_folder): &(PathBuf, bool)| {
        Ok(Brought { tree: message.fd()?, target: target.clone(), is_folder: *is_folder })
    };
    targets.iter().map(one).collect()
}

/// Starts the program; an error where it could not be executed.
fn spawn(confined: Confined<'_>) -> Result<Pid, Failed> {
    let step = |name| move |error| Failed(name, error);
    // Closed by exec: an end without a word is success.
    let (mut fate, mut tell) = io::pipe().map_err(step("fork"))?;
    match sys::fork().map_err(step("fork"))? {
        Forked::Child => {
            let Failed(name, error) = confined.run();
            let number = error.raw_os_error().unwrap_or(0);
            let _ = tell.write_all(format!("{number}\n{name}\n{error}").as_bytes());
            std::process::exit(127);
        }
        Forked::Parent(runtime) => {
            drop(tell);
            drop(confined);
            let mut told = String::new();
            fate.read_to_string(&mut told).map_err(step("fork"))?;
            let mut lines = told.splitn(3, '\n');
            let (number, name, text) = (lines.next(), lines.next(), lines.next());
            match (number.and_then(|number| number.parse().ok()), name, text) {
                (Some(number), Some("exec"), _) => {
                    Err(Failed("exec", io::Error::from_raw_os_error(number)))
                }
                (_, Some(name), Some(text)) => {
                    Err(Failed("confinement", io::Error::other(format!("{name}: {text}"))))
                }
                _ => Ok(runtime),
            }
        }
    }
}

/// Reaps whatever ends in the sandbox, until it is the runtime; the message of how that ended.
/// Meanwhile stops the function, and lets it go on, as the platform says.
fn look_after(control: &Link, runtime: Pid) -> io::Result<Message> {
    let children = sys::child_signals()?;
    let mut platform = Some(control);
    loop {
        // Before the first wait too: a child may have ended before its signal was waited for.
        if let Some(ended) = reap(runtime) {
            return Ok(ended);
        }
        let mut fds = vec![PollFd::new(&children, PollFlags::IN)];
        fds.extend(platform.iter().map(|platform| PollFd::new(*platform, PollFlags::IN)));
        match rustix::event::poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled?,
        };
        let said = fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        // What it says is read for its end only: `reap` asks the kernel itself.
        while matches!(rustix::io::read(&children, &mut [0_u8; 512]), Ok(count) if count > 0) {}
        if said && !obey(control)? {
            platform = None;
        }
    }
}

/// Does as the platform says; `false` where that says no more.
fn obey(control: &Link) -> io::Result<bool> {
    let Some(message) = control.receive()? else { return Ok(false) };
    let signal = match message.read().text()?.as_str() {
        FREEZE => libc::SIGSTOP,
        THAW => libc::SIGCONT,
        _ => return Err(malformed()),
    };
    match sys::signal_all(signal) {
        // Nobody is left, which `reap` is about to see.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(true),
        done => done.map(|()| true),
    }
}

/// Reaps all that has ended; the message, if the runtime is among it.
fn reap(runtime: Pid) -> Option<Message> {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == runtime => {
                let mut message = Message::new("exit");
                let code = status.exit_status().or_else(|| status.terminating_signal());
                message.word(if status.exited() { "status" } else { "signal" });
                message.number(code.unwrap_or(0).cast_unsigned().into());
                return Some(message);
            }
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return None,
            Err(error) => return Some(failed("wait", &error.into())),
        }
    }
}
