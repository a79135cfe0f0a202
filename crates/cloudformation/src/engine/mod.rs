//! Carries out what was asked of a stack: a durable job that goes from phase to phase.
//!
//! Everything it does stands in the store before and after it is done, so that after a crash the
//! next run of the job finds the step that was under way and does it again, under the same name.
//! All writes check the job's lease: one worker writes, even where two believe to be it.

mod back;
mod call;
mod forward;
mod outputs;
mod remove;
mod schedule;
mod sweep;

use std::sync::{Arc, Weak};
use std::time::Duration;

use cumulet_api_sts::ops::{AssumeRole, AssumeRoleRequest};
use cumulet_base::Timestamp;
use cumulet_service::{Cloud, Cx, Error as ServiceError, Principal, RequestInfo, temporary};
use cumulet_store::{Read as _, StoreError, Tx};
use cumulet_work::{Job, Lease, LeaseError, Outcome};
use serde_json::json;

use crate::begin;
use crate::model::{Kind, OnFailure, Operation, Phase, ResourceRecord, StackRecord};
use crate::store::{self, Place};

const KIND: &str = "cloudformation/operation";
/// Stacks that are worked on at a time, for each depth of nesting.
const STACKS: usize = 16;
/// Stacks that a stack can be within.
pub(crate) const MOST_OUTER: usize = 5;
/// The pause after something of this cloud has failed.
const PAUSE: Duration = Duration::from_secs(1);
/// Seconds that the session of a stack's role lasts; each run of the job begins a new one.
const SESSION: i32 = 3_600;

/// Has a stack's operation carried out once `tx` is committed.
pub(crate) async fn enqueue(
    tx: &Tx,
    place: &Place,
    stack: &StackRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(operation) = &stack.operation else { return Ok(()) };
    let payload = json!({
        "account": place.account.as_str(), "region": place.region.as_str(), "stack": stack.id,
    });
    let kind = kind(stack.within.len());
    let job = Job { kind, key: operation.id.clone(), payload, run_at: now };
    cumulet_work::enqueue(tx, job).await.map(drop)
}

/// The kind of the jobs of stacks that are nested so deep. Each depth has its own, since outer
/// stacks that wait for inner ones must not take their place.
fn kind(depth: usize) -> String {
    if depth == 0 { KIND.to_owned() } else { format!("{KIND}/{depth}") }
}

/// Begins to carry out operations.
pub(crate) fn register(cloud: &Arc<Cloud>) {
    for depth in 0..=MOST_OUTER {
        // Weak: the cloud holds the queue, which holds this.
        let cloud_of_job: Weak<Cloud> = Arc::downgrade(cloud);
        cloud.parts().work.register(&kind(depth), STACKS, move |lease| {
            let cloud = cloud_of_job.upgrade();
            async move {
                match cloud {
                    Some(cloud) => carry_out(&cloud, lease).await,
                    None => Outcome::Retry { after: PAUSE },
                }
            }
        });
    }
}

/// Why a run of the job ends before the operation does.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Somebody else has the job.
    Lost,
    /// Something of this cloud failed: later again.
    Failed(ServiceError),
}

impl From<LeaseError> for Stop {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Lost => Self::Lost,
            LeaseError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ServiceError> for Stop {
    fn from(error: ServiceError) -> Self {
        Self::Failed(error)
    }
}

/// What a step comes to: done, or why not.
type Step = Result<(), String>;

/// One run of a stack's job.
pub(crate) struct Run {
    /// As who began the operation.
    cx: Cx,
    /// As who acts: the stack's role, or the same. `Err`: why the role cannot be taken on.
    actor: Result<Cx, String>,
    place: Place,
    lease: Lease,
    stack_id: String,
}

async fn carry_out(cloud: &Arc<Cloud>, lease: Lease) -> Outcome {
    let part = |name: &str| lease.payload.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    let (Ok(account), Ok(region)) = (part("account").parse(), part("region").parse()) else {
        tracing::error!(job = %lease.key, "an operation without account and region");
        return Outcome::Done;
    };
    let (place, stack_id) = (Place { account, region }, part("stack").to_owned());
    match finish(cloud, lease, place, stack_id).await {
        Ok(()) | Err(Stop::Lost) => Outcome::Done,
        Err(Stop::Failed(error)) => {
            tracing::warn!(%error, "a stack's operation goes on later");
            Outcome::Retry { after: PAUSE }
        }
    }
}

async fn finish(
    cloud: &Arc<Cloud>,
    lease: Lease,
    place: Place,
    stack_id: String,
) -> Result<(), Stop> {
    let read = cloud.parts().store.snapshot();
    let Some(stack) = read.get_record::<StackRecord>(&place.stack(&stack_id)).await? else {
        return Ok(());
    };
    let Some(operation) = stack.operation.filter(|one| *one.id == *lease.key) else {
        return Ok(());
    };
    let cx = cloud.context(operation.principal.clone());
    let cx = cx.in_account(place.account.clone()).in_region(place.region.clone());
    let cx = cx.with_request(RequestInfo {
        endpoint: operation.endpoint.clone(),
        ..RequestInfo::internal(cx.request().id.clone(), cx.now())
    });
    let actor = actor(&cx, &operation).await?;
    let run = Run { cx, actor, place, lease, stack_id };
    while run.phase().await? {}
    Ok(())
}

/// Who makes and removes the resources.
async fn actor(cx: &Cx, operation: &Operation) -> Result<Result<Cx, String>, Stop> {
    let Some(role_arn) = &operation.settings.role_arn else {
        return Ok(Ok(cx.via(begin::PRINCIPAL)));
    };
    let service = cx.acting_as(Principal::service(begin::PRINCIPAL));
    let input = AssumeRoleRequest {
        role_arn: role_arn.clone(),
        role_session_name: "AWSCloudFormation".to_owned(),
        duration_seconds: Some(SESSION),
        ..AssumeRoleRequest::default()
    };
    let credentials = match service.call::<AssumeRole>(input).await {
        Ok(answer) => answer.credentials,
        Err(error) if error.status < 500 => {
            return Ok(Err(format!(
                "Role {role_arn} is invalid or cannot be assumed: {}",
                error.message
            )));
        }
        Err(error) => return Err(error.into()),
    };
    let opened = credentials.and_then(|credentials| {
        temporary::open(cx.sealer(), &credentials.access_key_id, &credentials.session_token)
    });
    let opened = opened.ok_or_else(|| ServiceError::internal("a session that does not open"))?;
    Ok(Ok(cx.acting_as(opened.principal)))
}

impl Run {
    /// Goes through one phase; whether there is a next one.
    async fn phase(&self) -> Result<bool, Stop> {
        let read = self.cx.store().snapshot();
        let stack = store::stack(&read, &self.place, &self.stack_id).await?;
        // Once this one is over, the next may have begun, which has a job of its own.
        let operation = stack.operation.clone().filter(|one| *one.id == *self.lease.key);
        let Some(operation) = operation else { return Ok(false) };
        match (operation.kind, operation.phase) {
            (Kind::Delete, _) => self.delete_stack(&stack, &operation).await?,
            (_, Phase::Forward) => self.forward(&stack, &operation).await?,
            (Kind::Create, _) => self.roll_creation_back(&operation).await?,
            (Kind::Update, Phase::Back) => self.roll_update_back(&operation).await?,
            (Kind::Update, phase) => self.clean_up(&stack, &operation, phase).await?,
        }
        Ok(true)
    }

    /// Changes the stack and tells it, in one transaction. `change` gets the stack as it is and
    /// says what else to write.
    async fn advance<F>(&self, change: F) -> Result<(), Stop>
    where
        F: Fn(&mut StackRecord, &Tx) + Send + Sync,
    {
        let (id, now) = (self.cx.ids().uuid(), self.cx.now());
        let change = &change;
        let id = &id;
        self.cx
            .store()
            .transact(|tx| async move {
                self.lease.check(&tx).await?;
                let key = self.place.stack(&self.stack_id);
                let Some(mut stack) = tx.get_record::<StackRecord>(&key).await? else {
                    return Ok(());
                };
                let token = stack.operation.as_ref().and_then(|one| one.token.clone());
                change(&mut stack, &tx);
                let event = store::stack_event(&stack, id.clone(), now, token);
                store::add_event(&tx, &self.place, &stack.id, &event).await?;
                tx.put_record(key, &stack);
                Ok::<_, Stop>(())
            })
            .await
    }

    /// Writes a resource, and an event of it where its status is worth one.
    async fn note(
        &self,
        operation: &Operation,
        record: &ResourceRecord,
        event: Option<call::Told>,
    ) -> Result<(), Stop> {
        self.write(operation, record, event, None).await
    }

    /// The same. What was made in the attempt `done` is known from now on.
    async fn write(
        &self,
        operation: &Operation,
        record: &ResourceRecord,
        event: Option<call::Told>,
        done: Option<&Cx>,
    ) -> Result<(), Stop> {
        let (id, now) = (self.cx.ids().uuid(), self.cx.now());
        let event = event.map(|told| told.event(record, &id, now, operation.token.clone()));
        let event = &event;
        self.cx
            .store()
            .transact(|tx| async move {
                self.lease.check(&tx).await?;
                if let Some(event) = event {
                    store::add_event(&tx, &self.place, &self.stack_id, event).await?;
                }
                tx.put_record(self.place.resource(&self.stack_id, &record.id), record);
                if let Some(done) = done {
                    done.forget_made(&tx);
                }
                Ok::<_, Stop>(())
            })
            .await
    }

    async fn record(&self, id: &str) -> Result<Option<ResourceRecord>, Stop> {
        let read = self.cx.store().snapshot();
        Ok(read.get_record(&self.place.resource(&self.stack_id, id)).await?)
    }

    async fn records(&self) -> Result<Vec<ResourceRecord>, Stop> {
        let read = self.cx.store().snapshot();
        Ok(store::resources(&read, &self.place, &self.stack_id).await?)
    }
}

/// What follows a failure on the way to a new revision.
fn after_failure(operation: &Operation) -> Option<&'static str> {
    match (operation.kind, operation.on_failure) {
        (_, OnFailure::DoNothing) => None,
        (Kind::Update, _) => Some("UPDATE_ROLLBACK_IN_PROGRESS"),
        (_, OnFailure::Delete) => Some("DELETE_IN_PROGRESS"),
        (_, OnFailure::Rollback) => Some("ROLLBACK_IN_PROGRESS"),
    }
}
