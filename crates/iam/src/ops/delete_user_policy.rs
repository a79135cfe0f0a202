//! DeleteUserPolicy: takes an inline policy from a user; NoSuchEntity where there is none.

use cumulet_api_iam::ops::{DeleteUserPolicy, DeleteUserPolicyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::inline;
use crate::model::User;

impl Handle<DeleteUserPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteUserPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_bounded::<User>(cx, "iam:DeleteUserPolicy", &input.user_name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteUserPolicy as Operation>::Input,
    ) -> Result<<DeleteUserPolicy as Operation>::Output> {
        inline::delete::<User>(cx, &input.user_name, &input.policy_name).await?;
        Ok(DeleteUserPolicyOutput {})
    }
}
