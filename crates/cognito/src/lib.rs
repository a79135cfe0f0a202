//! Cognito user pools: users who sign in to an owner's applications.
//!
//! `ops/` has one file an operation, `flow/` the steps of a sign-in, `srp/` its mathematics;
//! [`store`] knows where things lie. Passwords are kept as sealed SRP verifiers, codes and client
//! secrets sealed, refresh tokens hashed; signing keys never leave the process. What a caller who
//! has shown nothing may learn is decided in `flow` and `codes`.

mod codes;
mod document;
mod error;
mod flow;
mod keys;
mod model;
mod ops;
mod passwords;
mod pool;
mod resources;
mod schema;
mod secrets;
mod settings;
mod site;
mod srp;
mod store;
mod sweep;
mod tokens;
mod trials;
mod user_filter;
mod users;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use cumulet_api_cognito_idp::errors::InvalidParameterException;
use cumulet_mail::Mail;
use cumulet_service::{Cloud, Error as ServiceError, Resource, Service, operations};
use cumulet_shape::{Faults, OperationMeta, ServiceMeta};

use cumulet_api_cognito_idp::ops::{
    AdminAddUserToGroup, AdminConfirmSignUp, AdminCreateUser, AdminDeleteUser,
    AdminDeleteUserAttributes, AdminDisableUser, AdminEnableUser, AdminGetUser, AdminInitiateAuth,
    AdminListGroupsForUser, AdminRemoveUserFromGroup, AdminResetUserPassword,
    AdminRespondToAuthChallenge, AdminSetUserPassword, AdminUpdateUserAttributes,
    AdminUserGlobalSignOut, ChangePassword, ConfirmForgotPassword, ConfirmSignUp, CreateGroup,
    CreateUserPool, CreateUserPoolClient, DeleteGroup, DeleteUser, DeleteUserAttributes,
    DeleteUserPool, DeleteUserPoolClient, DescribeUserPool, DescribeUserPoolClient, ForgotPassword,
    GetGroup, GetTokensFromRefreshToken, GetUser, GetUserAttributeVerificationCode,
    GetUserPoolMfaConfig, GlobalSignOut, InitiateAuth, ListGroups, ListTagsForResource,
    ListUserPoolClients, ListUserPools, ListUsers, ListUsersInGroup, ResendConfirmationCode,
    RespondToAuthChallenge, RevokeToken, SignUp, TagResource, UntagResource, UpdateGroup,
    UpdateUserAttributes, UpdateUserPool, UpdateUserPoolClient, VerifyUserAttribute,
};

pub use error::Error;
pub use site::PoolSites;

use keys::{Heavy, KeyRing};

/// The service.
#[derive(Debug)]
pub struct Cognito {
    mail: Arc<Mail>,
    issuer_base: Option<String>,
    keys: KeyRing,
    heavy: Heavy,
}

impl Cognito {
    /// The service. `issuer_base` is what tokens name as their issuer before the pool's id, such as
    /// `https://cloud.example.com`; without it they name AWS's host, which its verifiers insist on.
    pub fn new(mail: Arc<Mail>, issuer_base: Option<String>) -> Arc<Self> {
        srp::prepare();
        let issuer_base = issuer_base.map(|base| base.trim_end_matches('/').to_owned());
        Arc::new(Self { mail, issuer_base, keys: KeyRing::default(), heavy: Heavy::default() })
    }
}

impl Service for Cognito {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_cognito_idp::SERVICE
    }

    /// Cognito's own name for what others call ValidationException.
    fn invalid(&self, _operation: &'static OperationMeta, faults: &Faults) -> ServiceError {
        ServiceError::modeled::<InvalidParameterException>(faults.to_string())
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        resources::ALL.to_vec()
    }

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        sweep::register(cloud);
    }

    operations![
        AdminAddUserToGroup,
        AdminConfirmSignUp,
        AdminCreateUser,
        AdminDeleteUser,
        AdminDeleteUserAttributes,
        AdminDisableUser,
        AdminEnableUser,
        AdminGetUser,
        AdminInitiateAuth,
        AdminListGroupsForUser,
        AdminRemoveUserFromGroup,
        AdminResetUserPassword,
        AdminRespondToAuthChallenge,
        AdminSetUserPassword,
        AdminUpdateUserAttributes,
        AdminUserGlobalSignOut,
        ChangePassword,
        ConfirmForgotPassword,
        ConfirmSignUp,
        CreateGroup,
        CreateUserPool,
        CreateUserPoolClient,
        DeleteGroup,
        DeleteUser,
        DeleteUserAttributes,
        DeleteUserPool,
        DeleteUserPoolClient,
        DescribeUserPool,
        DescribeUserPoolClient,
        ForgotPassword,
        GetGroup,
        GetTokensFromRefreshToken,
        GetUser,
        GetUserAttributeVerificationCode,
        GetUserPoolMfaConfig,
        GlobalSignOut,
        InitiateAuth,
        ListGroups,
        ListTagsForResource,
        ListUserPoolClients,
        ListUserPools,
        ListUsers,
        ListUsersInGroup,
        ResendConfirmationCode,
        RespondToAuthChallenge,
        RevokeToken,
        SignUp,
        TagResource,
        UntagResource,
        UpdateGroup,
        UpdateUserAttributes,
        UpdateUserPool,
        UpdateUserPoolClient,
        VerifyUserAttribute,
    ];
}
