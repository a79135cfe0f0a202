//! CreateAccessKey: gives a user (the caller where none is named) an access key. The secret is told
//! this once. A user has two keys at most.

use cumulet_api_iam::ops::{CreateAccessKey, CreateAccessKeyResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::caller;
use crate::model::User;
use crate::user_keys;

impl Handle<CreateAccessKey> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<CreateAccessKey as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        access::on::<User>(cx, "iam:CreateAccessKey", &name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <CreateAccessKey as Operation>::Input,
    ) -> Result<<CreateAccessKey as Operation>::Output> {
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        let access_key = user_keys::create(cx, &name).await?;
        Ok(CreateAccessKeyResponse { access_key })
    }
}
