//! AWS::IAM::ManagedPolicy. `Ref` gives its ARN; attributes `PolicyArn` and `DefaultVersionId`.

use cumulet_api_iam::ops::{
    CreatePolicy, CreatePolicyRequest, CreatePolicyVersion, CreatePolicyVersionRequest,
    DeletePolicy, DeletePolicyRequest, DeletePolicyVersion, DeletePolicyVersionRequest, GetPolicy,
    GetPolicyRequest, ListEntitiesForPolicy, ListEntitiesForPolicyRequest, ListPolicyVersions,
    ListPolicyVersionsRequest,
};
use cumulet_base::Arn;
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::json;

use super::holder::{self, Calls, OfGroup, OfRole, OfUser};
use super::properties::{self, Properties};

/// The resource type.
#[derive(Debug)]
pub(crate) struct ManagedPolicy;

impl ManagedPolicy {
    async fn make(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
        let properties = desired.properties;
        let policy_name = properties::name(&desired, "ManagedPolicyName", 128)?;
        let path = properties::text(properties, "Path")?;
        let resource = format!("policy{}{policy_name}", path.as_deref().unwrap_or("/"));
        let arn = Arn::global("iam", cx.account(), &resource).to_string();
        let input = CreatePolicyRequest {
            policy_name,
            path,
            policy_document: properties::document(properties, "PolicyDocument")?,
            description: properties::text(properties, "Description")?,
            // AWS::IAM::ManagedPolicy has no property for them.
            tags: None,
        };
        cx.make_once::<CreatePolicy>(input).await?;
        attach_all(cx, &arn, &Properties::new(), properties).await?;
        Self::actual(cx, arn).await
    }

    async fn actual(cx: &Cx, arn: String) -> Result<Actual> {
        let input = GetPolicyRequest { policy_arn: arn.clone() };
        let policy = cx.call::<GetPolicy>(input).await?.policy.unwrap_or_default();
        let attributes = json!({
            "PolicyArn": arn,
            "DefaultVersionId": policy.default_version_id,
            "PolicyId": policy.policy_id,
        });
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        Ok(Actual { physical_id: arn, attributes })
    }

    async fn change(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
        let (arn, before) = (changed.physical_id.to_owned(), changed.before);
        let after = changed.after.properties;
        if before.get("PolicyDocument") != after.get("PolicyDocument") {
            Self::make_room(cx, &arn).await?;
            let input = CreatePolicyVersionRequest {
                policy_arn: arn.clone(),
                policy_document: properties::document(after, "PolicyDocument")?,
                set_as_default: Some(true),
            };
            cx.call::<CreatePolicyVersion>(input).await?;
        }
        attach_all(cx, &arn, before, after).await?;
        Self::actual(cx, arn).await
    }

    /// Deletes the oldest version that does not count where there are as many as there can be.
    async fn make_room(cx: &Cx, arn: &str) -> Result<()> {
        let versions = Self::versions(cx, arn).await?;
        let oldest = versions.iter().rev().find(|(_, default)| !default);
        match oldest.filter(|_| versions.len() >= 5) {
            Some((version, _)) => Self::delete_version(cx, arn, version).await,
            None => Ok(()),
        }
    }

    /// The versions, the newest first, and whether each is the one that counts.
    async fn versions(cx: &Cx, arn: &str) -> Result<Vec<(String, bool)>> {
        let policy_arn = arn.to_owned();
        let input =
            ListPolicyVersionsRequest { policy_arn, ..ListPolicyVersionsRequest::default() };
        let versions = cx.call::<ListPolicyVersions>(input).await?.versions.unwrap_or_default();
        let told = |version: cumulet_api_iam::types::PolicyVersion| {
            Some((version.version_id?, version.is_default_version.unwrap_or_default()))
        };
        Ok(versions.into_iter().filter_map(told).collect())
    }

    async fn delete_version(cx: &Cx, arn: &str, version: &str) -> Result<()> {
        let (policy_arn, version_id) = (arn.to_owned(), version.to_owned());
        let input = DeletePolicyVersionRequest { policy_arn, version_id };
        holder::gone(cx.call::<DeletePolicyVersion>(input).await.map(drop))
    }

    async fn unmake(cx: &Cx, arn: &str) -> Result<()> {
        let versions = match Self::versions(cx, arn).await {
            Err(error) if error.code == "NoSuchEntity" => return Ok(()),
            found => found?,
        };
        Self::detach_from_all(cx, arn).await?;
        for (version, _) in versions.iter().filter(|(_, default)| !default) {
            Self::delete_version(cx, arn, version).await?;
        }
        let input = DeletePolicyRequest { policy_arn: arn.to_owned() };
        holder::gone(cx.call::<DeletePolicy>(input).await.map(drop))
    }

    async fn detach_from_all(cx: &Cx, arn: &str) -> Result<()> {
        use cumulet_api_iam::types::PolicyUsageType::PermissionsPolicy;
        loop {
            let input = ListEntitiesForPolicyRequest {
                policy_arn: arn.to_owned(),
                policy_usage_filter: Some(PermissionsPolicy),
                ..ListEntitiesForPolicyRequest::default()
            };
            let found = cx.call::<ListEntitiesForPolicy>(input).await?;
            let roles = found.policy_roles.into_iter().flatten().filter_map(|it| it.role_name);
            let users = found.policy_users.into_iter().flatten().filter_map(|it| it.user_name);
            let groups = found.policy_groups.into_iter().flatten().filter_map(|it| it.group_name);
            for name in roles {
                OfRole::detach(cx, &name, arn).await?;
            }
            for name in users {
                OfUser::detach(cx, &name, arn).await?;
            }
            for name in groups {
                OfGroup::detach(cx, &name, arn).await?;
            }
            if found.is_truncated != Some(true) {
                return Ok(());
            }
        }
    }
}

async fn attach_all(cx: &Cx, arn: &str, before: &Properties, after: &Properties) -> Result<()> {
    attach::<OfRole>(cx, arn, "Roles", before, after).await?;
    attach::<OfUser>(cx, arn, "Users", before, after).await?;
    attach::<OfGroup>(cx, arn, "Groups", before, after).await
}

async fn attach<C: Calls>(
    cx: &Cx,
    arn: &str,
    property: &str,
    before: &Properties,
    after: &Properties,
) -> Result<()> {
    let (had, has) = (properties::texts(before, property)?, properties::texts(after, property)?);
    for holder in &has {
        C::attach(cx, holder, arn).await?;
    }
    for holder in had.iter().filter(|holder| !has.contains(holder)) {
        C::detach(cx, holder, arn).await?;
    }
    Ok(())
}

impl Resource for ManagedPolicy {
    fn type_name(&self) -> &'static str {
        "AWS::IAM::ManagedPolicy"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "ManagedPolicyName" | "Path" | "Description")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::make(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::change(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        if physical_id.parse::<Arn>().is_err() {
            let cause = format!("{physical_id} is not the ARN of a policy");
            return Box::pin(std::future::ready(Err(Error::internal(cause))));
        }
        Box::pin(Self::unmake(cx, physical_id))
    }
}
