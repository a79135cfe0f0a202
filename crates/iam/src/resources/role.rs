//! AWS::IAM::Role. `Ref` gives its name; attributes `Arn` and `RoleId`.

use cumulet_api_iam::ops::{
    CreateRole, CreateRoleRequest, DeleteRole, DeleteRolePermissionsBoundary,
    DeleteRolePermissionsBoundaryRequest, DeleteRoleRequest, GetRole, GetRoleRequest,
    PutRolePermissionsBoundary, PutRolePermissionsBoundaryRequest, TagRole, TagRoleRequest,
    UntagRole, UntagRoleRequest, UpdateAssumeRolePolicy, UpdateAssumeRolePolicyRequest, UpdateRole,
    UpdateRoleRequest,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Resource, Result};
use serde_json::json;

use super::holder::{self, OfRole};
use super::properties::{self, Properties};

/// The resource type.
#[derive(Debug)]
pub(crate) struct Role;

impl Role {
    async fn make(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
        let properties = desired.properties;
        let role_name = properties::name(&desired, "RoleName", 64)?;
        let input = CreateRoleRequest {
            role_name: role_name.clone(),
            path: properties::text(properties, "Path")?,
            assume_role_policy_document: properties::document(
                properties,
                "AssumeRolePolicyDocument",
            )?,
            description: properties::text(properties, "Description")?,
            max_session_duration: properties::number(properties, "MaxSessionDuration")?,
            permissions_boundary: properties::text(properties, "PermissionsBoundary")?,
            tags: Some(properties::tags(&desired)?).filter(|tags| !tags.is_empty()),
        };
        cx.make_once::<CreateRole>(input).await?;
        holder::sync::<OfRole>(cx, &role_name, &Properties::new(), properties).await?;
        Self::actual(cx, role_name).await
    }

    async fn actual(cx: &Cx, role_name: String) -> Result<Actual> {
        let input = GetRoleRequest { role_name: role_name.clone() };
        let role = cx.call::<GetRole>(input).await?.role;
        let attributes = json!({ "Arn": role.arn, "RoleId": role.role_id });
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        Ok(Actual { physical_id: role_name, attributes })
    }

    async fn change(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
        let (role_name, before) = (changed.physical_id.to_owned(), changed.before);
        let after = changed.after.properties;
        let differs = |name: &str| before.get(name) != after.get(name);
        if differs("AssumeRolePolicyDocument") {
            let policy_document = properties::document(after, "AssumeRolePolicyDocument")?;
            let role_name = role_name.clone();
            let input = UpdateAssumeRolePolicyRequest { role_name, policy_document };
            cx.call::<UpdateAssumeRolePolicy>(input).await?;
        }
        if differs("Description") || differs("MaxSessionDuration") {
            let input = UpdateRoleRequest {
                role_name: role_name.clone(),
                description: properties::text(after, "Description")?,
                max_session_duration: properties::number(after, "MaxSessionDuration")?,
            };
            cx.call::<UpdateRole>(input).await?;
        }
        if differs("PermissionsBoundary") {
            Self::bound(cx, &role_name, properties::text(after, "PermissionsBoundary")?).await?;
        }
        holder::sync::<OfRole>(cx, &role_name, before, after).await?;
        Self::tag(cx, &role_name, before, &changed.after).await?;
        Self::actual(cx, role_name).await
    }

    async fn bound(cx: &Cx, name: &str, boundary: Option<String>) -> Result<()> {
        let role_name = name.to_owned();
        let Some(permissions_boundary) = boundary else {
            let input = DeleteRolePermissionsBoundaryRequest { role_name };
            let done = cx.call::<DeleteRolePermissionsBoundary>(input).await;
            return holder::gone(done.map(drop));
        };
        let input = PutRolePermissionsBoundaryRequest { role_name, permissions_boundary };
        cx.call::<PutRolePermissionsBoundary>(input).await.map(drop)
    }

    async fn tag(cx: &Cx, name: &str, before: &Properties, after: &Desired<'_>) -> Result<()> {
        let tags = properties::tags(after)?;
        let left: Vec<String> = properties::own_tags(before)?
            .into_keys()
            .filter(|key| !tags.iter().any(|tag| tag.key == *key))
            .collect();
        if !left.is_empty() {
            let input = UntagRoleRequest { role_name: name.to_owned(), tag_keys: left };
            cx.call::<UntagRole>(input).await?;
        }
        if !tags.is_empty() {
            cx.call::<TagRole>(TagRoleRequest { role_name: name.to_owned(), tags }).await?;
        }
        Ok(())
    }

    async fn unmake(cx: &Cx, name: &str) -> Result<()> {
        holder::strip::<OfRole>(cx, name).await?;
        let input = DeleteRoleRequest { role_name: name.to_owned() };
        holder::gone(cx.call::<DeleteRole>(input).await.map(drop))
    }
}

impl Resource for Role {
    fn type_name(&self) -> &'static str {
        "AWS::IAM::Role"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "RoleName" | "Path")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::make(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::change(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(Self::unmake(cx, physical_id))
    }
}
