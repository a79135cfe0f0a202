//! ListGroupPolicies: a page of the names of a group's inline policies.

use cumulet_api_iam::ops::{ListGroupPolicies, ListGroupPoliciesResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::Group;
use crate::page::Paging;

impl Handle<ListGroupPolicies> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListGroupPolicies as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<Group>(cx, "iam:ListGroupPolicies", &input.group_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListGroupPolicies as Operation>::Input,
    ) -> Result<<ListGroupPolicies as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let page = inline::list::<Group>(cx, &input.group_name, &paging).await?;
        let (policy_names, is_truncated, marker) = page.answer(|name| name);
        Ok(ListGroupPoliciesResponse { policy_names, is_truncated, marker })
    }
}
