//! ListRoleTags: a page of a role's tags, by key.

use cumulet_api_iam::ops::{ListRoleTags, ListRoleTagsResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Role;
use crate::page::Paging;
use crate::tags;

impl Handle<ListRoleTags> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListRoleTags as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Role>(cx, "iam:ListRoleTags", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListRoleTags as Operation>::Input,
    ) -> Result<<ListRoleTags as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let page = tags::page::<Role>(cx, &input.role_name, &paging).await?;
        let (tags, is_truncated, marker) = page.answer(|tag| tag);
        Ok(ListRoleTagsResponse { tags, is_truncated, marker })
    }
}
