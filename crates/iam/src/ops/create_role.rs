//! CreateRole: makes a role with its trust policy, without other policies. Refuses a trust policy
//! that is none, a boundary that does not exist, and a name that is taken.

use cumulet_api_iam::ops::{CreateRole, CreateRoleResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::ids;
use crate::model::{Grants, Role};
use crate::tags;
use crate::trust;
use crate::wire::{self, Detail};

impl Handle<CreateRole> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<CreateRole as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access =
            access::new::<Role>(cx, "iam:CreateRole", input.path.as_deref(), &input.role_name);
        let access = access::bounded(access, input.permissions_boundary.clone());
        Ok(vec![access::tagging(access, input.tags.as_deref().unwrap_or_default())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <CreateRole as Operation>::Input,
    ) -> Result<<CreateRole as Operation>::Output> {
        let trusted = trust::check(cx, &input.assume_role_policy_document).await?;
        let role = Role {
            name: input.role_name,
            path: input.path.unwrap_or_else(|| "/".to_owned()),
            id: ids::unique(cx, "AROA"),
            created: cx.now().millis(),
            description: input.description,
            trust: input.assume_role_policy_document,
            trusted,
            max_session: input.max_session_duration.unwrap_or(3600),
            tags: tags::from_wire(input.tags.as_deref().unwrap_or_default())?,
            grants: Grants { boundary: input.permissions_boundary, ..Grants::default() },
        };
        attached::create_bounded(cx, &role).await?;
        Ok(CreateRoleResponse { role: wire::role(cx.account(), &role, Detail::Full) })
    }
}
