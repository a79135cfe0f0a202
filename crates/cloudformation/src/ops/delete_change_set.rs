//! DeleteChangeSet: forgets a change set. That there is none of that name is no error where the
//! stack is named.

use cumulet_api_cloudformation::ops::{
    DeleteChangeSet, DeleteChangeSetInput, DeleteChangeSetOutput,
};
use cumulet_service::Error as ServiceError;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::asked;
use crate::begin;
use crate::store::{self, Place};

use crate::CloudFormation;

impl Handle<DeleteChangeSet> for CloudFormation {
    async fn access(&self, cx: &Cx, input: &DeleteChangeSetInput) -> Result<Vec<Access>> {
        let access = begin::access(
            cx,
            "cloudformation:DeleteChangeSet",
            input.stack_name.as_deref().unwrap_or("*"),
        )
        .await?;
        Ok(vec![asked::change_set(access, &input.change_set_name)])
    }

    async fn handle(&self, cx: &Cx, input: DeleteChangeSetInput) -> Result<DeleteChangeSetOutput> {
        let (read, place) = (&cx.store().snapshot(), &Place::of(cx));
        let name = input.stack_name.as_deref();
        let found = store::change_set(read, place, &input.change_set_name, name).await;
        let (stack, set) = match found {
            Ok(found) => found,
            Err(error) if error.code == "ChangeSetNotFound" && name.is_some() => {
                return Ok(DeleteChangeSetOutput {});
            }
            Err(error) => return Err(error),
        };
        let (stack, set) = (&stack, &set);
        cx.store()
            .transact(|tx| async move {
                store::delete_change_set(&tx, place, &stack.id, set);
                Ok::<_, ServiceError>(())
            })
            .await?;
        Ok(DeleteChangeSetOutput {})
    }
}
