//! PutUserPolicy: writes an inline policy of a user, in the place of one of that name. Refuses a
//! text that is no policy, and inline policies that together pass the quota.

use cumulet_api_iam::ops::{PutUserPolicy, PutUserPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::User;

impl Handle<PutUserPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<PutUserPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<User>(cx, "iam:PutUserPolicy", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <PutUserPolicy as Operation>::Input,
    ) -> Result<<PutUserPolicy as Operation>::Output> {
        inline::put::<User>(cx, &input.user_name, &input.policy_name, &input.policy_document)
            .await?;
        Ok(PutUserPolicyOutput {})
    }
}
