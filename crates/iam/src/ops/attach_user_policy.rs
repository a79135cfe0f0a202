//! AttachUserPolicy: gives a user a managed policy. Refuses one that does not exist, and more than
//! ten. Attaching what is attached changes nothing.

use cumulet_api_iam::ops::{AttachUserPolicy, AttachUserPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::model::User;

impl Handle<AttachUserPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<AttachUserPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let accesses =
            access::on_bounded::<User>(cx, "iam:AttachUserPolicy", &input.user_name).await?;
        Ok(access::of_policy(accesses, &input.policy_arn))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <AttachUserPolicy as Operation>::Input,
    ) -> Result<<AttachUserPolicy as Operation>::Output> {
        attached::attach::<User>(cx, &input.user_name, &input.policy_arn).await?;
        Ok(AttachUserPolicyOutput {})
    }
}
