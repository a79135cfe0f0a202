//! UpdateUser: gives a user another name or path. The access keys, groups and policies stay;
//! policies that name the user by ARN do not follow.

use cumulet_api_iam::ops::{UpdateUser, UpdateUserOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::User;
use crate::rename;

impl Handle<UpdateUser> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<UpdateUser as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let mut accesses = access::on::<User>(cx, "iam:UpdateUser", &input.user_name).await?;
        // Leave is needed for the new name too ("iam:UpdateUser", IAM API reference).
        if let Some(new) = &input.new_user_name {
            accesses.extend(access::on::<User>(cx, "iam:UpdateUser", new).await?);
        }
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <UpdateUser as Operation>::Input,
    ) -> Result<<UpdateUser as Operation>::Output> {
        rename::user(
            cx,
            &input.user_name,
            input.new_user_name.as_deref(),
            input.new_path.as_deref(),
        )
        .await?;
        Ok(UpdateUserOutput {})
    }
}
