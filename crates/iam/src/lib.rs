//! IAM: who there is in an account, what they may do, and the decision of every request.
//!
//! - [`AccessKeys`] finds whom an access key belongs to, [`Permissions`] decides what he may; both
//!   answer from memory, which every commit to IAM's records empties.
//! - `ops` are IAM's operations, `resources` what stacks make of them.
//! - `model` and `store` say what is kept and under which keys, `managed` has AWS's own policies.

mod access;
mod access_keys;
mod attached;
mod cache;
mod caller;
mod conditions;
mod delete;
mod entities;
mod error;
mod ids;
mod inline;
mod managed;
mod membership;
mod model;
mod ops;
mod page;
mod permissions;
mod policies;
mod rename;
mod resources;
mod root_key;
mod store;
mod tags;
mod text;
mod trust;
mod user_keys;
mod wire;

pub use access_keys::AccessKeys;
pub use permissions::Permissions;
pub use root_key::{RootKey, RootKeyError};

use cumulet_api_iam::ops as api;
use cumulet_service::{Resource, Service, operations};
use cumulet_shape::ServiceMeta;

/// The service. Its state is the store's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Iam;

impl Service for Iam {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_iam::SERVICE
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        resources::all()
    }

    operations![
        api::AddUserToGroup,
        api::AttachGroupPolicy,
        api::AttachRolePolicy,
        api::AttachUserPolicy,
        api::CreateAccessKey,
        api::CreateGroup,
        api::CreatePolicy,
        api::CreatePolicyVersion,
        api::CreateRole,
        api::CreateUser,
        api::DeleteAccessKey,
        api::DeleteGroup,
        api::DeleteGroupPolicy,
        api::DeletePolicy,
        api::DeletePolicyVersion,
        api::DeleteRole,
        api::DeleteRolePermissionsBoundary,
        api::DeleteRolePolicy,
        api::DeleteUser,
        api::DeleteUserPermissionsBoundary,
        api::DeleteUserPolicy,
        api::DetachGroupPolicy,
        api::DetachRolePolicy,
        api::DetachUserPolicy,
        api::GetGroup,
        api::GetGroupPolicy,
        api::GetPolicy,
        api::GetPolicyVersion,
        api::GetRole,
        api::GetRolePolicy,
        api::GetUser,
        api::GetUserPolicy,
        api::ListAccessKeys,
        api::ListAttachedGroupPolicies,
        api::ListAttachedRolePolicies,
        api::ListAttachedUserPolicies,
        api::ListEntitiesForPolicy,
        api::ListGroupPolicies,
        api::ListGroups,
        api::ListGroupsForUser,
        api::ListInstanceProfilesForRole,
        api::ListPolicies,
        api::ListPolicyTags,
        api::ListPolicyVersions,
        api::ListRolePolicies,
        api::ListRoleTags,
        api::ListRoles,
        api::ListUserPolicies,
        api::ListUserTags,
        api::ListUsers,
        api::PutGroupPolicy,
        api::PutRolePermissionsBoundary,
        api::PutRolePolicy,
        api::PutUserPermissionsBoundary,
        api::PutUserPolicy,
        api::RemoveUserFromGroup,
        api::SetDefaultPolicyVersion,
        api::TagPolicy,
        api::TagRole,
        api::TagUser,
        api::UntagPolicy,
        api::UntagRole,
        api::UntagUser,
        api::UpdateAccessKey,
        api::UpdateAssumeRolePolicy,
        api::UpdateRole,
        api::UpdateUser,
    ];
}

#[cfg(test)]
mod tests;
