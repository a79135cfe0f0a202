//! GetGroup: a group and a page of its users.

use cumulet_api_iam::ops::{GetGroup, GetGroupResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Group;
use crate::page::Paging;
use crate::store;
use crate::wire::{self, Detail};

impl Handle<GetGroup> for Iam {
    async fn access(&self, cx: &Cx, input: &<GetGroup as Operation>::Input) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:GetGroup", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetGroup as Operation>::Input,
    ) -> Result<<GetGroup as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let group: Group = store::read(cx, &input.group_name).await?;
        let page = paging.cut(store::users_of(cx, &group.name).await?, |user| user.name.clone());
        let (users, is_truncated, marker) =
            page.answer(|user| wire::user(cx.account(), &user, Detail::Listed));
        let group = wire::group(cx.account(), &group);
        Ok(GetGroupResponse { group, users, is_truncated, marker })
    }
}
