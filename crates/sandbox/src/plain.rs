//! The lowest rung: an ordinary child process.
//!
//! What holds here: its own session and process group, a cleared environment, no inherited file
//! descriptors, a memory limit, and death with the platform. What does **not** hold here, and needs
//! a stronger rung: the function runs as the platform's own user, sees its files and processes and
//! the whole network, shares `/tmp` with the machine (`TMPDIR` points to a folder of its own, but
//! code that names `/tmp` outright uses the shared one). All sandboxes of a function share one code
//! folder, which they could write to. Between invocations nothing is frozen: a thread that is left
//! behind goes on. Without a control group, memory is looked at only while an invocation runs,
//! a process that left the group, or whose parent died, escapes `kill`, and when the platform is
//! killed outright only the function itself dies with it, not what it had started.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

use rustix::process::{Pid, PidfdFlags, Resource, Signal};
use tokio::io::unix::AsyncFd;
use tokio::sync::oneshot;

use crate::cgroup::{Cgroup, CgroupParent, GroupLimits, group_name};
use crate::child::{FILE_LIMIT, PROCESS_LIMIT, close_on_exec, limit};
use crate::launch::{BoxFuture, Exit, Folders, Launch, Launched, Launcher, Process, Rung};
use crate::{proc, watch};

/// Sandboxes started so far by this process, for their names.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Starts functions as plain child processes.
pub struct PlainLauncher {
    spawner: mpsc::Sender<SpawnOrder>,
    scratch: PathBuf,
    cgroup: Option<CgroupParent>,
}

struct SpawnOrder {
    command: Command,
    answer: oneshot::Sender<io::Result<Child>>,
}

impl PlainLauncher {
    /// A launcher whose sandboxes have their temporary folders under `scratch`. With a `cgroup`
    /// the kernel limits their memory; without one the pool looks at what they use, some twenty
    /// times a second, and ends what is over its limit. Dropping the launcher ends its sandboxes.
    pub fn new(scratch: &Path, cgroup: Option<CgroupParent>) -> io::Result<Self> {
        let (spawner, orders) = mpsc::channel();
        std::thread::Builder::new()
            .name("sandbox-spawner".to_owned())
            .spawn(move || spawn_loop(&orders))?;
        Ok(Self { spawner, scratch: scratch.to_owned(), cgroup })
    }

    async fn start(&self, launch: Launch) -> io::Result<Launched> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sandbox-{}-{number}", std::process::id());
        let cgroup = match &self.cgroup {
            Some(parent) => {
                Some(parent.create(&group_name(format!("plain{number}")), limits(&launch))?)
            }
            None => None,
        };
        // From here on, whatever fails, dropping `place` cleans up.
        let mut place = Place { folder: self.scratch.join(&name), cgroup };
        std::fs::create_dir_all(&place.folder)?;
        place.folder = place.folder.canonicalize()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (output, input) = io::pipe()?;
        let command = command(&launch, &place, address, &input)?;
        let (answer, spawned) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts sandboxes has ended");
        self.spawner.send(SpawnOrder { command, answer }).map_err(|_| gone())?;
        // A child that starts after this future was dropped is reaped by the spawner.
        let child = spawned.await.map_err(|_| gone())??;
        let process = PlainProcess::new(child, place)?;
        Ok(Launched { process: Box::new(process), runtime_api: listener, output: output.into() })
    }
}

impl Launcher for PlainLauncher {
    fn rung(&self) -> Rung {
        Rung::Process
    }

    fn inside(&self, folders: &Folders) -> Folders {
        folders.clone()
    }

    fn launch(&self, launch: Launch) -> BoxFuture<'_, io::Result<Launched>> {
        Box::pin(self.start(launch))
    }
}

/// PR_SET_PDEATHSIG fires when the *thread* that forked ends, not the process (prctl(2)). A worker
/// thread of an async runtime may end at any time, so all children are forked by this one.
fn spawn_loop(orders: &mpsc::Receiver<SpawnOrder>) {
    while let Ok(SpawnOrder { mut command, answer }) = orders.recv() {
        let spawned = command.spawn();
        // The command holds the pipe's writing end: without this the reader would see no end.
        drop(command);
        if let Err(Ok(mut unwanted)) = answer.send(spawned) {
            let _ = unwanted.kill();
            let _ = unwanted.wait();
        }
    }
}

fn command(
    launch: &Launch,
    place: &Place,
    api: SocketAddr,
    output: &io::PipeWriter,
) -> io::Result<Command> {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.arguments)
        .env_clear()
        .envs(launch.environment.iter().map(|(name, value)| (name, value)))
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .env("TMPDIR", &place.folder)
        .current_dir(&launch.folders.code)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?);
    let groups: Vec<OwnedFd> = place
        .cgroup
        .iter()
        .flat_map(Cgroup::procs)
        .map(|procs| Ok(std::fs::OpenOptions::new().write(true).open(procs)?.into()))
        .collect::<io::Result<_>>()?;
    let platform = rustix::process::getpid();
    #[allow(unsafe_code)]
    // SAFETY: the closure runs between fork and exec in a copy of a process that may have had any
    // number of threads, so it may call only what is async-signal-safe. `prepare_child` makes
    // plain system calls and neither allocates nor takes a lock; what it needs was made before.
    unsafe {
        command.pre_exec(move || prepare_child(platform, &groups));
    }
    Ok(command)
}

fn limits(launch: &Launch) -> GroupLimits {
    GroupLimits { bytes: launch.memory, memory: launch.memory, processes: PROCESS_LIMIT }
}

/// Runs in the child, between fork and exec. See the safety note where it is handed over.
fn prepare_child(platform: Pid, cgroups: &[OwnedFd]) -> io::Result<()> {
    // A session of its own is also a process group of its own, which can be killed as one, and
    // takes the platform's terminal away.
    rustix::process::setsid()?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Where the platform died before that call, nobody would end this child any more.
    if rustix::process::getppid() != Some(platform) {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    for procs in cgroups {
        // "0" stands for the writer itself.
        rustix::io::write(procs, b"0")?;
    }
    limit(Resource::Core, 0)?;
    // Not the number of processes: that would count all of the user's here.
    limit(Resource::Nofile, FILE_LIMIT)?;
    close_on_exec()
}

/// What a sandbox has on the machine besides its process.
struct Place {
    folder: PathBuf,
    cgroup: Option<Cgroup>,
}

impl Place {
    /// Blocks while files are removed and the kernel lets go of the group.
    fn remove(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.folder.display(), %error, "temporary folder not removed");
        }
        if self.cgroup.as_ref().is_some_and(|cgroup| !cgroup.remove()) {
            tracing::warn!(?self.cgroup, "control group not removed: it still has processes");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.remove();
    }
}

struct PlainProcess {
    pid: Pid,
    /// Readable once the process has ended. Also keeps a recycled pid from being mistaken for it.
    pidfd: AsyncFd<OwnedFd>,
    state: Mutex<State>,
    place: Option<Place>,
}

struct State {
    child: Option<Child>,
    exit: Option<Exit>,
}

impl PlainProcess {
    fn new(mut child: Child, place: Place) -> io::Result<Self> {
        let watch = || {
            let pid = Pid::from_raw(child.id().cast_signed()).ok_or(io::ErrorKind::InvalidData)?;
            let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::NONBLOCK)?;
            io::Result::Ok((pid, watch::readable(pidfd)?))
        };
        match watch() {
            Ok((pid, pidfd)) => {
                let state = Mutex::new(State { child: Some(child), exit: None });
                Ok(Self { pid, pidfd, state, place: Some(place) })
            }
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leader(&self) -> u32 {
        self.pid.as_raw_pid().cast_unsigned()
    }

    fn cgroup(&self) -> Option<&Cgroup> {
        self.place.as_ref().and_then(|place| place.cgroup.as_ref())
    }

    /// Ends every process that is known to belong here. Only while the leader is not reaped: until
    /// then its pid, which is also the group's id, cannot be anybody else's.
    fn kill_all(&self) {
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        let strays = match self.cgroup() {
            Some(cgroup) => cgroup.members(),
            None => proc::tree(self.leader()),
        };
        for pid in strays.into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }

    /// Ends the rest of the group and reaps the leader, which has ended.
    fn reap(&self) -> Exit {
        let mut state = self.lock();
        if let Some(mut child) = state.child.take() {
            self.kill_all();
            state.exit = child.wait().ok().map(|status| match (status.code(), status.signal()) {
                (Some(code), _) => Exit::Status(code),
                (None, signal) => Exit::Signal(signal.unwrap_or(libc::SIGKILL)),
            });
        }
        state.exit.unwrap_or(Exit::Signal(libc::SIGKILL))
    }
}

impl Process for PlainProcess {
    fn exited(&self) -> BoxFuture<'_, Exit> {
        Box::pin(async {
            // An error here means that the runtime is shutting down; the drop does the rest.
            if self.lock().exit.is_none() {
                let _ = self.pidfd.readable().await;
            }
            self.reap()
        })
    }

    fn has_exited(&self) -> bool {
        watch::is_readable(&self.pidfd)
    }

    fn kill(&self) {
        // The lock keeps the leader from being reaped meanwhile.
        let state = self.lock();
        if state.child.is_some() {
            self.kill_all();
        }
    }

    fn memory(&self) -> u64 {
        self.cgroup().map_or_else(|| proc::resident(self.leader()), Cgroup::peak)
    }

    fn owns(&self, peer: SocketAddr, api: SocketAddr) -> bool {
        proc::holds_connection(self.leader(), peer, api)
    }
}

impl Drop for PlainProcess {
    fn drop(&mut self) {
        self.kill();
        let child = self.lock().child.take();
        let place = self.place.take();
        // Waiting for the kernel to take a large process apart, and removing its files, may take
        // a while, and this may be an async thread.
        let clean = std::thread::Builder::new().name("sandbox-reaper".to_owned());
        let _ = clean.spawn(move || {
            if let Some(mut child) = child {
                let _ = child.wait();
            }
            drop(place);
        });
    }
}

impl std::fmt::Debug for PlainLauncher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PlainLauncher").field("cgroup", &self.cgroup).finish_non_exhaustive()
    }
}
