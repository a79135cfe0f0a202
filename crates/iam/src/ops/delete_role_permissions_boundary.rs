//! DeleteRolePermissionsBoundary: takes a role's boundary away; its policies then count in full.

use cumulet_api_iam::ops::{DeleteRolePermissionsBoundary, DeleteRolePermissionsBoundaryOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Role;

impl Handle<DeleteRolePermissionsBoundary> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteRolePermissionsBoundary as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<Role>(cx, "iam:DeleteRolePermissionsBoundary", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteRolePermissionsBoundary as Operation>::Input,
    ) -> Result<<DeleteRolePermissionsBoundary as Operation>::Output> {
        attached::bound::<Role>(cx, &input.role_name, None).await?;
        Ok(DeleteRolePermissionsBoundaryOutput {})
    }
}
