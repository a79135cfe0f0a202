//! ListAttachedGroupPolicies: a page of the managed policies of a group, those under a path.

use cumulet_api_iam::ops::{ListAttachedGroupPolicies, ListAttachedGroupPoliciesResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Group;
use crate::page::Paging;

impl Handle<ListAttachedGroupPolicies> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListAttachedGroupPolicies as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:ListAttachedGroupPolicies", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListAttachedGroupPolicies as Operation>::Input,
    ) -> Result<<ListAttachedGroupPolicies as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let path = input.path_prefix.as_deref();
        let page = attached::list::<Group>(cx, &input.group_name, path, &paging).await?;
        let (policies, is_truncated, marker) = page.answer(|policy| policy);
        let attached_policies = Some(policies);
        Ok(ListAttachedGroupPoliciesResponse { attached_policies, is_truncated, marker })
    }
}
