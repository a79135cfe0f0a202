//! ListUsers: a page of the account's users, those under a path, by name.

use cumulet_api_iam::ops::{ListUsers, ListUsersResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::User;
use crate::page::Paging;
use crate::store;
use crate::wire::{self, Detail};

impl Handle<ListUsers> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListUsers as Operation>::Input,
    ) -> Result<Vec<Access>> {
        Ok(vec![access::new::<User>(cx, "iam:ListUsers", input.path_prefix.as_deref(), "")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListUsers as Operation>::Input,
    ) -> Result<<ListUsers as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let path = input.path_prefix.as_deref().unwrap_or("/");
        let page = store::list(cx, &paging, |user: &User| user.path.starts_with(path)).await?;
        let (users, is_truncated, marker) =
            page.answer(|user| wire::user(cx.account(), &user, Detail::Listed));
        Ok(ListUsersResponse { users, is_truncated, marker })
    }
}
