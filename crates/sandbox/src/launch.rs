//! The seam between what a sandbox does and how strongly it is walled in.
//!
//! A `Launcher` is one rung of isolation. This crate has one rung so far: `plain::PlainLauncher`,
//! an ordinary child process with limits of time and memory and **no isolation at all**. Stronger
//! rungs (namespaces, Landlock, seccomp) implement the same trait; nothing above it changes.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::Pin;

/// A future that is owned and can change threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How strongly a launcher isolates, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rung {
    /// An ordinary process of the platform's own user: it can read what the platform can read.
    /// For a developer's own code on a developer's own machine.
    Process,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<String>,
    /// The whole environment, but for what depends on the rung: the launcher adds
    /// `AWS_LAMBDA_RUNTIME_API` and `TMPDIR`.
    pub environment: Vec<(String, String)>,
    /// The function's code, which is also the working directory.
    pub code: PathBuf,
    /// The memory that the function may use, in bytes.
    pub memory: u64,
}

/// What was started.
pub struct Launched {
    /// The running program and all that it starts.
    pub process: Box<dyn Process>,
    /// Where it reaches the Runtime API, bound and listening, non-blocking.
    pub runtime_api: TcpListener,
    /// The reading end of the one pipe that is its standard output and standard error.
    pub output: OwnedFd,
}

/// Starts programs at one rung of isolation.
pub trait Launcher: Send + Sync + 'static {
    /// How strongly this launcher isolates.
    fn rung(&self) -> Rung;

    /// Starts a program. Must be called within a tokio runtime with I/O enabled.
    fn launch(&self, launch: Launch) -> BoxFuture<'_, io::Result<Launched>>;
}

/// A started program with its descendants. Dropping it ends and reaps them.
pub trait Process: Send + Sync {
    /// Waits until the program itself has ended, and ends what it left behind. May be called again.
    fn exited(&self) -> BoxFuture<'_, Exit>;

    /// Whether the program itself has ended, as the kernel knows it now.
    fn has_exited(&self) -> bool;

    /// Ends the program and its descendants at once. Does not wait.
    fn kill(&self);

    /// Bytes of memory in use, of the program and its descendants; where the kernel counts, the
    /// most there ever was.
    fn memory(&self) -> u64;

    /// Whether the other end of a connection to the Runtime API belongs to this program or its
    /// descendants. May read `/proc`: call it off the async threads.
    fn owns(&self, peer: SocketAddr, api: SocketAddr) -> bool;
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    /// As Lambda words it (its sandbox is a Go program, and this is Go's wording).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Status(code) => return write!(f, "exit status {code}"),
            Self::Signal(libc::SIGABRT) => "aborted",
            Self::Signal(libc::SIGBUS) => "bus error",
            Self::Signal(libc::SIGFPE) => "floating point exception",
            Self::Signal(libc::SIGILL) => "illegal instruction",
            Self::Signal(libc::SIGINT) => "interrupt",
            Self::Signal(libc::SIGKILL) => "killed",
            Self::Signal(libc::SIGPIPE) => "broken pipe",
            Self::Signal(libc::SIGSEGV) => "segmentation fault",
            Self::Signal(libc::SIGTERM) => "terminated",
            Self::Signal(number) => return write!(f, "signal: signal {number}"),
        };
        write!(f, "signal: {name}")
    }
}
