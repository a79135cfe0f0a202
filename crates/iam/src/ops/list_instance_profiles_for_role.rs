//! ListInstanceProfilesForRole: none. There are no instance profiles where there are no instances;
//! tools ask before they delete a role.

use cumulet_api_iam::ops::{ListInstanceProfilesForRole, ListInstanceProfilesForRoleResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::store;

impl Handle<ListInstanceProfilesForRole> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListInstanceProfilesForRole as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Role>(cx, "iam:ListInstanceProfilesForRole", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListInstanceProfilesForRole as Operation>::Input,
    ) -> Result<<ListInstanceProfilesForRole as Operation>::Output> {
        store::read::<Role>(cx, &input.role_name).await?;
        Ok(ListInstanceProfilesForRoleResponse {
            is_truncated: Some(false),
            ..ListInstanceProfilesForRoleResponse::default()
        })
    }
}
