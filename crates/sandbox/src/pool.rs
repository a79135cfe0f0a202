//! The sandboxes of one function version: started as calls come in, kept warm and frozen between
//! calls, ended when idle.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use cumulet_base::{Clock, Ids};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::function::{CredentialSource, Function, RuntimeFolder};
use crate::launch::Launcher;
use crate::logs::LogSink;
use crate::outcome::{FunctionError, Invocation, Outcome, StreamSender};
use crate::sandbox::{Ground, Left, Sandbox};

/// A sandbox that is called again so soon is not frozen in between. AWS does not say how soon after
/// its answer a function's background work stops.
const GRACE: Duration = Duration::from_millis(10);

/// What a pool is made of.
pub struct Setup {
    /// The function version that it runs.
    pub function: Function,
    /// Starts its sandboxes.
    pub launcher: Arc<dyn Launcher>,
    /// The runtime clients.
    pub folder: RuntimeFolder,
    /// Assumes its execution role.
    pub credentials: Arc<dyn CredentialSource>,
    /// Takes its log.
    pub sink: Arc<dyn LogSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for the names of log streams.
    pub ids: Arc<dyn Ids>,
    /// Invocations at a time; more are throttled.
    pub concurrency: usize,
    /// How long a sandbox without work is kept.
    pub idle: Duration,
    /// How long initialisation may take before it is started over within the invocation
    /// (`INIT_LIMIT` is AWS's).
    pub init_limit: Duration,
}

/// Why an invocation did not run. No fault of the function's code.
#[derive(Debug)]
pub enum InvokeError {
    /// As many invocations as the pool allows are running (AWS: TooManyRequestsException, 429).
    Throttled,
    /// The id is not 1 to 64 letters, digits and dashes.
    RequestId,
    /// The execution role cannot be assumed; the reason.
    Credentials(String),
    /// The runtime cannot be started.
    Start(io::Error),
}

impl fmt::Display for InvokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttled => f.write_str("the function runs as often at once as it may"),
            Self::RequestId => f.write_str("a request id is 1-64 letters, digits and dashes"),
            Self::Credentials(why) => write!(f, "no credentials of the execution role: {why}"),
            Self::Start(why) => write!(f, "the function's runtime cannot be started: {why}"),
        }
    }
}

impl std::error::Error for InvokeError {}

/// The sandboxes of one function version. Dropping it ends them all.
pub struct Pool {
    shared: Arc<Shared>,
    freezing: AbortHandle,
}

struct Shared {
    function: Function,
    ground: Ground,
    credentials: Arc<dyn CredentialSource>,
    concurrency: usize,
    idle: Duration,
    init_limit: Duration,
    state: Mutex<State>,
    /// A sandbox has nothing to do, and none before it was waiting to be frozen.
    rested: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// Most recently used last.
    idle: Vec<Sandbox>,
    running: usize,
    /// Whether idle ones are looked after already, to be frozen when it is time.
    is_freezing: bool,
}

impl Pool {
    /// An empty pool. Must be called within a tokio runtime.
    pub fn new(setup: Setup) -> Self {
        let shared = Arc::new(Shared {
            function: setup.function,
            ground: Ground {
                launcher: setup.launcher,
                folder: setup.folder,
                clock: setup.clock,
                ids: setup.ids,
                sink: setup.sink,
            },
            credentials: setup.credentials,
            concurrency: setup.concurrency,
            idle: setup.idle,
            init_limit: setup.init_limit,
            state: Mutex::default(),
            rested: Arc::default(),
        });
        tokio::spawn(sweep(Arc::downgrade(&shared), setup.idle));
        let freezing = freeze(Arc::downgrade(&shared), Arc::clone(&shared.rested));
        let freezing = tokio::spawn(freezing).abort_handle();
        Self { shared, freezing }
    }

    /// Runs the function once. With `stream`, the response goes there as it is made, and the
    /// outcome, which comes last, holds no payload.
    ///
    /// Dropping the future ends the invocation and its sandbox at once. A caller that wants what
    /// AWS does when a client hangs up, namely finish, spawns it.
    pub async fn invoke(
        &self,
        invocation: &Invocation,
        stream: Option<StreamSender>,
    ) -> Result<Outcome, InvokeError> {
        let id = &invocation.request_id;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(InvokeError::RequestId);
        }
        let _running = self.shared.admit()?;
        while let Some(sandbox) = self.shared.take_idle() {
            if let Some(outcome) = self.shared.run(sandbox, invocation, stream.clone(), None).await
            {
                return Ok(outcome);
            }
        }
        self.shared.run_cold(invocation, stream).await
    }

    /// Sandboxes that wait for work, and invocations under way.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.shared.lock();
        (state.idle.len(), state.running)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.freezing.abort();
    }
}

/// An invocation under way.
struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self) -> Result<Running<'_>, InvokeError> {
        let mut state = self.lock();
        if state.running >= self.concurrency {
            return Err(InvokeError::Throttled);
        }
        state.running += 1;
        Ok(Running(self))
    }

    /// The sandbox that was used last: the others then grow idle and end.
    fn take_idle(&self) -> Option<Sandbox> {
        loop {
            let sandbox = self.lock().idle.pop()?;
            if sandbox.outlasts(self.function.timeout) && !sandbox.has_exited() {
                return Some(sandbox);
            }
        }
    }

    /// Runs an invocation in a sandbox and keeps that if it is fit for more. `None` where the
    /// sandbox had ended before.
    async fn run(
        &self,
        mut sandbox: Sandbox,
        invocation: &Invocation,
        stream: Option<StreamSender>,
        init: Option<Duration>,
    ) -> Option<Outcome> {
        match sandbox.invoke(&self.function, invocation, stream, init).await {
            Left::Reusable(outcome) => {
                sandbox.idle_since = Instant::now();
                self.lay_down(sandbox);
                Some(outcome)
            }
            Left::Spent(outcome) => Some(outcome),
            Left::Untouched => None,
        }
    }

    fn lay_down(&self, sandbox: Sandbox) {
        let mut state = self.lock();
        state.idle.push(sandbox);
        if !std::mem::replace(&mut state.is_freezing, true) {
            drop(state);
            self.rested.notify_one();
        }
    }

    /// Freezes one idle sandbox whose time has come: under the lock, or a call could be given one
    /// that is just being frozen. Until when the next one may wait, if there is one.
    fn freeze_one(&self) -> Option<Instant> {
        let mut state = self.lock();
        let awake = state.idle.iter_mut().filter(|sandbox| !sandbox.is_frozen());
        let Some(sandbox) = awake.min_by_key(|sandbox| sandbox.idle_since) else {
            state.is_freezing = false;
            return None;
        };
        let at = sandbox.idle_since + GRACE;
        if at <= Instant::now() {
            sandbox.freeze();
        }
        Some(at)
    }

    async fn run_cold(
        &self,
        invocation: &Invocation,
        stream: Option<StreamSender>,
    ) -> Result<Outcome, InvokeError> {
        let mut sandbox = match self.start().await {
            Err(InvokeError::Start(error)) if self.lacks_bootstrap(&error) => {
                return Ok(no_bootstrap(&invocation.request_id));
            }
            started => started?,
        };
        let init = sandbox.initialise(self.init_limit).await;
        if init.is_none() {
            // AWS starts over, now on the invocation's own time.
            drop(sandbox);
            sandbox = self.start().await?;
        }
        self.run(sandbox, invocation, stream, init).await.ok_or_else(|| {
            InvokeError::Start(io::Error::other("the sandbox ended between start and invocation"))
        })
    }

    async fn start(&self) -> Result<Sandbox, InvokeError> {
        let credentials = self.credentials.credentials().await.map_err(InvokeError::Credentials)?;
        Sandbox::start(&self.ground, &self.function, &credentials).await.map_err(InvokeError::Start)
    }

    /// A package for an OS-only runtime must bring an executable file `bootstrap`. Where it does
    /// not, that is its author's error, not the platform's.
    fn lacks_bootstrap(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{NotFound, PermissionDenied};
        self.function.interpreter.is_none()
            && (matches!(error.kind(), NotFound | PermissionDenied)
                || error.raw_os_error() == Some(libc::ENOEXEC))
    }
}

/// The outcome of an invocation without a program to run.
fn no_bootstrap(request_id: &str) -> Outcome {
    let message = format!(
        "RequestId: {request_id} Error: Couldn't find valid bootstrap(s): \
         [/var/task/bootstrap /opt/bootstrap]"
    );
    Outcome {
        result: Err(FunctionError::platform("Runtime.InvalidEntrypoint", &message)),
        log_tail: message.into(),
        init_duration: None,
        duration: Duration::ZERO,
        billed: Duration::ZERO,
        max_memory: 0,
    }
}

/// Freezes sandboxes a moment after they have answered. Costs nothing while there are none, and
/// little while they are called without a pause.
async fn freeze(pool: Weak<Shared>, rested: Arc<Notify>) {
    loop {
        rested.notified().await;
        while let Some(at) = pool.upgrade().and_then(|pool| pool.freeze_one()) {
            tokio::time::sleep_until(at.into()).await;
        }
    }
}

/// Ends sandboxes that have had no work for `idle`, until the pool is gone.
async fn sweep(pool: Weak<Shared>, idle: Duration) {
    let interval = (idle / 4).clamp(Duration::from_millis(10), Duration::from_secs(5));
    loop {
        tokio::time::sleep(interval).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut state = pool.lock();
        let (over, keep): (Vec<_>, Vec<_>) = std::mem::take(&mut state.idle)
            .into_iter()
            .partition(|sandbox| sandbox.idle_since.elapsed() >= pool.idle);
        state.idle = keep;
        drop(state);
        drop(over);
    }
}
