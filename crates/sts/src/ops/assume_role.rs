//! AssumeRole: temporary credentials of a role, for whom the role's trust policy lets in.
//!
//! The trust policy must allow the caller, and policies of the caller's account as well where it
//! names the account. Tags need leave for `sts:TagSession` from the same policies, a source
//! identity for `sts:SetSourceIdentity`. Refuses the account's root, durations above the role's (an
//! hour where a role's session asks), session policies that are none or too long. A role that does
//! not exist and one that does not let the caller in are answered alike.

use cumulet_api_sts::ops::{AssumeRole, AssumeRoleRequest, AssumeRoleResponse};
use cumulet_api_sts::types::{AssumedRoleUser, Tag};
use cumulet_base::{AccountId, Arn};
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Principal, Result};

use super::{issue, refuse_mfa};
use crate::Sts;
use crate::error::Error;
use crate::role::{self, Role};
use crate::session;

impl Handle<AssumeRole> for Sts {
    async fn access(&self, cx: &Cx, input: &AssumeRoleRequest) -> Result<Vec<Access>> {
        if matches!(cx.principal(), Principal::Root { .. }) {
            return Err(Error::AccessDenied("Roles may not be assumed by root accounts.").into());
        }
        let arn = arn(input)?;
        let role = role::find(cx, &arn).await?;
        let mut actions = vec!["sts:AssumeRole"];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            actions.push("sts:TagSession");
        }
        if input.source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        let access = |action| access(cx, action, &arn, role.as_ref(), input);
        Ok(actions.into_iter().map(access).collect())
    }

    async fn handle(&self, cx: &Cx, input: AssumeRoleRequest) -> Result<AssumeRoleResponse> {
        refuse_mfa(input.serial_number.as_ref(), input.token_code.as_ref())?;
        if input.provided_contexts.is_some() {
            return Err(ServiceError::not_implemented("sts", "AssumeRole with ProvidedContexts"));
        }
        // It was there a moment ago, when leave was given.
        let role = role::find(cx, &arn(&input)?).await?;
        let role = role.ok_or(Error::AccessDenied("The role is gone."))?;
        let session = session::assumed(cx.principal(), &input, cx.now())?;
        let caller = cx.principal();
        let seconds = session::duration(caller, input.duration_seconds, role.max_session)?;
        let source_identity = session.source_identity.clone();
        let principal = Principal::Role {
            account: role.account.as_str().to_owned(),
            name: role.name,
            path: role.path,
            id: role.id,
            session: Box::new(session),
        };
        let (arn, assumed_role_id) = (principal.arn(), principal.user_id());
        let credentials = issue(cx, principal, seconds, input.minimum_session_token_size)?;
        Ok(AssumeRoleResponse {
            credentials: Some(credentials),
            assumed_role_user: Some(AssumedRoleUser { assumed_role_id, arn }),
            source_identity,
            ..AssumeRoleResponse::default()
        })
    }
}

fn arn(input: &AssumeRoleRequest) -> Result<Arn> {
    let invalid = |_| Error::Validation(format!("{} is invalid", input.role_arn));
    Ok(input.role_arn.parse().map_err(invalid)?)
}

/// Leave for `action` on the role, with the condition keys of "Actions, resources, and condition
/// keys for AWS Security Token Service".
fn access(
    cx: &Cx,
    action: &'static str,
    arn: &Arn,
    role: Option<&Role>,
    input: &AssumeRoleRequest,
) -> Access {
    let owner: Option<AccountId> = arn.account().parse().ok();
    let mut access = Access {
        owner: owner.unwrap_or_else(|| cx.account().clone()),
        policy_required: true,
        ..Access::on(cx, action, arn.clone())
    };
    access = access.under(role.map(|role| role.trust.clone()));
    access = access.with("sts:RoleSessionName", vec![input.role_session_name.clone()]);
    access = access.with_some("sts:ExternalId", input.external_id.as_deref());
    access = access.with_some("sts:SourceIdentity", input.source_identity.as_deref());
    if let Some(keys) = &input.transitive_tag_keys {
        access = access.with("sts:TransitiveTagKeys", keys.clone());
    }
    for (key, value) in role.iter().flat_map(|role| &role.tags) {
        access = access
            .with(format!("aws:ResourceTag/{key}"), vec![value.clone()])
            .with(format!("iam:ResourceTag/{key}"), vec![value.clone()]);
    }
    with_tags(access, input.tags.as_deref().unwrap_or_default())
}

fn with_tags(access: Access, tags: &[Tag]) -> Access {
    access.tagging(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())))
}
