//! A sandbox's first process: it makes the sandbox around itself, starts the function's runtime
//! when it is told which, and ends with it, which ends everything in the sandbox.
//!
//! Until the runtime is there nothing of the function's has run: this process may be trusted, and
//! may wait, made ready, for a function to be given to it.

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions};
use rustix::thread::{Gid, Uid, UnshareFlags};

use super::barrier::Barriers;
use super::confine::{Confined, Failed, drop_capabilities};
use super::host::{Users, failed};
use super::link::{Link, Message, Reader};
use super::root::{self, Brought};
use super::seccomp::Filters;
use super::sys::{self, Forked};
use super::{SANDBOX_GID, SANDBOX_UID, network};
use crate::egress;

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

/// What runs in it.
pub(super) struct Assignment {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// The working directory.
    pub(super) code: PathBuf,
    /// Bytes of ephemeral storage.
    pub(super) storage: u64,
    /// Where in the sandbox which copies of mounts belong, and whether each is a folder.
    pub(super) targets: Vec<(PathBuf, bool)>,
}

impl Assignment {
    /// Without its descriptors: the output, then one for each target.
    pub(super) fn message(&self) -> Message {
        let mut message = Message::new("assign");
        message.word(self.program.as_os_str().as_encoded_bytes());
        message.number(self.arguments.len() as u64);
        for argument in &self.arguments {
            message.word(argument);
        }
        message.number(self.environment.len() as u64);
        for (name, value) in &self.environment {
            message.word(name).word(value);
        }
        message.word(self.code.as_os_str().as_encoded_bytes()).number(self.storage);
        message.number(self.targets.len() as u64);
        for (target, is_folder) in &self.targets {
            message.word(target.as_os_str().as_encoded_bytes()).number((*is_folder).into());
        }
        message
    }

    fn read(reader: &mut Reader) -> io::Result<Self> {
        let path = |reader: &mut Reader| {
            io::Result::Ok(PathBuf::from(std::ffi::OsString::from_vec(reader.bytes()?)))
        };
        Ok(Self {
            program: path(reader)?,
            arguments: reader.list(Reader::text)?,
            environment: reader.list(|reader| Ok((reader.text()?, reader.text()?)))?,
            code: path(reader)?,
            storage: reader.number()?,
            targets: reader.list(|reader| Ok((path(reader)?, reader.number()? != 0)))?,
        })
    }
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
    let mut message = message.read();
    let runtime = assign(&mut message, settings)?;
    let mut started = Message::new("started");
    let pidfd = rustix::process::pidfd_open(runtime, PidfdFlags::empty());
    started.fd(pidfd.map_err(|why| Failed("control", why.into()))?);
    step("control", control.send(&started))?;
    drop(started);
    // All that is left to do takes none.
    step("capabilities", drop_capabilities())?;
    step("control", control.send(&wait(runtime)))
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

/// Furnishes the sandbox for a function and starts its runtime.
fn assign(message: &mut Reader, settings: &Settings) -> Result<Pid, Failed> {
    let step = |name| move |error| Failed(name, error);
    message.text().map_err(step("assignment"))?;
    let assignment = Assignment::read(message).map_err(step("assignment"))?;
    let output = message.fd().map_err(step("assignment"))?;
    // Its root is the control group that the platform has moved this process to meanwhile.
    sys::unshare(UnshareFlags::NEWCGROUP).map_err(step("control group"))?;
    let mut brought = Vec::new();
    for (target, is_folder) in &assignment.targets {
        let tree = message.fd().map_err(step("assignment"))?;
        brought.push(Brought { tree, target: target.clone(), is_folder: *is_folder });
    }
    root::furnish(assignment.storage, SANDBOX_UID, SANDBOX_GID, brought).map_err(step("root"))?;
    let mut command = Command::new(&assignment.program);
    command.args(&assignment.arguments).env_clear().envs(assignment.environment);
    let confined = Confined {
        command,
        code: assignment.code,
        output,
        filters: &settings.filters,
        without: settings.spec.without,
        own_user: settings.users == Users::Own,
        brought: assignment.targets.into_iter().map(|(target, _)| target).collect(),
    };
    spawn(confined)
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
fn wait(runtime: Pid) -> Message {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == runtime => {
                let mut message = Message::new("exit");
                let code = status.exit_status().or_else(|| status.terminating_signal());
                message.word(if status.exited() { "status" } else { "signal" });
                message.number(code.unwrap_or(0).cast_unsigned().into());
                return message;
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return failed("wait", &error.into()),
        }
    }
}
