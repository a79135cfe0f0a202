//! What every started program has in common: limits, and nothing open but its standard three.

use std::ffi::c_int;
use std::io;

use rustix::process::{Resource, Rlimit};

/// Processes and threads of a function ("Lambda quotas" in the developer guide).
pub(crate) const PROCESS_LIMIT: u64 = 1024;
/// Open files of a function (same page).
pub(crate) const FILE_LIMIT: u64 = 1024;

/// Lowers a limit for good. Never raises one: that takes privileges.
pub(crate) fn limit(resource: Resource, to: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let to = Some(now.maximum.map_or(to, |maximum| maximum.min(to)));
    Ok(rustix::process::setrlimit(resource, Rlimit { current: to, maximum: to })?)
}

/// Marks every descriptor but the standard three to be closed by exec. Rust opens all of its own
/// that way; this is for those that came from elsewhere. Not closed at once, because one of them
/// carries an exec error back to the parent.
pub(crate) fn close_on_exec() -> io::Result<()> {
    let first: libc::c_uint = 3;
    #[allow(unsafe_code)]
    // SAFETY: close_range(2) takes three integers and touches no memory of this process.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC as c_int,
        )
    };
    if result == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    // CLOSE_RANGE_CLOEXEC is in Linux since 5.11. Before that, what Rust opened is closed anyhow.
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => Ok(()),
        _ => Err(error),
    }
}
