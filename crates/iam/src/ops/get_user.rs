//! GetUser: a user: the one named, or the caller where none is. The account's root has no name and
//! no path.

use cumulet_api_iam::ops::{GetUser, GetUserResponse};
use cumulet_api_iam::types;
use cumulet_service::Principal;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::caller;
use crate::model::User;
use crate::store;
use crate::wire::{self, Detail};

impl Handle<GetUser> for Iam {
    async fn access(&self, cx: &Cx, input: &<GetUser as Operation>::Input) -> Result<Vec<Access>> {
        let Principal::Root { .. } = cx.principal() else {
            let name = caller::or_self(cx, input.user_name.as_deref())?;
            return access::on::<User>(cx, "iam:GetUser", &name).await;
        };
        match &input.user_name {
            Some(name) => access::on::<User>(cx, "iam:GetUser", name).await,
            None => Ok(vec![Access::any(cx, "iam:GetUser")]),
        }
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <GetUser as Operation>::Input,
    ) -> Result<<GetUser as Operation>::Output> {
        if let (Principal::Root { account }, None) = (cx.principal(), &input.user_name) {
            let (user_id, arn) = (account.clone(), cx.principal().arn());
            // When the account was made is not kept.
            return Ok(GetUserResponse {
                user: types::User { user_id, arn, ..types::User::default() },
            });
        }
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        let user: User = store::read(cx, &name).await?;
        Ok(GetUserResponse { user: wire::user(cx.account(), &user, Detail::Full) })
    }
}
