//! ListPolicies: a page of the managed policies: the customer's by name, then those of AWS's that
//! this cloud has.

use cumulet_api_iam::ops::ListPolicies;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::policies;

impl Handle<ListPolicies> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListPolicies as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let _ = input;
        Ok(vec![Access::any(cx, "iam:ListPolicies")])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListPolicies as Operation>::Input,
    ) -> Result<<ListPolicies as Operation>::Output> {
        policies::list(cx, &input).await.map_err(Into::into)
    }
}
