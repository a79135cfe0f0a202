//! Functions in sandboxes of the kernel's making: namespaces of users, mounts, processes, network,
//! IPC, host name and control groups, no privileges, Landlock, seccomp, control groups.
//!
//! Three kinds of process take part, all of them this program:
//! - the **platform** (this file, `process`) asks and serves;
//! - the **launcher** (`host`), one for a platform, with one thread, forks sandboxes;
//! - each sandbox's **first process** (`init`) builds the sandbox from inside (`root`, `network`),
//!   gives up what it may (`confine`, `seccomp`) and becomes the parent of the function's runtime.
//!
//! Some sandboxes are made before it is known for whom (`stock`): then the runtime waits too, and
//! is given its function's files, limits and environment when there is one.
//!
//! They speak over `link`. If the platform ends, however that comes about, the launcher hears it
//! and ends every sandbox; if the launcher ends, the kernel ends every first process (its parent
//! death signal), and with a first process its whole sandbox ends.
//!
//! The platform answers the sandbox on sockets that were made inside it and passed out: the
//! Runtime API, and the way to this cloud's endpoint and the internet, which is [`crate::egress`].

mod assignment;
mod barrier;
mod confine;
mod host;
mod init;
mod link;
mod network;
mod process;
mod root;
mod seccomp;
mod slot;
mod stock;
mod sys;

use std::borrow::Cow;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assignment::{Assignment, Furniture};
pub use barrier::Barrier;
use barrier::Barriers;
pub use host::sandbox_entry;
use link::{Link, Message, Reader, malformed};
use process::{Account, IsolatedProcess, Place};
use slot::Slot;
use stock::{Spare, Stock};

use crate::cgroup::{Cgroup, CgroupParent, GroupLimits, group_name};
use crate::child::PROCESS_LIMIT;
use crate::egress::{self, Egress, Inside, Way};
use crate::generic::Generic;
use crate::launch::{BoxFuture, Folders, Launch, Launched, Launcher, Rung};

/// The function's user and group inside, as on AWS.
const SANDBOX_UID: u32 = 993;
const SANDBOX_GID: u32 = 990;
/// How long the launcher or a first process may take over one answer. Milliseconds are usual; this
/// is for a machine that is out of memory.
const PATIENCE: Duration = Duration::from_secs(20);

/// How an [`IsolatedLauncher`] is made.
#[derive(Debug)]
pub struct Isolation {
    /// The program to start as the launcher: it must call [`sandbox_entry`] first of all.
    pub program: PathBuf,
    /// Where sandboxes have control groups; without them the pool looks after memory, and the
    /// number of processes is limited for each user namespace.
    pub cgroup: Option<CgroupParent>,
    /// The way out; without it a function reaches nothing but the Runtime API.
    pub egress: Option<Arc<Egress>>,
}

/// Starts functions in sandboxes. Dropping it ends them.
pub struct IsolatedLauncher {
    shared: Arc<Shared>,
}

struct Shared {
    program: PathBuf,
    /// The launcher process, which answers one request at a time.
    launcher: Mutex<LauncherProcess>,
    own_users: bool,
    cgroup: Option<CgroupParent>,
    egress: Option<Arc<Egress>>,
    without: Barriers,
    stock: Arc<Stock>,
}

impl IsolatedLauncher {
    /// Starts the launcher process. Blocks for some milliseconds. The error says what the machine
    /// refuses.
    pub fn open(isolation: Isolation) -> io::Result<Self> {
        let (launcher, own_users) = LauncherProcess::start(&isolation.program)?;
        let shared = Shared {
            program: isolation.program,
            launcher: Mutex::new(launcher),
            own_users,
            cgroup: isolation.cgroup,
            egress: isolation.egress,
            without: Barriers::default(),
            stock: Arc::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes a sandbox without a function, to see whether this machine lets us, and how far out one
    /// gets. Blocks.
    pub(crate) fn try_out(&self) -> io::Result<Way> {
        let limits = GroupLimits { bytes: 64 << 20, memory: 64 << 20, processes: 64 };
        let prepared = self.shared.prepare(limits, self.shared.plan().as_ref())?;
        let doors = prepared.doors()?;
        Ok(doors.egress.map_or(Way::Nowhere, |inside| inside.way))
    }

    /// How long the present launcher process may take over an answer, so that a test of one that
    /// says nothing need not wait for as long as a machine that is out of memory may take.
    #[doc(hidden)]
    pub fn set_patience(&self, limit: Duration) -> io::Result<()> {
        let launcher = self.shared.launcher.lock().unwrap_or_else(PoisonError::into_inner);
        launcher.link.as_ref().map_or(Ok(()), |link| link.set_patience(limit))
    }

    /// How many sandboxes of a kind wait for a function, for tests and measurements.
    #[doc(hidden)]
    pub fn waiting(&self, kind: &Generic) -> usize {
        self.shared.stock.waiting(kind)
    }

    /// Whether a sandbox without a program is there.
    #[doc(hidden)]
    pub fn has_spare(&self) -> bool {
        self.shared.stock.has_spare()
    }

    /// Leaves barriers out, so that a test can show what each of them is for.
    #[doc(hidden)]
    #[must_use]
    pub fn without(mut self, barriers: &[Barrier]) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            for &barrier in barriers {
                shared.without.leave_out(barrier);
            }
        }
        self
    }
}

impl Launcher for IsolatedLauncher {
    fn rung(&self) -> Rung {
        if self.shared.own_users && self.shared.cgroup.is_some() {
            Rung::Full
        } else {
            Rung::Rootless
        }
    }

    fn inside(&self, folders: &Folders) -> Folders {
        inside(folders)
    }

    fn endpoint<'a>(&self, url: &'a str) -> Cow<'a, str> {
        match self.shared.egress.as_ref().and_then(|egress| egress.cloud()) {
            // Inside, the same port is open on loopback, wherever the cloud listens outside.
            Some(cloud) if url == format!("http://{cloud}") => {
                format!("http://127.0.0.1:{}", cloud.port()).into()
            }
            _ => url.into(),
        }
    }

    fn keep(&self, kinds: &[Generic], spare: bool) {
        self.shared.keep(kinds, spare);
    }

    fn launch(&self, launch: Launch) -> BoxFuture<'_, io::Result<Launched>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let egress = shared.egress.clone();
            let freezes = shared.without.keeps(Barrier::Freezer);
            let name = function_name(&launch).to_owned();
            let begun = tokio::task::spawn_blocking(move || shared.begin(&launch)).await;
            let Begun { account, control, runtime, doors, output } =
                begun.map_err(io::Error::other)??;
            let relay = match (doors.egress, egress) {
                (Some(inside), Some(egress)) => Some(egress.serve(inside, &name)?),
                _ => None,
            };
            let process = IsolatedProcess::new(account, control, runtime, relay, freezes)?;
            Ok(Launched { process: Box::new(process), runtime_api: doors.runtime_api, output })
        })
    }
}

impl Drop for IsolatedLauncher {
    fn drop(&mut self) {
        self.shared.stock.close();
    }
}

/// A sandbox whose program runs.
struct Begun {
    account: Account,
    control: Link,
    /// Readable once the runtime has ended.
    runtime: OwnedFd,
    doors: network::Doors,
    output: OwnedFd,
}

impl Shared {
    /// One question to the launcher. Where that is no more, or says nothing, another takes its
    /// place.
    fn ask(&self, question: &Message, answer: &str) -> io::Result<Reader> {
        let mut launcher = self.launcher.lock().unwrap_or_else(PoisonError::into_inner);
        let told = if let Ok(told) = launcher.ask(question) {
            told
        } else {
            *launcher = LauncherProcess::start(&self.program)?.0;
            launcher.ask(question)?
        };
        drop(launcher);
        expect(Some(told), answer)
    }

    fn plan(&self) -> Option<egress::Plan> {
        self.egress.as_deref().map(Egress::plan)
    }

    /// Makes a sandbox that waits for a function. Blocks, while its first process builds it.
    fn prepare(&self, limits: GroupLimits, plan: Option<&egress::Plan>) -> io::Result<Prepared> {
        let slot = Slot::take()?;
        let parent = self.cgroup.as_ref();
        let create = |parent: &CgroupParent| parent.create(&group_name(slot.0), limits);
        let cgroup = parent.map(create).transpose()?;
        let place = Place { cgroup, slot };
        let (control, theirs) = Link::pair()?;
        control.set_patience(PATIENCE)?;
        let mut question = Message::new("start");
        question.fd(theirs.into_fd()).number(place.slot.first_user().into());
        question.word(plan.map(ToString::to_string).unwrap_or_default());
        question.number(self.without.bits());
        let folders = place.cgroup.iter().flat_map(Cgroup::folders);
        let folders: Vec<&PathBuf> = folders.collect();
        question.number(folders.len() as u64);
        for folder in folders {
            question.word(folder.as_os_str().as_encoded_bytes());
        }
        let mut answer = self.ask(&question, "started")?;
        // From here on, whatever fails, dropping `account` ends the sandbox.
        let pid = u32::try_from(answer.number()?).map_err(|_| malformed())?;
        let account = Account::new(pid, answer.fd()?, place, limits.memory);
        account.join_cgroup()?;
        Ok(Prepared { account, control, has_egress: plan.is_some() })
    }

    /// A sandbox with the program running in it: one that waits for it, or a new one. Blocks.
    fn begin(&self, launch: &Launch) -> io::Result<Begun> {
        let waiting = launch.generic.as_ref().and_then(|kind| self.stock.take(kind));
        match waiting.map(|waiting| self.equip(waiting, launch)) {
            Some(Ok(begun)) => return Ok(begun),
            Some(Err(error)) => tracing::debug!(%error, "a waiting sandbox was of no use"),
            None => {}
        }
        self.start(launch)
    }

    /// Makes a sandbox and starts the program in it. Blocks.
    fn start(&self, launch: &Launch) -> io::Result<Begun> {
        let plan = self.plan();
        let spare = self.stock.take_spare();
        let (mut prepared, doors) = match spare {
            Some(Spare { prepared, doors }) => (prepared, Some(doors)),
            None => (self.prepare(limits(launch), plan.as_ref())?, None),
        };
        let inside = inside(&launch.folders);
        let mut shown = functions_own(&launch.folders, &inside);
        shown.push((launch.folders.runtime.clone(), inside.runtime));
        if let Some(interpreter) = &launch.interpreter {
            shown.extend(interpreter_mounts(interpreter));
        }
        let trees = self.trees(&shown)?;
        let assignment = Assignment {
            program: launch.program.clone(),
            arguments: launch.arguments.clone(),
            environment: environment(&launch.environment, plan.as_ref()),
            code: inside.code,
            waits: false,
            furniture: Furniture { storage: launch.storage, targets: targets(shown) },
        };
        let (output, input) = io::pipe()?;
        let mut assign = assignment.message();
        assign.fd(input.into());
        for tree in trees {
            assign.fd(tree);
        }
        let doors = match doors {
            Some(doors) => {
                prepared.account.limit(limits(launch))?;
                doors
            }
            // Not before what else there was to do: its first process builds it meanwhile.
            None => prepared.doors()?,
        };
        let Prepared { account, control, .. } = prepared;
        control.send(&assign)?;
        drop(assign);
        let runtime = expect(control.receive()?, "started")?.fd()?;
        Ok(Begun { account, control, runtime, doors, output: output.into() })
    }

    /// Copies of mounts: what of the machine is shown where in a sandbox.
    fn trees(&self, shown: &[(PathBuf, PathBuf)]) -> io::Result<Vec<OwnedFd>> {
        let mut question = Message::new("trees");
        question.number(shown.len() as u64);
        for (source, _) in shown {
            question.word(source.as_os_str().as_encoded_bytes());
        }
        let mut answer = self.ask(&question, "trees")?;
        shown.iter().map(|_| answer.fd()).collect()
    }
}

fn limits(launch: &Launch) -> GroupLimits {
    GroupLimits {
        // The kernel counts files in memory as memory, and AWS does not. The pool looks after
        // the function's own part.
        bytes: launch.memory.saturating_add(launch.storage),
        memory: launch.memory,
        processes: PROCESS_LIMIT,
    }
}

/// An environment with what depends on the rung.
fn environment(given: &[(String, String)], plan: Option<&egress::Plan>) -> Vec<(String, String)> {
    let mut environment = given.to_owned();
    let api = network::runtime_api(plan);
    environment.push(("AWS_LAMBDA_RUNTIME_API".to_owned(), api.to_string()));
    environment
}

/// Where a function's code and layers are shown.
fn functions_own(folders: &Folders, inside: &Folders) -> Vec<(PathBuf, PathBuf)> {
    let mut shown = vec![(folders.code.clone(), inside.code.clone())];
    shown.extend(folders.layers.clone().zip(inside.layers.clone()));
    shown
}

fn interpreter_mounts(interpreter: &Path) -> impl Iterator<Item = (PathBuf, PathBuf)> {
    interpreter_files(interpreter).into_iter().map(|file| (file.clone(), file))
}

/// As first processes are told of what is shown.
fn targets(shown: Vec<(PathBuf, PathBuf)>) -> Vec<(PathBuf, bool)> {
    shown.into_iter().map(|(source, target)| (target, source.is_dir())).collect()
}

/// What the log calls a sandbox.
fn function_name(launch: &Launch) -> &str {
    let named = launch.environment.iter().find(|(name, _)| name == "AWS_LAMBDA_FUNCTION_NAME");
    named.map_or("", |(_, name)| name)
}

/// Where functions find what is theirs, as on AWS.
fn inside(folders: &Folders) -> Folders {
    Folders {
        code: "/var/task".into(),
        layers: folders.layers.as_ref().map(|_| "/opt".into()),
        runtime: "/var/runtime".into(),
    }
}

/// A sandbox that waits for its function.
struct Prepared {
    account: Account,
    control: Link,
    has_egress: bool,
}

impl Prepared {
    /// Waits until it is built; what is served in it.
    fn doors(&self) -> io::Result<network::Doors> {
        let mut ready = expect(self.control.receive()?, "ready")?;
        let runtime_api = TcpListener::from(ready.fd()?);
        let egress = if self.has_egress {
            let kinds = ready.bytes()?;
            Some(Inside::from_parts(&kinds, ready.fds()).ok_or_else(malformed)?)
        } else {
            None
        };
        Ok(network::Doors { runtime_api, egress })
    }
}

/// The process that makes sandboxes. Dropping this ends it, and them.
struct LauncherProcess {
    /// `None` only while it is dropped.
    link: Option<Link>,
    child: Child,
}

impl LauncherProcess {
    /// Starts it; whether sandboxes have users of their own.
    fn start(program: &Path) -> io::Result<(Self, bool)> {
        let (ours, theirs) = Link::pair()?;
        let child = Command::new(program)
            .arg(host::ENTRY)
            .env_clear()
            .current_dir("/")
            .stdin(theirs.into_fd())
            .stdout(Stdio::null())
            .spawn()?;
        ours.set_patience(PATIENCE)?;
        let ready = ours.receive();
        let started = Self { link: Some(ours), child };
        let own_users = expect(ready?, "ready")?.number()? != 0;
        Ok((started, own_users))
    }

    /// One question, one answer. One that does not answer is ended, and its sandboxes with it:
    /// what it says later would be taken for the answer to a later question, and who replaces it
    /// waits for its end.
    fn ask(&mut self, question: &Message) -> io::Result<Message> {
        let link = self.link.as_ref().ok_or_else(gone)?;
        let answer = link.send(question).and_then(|()| link.receive()?.ok_or_else(gone));
        if answer.is_err() {
            let _ = self.child.kill();
        }
        answer
    }
}

impl Drop for LauncherProcess {
    fn drop(&mut self) {
        // It hears that, ends what it has made, and then itself.
        drop(self.link.take());
        let _ = self.child.wait();
    }
}

fn gone() -> io::Error {
    io::Error::other("a process that makes sandboxes has ended")
}

/// The message that must come now. One that says what failed becomes that error.
fn expect(message: Option<Message>, verb: &str) -> io::Result<Reader> {
    let mut reader = message.ok_or_else(gone)?.read();
    let got = reader.text()?;
    if got == verb {
        return Ok(reader);
    }
    if got != "failed" {
        return Err(malformed());
    }
    let (step, number, text) = (reader.text()?, reader.number()?, reader.text()?);
    Err(match i32::try_from(number) {
        // The program cannot be executed: whether it is there at all is for the caller to tell.
        Ok(number) if step == "exec" => io::Error::from_raw_os_error(number),
        _ => io::Error::other(format!("{step}: {text}")),
    })
}

/// What an interpreter needs that the system's folders do not have: itself, and the libraries
/// beside its `bin`.
fn interpreter_files(interpreter: &Path) -> Vec<PathBuf> {
    const SYSTEM: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];
    if SYSTEM.iter().any(|folder| interpreter.starts_with(folder)) {
        return Vec::new();
    }
    let mut files = vec![interpreter.to_owned()];
    let prefix = interpreter.parent().and_then(Path::parent);
    let libraries =
        prefix.into_iter().flat_map(|prefix| [prefix.join("lib"), prefix.join("lib64")]);
    files.extend(libraries.filter(|folder| folder.is_dir()));
    files
}
