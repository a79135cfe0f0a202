//! Waiting on a file descriptor that tokio has no type for.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// `fd`, to be waited on until it can be read. Needs a tokio runtime with I/O.
pub(crate) fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[allow(unsafe_code)]
    // SAFETY: what is registered must name the same open descriptor for as long as the `AsyncFd`
    // lives. An `OwnedFd` that nobody else can reach does: it has no interior mutability, and it
    // closes only when it is dropped, which the `AsyncFd` does after it has deregistered it.
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    registered.map_err(Into::into)
}

/// Whether `fd` can be read at once. Of a process: whether it has ended.
pub(crate) fn is_readable(fd: impl AsFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let polled = rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&now));
    polled.is_ok_and(|ready| ready > 0)
}
