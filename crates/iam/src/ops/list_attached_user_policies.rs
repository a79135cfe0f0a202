//! ListAttachedUserPolicies: a page of the managed policies of a user, those under a path.

use cumulet_api_iam::ops::{ListAttachedUserPolicies, ListAttachedUserPoliciesResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::User;
use crate::page::Paging;

impl Handle<ListAttachedUserPolicies> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListAttachedUserPolicies as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<User>(cx, "iam:ListAttachedUserPolicies", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListAttachedUserPolicies as Operation>::Input,
    ) -> Result<<ListAttachedUserPolicies as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let path = input.path_prefix.as_deref();
        let page = attached::list::<User>(cx, &input.user_name, path, &paging).await?;
        let (policies, is_truncated, marker) = page.answer(|policy| policy);
        let attached_policies = Some(policies);
        Ok(ListAttachedUserPoliciesResponse { attached_policies, is_truncated, marker })
    }
}
