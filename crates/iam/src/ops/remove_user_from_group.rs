//! RemoveUserFromGroup: takes a user out of a group; NoSuchEntity where the user is not in it.

use cumulet_api_iam::ops::{RemoveUserFromGroup, RemoveUserFromGroupOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::membership;
use crate::model::Group;

impl Handle<RemoveUserFromGroup> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<RemoveUserFromGroup as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:RemoveUserFromGroup", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <RemoveUserFromGroup as Operation>::Input,
    ) -> Result<<RemoveUserFromGroup as Operation>::Output> {
        membership::remove(cx, &input.group_name, &input.user_name).await?;
        Ok(RemoveUserFromGroupOutput {})
    }
}
