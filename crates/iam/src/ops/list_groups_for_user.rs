//! ListGroupsForUser: a page of the groups that a user is in.

use cumulet_api_iam::ops::{ListGroupsForUser, ListGroupsForUserResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::{Group, User};
use crate::page::Paging;
use crate::store;
use crate::wire;

impl Handle<ListGroupsForUser> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListGroupsForUser as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<User>(cx, "iam:ListGroupsForUser", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListGroupsForUser as Operation>::Input,
    ) -> Result<<ListGroupsForUser as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let user: User = store::read(cx, &input.user_name).await?;
        let page = paging.cut(user.groups, Clone::clone);
        let (names, is_truncated, marker) = page.answer(|name| name);
        let mut groups = Vec::with_capacity(names.len());
        for name in names {
            let group: Group = store::read(cx, &name).await?;
            groups.push(wire::group(cx.account(), &group));
        }
        Ok(ListGroupsForUserResponse { groups, is_truncated, marker })
    }
}
