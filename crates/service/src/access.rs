//! What an operation needs leave for, and who gives it.

use std::fmt;
use std::sync::Arc;

use cumulet_auth::policy::Document;
use cumulet_auth::sigv4::Secret;
use cumulet_base::{AccountId, Arn};

use crate::{BoxFuture, Cx, Principal, Result};

/// An IAM action: `dynamodb:PutItem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Action(pub &'static str);

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What an action is done to.
#[derive(Debug, Clone)]
pub enum ResourceName {
    /// One resource.
    Arn(Arn),
    /// The action names none: `*`.
    Any,
}

impl ResourceName {
    /// As policies and messages spell it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Arn(arn) => arn.as_str(),
            Self::Any => "*",
        }
    }
}

/// One leave that an operation needs. A request goes on only when all of its accesses are allowed.
#[derive(Debug, Clone)]
pub struct Access {
    /// The action.
    pub action: Action,
    /// What it is done to.
    pub resource: ResourceName,
    /// The account that owns the resource.
    pub owner: AccountId,
    /// Condition keys of this service (`dynamodb:LeadingKeys`), beside the global ones.
    pub context: Vec<(String, Vec<String>)>,
    /// The policy that is attached to the resource.
    pub policy: Option<Arc<Document>>,
    /// Whether the resource's policy must itself allow (role trust policies, KMS key policies).
    pub policy_required: bool,
}

impl Access {
    /// Leave for `action` on `arn` in the account that the request is for.
    pub fn on(cx: &Cx, action: &'static str, arn: Arn) -> Self {
        Self::to(cx, action, ResourceName::Arn(arn))
    }

    /// Leave for an action that names no resource.
    pub fn any(cx: &Cx, action: &'static str) -> Self {
        Self::to(cx, action, ResourceName::Any)
    }

    fn to(cx: &Cx, action: &'static str, resource: ResourceName) -> Self {
        Self {
            action: Action(action),
            resource,
            owner: cx.account().clone(),
            context: Vec::new(),
            policy: None,
            policy_required: false,
        }
    }

    /// With a condition key of the service.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, values: Vec<String>) -> Self {
        self.context.push((key.into(), values));
        self
    }

    /// With a condition key, where the request has a value for it.
    #[must_use]
    pub fn with_some(self, key: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, vec![value.into()]),
            None => self,
        }
    }

    /// With the tags that the resource has: `aws:ResourceTag/…`.
    #[must_use]
    pub fn tagged(self, tags: impl IntoIterator<Item = Tag>) -> Self {
        tags.into_iter().fold(self, |access, (key, value)| {
            access.with(format!("aws:ResourceTag/{key}"), vec![value])
        })
    }

    /// With the tags that the request brings: `aws:RequestTag/…` and `aws:TagKeys`.
    #[must_use]
    pub fn tagging(self, tags: impl IntoIterator<Item = Tag>) -> Self {
        let tags: Vec<Tag> = tags.into_iter().collect();
        let keys = tags.iter().map(|(key, _)| key.clone()).collect();
        tags.into_iter().fold(self.untagging(keys), |access, (key, value)| {
            access.with(format!("aws:RequestTag/{key}"), vec![value])
        })
    }

    /// With the keys of tags that the request names: `aws:TagKeys`, absent where it names none.
    #[must_use]
    pub fn untagging(self, keys: Vec<String>) -> Self {
        if keys.is_empty() { self } else { self.with("aws:TagKeys", keys) }
    }

    /// With the policy that is attached to the resource.
    #[must_use]
    pub fn under(mut self, policy: Option<Arc<Document>>) -> Self {
        self.policy = policy;
        self
    }
}

/// A tag's key and value.
type Tag = (String, String);

/// Gives leave or denies it: crate `iam` implements it.
pub trait Authorizer: Send + Sync + 'static {
    /// `Ok` when the request's principal may do `access`; otherwise `AccessDeniedException` with
    /// AWS's message.
    fn authorize<'a>(&'a self, cx: &'a Cx, access: &'a Access) -> BoxFuture<'a, Result<()>>;
}

/// Finds whom an access key belongs to: crate `iam` implements it.
pub trait Credentials: Send + Sync + 'static {
    /// The identity behind an access key and, for temporary ones, the token that came with it.
    fn find<'a>(
        &'a self,
        access_key: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Found>>;
}

/// What is known of an access key.
#[derive(Debug)]
pub enum Found {
    /// Whom it belongs to.
    Identity(Identity),
    /// There is no such key, or it is not active.
    UnknownKey,
    /// The token is not the key's.
    InvalidToken,
    /// The token's time is over.
    ExpiredToken,
}

/// Whom an access key belongs to.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The key's secret.
    pub secret: Secret,
    /// Who signs with it.
    pub principal: Arc<Principal>,
}
