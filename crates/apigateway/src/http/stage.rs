//! Stages: the names under which deployments are served.
//!
//! Promises: a stage that deploys by itself has a deployment from the beginning.
//! Refuses: names that AWS refuses, a second stage of the same name, deployments that are not
//! there.

use cumulet_api_apigatewayv2::ops::{
    CreateStageRequest, CreateStageResponse, DeleteStageOutput, DeleteStageRequest,
    GetStageRequest, GetStageResponse, GetStagesRequest, GetStagesResponse, UpdateStageRequest,
    UpdateStageResponse,
};
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::{Read, Tx};

use super::deployment::Draft;
use super::model::{DEFAULT_STAGE, DeploymentRecord, StageRecord};
use super::part::{self, Keys};
use crate::carry;
use crate::error::Error;

/// "Stages per API" for HTTP APIs.
const MOST: usize = 10;

pub(crate) async fn load(of: &Keys, read: &impl Read, name: &str) -> Result<StageRecord, Error> {
    let record = read.get_record(&of.stage(name)).await?;
    record.ok_or_else(|| Error::no("Stage", name))
}

async fn check(stage: &StageRecord, of: &Keys, tx: &Tx) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    let name = &stage.stage_name;
    let named = (1..=128).contains(&name.len()) && name.bytes().all(plain);
    if !named && name != DEFAULT_STAGE {
        return Err(Error::bad(
            "Stage name only allows a-zA-Z0-9_- or the name $default, with at most 128 characters.",
        ));
    }
    let variables = stage.stage_variables.iter().flatten();
    if variables.clone().count() > 100
        || variables.clone().any(|(k, v)| k.len() > 64 || v.len() > 512)
    {
        return Err(Error::bad(
            "A stage has at most 100 variables, with names of 64 and values of 512 characters.",
        ));
    }
    match &stage.deployment_id {
        Some(id) => of.part::<DeploymentRecord>(tx, id).await.map(drop),
        None => Ok(()),
    }
}

pub(crate) async fn create(
    cx: &Cx,
    input: CreateStageRequest,
) -> ServiceResult<CreateStageResponse> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let mut stage: StageRecord = carry::record(members)?;
    stage.created_date = cx.now().iso8601(false);
    stage.last_updated_date.clone_from(&stage.created_date);
    let draft = Draft::new(cx);
    let stage = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            check(&stage, &keys, &tx).await?;
            let stages = keys.stages(&tx).await?;
            if stages.iter().any(|other| other.stage_name == stage.stage_name) {
                return Err(Error::Conflict("Stage already exists".to_owned()));
            }
            if stages.len() >= MOST {
                return Err(Error::BadRequest(format!("An API has at most {MOST} stages.")));
            }
            cx.note_made(&tx, &stage.stage_name);
            put(&keys, &tx, &stage, &draft).await
        })
        .await?;
    carry::shape(&stage)
}

/// Stores a stage, with a new deployment where it deploys by itself.
pub(crate) async fn put(
    of: &Keys,
    tx: &Tx,
    stage: &StageRecord,
    draft: &Draft,
) -> Result<StageRecord, Error> {
    tx.put_record(of.stage(&stage.stage_name), stage);
    if stage.auto_deploy == Some(true) {
        draft.where_automatic(of, tx).await?;
    }
    load(of, tx, &stage.stage_name).await
}

pub(crate) async fn get(cx: &Cx, input: GetStageRequest) -> ServiceResult<GetStageResponse> {
    let keys = Keys::of(cx, &carry::members(&input)?);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    carry::shape(&load(&keys, &snapshot, &input.stage_name).await?)
}

pub(crate) async fn list(cx: &Cx, input: GetStagesRequest) -> ServiceResult<GetStagesResponse> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let snapshot = cx.store().snapshot();
    keys.load(&snapshot).await?;
    part::page(&members, &keys.stages(&snapshot).await?)
}

pub(crate) async fn update(
    cx: &Cx,
    input: UpdateStageRequest,
) -> ServiceResult<UpdateStageResponse> {
    let members = carry::members(&input)?;
    let keys = Keys::of(cx, &members);
    let draft = Draft::new(cx);
    let now = cx.now().iso8601(false);
    let stage = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            let before = load(&keys, &tx, &input.stage_name).await?;
            let mut stage: StageRecord = carry::changed(&before, members.clone())?;
            stage.last_updated_date.clone_from(&now);
            check(&stage, &keys, &tx).await?;
            put(&keys, &tx, &stage, &draft).await
        })
        .await?;
    carry::shape(&stage)
}

pub(crate) async fn delete(cx: &Cx, input: DeleteStageRequest) -> ServiceResult<DeleteStageOutput> {
    let keys = Keys::of(cx, &carry::members(&input)?);
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            load(&keys, &tx, &input.stage_name).await?;
            tx.delete(keys.stage(&input.stage_name));
            Ok::<_, Error>(())
        })
        .await?;
    Ok(DeleteStageOutput {})
}
