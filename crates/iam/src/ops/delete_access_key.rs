//! DeleteAccessKey: removes an access key: requests signed with it are refused at once.

use cumulet_api_iam::ops::{DeleteAccessKey, DeleteAccessKeyOutput};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::caller;
use crate::model::User;
use crate::user_keys;

impl Handle<DeleteAccessKey> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<DeleteAccessKey as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        access::on::<User>(cx, "iam:DeleteAccessKey", &name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <DeleteAccessKey as Operation>::Input,
    ) -> Result<<DeleteAccessKey as Operation>::Output> {
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        user_keys::delete(cx, &name, &input.access_key_id).await?;
        Ok(DeleteAccessKeyOutput {})
    }
}
