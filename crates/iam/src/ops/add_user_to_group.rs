//! AddUserToGroup: puts a user into a group, whose policies then count for the user too. A user can
//! be in ten groups.

use cumulet_api_iam::ops::{AddUserToGroup, AddUserToGroupOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::membership;
use crate::model::Group;

impl Handle<AddUserToGroup> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<AddUserToGroup as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:AddUserToGroup", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <AddUserToGroup as Operation>::Input,
    ) -> Result<<AddUserToGroup as Operation>::Output> {
        membership::add(cx, &input.group_name, &input.user_name).await?;
        Ok(AddUserToGroupOutput {})
    }
}
