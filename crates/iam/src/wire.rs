//! IAM's records as the API's shapes.

use cumulet_api_iam::types;
use cumulet_base::{AccountId, Timestamp};

use crate::model::{Grants, Group, Policy, PolicyVersion, Role, User};
use crate::store::Entity as _;
use crate::{tags, text};

/// How much of an entity an answer tells: lists leave out tags and boundary ("This operation does
/// not return the following attributes", IAM API reference).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Full,
    Listed,
}

fn boundary(grants: &Grants, detail: Detail) -> Option<types::AttachedPermissionsBoundary> {
    let arn = grants.boundary.clone().filter(|_| detail == Detail::Full)?;
    Some(types::AttachedPermissionsBoundary {
        permissions_boundary_type: Some(
            types::PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy,
        ),
        permissions_boundary_arn: Some(arn),
    })
}

pub(crate) fn user(account: &AccountId, user: &User, detail: Detail) -> types::User {
    types::User {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.id.clone(),
        arn: user.arn(account).to_string(),
        create_date: Timestamp::from_millis(user.created),
        password_last_used: None,
        permissions_boundary: boundary(&user.grants, detail),
        tags: tags::to_wire(&user.tags).filter(|_| detail == Detail::Full),
    }
}

pub(crate) fn group(account: &AccountId, group: &Group) -> types::Group {
    types::Group {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.clone(),
        arn: group.arn(account).to_string(),
        create_date: Timestamp::from_millis(group.created),
    }
}

pub(crate) fn role(account: &AccountId, role: &Role, detail: Detail) -> types::Role {
    types::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn(account).to_string(),
        create_date: Timestamp::from_millis(role.created),
        assume_role_policy_document: Some(text::encode(&role.trust)),
        description: role.description.clone(),
        max_session_duration: Some(role.max_session),
        permissions_boundary: boundary(&role.grants, detail),
        tags: tags::to_wire(&role.tags).filter(|_| detail == Detail::Full),
        role_last_used: None,
        source_role_template: None,
    }
}

/// `uses` is how many have it attached, and how many as their boundary.
pub(crate) fn policy(
    account: &AccountId,
    policy: &Policy,
    uses: (usize, usize),
    detail: Detail,
) -> types::Policy {
    let count = |uses: usize| i32::try_from(uses).ok();
    types::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        arn: Some(policy.arn(account).to_string()),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.default)),
        attachment_count: count(uses.0),
        permissions_boundary_usage_count: count(uses.1),
        is_attachable: Some(true),
        description: policy.description.clone().filter(|_| detail == Detail::Full),
        create_date: Some(Timestamp::from_millis(policy.created)),
        update_date: Some(Timestamp::from_millis(policy.updated)),
        tags: tags::to_wire(&policy.tags).filter(|_| detail == Detail::Full),
    }
}

/// One version; lists leave out its text.
pub(crate) fn version(
    policy: &Policy,
    number: u32,
    version: &PolicyVersion,
    detail: Detail,
) -> types::PolicyVersion {
    types::PolicyVersion {
        document: Some(text::encode(&version.text)).filter(|_| detail == Detail::Full),
        version_id: Some(format!("v{number}")),
        is_default_version: Some(number == policy.default),
        create_date: Some(Timestamp::from_millis(version.created)),
    }
}
