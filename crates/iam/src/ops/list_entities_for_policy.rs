//! ListEntitiesForPolicy: a page of the users, groups and roles that have a managed policy,
//! attached or as their boundary.

use cumulet_api_iam::ops::ListEntitiesForPolicy;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_shape::Operation;

use crate::Iam;
use crate::access;
use crate::entities;

impl Handle<ListEntitiesForPolicy> for Iam {
    async fn access(
        &self,
        cx: &Cx,
        input: &<ListEntitiesForPolicy as Operation>::Input,
    ) -> Result<Vec<Access>> {
        access::on_policy(cx, "iam:ListEntitiesForPolicy", &input.policy_arn).await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: <ListEntitiesForPolicy as Operation>::Input,
    ) -> Result<<ListEntitiesForPolicy as Operation>::Output> {
        entities::list(cx, &input).await.map_err(Into::into)
    }
}
