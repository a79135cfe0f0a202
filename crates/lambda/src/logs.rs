//! Where functions' log lines go, and whether they may.
//!
//! Lambda writes as the function's role. What the role may not do leaves no lines, and the function
//! runs on ("Sending Lambda function logs to CloudWatch Logs").

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use cumulet_base::{AccountId, Arn, Region};
use cumulet_sandbox::{LogLine, LogSink};
use cumulet_service::{Access, Cloud, Cx, Principal};

/// What it takes to write lines to a group that is there.
const ACTIONS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
/// What it takes to make the group where there is none.
const MAKING: &str = "logs:CreateLogGroup";

/// How long an answer about policies holds: each invocation asks.
const STALE: Duration = Duration::from_millis(500);

/// Who writes lines, and when it was last asked whether he may.
#[derive(Default)]
struct Writer {
    role: Option<Arc<Principal>>,
    asked: Option<Instant>,
}

/// The log group of one function version.
pub(crate) struct Group {
    cloud: Weak<Cloud>,
    account: AccountId,
    region: Region,
    name: String,
    writer: Mutex<Writer>,
    open: AtomicBool,
    /// Whether lines may make the group.
    makes: AtomicBool,
}

impl Group {
    /// A group that nobody writes to yet: sandboxes start as a role, and it is asked first.
    pub(crate) fn new(
        cloud: Weak<Cloud>,
        account: AccountId,
        region: Region,
        name: String,
    ) -> Arc<Self> {
        let (writer, open, makes) =
            (Mutex::default(), AtomicBool::new(true), AtomicBool::new(true));
        Arc::new(Self { cloud, account, region, name, writer, open, makes })
    }

    /// From here on lines are the function's role's.
    pub(crate) async fn is_written_by(&self, cx: &Cx, role: Arc<Principal>) {
        let writer = Writer { role: Some(role), asked: None };
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = writer;
        self.ask(cx).await;
    }

    /// Who is to be asked about, if it is time.
    fn is_due(&self) -> Option<Arc<Principal>> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let role = Arc::clone(writer.role.as_ref()?);
        if writer.asked.is_some_and(|at| at.elapsed() < STALE) {
            return None;
        }
        writer.asked = Some(Instant::now());
        Some(role)
    }

    /// Looks whether the role may write, as policies are now, unless that was looked at a moment
    /// ago. A refusal is told once to whoever looks after the cloud.
    pub(crate) async fn ask(&self, cx: &Cx) {
        let Some(writer) = self.is_due() else { return };
        let cx = cx.acting_as(writer.as_ref().clone());
        // As crate `logs` names a group: the stream's name is left empty.
        let resource = format!("log-group:{}:log-stream:", self.name);
        let arn = Arn::new("logs", &self.region, &self.account, &resource);
        let mut refusal = None;
        for action in ACTIONS {
            let access = Access::on(&cx, action, arn.clone());
            if let Err(error) = cx.authorize(&access).await {
                refusal.get_or_insert(error);
            }
        }
        let makes = cx.authorize(&Access::on(&cx, MAKING, arn)).await.is_ok();
        self.makes.store(makes, Ordering::Relaxed);
        let was_open = self.open.swap(refusal.is_none(), Ordering::Relaxed);
        if let (true, Some(refusal)) = (was_open, refusal) {
            tracing::warn!(group = self.name, %refusal, "a function's log lines are not kept");
        }
    }
}

impl LogSink for Group {
    fn line(&self, line: LogLine) {
        if !self.open.load(Ordering::Relaxed) {
            return;
        }
        let Some(cloud) = self.cloud.upgrade() else { return };
        let Some(telemetry) = cloud.telemetry() else { return };
        telemetry.emit(cumulet_service::LogLine {
            account: self.account.clone(),
            region: self.region.clone(),
            group: self.name.clone(),
            stream: line.stream.as_ref().to_owned(),
            at: line.at,
            message: line.text,
            makes_group: self.makes.load(Ordering::Relaxed),
        });
    }
}
