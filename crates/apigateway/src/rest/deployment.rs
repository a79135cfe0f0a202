//! Deployments: what an API was at one moment, which stages serve.
//!
//! Promises: what a deployment serves never changes; made for a stage, it is served there at once,
//! and the stage is made where it is not there.
//! Refuses: to deploy an API without methods or with a method that nothing stands behind, and to
//! remove a deployment that a stage serves.

use cumulet_api_apigateway::ops::{
    CreateDeploymentRequest, DeleteDeploymentOutput, DeleteDeploymentRequest, Deployments,
    GetDeploymentRequest, GetDeploymentsRequest, UpdateDeploymentRequest,
};
use cumulet_api_apigateway::types::Deployment;
use cumulet_service::{Cx, Result as ServiceResult};
use serde_json::{Map, Value, json};

use super::keys::Keys;
use super::model::{DeploymentRecord, Snapshot, StageRecord};
use super::part;
use super::patch::{self, Kind, Member};
use super::stage;
use crate::carry;
use crate::error::Error;
use crate::store;

const MEMBERS: [Member; 1] = [Member("/description", Kind::Text)];

/// The methods of a deployment, as it is shown with them.
fn summary(snapshot: &Snapshot) -> Value {
    let resources = snapshot.resources.iter();
    let resources = resources.filter(|resource| !resource.resource_methods.is_empty());
    resources
        .map(|resource| {
            let methods = resource.resource_methods.iter().map(|(name, method)| {
                let summary = json!({
                    "authorizationType": method.authorization_type,
                    "apiKeyRequired": method.api_key_required,
                });
                (name.clone(), summary)
            });
            (resource.path.clone(), Value::Object(methods.collect()))
        })
        .collect::<Map<_, _>>()
        .into()
}

fn check(snapshot: &Snapshot) -> Result<(), Error> {
    let methods = snapshot.resources.iter().flat_map(|one| one.resource_methods.values());
    let mut methods = methods.peekable();
    if methods.peek().is_none() {
        return Err(Error::bad("The REST API doesn't contain any methods"));
    }
    if methods.any(|method| method.method_integration.is_none()) {
        return Err(Error::bad("No integration defined for method"));
    }
    Ok(())
}

pub(crate) async fn create(cx: &Cx, input: CreateDeploymentRequest) -> ServiceResult<Deployment> {
    if input.canary_settings.is_some() {
        return Err(Error::NotHere("canary deployments of REST APIs").into());
    }
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let (id, now) = (store::id(cx.ids(), 6), cx.now().secs());
    let record = cx
        .store()
        .transact(async |tx| {
            let snapshot = keys.take_snapshot(&tx).await?;
            check(&snapshot)?;
            let description = input.description.clone();
            let record = DeploymentRecord { id: id.clone(), description, created_date: now };
            keys.add(&tx, &record).await?;
            tx.put_record(keys.snapshot(&id), &snapshot);
            cx.note_made(&tx, &id);
            if let Some(name) = input.stage_name.as_deref().filter(|name| !name.is_empty()) {
                let there: Option<StageRecord> = keys.find(&tx, name).await?;
                let fresh = there.is_none();
                let mut stage = there.unwrap_or_else(|| StageRecord {
                    stage_name: name.to_owned(),
                    created_date: now,
                    ..StageRecord::default()
                });
                stage.deployment_id.clone_from(&id);
                stage.last_updated_date = now;
                stage::overlay(&mut stage, &members);
                stage::check(&stage)?;
                if fresh {
                    keys.add(&tx, &stage).await?;
                } else {
                    keys.put(&tx, &stage);
                }
            }
            Ok::<_, Error>(record)
        })
        .await?;
    carry::shape(&record)
}

pub(crate) async fn get(cx: &Cx, input: GetDeploymentRequest) -> ServiceResult<Deployment> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    let record = keys.part::<DeploymentRecord>(&snapshot, &input.deployment_id).await?;
    let mut shown = serde_json::to_value(&record).map_err(cumulet_service::Error::internal)?;
    if input.embed.iter().flatten().any(|what| what == "apisummary")
        && let Some(members) = shown.as_object_mut()
    {
        let deployed = keys.deployed(&snapshot, &record.id).await?;
        members.insert("apiSummary".to_owned(), summary(&deployed));
    }
    carry::shape(&shown)
}

pub(crate) async fn list(cx: &Cx, input: GetDeploymentsRequest) -> ServiceResult<Deployments> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    let all: Vec<DeploymentRecord> = keys.parts(&snapshot).await?;
    part::page(&members, &all)
}

pub(crate) async fn update(cx: &Cx, input: UpdateDeploymentRequest) -> ServiceResult<Deployment> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let operations = input.patch_operations.unwrap_or_default();
    let record = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let before = keys.part::<DeploymentRecord>(&tx, &input.deployment_id).await?;
            let record: DeploymentRecord = patch::record(&before, &MEMBERS, &operations)?;
            keys.put(&tx, &record);
            Ok::<_, Error>(record)
        })
        .await?;
    carry::shape(&record)
}

pub(crate) async fn delete(
    cx: &Cx,
    input: DeleteDeploymentRequest,
) -> ServiceResult<DeleteDeploymentOutput> {
    let keys = Keys::new(cx, &input.rest_api_id);
    let id = &input.deployment_id;
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            keys.part::<DeploymentRecord>(&tx, id).await?;
            let stages: Vec<StageRecord> = keys.parts(&tx).await?;
            if stages.iter().any(|stage| stage.deployment_id == *id) {
                let words = "Active stages pointing to this deployment must be moved or deleted";
                return Err(Error::bad(words));
            }
            keys.drop::<DeploymentRecord>(&tx, id);
            tx.delete(keys.snapshot(id));
            Ok(())
        })
        .await?;
    Ok(DeleteDeploymentOutput {})
}
