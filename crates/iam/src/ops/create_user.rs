//! CreateUser: makes a user, without policies and access keys.

use cumulet_api_iam::ops::{CreateUser, CreateUserResponse};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;
use std::collections::BTreeSet;

use crate::Iam;
use crate::access;
use crate::attached;
use crate::ids;
use crate::model::{Grants, User};
use crate::tags;
use crate::wire::{self, Detail};

impl Handle<CreateUser> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<CreateUser as Operation>::Input,
    ) -> Result<Vec<Access>> {
        let access =
            access::new::<User>(cx, "iam:CreateUser", input.path.as_deref(), &input.user_name);
        let access = access::bounded(access, input.permissions_boundary.clone());
        Ok(vec![access::tagging(access, input.tags.as_deref().unwrap_or_default())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <CreateUser as Operation>::Input,
    ) -> Result<<CreateUser as Operation>::Output> {
        let user = User {
            name: input.user_name,
            path: input.path.unwrap_or_else(|| "/".to_owned()),
            id: ids::unique(cx, "AIDA"),
            created: cx.now().millis(),
            tags: tags::from_wire(input.tags.as_deref().unwrap_or_default())?,
            grants: Grants { boundary: input.permissions_boundary, ..Grants::default() },
            groups: BTreeSet::new(),
            keys: Vec::new(),
        };
        attached::create_bounded(cx, &user).await?;
        Ok(CreateUserResponse { user: Some(wire::user(cx.account(), &user, Detail::Full)) })
    }
}
