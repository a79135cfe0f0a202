//! A sandbox as the platform holds it: its first process, its control group, its end.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;
use tokio::io::unix::AsyncFd;

use super::init;
use super::link::{Link, Message};
use super::slot::Slot;
use crate::cgroup::{Cgroup, GroupLimits};
use crate::egress::Relay;
use crate::launch::{BoxFuture, Exit, Process};
use crate::{proc, watch};

/// What a sandbox has on the machine besides its processes.
pub(super) struct Place {
    pub(super) cgroup: Option<Cgroup>,
    /// Given back last.
    pub(super) slot: Slot,
}

/// A sandbox that is there. Dropping it ends its processes and takes its place away.
pub(super) struct Account {
    /// Of the first process.
    pid: u32,
    /// Readable once the first process has ended, and with it all others.
    pidfd: OwnedFd,
    place: Option<Place>,
    /// Bytes that the function may use.
    memory: u64,
}

impl Account {
    pub(super) fn new(pid: u32, pidfd: OwnedFd, place: Place, memory: u64) -> Self {
        Self { pid, pidfd, place: Some(place), memory }
    }

    fn cgroup(&self) -> Option<&Cgroup> {
        self.place.as_ref().and_then(|place| place.cgroup.as_ref())
    }

    pub(super) fn join_cgroup(&self) -> io::Result<()> {
        self.cgroup().map_or(Ok(()), |cgroup| cgroup.take_in(self.pid))
    }

    /// Whether its first process has ended, and with it all others.
    pub(super) fn has_ended(&self) -> bool {
        watch::is_readable(&self.pidfd)
    }

    /// Another limit than it was made with.
    pub(super) fn limit(&mut self, limits: GroupLimits) -> io::Result<()> {
        self.memory = limits.memory;
        self.cgroup().map_or(Ok(()), |cgroup| cgroup.limit(limits))
    }

    /// The kernel ends all processes of a namespace with its first one.
    fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        if let Some(cgroup) = self.cgroup() {
            cgroup.let_end();
        }
    }

    fn memory(&self) -> u64 {
        let Some(cgroup) = self.cgroup() else { return proc::resident(self.pid) };
        let (own, files) = cgroup.usage();
        // The peak has the page cache in it, which the kernel takes back when it must: by itself
        // it never exceeds what the function may use.
        own.max(cgroup.peak().saturating_sub(files).min(self.memory))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.kill();
        let (pidfd, place) = (self.pidfd.try_clone(), self.place.take());
        // Taking a large process apart takes a while, and this may be an async thread.
        let clean = std::thread::Builder::new().name("sandbox-reaper".to_owned());
        let _ = clean.spawn(move || {
            let Ok(pidfd) = pidfd else { return };
            while matches!(
                rustix::event::poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], None),
                Err(rustix::io::Errno::INTR)
            ) {}
            let Some(Place { cgroup, slot }) = place else { return };
            if cgroup.as_ref().is_some_and(|cgroup| !cgroup.remove()) {
                tracing::warn!(?cgroup, "control group not removed: it still has processes");
            }
            drop(slot);
        });
    }
}

pub(super) struct IsolatedProcess {
    account: Account,
    /// Readable when the first process says how the runtime ended, or has itself ended.
    control: AsyncFd<OwnedFd>,
    /// Readable once the runtime has ended, which is a moment earlier.
    runtime: OwnedFd,
    exit: Mutex<Option<Exit>>,
    /// Whether it is ever stopped between invocations.
    freezes: bool,
    /// Ends when this does.
    _relay: Option<Relay>,
}

impl IsolatedProcess {
    pub(super) fn new(
        account: Account,
        control: Link,
        runtime: OwnedFd,
        relay: Option<Relay>,
        freezes: bool,
    ) -> io::Result<Self> {
        let (control, exit) = (watch::readable(control.into_fd())?, Mutex::default());
        Ok(Self { account, control, runtime, exit, freezes, _relay: relay })
    }

    fn freezer(&self) -> Option<&Cgroup> {
        self.account.cgroup().filter(|cgroup| cgroup.can_freeze())
    }

    fn tell(&self, word: &str) {
        // It fails where the first process has ended, and all others with it.
        if let Err(error) = Link::send_now(self.control.get_ref(), &Message::new(word)) {
            tracing::debug!(%error, word, "a sandbox's first process does not hear");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Exit>> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the runtime ended, where it has.
    fn look(&self) -> Option<Exit> {
        let mut exit = self.lock();
        if exit.is_none() {
            *exit = match Link::receive_now(self.control.get_ref()) {
                Ok(Some(message)) => Some(told(message).unwrap_or(Exit::Signal(libc::SIGKILL))),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
                // The first process was killed, and everything with it.
                Ok(None) | Err(_) => Some(Exit::Signal(libc::SIGKILL)),
            };
        }
        *exit
    }
}

/// What the first process says last.
fn told(message: Message) -> io::Result<Exit> {
    let mut reader = super::expect(Some(message), "exit")?;
    let how = reader.text()?;
    let code = i32::try_from(reader.number()?).map_err(|_| super::malformed())?;
    Ok(if how == "status" { Exit::Status(code) } else { Exit::Signal(code) })
}

impl Process for IsolatedProcess {
    fn exited(&self) -> BoxFuture<'_, Exit> {
        Box::pin(async {
            loop {
                // Asked for at every invocation, so without a system call while nothing has come.
                let known = *self.lock();
                if let Some(exit) = known {
                    // It ends by itself; this is for one that was stopped on its way.
                    self.account.kill();
                    return exit;
                }
                match self.control.readable().await {
                    Ok(mut ready) => {
                        if self.look().is_none() {
                            ready.clear_ready();
                        }
                    }
                    // The async runtime is shutting down; the drop does the rest.
                    Err(_) => return Exit::Signal(libc::SIGKILL),
                }
            }
        })
    }

    fn freeze(&self) {
        if !self.freezes {
            return;
        }
        match self.freezer() {
            Some(cgroup) => cgroup.freeze(),
            None => self.tell(init::FREEZE),
        }
    }

    fn thaw(&self) {
        match self.freezer() {
            Some(cgroup) => cgroup.thaw(),
            None => self.tell(init::THAW),
        }
    }

    fn has_exited(&self) -> bool {
        watch::is_readable(&self.runtime)
    }

    fn kill(&self) {
        self.account.kill();
    }

    fn memory(&self) -> u64 {
        self.account.memory()
    }

    fn has_grown(&self) -> bool {
        self.account.cgroup().is_none_or(Cgroup::has_grown)
    }

    /// Nobody else is in its network namespace.
    fn is_alone(&self) -> bool {
        true
    }

    fn owns(&self, _: SocketAddr, _: SocketAddr) -> bool {
        true
    }
}
