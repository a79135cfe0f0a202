//! ListAccessKeys: a page of a user's access keys, without secrets.

use cumulet_api_iam::ops::{ListAccessKeys, ListAccessKeysResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::caller;
use crate::model::User;
use crate::page::Paging;
use crate::store;
use crate::user_keys;

impl Handle<ListAccessKeys> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListAccessKeys as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        access::on::<User>(cx, "iam:ListAccessKeys", &name).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListAccessKeys as Operation>::Input,
    ) -> Result<<ListAccessKeys as Operation>::Output> {
        let paging = Paging::new(input.marker.as_deref(), input.max_items)?;
        let name = caller::or_self(cx, input.user_name.as_deref())?;
        let mut user: User = store::read(cx, &name).await?;
        user.keys.sort_by(|a, b| a.id.cmp(&b.id));
        let page = paging.cut(user.keys, |key| key.id.clone());
        let (access_key_metadata, is_truncated, marker) =
            page.answer(|key| user_keys::metadata(&name, key));
        Ok(ListAccessKeysResponse { access_key_metadata, is_truncated, marker })
    }
}
