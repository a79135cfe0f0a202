//! The seam between what a sandbox does and how strongly it is walled in.
//!
//! A `Launcher` is one rung of isolation: `plain::PlainLauncher` starts ordinary child processes
//! with limits of time and memory and **no isolation at all**, `isolated::IsolatedLauncher` starts
//! sandboxes of the kernel's making. Nothing above this trait knows which.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::Shared;

use crate::generic::Generic;

/// A future that is owned and can change threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How strongly a launcher isolates, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rung {
    /// An ordinary process of the platform's own user: it can read what the platform can read.
    /// For a developer's own code on a developer's own machine.
    Process,
    /// Namespaces, Landlock and seccomp, as far as an ordinary user of the machine can have them:
    /// all functions are one user outside, and the platform counts their memory.
    Rootless,
    /// The same, with a user of its own for each sandbox, and limits that the kernel counts.
    Full,
}

impl Rung {
    /// All of them, weakest first.
    pub const ALL: [Self; 3] = [Self::Process, Self::Rootless, Self::Full];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Rootless => "rootless",
            Self::Full => "full",
        }
    }

    /// What it means for who lets functions run.
    pub fn words(self) -> &'static str {
        match self {
            Self::Process => {
                "functions run as plain processes of this user: run only code that you trust"
            }
            Self::Rootless => {
                "each function runs in a sandbox of its own; outside, all are this user's"
            }
            Self::Full => "each function runs in a sandbox of its own, as a user of its own",
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rung {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let unknown = || format!("{name:?} is no rung of isolation: process, rootless or full");
        Self::ALL.into_iter().find(|rung| rung.name() == name).ok_or_else(unknown)
    }
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<String>,
    /// The whole environment, but for what depends on the rung: the launcher adds
    /// `AWS_LAMBDA_RUNTIME_API`, and `TMPDIR` where `/tmp` is not the function's own.
    pub environment: Vec<(String, String)>,
    /// What of the machine's folders the function sees. Its code is also the working directory.
    pub folders: Folders,
    /// The interpreter, where the program is none of the function's own.
    pub interpreter: Option<PathBuf>,
    /// What may be there already, waiting: the same program, started before it was known for whom.
    /// `None` where only this very start will do.
    pub generic: Option<Generic>,
    /// The memory that the function may use, in bytes.
    pub memory: u64,
    /// The files that it may have in `/tmp`, in bytes.
    pub storage: u64,
}

/// A function's folders: on the machine, or as the function itself sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Its code, `LAMBDA_TASK_ROOT`.
    pub code: PathBuf,
    /// Its layers, one over the other.
    pub layers: Option<PathBuf>,
    /// The runtime clients, `LAMBDA_RUNTIME_DIR`.
    pub runtime: PathBuf,
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

    /// Where a function finds folders of the machine: program, arguments and environment of a
    /// `Launch` name them there.
    fn inside(&self, folders: &Folders) -> Folders;

    /// The URL by which a function reaches what this machine reaches by `url`.
    fn endpoint<'a>(&self, url: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(url)
    }

    /// Keeps programs of these kinds started ahead, most wanted first, and none of others; and if
    /// there is to be a `spare`, a sandbox for a program of any kind. A launcher may keep none.
    /// Does not wait.
    fn keep(&self, _kinds: &[Generic], _spare: bool) {}

    /// Starts a program. Must be called within a tokio runtime with I/O enabled.
    fn launch(&self, launch: Launch) -> BoxFuture<'_, io::Result<Launched>>;
}

impl fmt::Debug for dyn Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Launcher({})", self.rung())
    }
}

/// A launcher, as soon as the machine's strongest one is found.
pub type Launching = Shared<BoxFuture<'static, Arc<dyn Launcher>>>;

/// A launcher that is there.
pub fn launching(launcher: Arc<dyn Launcher>) -> Launching {
    let there: BoxFuture<'static, _> = Box::pin(std::future::ready(launcher));
    there.shared()
}

/// A started program with its descendants. Dropping it ends and reaps them.
pub trait Process: Send + Sync {
    /// Waits until the program itself has ended, and ends what it left behind. May be called again.
    fn exited(&self) -> BoxFuture<'_, Exit>;

    /// Whether the program itself has ended, as the kernel knows it now.
    fn has_exited(&self) -> bool;

    /// Ends the program and its descendants at once. Does not wait.
    fn kill(&self);

    /// Stops the program and its descendants where they are, as far as the rung has the means.
    fn freeze(&self) {}

    /// Lets them go on.
    fn thaw(&self) {}

    /// Bytes of memory in use, of the program and its descendants; where the kernel counts, the
    /// most there ever was.
    fn memory(&self) -> u64;

    /// Whether `memory` may say more than when this was last asked, for who wants to ask that less
    /// often: it takes a tenth of a millisecond.
    fn has_grown(&self) -> bool {
        true
    }

    /// Whether only this program and its descendants can reach its Runtime API at all.
    fn is_alone(&self) -> bool {
        false
    }

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
