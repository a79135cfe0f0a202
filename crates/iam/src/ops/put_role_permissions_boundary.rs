//! PutRolePermissionsBoundary: sets the most that a role may be allowed by its policies.

use cumulet_api_iam::ops::{PutRolePermissionsBoundary, PutRolePermissionsBoundaryOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Role;

impl Handle<PutRolePermissionsBoundary> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<PutRolePermissionsBoundary as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access =
            access::on::<Role>(cx, "iam:PutRolePermissionsBoundary", &input.role_name).await?;
        let bounded = |it| access::bounded(it, Some(input.permissions_boundary.clone()));
        Ok(access.into_iter().map(bounded).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <PutRolePermissionsBoundary as Operation>::Input,
    ) -> Result<<PutRolePermissionsBoundary as Operation>::Output> {
        let boundary = Some(input.permissions_boundary.as_str());
        attached::bound::<Role>(cx, &input.role_name, boundary).await?;
        Ok(PutRolePermissionsBoundaryOutput {})
    }
}
