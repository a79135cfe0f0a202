//! TagUser: adds tags to a user; a key that it has, whatever the case, gets the new value.

use cumulet_api_iam::ops::{TagUser, TagUserOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::model::User;
use crate::tags;

impl Handle<TagUser> for Iam {
    async fn access(&self, cx: &Cx, input: &<TagUser as Operation>::Input) -> Result<Vec<Access>> {
        let access = access::on::<User>(cx, "iam:TagUser", &input.user_name).await?;
        Ok(access.into_iter().map(|it| access::tagging(it, &input.tags)).collect())
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <TagUser as Operation>::Input,
    ) -> Result<<TagUser as Operation>::Output> {
        tags::add::<User>(cx, &input.user_name, &input.tags).await?;
        Ok(TagUserOutput {})
    }
}
