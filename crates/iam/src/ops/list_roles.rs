//! ListRoles: a page of the account's roles, those under a path, by name.

use cumulet_api_iam::ops::{ListRoles, ListRolesResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::page::Paging;
use crate::store;
use crate::wire::{self, Detail};

impl Handle<ListRoles> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListRoles as Operation>::Input,
    ) -> Result<Vec<Access>> {
        Ok(vec![access::new::<Role>(cx, "iam:ListRoles", input.path_prefix.as_deref(), "")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListRoles as Operation>::Input,
    ) -> Result<<ListRoles as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let path = input.path_prefix.as_deref().unwrap_or("/");
        let page = store::list(cx, &paging, |role: &Role| role.path.starts_with(path)).await?;
        let (roles, is_truncated, marker) =
            page.answer(|role| wire::role(cx.account(), &role, Detail::Listed));
        Ok(ListRolesResponse { roles, is_truncated, marker })
    }
}
