//! The system calls that `rustix` has no safe form of.
//!
//! All of them are called by the launcher process or by a sandbox's first process, which have one
//! thread each: that is what makes a fork that runs ordinary code sound.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// Who one is after a fork.
pub(super) enum Forked<T> {
    Child,
    Parent(T),
}

/// Whether this process has one thread only.
pub(super) fn is_single_threaded() -> io::Result<bool> {
    Ok(std::fs::read_dir("/proc/self/task")?.count() == 1)
}

/// Forks into new namespaces (`CLONE_NEW…`). The parent gets the child's pid, and a descriptor of
/// it that is readable once it has ended.
pub(super) fn clone_into(namespaces: libc::c_int) -> io::Result<Forked<(Pid, OwnedFd)>> {
    let flags = namespaces | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: libc::c_int = -1;
    #[allow(unsafe_code)]
    // SAFETY: without CLONE_VM and with a null stack this is fork(2): the child goes on with a copy
    // of this process's memory on a copy of its stack. The process has one thread (`host::run` sees
    // to it), so no lock is held by a thread that the child lacks. `pidfd` outlives the call, and
    // where the kernel writes it is the third argument on every architecture.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone,
            flags as libc::c_ulong,
            std::ptr::null_mut::<libc::c_void>(),
            &raw mut pidfd,
            std::ptr::null_mut::<libc::c_int>(),
            0 as libc::c_ulong,
        )
    };
    if pid == 0 {
        return Ok(Forked::Child);
    }
    let Some(pid) = Pid::from_raw(pid as i32).filter(|_| pid > 0) else {
        return Err(io::Error::last_os_error());
    };
    #[allow(unsafe_code)]
    // SAFETY: the kernel has just made this descriptor for us (CLONE_PIDFD), and nobody else knows.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Forked::Parent((pid, pidfd)))
}

/// fork(2).
pub(super) fn fork() -> io::Result<Forked<Pid>> {
    #[allow(unsafe_code)]
    // SAFETY: as for `clone_into`: the process has one thread, so its copy may run any code.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => Ok(Forked::Child),
        pid => match Pid::from_raw(pid).filter(|_| pid > 0) {
            Some(pid) => Ok(Forked::Parent(pid)),
            None => Err(io::Error::last_os_error()),
        },
    }
}

/// unshare(2). Never with `FILES`.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    debug_assert!(!flags.contains(UnshareFlags::FILES));
    #[allow(unsafe_code)]
    // SAFETY: what makes unshare unsafe is a table of descriptors that threads no longer share;
    // that flag is never given, and there is one thread.
    let done = unsafe { rustix::thread::unshare_unsafe(flags) };
    Ok(done?)
}

/// Adds attributes (`MOUNT_ATTR_…`) to a mount, or with `recursive` to all mounts of a tree.
pub(super) fn set_mount_attributes(
    mount: impl AsFd,
    attributes: u64,
    recursive: bool,
) -> io::Result<()> {
    let wanted =
        libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    #[allow(unsafe_code)]
    // SAFETY: mount_setattr(2) reads an empty C string and `size_of::<mount_attr>()` bytes of
    // `wanted`, both alive for the call, and writes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const wanted,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A descriptor that is readable when a child has ended, of a process that has one thread. From
/// here on SIGCHLD arrives nowhere else.
pub(super) fn child_signals() -> io::Result<OwnedFd> {
    let mut signals = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    #[allow(unsafe_code)]
    // SAFETY: sigemptyset(3) makes `signals` a valid set before anything else reads it; the other
    // calls read it, and write nothing of this process's.
    let fd = unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        libc::sigaddset(signals.as_mut_ptr(), libc::SIGCHLD);
        if libc::sigprocmask(libc::SIG_BLOCK, signals.as_ptr(), std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        libc::signalfd(-1, signals.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(unsafe_code)]
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to every process of the pid namespace but its first, which is the caller. The
/// kernel holds off forks meanwhile, so none is missed.
pub(super) fn signal_all(signal: libc::c_int) -> io::Result<()> {
    #[allow(unsafe_code)]
    // SAFETY: kill(2) takes two integers and touches no memory of this process.
    let done = unsafe { libc::kill(-1, signal) };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
