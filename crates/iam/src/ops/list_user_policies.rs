//! ListUserPolicies: a page of the names of a user's inline policies.

use cumulet_api_iam::ops::{ListUserPolicies, ListUserPoliciesResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::User;
use crate::page::Paging;

impl Handle<ListUserPolicies> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListUserPolicies as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on::<User>(cx, "iam:ListUserPolicies", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListUserPolicies as Operation>::Input,
    ) -> Result<<ListUserPolicies as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let page = inline::list::<User>(cx, &input.user_name, &paging).await?;
        let (policy_names, is_truncated, marker) = page.answer(|name| name);
        Ok(ListUserPoliciesResponse { policy_names, is_truncated, marker })
    }
}
