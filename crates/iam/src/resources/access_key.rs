//! AWS::IAM::AccessKey. `Ref` gives its id; attribute `SecretAccessKey`, which is known from the
//! creation only.

use cumulet_api_iam::ops::{
    CreateAccessKey, CreateAccessKeyRequest, DeleteAccessKey, DeleteAccessKeyRequest,
    UpdateAccessKey, UpdateAccessKeyRequest,
};
use cumulet_api_iam::types::StatusType;
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::Map;

use super::holder;
use super::properties::{self, Properties};

/// The resource type.
#[derive(Debug)]
pub(crate) struct AccessKey;

impl AccessKey {
    /// The secret is told once: what an earlier run made is of no use to this one.
    async fn make(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
        let user_name = properties::required(desired.properties, "UserName")?;
        if let Some(lost) = cx.made_before().await? {
            Self::unmake(cx, &lost, desired.properties).await?;
        }
        let input = CreateAccessKeyRequest { user_name: Some(user_name) };
        let key = cx.call::<CreateAccessKey>(input).await?.access_key;
        if properties::text(desired.properties, "Status")?.as_deref() == Some("Inactive") {
            Self::set_status(cx, &key.access_key_id, desired.properties).await?;
        }
        let secret = ("SecretAccessKey".to_owned(), key.secret_access_key.into());
        Ok(Actual { physical_id: key.access_key_id, attributes: Map::from_iter([secret]) })
    }

    async fn set_status(cx: &Cx, id: &str, properties: &Properties) -> Result<()> {
        let status = match properties::text(properties, "Status")?.as_deref() {
            None | Some("Active") => StatusType::Active,
            Some("Inactive") => StatusType::Inactive,
            Some(_) => {
                return Err(Error::validation("The property Status must be Active or Inactive."));
            }
        };
        let user_name = Some(properties::required(properties, "UserName")?);
        let input = UpdateAccessKeyRequest { user_name, access_key_id: id.to_owned(), status };
        cx.call::<UpdateAccessKey>(input).await.map(drop)
    }

    async fn unmake(cx: &Cx, id: &str, before: &Properties) -> Result<()> {
        let user_name = Some(properties::required(before, "UserName")?);
        let input = DeleteAccessKeyRequest { user_name, access_key_id: id.to_owned() };
        holder::gone(cx.call::<DeleteAccessKey>(input).await.map(drop))
    }
}

impl Resource for AccessKey {
    fn type_name(&self) -> &'static str {
        "AWS::IAM::AccessKey"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "UserName" | "Serial")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::make(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            Self::set_status(cx, changed.physical_id, changed.after.properties).await?;
            // The stack keeps the attributes that an update does not name.
            Ok(Actual { physical_id: changed.physical_id.to_owned(), attributes: Map::new() })
        })
    }

    fn delete<'a>(&'a self, _: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        let cause = format!("the id {physical_id} does not say whose key it is: use remove");
        Box::pin(std::future::ready(Err(Error::internal(cause))))
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Properties,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(Self::unmake(cx, physical_id, before))
    }
}
