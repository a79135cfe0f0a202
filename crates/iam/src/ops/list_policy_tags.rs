//! ListPolicyTags: a page of the tags of a customer's managed policy, by key.

use cumulet_api_iam::ops::{ListPolicyTags, ListPolicyTagsResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::Policy;
use crate::page::Paging;
use crate::policies;
use crate::tags;

impl Handle<ListPolicyTags> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListPolicyTags as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:ListPolicyTags", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListPolicyTags as Operation>::Input,
    ) -> Result<<ListPolicyTags as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let policy = policies::own(cx, &input.policy_arn).await?;
        let page = tags::page::<Policy>(cx, &policy.name, &paging).await?;
        let (tags, is_truncated, marker) = page.answer(|tag| tag);
        Ok(ListPolicyTagsResponse { tags, is_truncated, marker })
    }
}
