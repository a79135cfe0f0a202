//! UpdateAccessKey: makes an access key active or inactive, at once. `Expired` is AWS's own to set.

use cumulet_api_iam::ops::{UpdateAccessKey, UpdateAccessKeyOutput};
use cumulet_api_iam::types::StatusType;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::caller;
use crate::error::Error;
use crate::model::User;
use crate::user_keys;

impl Handle<UpdateAccessKey> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<UpdateAccessKey as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        access::on::<User>(cx, "iam:UpdateAccessKey", &name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <UpdateAccessKey as Operation>::Input,
    ) -> Result<<UpdateAccessKey as Operation>::Output> {
        let active = match input.status {
            StatusType::Active => true,
            StatusType::Inactive => false,
            StatusType::Expired => {
                let message = "The status Expired cannot be set.".to_owned();
                return Err(Error::InvalidInput(message).into());
            }
        };
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        user_keys::set_active(cx, &name, &input.access_key_id, active).await?;
        Ok(UpdateAccessKeyOutput {})
    }
}
