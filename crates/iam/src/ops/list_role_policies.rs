//! ListRolePolicies: a page of the names of a role's inline policies.

use cumulet_api_iam::ops::{ListRolePolicies, ListRolePoliciesResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Role;
use crate::page::Paging;

impl Handle<ListRolePolicies> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListRolePolicies as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Role>(cx, "iam:ListRolePolicies", &input.role_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListRolePolicies as Operation>::Input,
    ) -> Result<<ListRolePolicies as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let page = inline::list::<Role>(cx, &input.role_name, &paging).await?;
        let (policy_names, is_truncated, marker) = page.answer(|name| name);
        Ok(ListRolePoliciesResponse { policy_names, is_truncated, marker })
    }
}
