//! ListAttachedRolePolicies: a page of the managed policies of a role, those under a path.

use cumulet_api_iam::ops::{ListAttachedRolePolicies, ListAttachedRolePoliciesResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::Role;
use crate::page::Paging;

impl Handle<ListAttachedRolePolicies> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListAttachedRolePolicies as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Role>(cx, "iam:ListAttachedRolePolicies", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListAttachedRolePolicies as Operation>::Input,
    ) -> Result<<ListAttachedRolePolicies as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let path = input.path_prefix.as_deref();
        let page = attached::list::<Role>(cx, &input.role_name, path, &paging).await?;
        let (policies, is_truncated, marker) = page.answer(|policy| policy);
        let attached_policies = Some(policies);
        Ok(ListAttachedRolePoliciesResponse { attached_policies, is_truncated, marker })
    }
}
