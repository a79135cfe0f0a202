//! CancelUpdateStack: an update that is under way begins nothing more and is undone.

use cumulet_api_cloudformation::ops::{
    CancelUpdateStack, CancelUpdateStackInput, CancelUpdateStackOutput,
};
use cumulet_service::Error as ServiceError;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::error::Error;
use crate::model::{Kind, Phase};
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<CancelUpdateStack> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &CancelUpdateStackInput) -> Result<Vec<Access>> {
        Ok(vec![begin::access(cx, "cloudformation:CancelUpdateStack", &input.stack_name).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CancelUpdateStackInput,
    ) -> Result<CancelUpdateStackOutput> {
        let (place, name) = (&Place::of(cx), &input.stack_name);
        cx.store()
            .transact(|tx| async move {
                let mut stack = store::live(&tx, place, name).await?;
                let running = stack.operation.as_mut();
                let running = running
                    .filter(|one| one.kind == Kind::Update && one.phase == Phase::Forward)
                    .ok_or_else(|| {
                        let text = "CancelUpdateStack cannot be called from current stack status";
                        Error::invalid(text)
                    })?;
                running.cancelled = true;
                tx.put_record(place.stack(&stack.id), &stack);
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(CancelUpdateStackOutput {})
    }
}
