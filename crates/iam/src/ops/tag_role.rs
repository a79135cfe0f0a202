//! TagRole: adds tags to a role; a key that it has, whatever the case, gets the new value.

use cumulet_api_iam::ops::{TagRole, TagRoleOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::tags;

impl Handle<TagRole> for Iam {
    async fn access(&self, cx: &Cx, input: &<TagRole as Operation>::Input) -> Result<Vec<Access>> {
        let access = access::on::<Role>(cx, "iam:TagRole", &input.role_name).await?;
        Ok(access.into_iter().map(|it| access::tagging(it, &input.tags)).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <TagRole as Operation>::Input,
    ) -> Result<<TagRole as Operation>::Output> {
        tags::add::<Role>(cx, &input.role_name, &input.tags).await?;
        Ok(TagRoleOutput {})
    }
}
