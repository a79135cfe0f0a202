//! ListGroups: a page of the account's groups, those under a path, by name.

use cumulet_api_iam::ops::{ListGroups, ListGroupsResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Group;
use crate::page::Paging;
use crate::store;
use crate::wire;

impl Handle<ListGroups> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListGroups as Operation>::Input,
    ) -> Result<Vec<Access>> {
        Ok(vec![access::new::<Group>(cx, "iam:ListGroups", input.path_prefix.as_deref(), "")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListGroups as Operation>::Input,
    ) -> Result<<ListGroups as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let path = input.path_prefix.as_deref().unwrap_or("/");
        let page = store::list(cx, &paging, |group: &Group| group.path.starts_with(path)).await?;
        let (groups, is_truncated, marker) = page.answer(|group| wire::group(cx.account(), &group));
        Ok(ListGroupsResponse { groups, is_truncated, marker })
    }
}
