//! UntagUser: removes tags from a user; one that is not there is no error.

use cumulet_api_iam::ops::{UntagUser, UntagUserOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::User;
use crate::tags;

impl Handle<UntagUser> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<UntagUser as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access = access::on::<User>(cx, "iam:UntagUser", &input.user_name).await?;
        Ok(access.into_iter().map(|it| it.untagging(input.tag_keys.clone())).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <UntagUser as Operation>::Input,
    ) -> Result<<UntagUser as Operation>::Output> {
        tags::remove::<User>(cx, &input.user_name, &input.tag_keys).await?;
        Ok(UntagUserOutput {})
    }
}
