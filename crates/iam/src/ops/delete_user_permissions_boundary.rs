//! DeleteUserPermissionsBoundary: takes a user's boundary away; its policies then count in full.

use cumulet_api_iam::ops::{DeleteUserPermissionsBoundary, DeleteUserPermissionsBoundaryOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::User;

impl Handle<DeleteUserPermissionsBoundary> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteUserPermissionsBoundary as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<User>(cx, "iam:DeleteUserPermissionsBoundary", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteUserPermissionsBoundary as Operation>::Input,
    ) -> Result<<DeleteUserPermissionsBoundary as Operation>::Output> {
        attached::bound::<User>(cx, &input.user_name, None).await?;
        Ok(DeleteUserPermissionsBoundaryOutput {})
    }
}
