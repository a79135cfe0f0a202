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
mod root_key;
mod store;
mod tags;
mod text;
mod user_keys;
mod wire;

pub use access_keys::AccessKeys;
pub use permissions::Permissions;
pub use root_key::{RootKey, RootKeyError};

use cumulet_api_iam::ops::*;
use cumulet_service::{Service, operations};
use cumulet_shape::ServiceMeta;

/// The service. Its state is the store's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Iam;

impl Service for Iam {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_iam::SERVICE
    }

    operations![
        AddUserToGroup,
        AttachGroupPolicy,
        AttachRolePolicy,
        AttachUserPolicy,
        CreateAccessKey,
        CreateGroup,
        CreatePolicy,
        CreatePolicyVersion,
        CreateRole,
        CreateUser,
        DeleteAccessKey,
        DeleteGroup,
        DeleteGroupPolicy,
        DeletePolicy,
        DeletePolicyVersion,
        DeleteRole,
        DeleteRolePermissionsBoundary,
        DeleteRolePolicy,
        DeleteUser,
        DeleteUserPermissionsBoundary,
        DeleteUserPolicy,
        DetachGroupPolicy,
        DetachRolePolicy,
        DetachUserPolicy,
        GetGroup,
        GetGroupPolicy,
        GetPolicy,
        GetPolicyVersion,
        GetRole,
        GetRolePolicy,
        GetUser,
        GetUserPolicy,
        ListAccessKeys,
        ListAttachedGroupPolicies,
        ListAttachedRolePolicies,
        ListAttachedUserPolicies,
        ListEntitiesForPolicy,
        ListGroupPolicies,
        ListGroups,
        ListGroupsForUser,
        ListPolicies,
        ListPolicyTags,
        ListPolicyVersions,
        ListRolePolicies,
        ListRoleTags,
        ListRoles,
        ListUserPolicies,
        ListUserTags,
        ListUsers,
        PutGroupPolicy,
        PutRolePermissionsBoundary,
        PutRolePolicy,
        PutUserPermissionsBoundary,
        PutUserPolicy,
        RemoveUserFromGroup,
        SetDefaultPolicyVersion,
        TagPolicy,
        TagRole,
        TagUser,
        UntagPolicy,
        UntagRole,
        UntagUser,
        UpdateAccessKey,
        UpdateAssumeRolePolicy,
        UpdateRole,
        UpdateUser,
    ];
}
