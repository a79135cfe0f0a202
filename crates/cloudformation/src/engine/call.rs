//! Calling a resource type, and telling what came of it.

use std::time::Duration;

use cumulet_base::Timestamp;
use cumulet_service::{Actual, Changed, Cx, Desired, Error, Resource, StackPart};
use serde_json::{Map, Value};

use super::{Run, Stop};
use crate::model::{EventRecord, Made, ResourceRecord, State};
use crate::store;
use crate::types;

/// Tries of a step while this cloud itself is at fault.
const TRIES: u32 = 4;
/// The pause after the first; doubled after each further one.
const PAUSE: Duration = Duration::from_millis(200);

/// An event of a resource.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) status: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) physical_id: Option<String>,
}

impl Told {
    pub(crate) fn new(status: &'static str, physical_id: Option<&str>) -> Self {
        Self { status, reason: None, physical_id: physical_id.map(str::to_owned) }
    }

    pub(crate) fn because(self, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..self }
    }

    pub(crate) fn event(
        self,
        record: &ResourceRecord,
        id: &str,
        now: Timestamp,
        token: Option<String>,
    ) -> EventRecord {
        let id = format!("{}-{}-{id}", record.id, self.status);
        EventRecord {
            id,
            logical_id: record.id.clone(),
            physical_id: self.physical_id,
            type_name: record.type_name.clone(),
            time: now.millis(),
            status: self.status.to_owned(),
            reason: self.reason,
            token,
        }
    }
}

impl ResourceRecord {
    /// Takes on the event's status.
    pub(crate) fn tell(&mut self, now: Timestamp, told: &Told) {
        told.status.clone_into(&mut self.status);
        self.reason.clone_from(&told.reason);
        self.changed = now.millis();
    }
}

/// A resource as it should be.
pub(crate) struct Wanted<'a> {
    /// The logical id.
    pub(crate) id: &'a str,
    pub(crate) type_name: &'a str,
    pub(crate) name: &'a str,
    pub(crate) properties: &'a Map<String, Value>,
    pub(crate) tags: &'a [(String, String)],
}

impl Run {
    /// The actor and the type, or why the step cannot be done.
    fn parts(&self, type_name: &str) -> Result<(&Cx, &'static dyn Resource), String> {
        let cx = self.actor.as_ref().map_err(Clone::clone)?;
        let found = types::find(cx, type_name);
        let unknown = || format!("Unrecognized resource types: [{type_name}]");
        Ok((cx, found.ok_or_else(unknown)?))
    }

    /// The context of the attempt to make what was given this name, which no other resource has.
    pub(crate) fn attempt(&self, name: &str) -> Cx {
        let cx = self.actor.as_ref().unwrap_or(&self.cx);
        cx.attempting(&format!("{}/{name}", self.stack_id))
    }

    fn part(&self, cx: &Cx, id: &str, type_name: &str) -> Cx {
        let (stack, logical_id) = (self.stack_id.clone(), id.to_owned());
        cx.as_part(StackPart { stack, logical_id, type_name: type_name.to_owned() })
    }

    pub(crate) async fn create(&self, wanted: &Wanted<'_>) -> Result<Actual, String> {
        let (_, resource) = self.parts(wanted.type_name)?;
        let cx = &self.part(&self.attempt(wanted.name), wanted.id, wanted.type_name);
        let desired =
            Desired { name: wanted.name, properties: wanted.properties, tags: wanted.tags };
        retried(cx, || resource.create(cx, desired)).await
    }

    pub(crate) async fn update(
        &self,
        physical_id: &str,
        before: &Map<String, Value>,
        wanted: &Wanted<'_>,
    ) -> Result<Actual, String> {
        let (cx, resource) = self.parts(wanted.type_name)?;
        let cx = &self.part(cx, wanted.id, wanted.type_name);
        let after = Desired { name: wanted.name, properties: wanted.properties, tags: wanted.tags };
        let changed = Changed { physical_id, before, after };
        retried(cx, || resource.update(cx, changed)).await
    }

    /// Removes a physical resource.
    pub(crate) async fn unmake(&self, id: &str, made: &Made) -> Result<Result<(), String>, Stop> {
        let state = self.state(made)?;
        let parts = self.parts(&made.type_name);
        let (cx, resource) = match parts {
            Ok(parts) => parts,
            Err(reason) => return Ok(Err(reason)),
        };
        let cx = &self.part(cx, id, &made.type_name);
        Ok(retried(cx, || resource.remove(cx, &made.physical_id, &state.properties)).await)
    }

    pub(crate) fn state(&self, made: &Made) -> Result<State, Stop> {
        Ok(store::open(self.cx.sealer(), &self.stack_id, &made.state)?)
    }

    pub(crate) fn seal<T: serde::Serialize>(&self, value: &T) -> Result<String, Stop> {
        Ok(store::seal(self.cx.sealer(), &self.stack_id, value)?)
    }
}

/// Does it until it is done, refused, or this cloud has been at fault too often.
async fn retried<'a, T>(
    cx: &Cx,
    step: impl Fn() -> cumulet_service::BoxFuture<'a, cumulet_service::Result<T>>,
) -> Result<T, String> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match step().await {
            Err(error) if error.status >= 500 && error.status != 501 => {
                tracing::warn!(%error, "a resource is tried again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            outcome => return outcome.map_err(|error| reason(cx, &error)),
        }
    }
    step().await.map_err(|error| reason(cx, &error))
}

/// As AWS's resource handlers put it.
fn reason(cx: &Cx, error: &Error) -> String {
    let code = match error.code.as_ref() {
        code if code.contains("AlreadyExists") || code == "ResourceInUseException" => {
            "AlreadyExists"
        }
        code if code.contains("NotFound") || code == "NoSuchEntity" => "NotFound",
        code if code.starts_with("AccessDenied") => "AccessDenied",
        code if code.contains("LimitExceeded") => "ServiceLimitExceeded",
        code if code.contains("Throttl") => "Throttling",
        code if code.starts_with("Validation") || code.starts_with("Invalid") => "InvalidRequest",
        _ if error.status >= 500 => "ServiceInternalError",
        _ => "GeneralServiceException",
    };
    let token = cx.ids().uuid();
    format!(
        "Resource handler returned message: \"{}\" (RequestToken: {token}, HandlerErrorCode: \
         {code})",
        error.message
    )
}
