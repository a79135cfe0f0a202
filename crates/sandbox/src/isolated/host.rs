//! The launcher process: this program started over, with one thread, so that it can fork.
//!
//! It makes sandboxes' first processes, and copies of mounts, as the platform asks. It ends when
//! the platform does, however that comes about, and takes every sandbox and control group along.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::event::{PollFd, PollFlags};
use rustix::mount::MountPropagationFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use rustix::thread::UnshareFlags;

use super::barrier::Barriers;
use super::link::{Link, Message, Reader, malformed};
use super::seccomp::Filters;
use super::slot::UIDS;
use super::sys::{self, Forked};
use super::{SANDBOX_GID, SANDBOX_UID, init, root};
use crate::cgroup::Cgroup;

/// The first argument by which a program is told to be the launcher.
pub(super) const ENTRY: &str = "sandbox-launcher";

/// Becomes the launcher of sandboxes if this process was started to be that, and returns when it
/// has ended; `None` where it was not. Programs that use [`crate::IsolatedLauncher`] call this
/// first of all in `main`, while there is one thread.
pub fn sandbox_entry() -> Option<ExitCode> {
    let first = std::env::args_os().nth(1)?;
    (first == OsStr::new(ENTRY)).then(run)
}

fn run() -> ExitCode {
    match serve() {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(born)) => born.run(),
        Err(error) => {
            eprintln!("the launcher of sandboxes: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the namespaces of sandboxes are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Users {
    /// Root: each sandbox has users of its own.
    Own,
    /// An ordinary user: all are that user outside, and a user without rights inside.
    Shared,
}

/// A sandbox's first process, just made, and what it was told.
struct Born {
    control: Link,
    go: io::PipeReader,
    settings: init::Settings,
}

impl Born {
    fn run(self) -> ExitCode {
        init::run(&self.control, self.go, &self.settings)
    }
}

struct Sandbox {
    pidfd: OwnedFd,
    cgroup: Cgroup,
}

/// Serves the platform until it goes; `Some` in each child.
fn serve() -> io::Result<Option<Born>> {
    if !sys::is_single_threaded()? {
        return Err(io::Error::other("it must be entered while the process has one thread"));
    }
    // A terminal's interrupt is for the platform, which may want to finish first.
    let _ = rustix::process::setsid();
    let platform = take_stdin()?;
    let filters = Filters::new()?;
    let users = match prepare() {
        Ok(users) => users,
        Err(error) => {
            platform.send(&failed("namespaces", &error))?;
            return Ok(None);
        }
    };
    platform.send(Message::new("ready").number((users == Users::Own).into()))?;
    let mut sandboxes: Vec<Sandbox> = Vec::new();
    loop {
        let Ok(Some(message)) = wait(&platform, &mut sandboxes) else { break };
        let mut request = message.read();
        let answer = match request.text()?.as_str() {
            "trees" => trees(request),
            "start" => match start(request, users) {
                Ok(Started::There(control, go, spec)) => {
                    let settings = init::Settings { spec, filters, users };
                    return Ok(Some(Born { control, go, settings }));
                }
                Ok(Started::Here(pid, sandbox)) => {
                    let pidfd = sandbox.pidfd.try_clone();
                    sandboxes.push(sandbox);
                    pidfd.map(|pidfd| {
                        let mut answer = Message::new("started");
                        answer.number(pid.as_raw_pid().cast_unsigned().into()).fd(pidfd);
                        answer
                    })
                }
                Err(error) => Err(error),
            },
            _ => Err(malformed()),
        };
        if platform.send(&answer.unwrap_or_else(|error| failed("launcher", &error))).is_err() {
            break;
        }
    }
    end(&sandboxes);
    Ok(None)
}

/// A failure as a message: the step, the error's number (or 0) and its text.
pub(super) fn failed(step: &str, error: &io::Error) -> Message {
    let mut message = Message::new("failed");
    let number = error.raw_os_error().unwrap_or(0).cast_unsigned();
    message.word(step).number(number.into()).word(error.to_string());
    message
}

/// The platform's socket, which came as the standard input.
fn take_stdin() -> io::Result<Link> {
    let link = Link::from_fd(io::stdin().as_fd().try_clone_to_owned()?);
    let null = fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok(link)
}

/// A mount namespace of this process's own, and as an ordinary user a user namespace in which it
/// may copy mounts.
fn prepare() -> io::Result<Users> {
    let root = rustix::process::geteuid().is_root();
    let users = if root && sys::unshare(UnshareFlags::NEWNS).is_ok() {
        if covers(&fs::read_to_string("/proc/self/uid_map")?)
            && covers(&fs::read_to_string("/proc/self/gid_map")?)
        {
            Users::Own
        } else {
            Users::Shared
        }
    } else {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        sys::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
        Users::Shared
    };
    // What the machine mounts later is seen here; what is mounted here is not seen there.
    let flags = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", flags)?;
    Ok(users)
}

/// Whether a map of users (user_namespaces(7)) has all that sandboxes may get.
fn covers(map: &str) -> bool {
    map.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace().map(str::parse::<u64>);
        let (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) =
            (fields.next(), fields.next(), fields.next())
        else {
            return false;
        };
        first <= UIDS.start.into() && first + count >= u64::from(UIDS.end)
    })
}

/// The platform's next message. Meanwhile reaps what has ended.
fn wait(platform: &Link, sandboxes: &mut Vec<Sandbox>) -> io::Result<Option<Message>> {
    loop {
        let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let mut fds = vec![PollFd::new(platform, PollFlags::IN)];
        fds.extend(sandboxes.iter().map(|one| PollFd::new(&one.pidfd, PollFlags::IN)));
        match rustix::event::poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            polled => polled?,
        };
        let mut ended: Vec<bool> = fds.iter().map(ready).collect();
        let asked = ended.remove(0);
        let mut ended = ended.into_iter();
        sandboxes.retain(|sandbox| {
            let over = ended.next().unwrap_or(false);
            if over {
                reap(sandbox);
            }
            !over
        });
        if asked {
            return platform.receive();
        }
    }
}

fn reap(sandbox: &Sandbox) {
    let wait =
        || rustix::process::waitid(WaitId::PidFd(sandbox.pidfd.as_fd()), WaitIdOptions::EXITED);
    while matches!(wait(), Err(rustix::io::Errno::INTR)) {}
}

/// The platform is gone: nothing of it stays behind.
fn end(sandboxes: &[Sandbox]) {
    for sandbox in sandboxes {
        let _ = rustix::process::pidfd_send_signal(&sandbox.pidfd, Signal::KILL);
    }
    for sandbox in sandboxes {
        sandbox.cgroup.let_end();
        reap(sandbox);
        sandbox.cgroup.remove();
    }
}

/// Copies of mounted files and folders.
fn trees(mut request: Reader) -> io::Result<Message> {
    let mut answer = Message::new("trees");
    for path in request.list(Reader::bytes)? {
        let path = PathBuf::from(OsString::from_vec(path));
        let tree = root::copy(&path).map_err(|error| {
            io::Error::new(error.kind(), format!("{} cannot be mounted: {error}", path.display()))
        })?;
        answer.fd(tree);
    }
    Ok(answer)
}

/// What `start` comes to in the launcher, and in the sandbox's first process.
enum Started {
    Here(Pid, Sandbox),
    There(Link, io::PipeReader, init::Spec),
}

/// A new first process, in namespaces of its own.
fn start(mut request: Reader, users: Users) -> io::Result<Started> {
    let control = Link::from_fd(request.fd()?);
    let first_user = u32::try_from(request.number()?).map_err(|_| malformed())?;
    let egress = match request.text()?.as_str() {
        "" => None,
        plan => Some(plan.parse().map_err(|_| malformed())?),
    };
    let without = Barriers::from_bits(request.number()?);
    let folders = request.list(Reader::bytes)?;
    let folders = folders.into_iter().map(|path| PathBuf::from(OsString::from_vec(path)));
    let cgroup = Cgroup::existing(folders.collect());
    let (go, mut tell) = io::pipe()?;
    let namespaces = libc::CLONE_NEWUSER
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS;
    let (pid, pidfd) = match sys::clone_into(namespaces)? {
        Forked::Parent(child) => child,
        Forked::Child => {
            return Ok(Started::There(control, go, init::Spec { egress, without }));
        }
    };
    let sandbox = Sandbox { pidfd, cgroup };
    let told = map_users(pid, users, first_user).and_then(|()| tell.write_all(b"g"));
    if let Err(error) = told {
        let _ = rustix::process::pidfd_send_signal(&sandbox.pidfd, Signal::KILL);
        reap(&sandbox);
        return Err(error);
    }
    Ok(Started::Here(pid, sandbox))
}

/// Who the users of a sandbox are outside: with users of their own, its root (who sets it up) and
/// the function's; else the function's alone, who is this process's.
fn map_users(pid: Pid, users: Users, first: u32) -> io::Result<()> {
    let folder = PathBuf::from(format!("/proc/{}", pid.as_raw_pid()));
    for (map, function) in [("uid_map", SANDBOX_UID), ("gid_map", SANDBOX_GID)] {
        let lines = match users {
            Users::Own => format!("0 {first} 1\n{function} {} 1\n", first + 1),
            Users::Shared => format!("{function} 0 1\n"),
        };
        // One write, as the kernel wants it.
        fs::write(folder.join(map), lines)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_users() {
        assert!(covers("         0          0 4294967295\n"));
        assert!(!covers("         0       1000          1\n"));
        assert!(!covers("         0     100000      65536\n"));
        assert!(covers("0 1000 1\n1879048192 100000 268435456\n"));
        assert!(!covers(""));
        assert!(!covers("x y z"));
    }
}
