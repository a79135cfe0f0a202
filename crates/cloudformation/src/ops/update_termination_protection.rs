//! UpdateTerminationProtection: whether a stack can be deleted.

use cumulet_api_cloudformation::ops::{
    UpdateTerminationProtection, UpdateTerminationProtectionInput,
    UpdateTerminationProtectionOutput,
};
use cumulet_service::Error as ServiceError;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::begin;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<UpdateTerminationProtection> for CloudFormation {
    async fn access(
        &self,
        cx: &Cx,
        input: &UpdateTerminationProtectionInput,
    ) -> Result<Vec<Access>> {
        Ok(vec![
            begin::access(cx, "cloudformation:UpdateTerminationProtection", &input.stack_name)
                .await?,
        ])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateTerminationProtectionInput,
    ) -> Result<UpdateTerminationProtectionOutput> {
        let (place, name) = (&Place::of(cx), &input.stack_name);
        let id = cx
            .store()
            .transact(|tx| async move {
                let mut stack = store::live(&tx, place, name).await?;
                stack.termination_protection = input.enable_termination_protection;
                tx.put_record(place.stack(&stack.id), &stack);
                Ok::<_, ServiceError>(stack.id)
            })
            .await?;
        Ok(UpdateTerminationProtectionOutput { stack_id: Some(id) })
    }
}
