//! DetachUserPolicy: takes a managed policy from a user; NoSuchEntity where it is not attached.

use cumulet_api_iam::ops::{DetachUserPolicy, DetachUserPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::User;

impl Handle<DetachUserPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DetachUserPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let accesses =
            access::on_bounded::<User>(cx, "iam:DetachUserPolicy", &input.user_name).await?;
        Ok(access::of_policy(accesses, &input.policy_arn))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DetachUserPolicy as Operation>::Input,
    ) -> Result<<DetachUserPolicy as Operation>::Output> {
        attached::detach::<User>(cx, &input.user_name, &input.policy_arn).await?;
        Ok(DetachUserPolicyOutput {})
    }
}
