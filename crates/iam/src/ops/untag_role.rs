//! UntagRole: removes tags from a role; one that is not there is no error.

use cumulet_api_iam::ops::{UntagRole, UntagRoleOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::tags;

impl Handle<UntagRole> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<UntagRole as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access = access::on::<Role>(cx, "iam:UntagRole", &input.role_name).await?;
        Ok(access.into_iter().map(|it| it.untagging(input.tag_keys.clone())).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <UntagRole as Operation>::Input,
    ) -> Result<<UntagRole as Operation>::Output> {
        tags::remove::<Role>(cx, &input.role_name, &input.tag_keys).await?;
        Ok(UntagRoleOutput {})
    }
}
