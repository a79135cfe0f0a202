//! ListUserTags: a page of a user's tags, by key.

use cumulet_api_iam::ops::{ListUserTags, ListUserTagsResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::User;
use crate::page::Paging;
use crate::tags;

impl Handle<ListUserTags> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListUserTags as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<User>(cx, "iam:ListUserTags", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListUserTags as Operation>::Input,
    ) -> Result<<ListUserTags as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let page = tags::page::<User>(cx, &input.user_name, &paging).await?;
        let (tags, is_truncated, marker) = page.answer(|tag| tag);
        Ok(ListUserTagsResponse { tags, is_truncated, marker })
    }
}
