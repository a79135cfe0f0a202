//! One sandbox: a started runtime, its Runtime API, its output, one invocation at a time.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cumulet_base::{Clock, Ids, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::api;
use crate::function::{Credentials, Function, RuntimeFolder, launch};
use crate::launch::{Exit, Launcher, Process};
use crate::logs::{LogSink, Output};
use crate::outcome::{FunctionError, Invocation, Outcome, Report, Status, StreamSender, billed};
use crate::platform_log::{PlatformEvent, PlatformLog};
use crate::session::{Delivery, Event, Reply, Session};

/// How long AWS lets initialisation take before it starts it over within the invocation.
pub const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How often memory is looked at while something runs.
const MEMORY_INTERVAL: Duration = Duration::from_millis(50);

/// What every sandbox of this platform shares.
pub(crate) struct Ground {
    pub(crate) launcher: Arc<dyn Launcher>,
    pub(crate) folder: RuntimeFolder,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) sink: Arc<dyn LogSink>,
}

pub(crate) struct Sandbox {
    process: Arc<dyn Process>,
    session: Arc<Session>,
    events: mpsc::Receiver<Event>,
    output: Arc<Output>,
    clock: Arc<dyn Clock>,
    tasks: [AbortHandle; 2],
    memory: Memory,
    expires: Timestamp,
    started: Instant,
    /// Whether initialisation is complete.
    ready: bool,
    is_frozen: bool,
    /// Since when it has had nothing to do.
    pub(crate) idle_since: Instant,
}

struct Memory {
    limit: u64,
    peak: u64,
    sampled: Option<Instant>,
}

/// What ended a wait.
enum Waited {
    Event(Event),
    Exited(Exit),
    TimedOut,
}

/// Why initialisation did not complete.
enum InitFailure {
    Reported(FunctionError),
    Exited(Exit),
    TimedOut,
}

/// How an invocation left its sandbox.
pub(crate) enum Left {
    /// It may take another one.
    Reusable(Outcome),
    /// It must be dropped.
    Spent(Outcome),
    /// It had ended before it took the invocation.
    Untouched,
}

impl Sandbox {
    pub(crate) async fn start(
        ground: &Ground,
        function: &Function,
        credentials: &Credentials,
    ) -> io::Result<Self> {
        let stream = log_stream(&*ground.clock, &*ground.ids, &function.version);
        let started = Instant::now();
        let launch = launch(function, &ground.folder, credentials, &stream, &*ground.launcher);
        let limit = launch.memory;
        let launched = ground.launcher.launch(launch).await?;
        let process: Arc<dyn Process> = launched.process.into();
        let clock = Arc::clone(&ground.clock);
        let sink = Arc::clone(&ground.sink);
        let form = PlatformLog::of(function);
        let output = Arc::new(Output::new(launched.output, stream.into(), sink, clock, form)?);
        let listener = TcpListener::from_std(launched.runtime_api)?;
        let (session, events) = Session::new();
        let session = Arc::new(session);
        let serve = api::serve(listener, Arc::clone(&process), Arc::clone(&session));
        let follow = Arc::clone(&output);
        let tasks = [
            tokio::spawn(serve).abort_handle(),
            tokio::spawn(async move { follow.follow().await }).abort_handle(),
        ];
        output.platform(&PlatformEvent::InitStart { runtime_version: runtime_version(function) });
        Ok(Self {
            process,
            session,
            events,
            output,
            clock: Arc::clone(&ground.clock),
            tasks,
            memory: Memory { limit, peak: 0, sampled: None },
            expires: credentials.expires,
            started,
            ready: false,
            is_frozen: false,
            idle_since: started,
        })
    }

    /// The first initialisation, under its own limit. Its duration where it succeeds; where it
    /// fails, the log says why.
    pub(crate) async fn initialise(&mut self, limit: Duration) -> Option<Duration> {
        let result = self.get_ready(self.started + limit).await;
        let duration = self.started.elapsed();
        match result {
            Ok(()) => Some(duration),
            Err(failure) => {
                self.report_init(&failure, duration, "init");
                None
            }
        }
    }

    async fn get_ready(&mut self, until: Instant) -> Result<(), InitFailure> {
        match self.wait(until).await {
            Waited::Event(Event::Ready) => {
                self.ready = true;
                Ok(())
            }
            Waited::Event(Event::InitFailed(error)) => Err(InitFailure::Reported(error)),
            Waited::Exited(exit) => Err(InitFailure::Exited(exit)),
            Waited::TimedOut => Err(InitFailure::TimedOut),
        }
    }

    fn report_init(&self, failure: &InitFailure, took: Duration, phase: &'static str) {
        self.output.drain();
        let status = match failure {
            InitFailure::TimedOut => Status::Timeout,
            InitFailure::Reported(error) => Status::Error(error.error_type.clone()),
            InitFailure::Exited(exit) => {
                self.output.platform(&PlatformEvent::Exited { request_id: None, exit: *exit });
                Status::Error("Runtime.ExitError".to_owned())
            }
        };
        self.output.platform(&PlatformEvent::InitFailed { took, phase, status });
    }

    /// Runs one invocation. On a sandbox that is not initialised yet, that happens first, within
    /// the function's own time limit.
    pub(crate) async fn invoke(
        &mut self,
        function: &Function,
        invocation: &Invocation,
        stream: Option<StreamSender>,
        init_duration: Option<Duration>,
    ) -> Left {
        if std::mem::take(&mut self.is_frozen) {
            self.process.thaw();
        }
        let request_id: Arc<str> = invocation.request_id.as_str().into();
        self.output.drain();
        self.output.begin(Arc::clone(&request_id));
        let version = &function.version;
        self.output.platform(&PlatformEvent::Start { request_id: &request_id, version });
        let begun = Instant::now();
        let deadline = self.clock.now().after(function.timeout);
        let (result, reusable) =
            match self.run(invocation, stream, deadline, begun + function.timeout).await {
                Ran::Answered(result, reusable) => (result, reusable),
                Ran::TimedOut => {
                    self.output.drain();
                    let after = function.timeout;
                    self.output
                        .platform(&PlatformEvent::TimedOut { request_id: &request_id, after });
                    (Err(FunctionError::timed_out(&request_id, function.timeout)), false)
                }
                Ran::Exited(exit) => {
                    self.output.drain();
                    let of = Some(&*request_id);
                    self.output.platform(&PlatformEvent::Exited { request_id: of, exit });
                    (Err(FunctionError::exited(&request_id, exit)), false)
                }
                Ran::Untouched => return Left::Untouched,
            };
        let outcome = self.conclude(function, request_id, result, begun, init_duration);
        if reusable { Left::Reusable(outcome) } else { Left::Spent(outcome) }
    }

    async fn run(
        &mut self,
        invocation: &Invocation,
        stream: Option<StreamSender>,
        deadline: Timestamp,
        until: Instant,
    ) -> Ran {
        // The second try, which AWS makes within the invocation.
        if !self.ready
            && let Err(failure) = self.get_ready(until).await
        {
            self.report_init(&failure, self.started.elapsed(), "invoke");
            return match failure {
                InitFailure::Reported(error) => Ran::Answered(Err(error), false),
                InitFailure::Exited(exit) => Ran::Exited(exit),
                InitFailure::TimedOut => Ran::TimedOut,
            };
        }
        self.session.offer(Delivery::new(invocation, deadline, stream));
        let waited = self.wait(until).await;
        if self.session.withdraw().is_some() && matches!(waited, Waited::Exited(_)) {
            return Ran::Untouched;
        }
        // An answer counts even where the runtime fails to come back for more. What AWS does then
        // is not documented.
        let reply = self.session.take_reply();
        match (reply, waited) {
            (Some(reply), waited) => {
                let reusable = matches!(waited, Waited::Event(Event::Ready));
                let result = match reply {
                    Reply::Payload(payload) => Ok(payload),
                    Reply::Streamed => Ok(bytes::Bytes::new()),
                    Reply::Failed(error) => Err(error),
                };
                Ran::Answered(result, reusable)
            }
            (None, Waited::Exited(exit)) => Ran::Exited(exit),
            (None, _) => {
                self.process.kill();
                Ran::TimedOut
            }
        }
    }

    fn conclude(
        &mut self,
        function: &Function,
        request_id: Arc<str>,
        result: Result<bytes::Bytes, FunctionError>,
        begun: Instant,
        init_duration: Option<Duration>,
    ) -> Outcome {
        let duration = begun.elapsed().min(function.timeout);
        self.output.drain();
        let old = self.memory.sampled.is_none_or(|at| at.elapsed() > 2 * MEMORY_INTERVAL);
        if old && self.process.has_grown() {
            self.sample();
        }
        let status = Status::of(&result);
        let report = Report {
            request_id,
            duration,
            billed: billed(duration, init_duration),
            memory_mb: function.memory_mb,
            max_memory: self.memory.peak,
            init_duration,
            status,
        };
        self.output.platform(&PlatformEvent::Done(&report));
        Outcome {
            result,
            log_tail: self.output.end().into(),
            init_duration,
            duration,
            billed: report.billed,
            max_memory: self.memory.peak,
        }
    }

    /// Waits for the runtime, its end, or the time limit, and looks after memory meanwhile.
    async fn wait(&mut self, until: Instant) -> Waited {
        loop {
            let tick = until.min(Instant::now() + MEMORY_INTERVAL);
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => return Waited::Event(event),
                exit = self.process.exited() => {
                    // A control group remembers what grew since the last look.
                    self.sample();
                    // What it said before it ended may still be on its way through the API's task.
                    let last = tokio::time::timeout(MEMORY_INTERVAL, self.events.recv()).await;
                    return match last {
                        Ok(Some(event @ Event::InitFailed(_))) => Waited::Event(event),
                        _ => Waited::Exited(exit),
                    };
                }
                () = tokio::time::sleep_until(tick.into()) => {
                    if Instant::now() >= until {
                        return Waited::TimedOut;
                    }
                    self.sample();
                    // Where the kernel enforces the limit it never gets here.
                    if self.memory.peak > self.memory.limit {
                        self.process.kill();
                    }
                }
            }
        }
    }

    fn sample(&mut self) {
        self.memory.peak = self.memory.peak.max(self.process.memory());
        self.memory.sampled = Some(Instant::now());
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.is_frozen
    }

    /// Stops what the function has left running, until the next invocation.
    pub(crate) fn freeze(&mut self) {
        self.is_frozen = true;
        self.process.freeze();
    }

    /// Whether it has ended since its last invocation. One that ends after this look, before it
    /// has taken its next invocation, may fail that one, as on AWS.
    pub(crate) fn has_exited(&self) -> bool {
        self.process.has_exited()
    }

    /// Whether its credentials outlast an invocation that begins now.
    pub(crate) fn outlasts(&self, timeout: Duration) -> bool {
        self.clock.now().after(timeout) < self.expires
    }
}

enum Ran {
    /// The handler's result, and whether the runtime has come back for more.
    Answered(Result<bytes::Bytes, FunctionError>, bool),
    TimedOut,
    Exited(Exit),
    /// The runtime had ended before; nothing ran.
    Untouched,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The tasks share the process, so it would outlive this value for a moment.
        self.process.kill();
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// `2026/11/21/[$LATEST]` and 32 hexadecimal digits.
fn log_stream(clock: &dyn Clock, ids: &dyn Ids, version: &str) -> String {
    let (year, month, day, ..) = clock.now().civil();
    let id = ids.text(32, "0123456789abcdef");
    format!("{year:04}/{month:02}/{day:02}/[{version}]{id}")
}

/// AWS names a patch level of its own (`python:3.12.v50`) and an ARN; here it is what really runs.
fn runtime_version(function: &Function) -> String {
    match &function.interpreter {
        Some(found) => {
            let family = function.runtime.name().split(|c: char| c.is_ascii_digit()).next();
            format!("{}:{}", family.unwrap_or_default(), found.version)
        }
        None => function.runtime.name().replacen('.', ":", 1),
    }
}
