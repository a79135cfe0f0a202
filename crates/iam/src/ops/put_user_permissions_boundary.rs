//! PutUserPermissionsBoundary: sets the most that a user may be allowed by its policies.

use cumulet_api_iam::ops::{PutUserPermissionsBoundary, PutUserPermissionsBoundaryOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::User;

impl Handle<PutUserPermissionsBoundary> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<PutUserPermissionsBoundary as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access =
            access::on::<User>(cx, "iam:PutUserPermissionsBoundary", &input.user_name).await?;
        let bounded = |it| access::bounded(it, Some(input.permissions_boundary.clone()));
        Ok(access.into_iter().map(bounded).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <PutUserPermissionsBoundary as Operation>::Input,
    ) -> Result<<PutUserPermissionsBoundary as Operation>::Output> {
        let boundary = Some(input.permissions_boundary.as_str());
        attached::bound::<User>(cx, &input.user_name, boundary).await?;
        Ok(PutUserPermissionsBoundaryOutput {})
    }
}
