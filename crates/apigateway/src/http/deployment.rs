//! Deployments: what an API was at one moment, which stages serve.
//!
//! Promises: a deployment never changes; a stage that deploys by itself serves each change from the
//! moment it is answered.
//! Refuses: to remove a deployment that a stage serves.

use cumulet_api_apigatewayv2::ops::{
    CreateDeploymentRequest, CreateDeploymentResponse, DeleteDeploymentOutput,
    DeleteDeploymentRequest,
};
use cumulet_service::{Cx, Result as ServiceResult};
use cumulet_store::Tx;

use super::model::DeploymentRecord;
use super::part::{Keys, Part};
use crate::carry;
use crate::error::Error;
use crate::store;

/// A deployment before it is filled with what the API is. Drawn outside the transaction, which may
/// run several times.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    id: String,
    now: String,
}

impl Draft {
    pub(crate) fn new(cx: &Cx) -> Self {
        Self { id: store::id(cx.ids(), 6), now: cx.now().iso8601(false) }
    }

    /// Stores a deployment of what the API is now.
    async fn put(
        &self,
        of: &Keys,
        tx: &Tx,
        description: Option<String>,
        auto: bool,
    ) -> Result<DeploymentRecord, Error> {
        let record = DeploymentRecord {
            deployment_id: self.id.clone(),
            deployment_status: "DEPLOYED".to_owned(),
            description,
            auto_deployed: Some(auto),
            created_date: self.now.clone(),
            routes: of.parts(tx).await?,
            integrations: of.parts(tx).await?,
            authorizers: of.parts(tx).await?,
        };
        tx.put_record(of.apis.part(&of.api, DeploymentRecord::KIND, &self.id), &record);
        Ok(record)
    }

    /// Deploys to the stages that deploy by themselves, if there are any.
    pub(crate) async fn where_automatic(&self, of: &Keys, tx: &Tx) -> Result<(), Error> {
        let stages = of.stages(tx).await?;
        let mut stages = stages.into_iter().filter(|s| s.auto_deploy == Some(true)).peekable();
        if stages.peek().is_none() {
            return Ok(());
        }
        self.put(
            of,
            tx,
            Some(
                "Automatic deployment triggered by changes to the Api \
            configuration"
                    .to_owned(),
            ),
            true,
        )
        .await?;
        let mut replaced = Vec::new();
        for mut stage in stages {
            replaced.extend(stage.deployment_id.replace(self.id.clone()));
            stage.last_updated_date.clone_from(&self.now);
            stage.last_deployment_status_message =
                Some(format!("Successfully deployed stage with deployment ID '{}'", self.id));
            tx.put_record(of.stage(&stage.stage_name), &stage);
        }
        // One that came about by itself and is served no more is of use to nobody.
        let served = of.stages(tx).await?;
        for id in replaced
            .iter()
            .filter(|id| served.iter().all(|s| s.deployment_id.as_ref() != Some(*id)))
        {
            let key = of.apis.part(&of.api, DeploymentRecord::KIND, id);
            if of
                .part::<DeploymentRecord>(tx, id)
                .await
                .is_ok_and(|d| d.auto_deployed == Some(true))
            {
                tx.delete(key);
            }
        }
        Ok(())
    }
}

pub(crate) async fn create(
    cx: &Cx,
    input: CreateDeploymentRequest,
) -> ServiceResult<CreateDeploymentResponse> {
    let keys = Keys::of(cx, &carry::members(&input)?);
    let draft = Draft::new(cx);
    let record = cx
        .store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            if keys.parts::<super::model::RouteRecord>(&tx).await?.is_empty() {
                return Err(Error::bad("At least one route is required before deploying the Api."));
            }
            let record = draft.put(&keys, &tx, input.description.clone(), false).await?;
            cx.note_made(&tx, &draft.id);
            if let Some(name) = &input.stage_name {
                let stage = super::stage::load(&keys, &tx, name).await?;
                if stage.auto_deploy == Some(true) {
                    return Err(Error::bad(
                        "Deployment ID cannot be set on stage: AutoDeploy is enabled.",
                    ));
                }
                let stage = super::model::StageRecord {
                    deployment_id: Some(draft.id.clone()),
                    last_updated_date: draft.now.clone(),
                    ..stage
                };
                tx.put_record(keys.stage(name), &stage);
            }
            Ok(record)
        })
        .await?;
    carry::shape(&record)
}

pub(crate) async fn delete(
    cx: &Cx,
    input: DeleteDeploymentRequest,
) -> ServiceResult<DeleteDeploymentOutput> {
    let keys = Keys::of(cx, &carry::members(&input)?);
    let id = &input.deployment_id;
    cx.store()
        .transact(async |tx| {
            keys.load(&tx).await?;
            keys.part::<DeploymentRecord>(&tx, id).await?;
            let stages = keys.stages(&tx).await?;
            if stages.iter().any(|stage| stage.deployment_id.as_ref() == Some(id)) {
                let words = "Active stages pointing to this deployment must be moved or deleted";
                return Err(Error::bad(words));
            }
            tx.delete(keys.apis.part(&keys.api, DeploymentRecord::KIND, id));
            Ok(())
        })
        .await?;
    Ok(DeleteDeploymentOutput {})
}
