//! GetRole: a role with its trust policy, URL-encoded, its tags and its boundary.

use cumulet_api_iam::ops::{GetRole, GetRoleResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::store;
use crate::trust;
use crate::wire::{self, Detail};

impl Handle<GetRole> for Iam {
    async fn access(&self, cx: &Cx, input: &<GetRole as Operation>::Input) -> Result<Vec<Access>> {
        access::on_bounded::<Role>(cx, "iam:GetRole", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetRole as Operation>::Input,
    ) -> Result<<GetRole as Operation>::Output> {
        let mut role: Role = store::read(cx, &input.role_name).await?;
        trust::refresh(&cx.store().snapshot(), cx.account(), &mut role).await?;
        Ok(GetRoleResponse { role: wire::role(cx.account(), &role, Detail::Full) })
    }
}
