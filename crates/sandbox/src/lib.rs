//! Runs Lambda functions: finds interpreters, unpacks packages, starts runtimes, speaks the Runtime
//! API with them, and keeps a pool of warm sandboxes for each function version.
//!
//! Who wants to know how:
//! - `package` turns a zip into a code folder;
//! - `runtime` finds what can run it;
//! - `function` makes the environment and the command;
//! - `launch` is the seam to isolation, `plain` its lowest rung, **which isolates nothing**,
//!   `isolated` the others, `ladder` finds the strongest that a machine gives;
//! - `sandbox` runs one invocation at a time over `api` (on `http1`) and `session`;
//! - `egress` is the way out of an isolated sandbox, by policy;
//! - `pool` scales, reuses, freezes and ends sandboxes; `generic` says what can be started ahead;
//! - `logs` bounds and attributes what functions write;
//! - `outcome` words results and failures as AWS does.
//!
//! Linux only. The one crate that may hold `unsafe`, in `plain` and `child` (between fork and
//! exec), `isolated::sys` (forks, mounts, signals), `egress` (socket options and addresses of
//! datagrams) and `watch` (registering a file descriptor).

mod api;
mod cgroup;
mod child;
pub mod egress;
mod function;
mod generic;
mod http1;
mod isolated;
mod ladder;
mod launch;
mod logs;
mod outcome;
mod package;
mod plain;
mod platform_log;
mod pool;
mod proc;
mod runtime;
mod sandbox;
mod session;
mod watch;

pub use cgroup::CgroupParent;
pub use function::{CredentialSource, Credentials, Function, LogFormat, RuntimeFolder};
pub use generic::Generic;
#[doc(hidden)]
pub use isolated::Barrier;
pub use isolated::{IsolatedLauncher, Isolation, sandbox_entry};
pub use ladder::{Climbed, RefusingLauncher, climb};
pub use launch::{
    BoxFuture, Exit, Folders, Launch, Launched, Launcher, Launching, Process, Rung, launching,
};
pub use logs::{LINE_LIMIT, LogLine, LogSink};
pub use outcome::{
    ErrorKind, FunctionError, Invocation, Outcome, PAYLOAD_LIMIT, STREAM_LIMIT, StreamPart,
    StreamSender,
};
pub use package::{PackageError, PackageLimits, Unpacked, code_sha256, unpack};
pub use plain::PlainLauncher;
pub use pool::{InvokeError, Pool, Setup};
pub use runtime::{
    Family, Fit, Interpreter, Runtime, Selected, Source, UnknownRuntime, Version, discover, select,
};
pub use sandbox::INIT_LIMIT;
