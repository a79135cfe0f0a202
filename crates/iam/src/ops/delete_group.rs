//! DeleteGroup: removes a group that has no users and policies any more.

use cumulet_api_iam::ops::{DeleteGroup, DeleteGroupOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::delete;
use crate::model::Group;
use crate::store;

impl Handle<DeleteGroup> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteGroup as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:DeleteGroup", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteGroup as Operation>::Input,
    ) -> Result<<DeleteGroup as Operation>::Output> {
        let account = cx.account();
        let members = store::members(account, &input.group_name);
        delete::group(cx, &input.group_name, &members).await?;
        Ok(DeleteGroupOutput {})
    }
}
