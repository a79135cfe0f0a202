//! DeleteUser: removes a user that has no policies, access keys and groups any more.

use cumulet_api_iam::ops::{DeleteUser, DeleteUserOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::delete;
use crate::error::Error;
use crate::model::User;

impl Handle<DeleteUser> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteUser as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<User>(cx, "iam:DeleteUser", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteUser as Operation>::Input,
    ) -> Result<<DeleteUser as Operation>::Output> {
        let bare = |user: &User| {
            if !user.keys.is_empty() {
                let message = "Cannot delete entity, must delete access keys first.";
                return Err(Error::DeleteConflict(message));
            }
            if !user.groups.is_empty() {
                let message = "Cannot delete entity, must remove users from group first.";
                return Err(Error::DeleteConflict(message));
            }
            Ok(())
        };
        delete::holder(cx, &input.user_name, bare).await?;
        Ok(DeleteUserOutput {})
    }
}
