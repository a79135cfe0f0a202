//! CreateGroup: makes a group, without users and policies.

use cumulet_api_iam::ops::{CreateGroup, CreateGroupResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::ids;
use crate::model::{Grants, Group};
use crate::store;
use crate::wire;

impl Handle<CreateGroup> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<CreateGroup as Operation>::Input,
    ) -> Result<Vec<Access>> {
        Ok(vec![access::new::<Group>(
            cx,
            "iam:CreateGroup",
            input.path.as_deref(),
            &input.group_name,
        )])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <CreateGroup as Operation>::Input,
    ) -> Result<<CreateGroup as Operation>::Output> {
        let group = Group {
            name: input.group_name,
            path: input.path.unwrap_or_else(|| "/".to_owned()),
            id: ids::unique(cx, "AGPA"),
            created: cx.now().millis(),
            grants: Grants::default(),
        };
        store::create(cx, &group, &group.name).await?;
        Ok(CreateGroupResponse { group: wire::group(cx.account(), &group) })
    }
}
