//! ListPolicyVersions: a page of the versions of a managed policy, the newest first, without texts.

use cumulet_api_iam::ops::{ListPolicyVersions, ListPolicyVersionsResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::page::Paging;
use crate::policies;

impl Handle<ListPolicyVersions> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListPolicyVersions as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:ListPolicyVersions", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListPolicyVersions as Operation>::Input,
    ) -> Result<<ListPolicyVersions as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let page = policies::versions(cx, &input.policy_arn, &paging).await?;
        let (versions, is_truncated, marker) = page.answer(|version| version);
        Ok(ListPolicyVersionsResponse { versions: Some(versions), is_truncated, marker })
    }
}
