//! Who makes a request.

use std::collections::BTreeMap;

use cumulet_base::{AccountId, Arn, Timestamp};
use serde::{Deserialize, Serialize};

/// Who makes a request: a value that can be stored, so that work begun by a caller goes on as him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// The account itself.
    Root {
        /// Twelve digits.
        account: String,
    },
    /// An IAM user.
    User {
        /// Twelve digits.
        account: String,
        /// The name without path.
        name: String,
        /// The path, `/` at least.
        path: String,
        /// `AIDA…`.
        id: String,
        /// When its temporary credentials (GetSessionToken) were issued, in seconds since the
        /// epoch; `None` for an access key of its own.
        #[serde(default)]
        issued_at: Option<i64>,
    },
    /// A session of a role.
    Role {
        /// Twelve digits.
        account: String,
        /// The role's name without path.
        name: String,
        /// The path, `/` at least.
        path: String,
        /// `AROA…`.
        id: String,
        /// What its credentials carry.
        session: Box<Session>,
    },
    /// A service of this cloud, such as `apigateway.amazonaws.com`.
    Service {
        /// The service's principal name.
        name: String,
        /// On behalf of which account's resource it acts, if any.
        source_account: Option<String>,
        /// On behalf of which resource it acts, if any.
        source_arn: Option<String>,
    },
    /// Nobody: the request carries no signature.
    Anonymous,
}

/// What temporary credentials of a role carry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `RoleSessionName`.
    pub name: String,
    /// The inline session policy's text.
    pub policy: Option<String>,
    /// ARNs of managed session policies.
    pub policy_arns: Vec<String>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Keys of the tags that chained sessions inherit.
    pub transitive_tags: Vec<String>,
    /// `SourceIdentity`.
    pub source_identity: Option<String>,
    /// When the credentials were issued, in seconds since the epoch.
    pub issued_at: i64,
    /// More condition keys, such as a federated identity's: name to value.
    pub context: BTreeMap<String, String>,
}

impl Session {
    /// When the credentials were issued.
    pub fn issued(&self) -> Timestamp {
        Timestamp::from_secs(self.issued_at)
    }
}

impl Principal {
    /// A service of this cloud that acts for nobody's resource.
    pub fn service(name: &str) -> Self {
        Self::Service { name: name.to_owned(), source_account: None, source_arn: None }
    }

    /// A service of this cloud that acts for `arn`.
    pub fn service_for(name: &str, account: &AccountId, arn: &Arn) -> Self {
        Self::Service {
            name: name.to_owned(),
            source_account: Some(account.as_str().to_owned()),
            source_arn: Some(arn.as_str().to_owned()),
        }
    }

    /// The account it belongs to; a service and nobody belong to none.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root { account } | Self::User { account, .. } | Self::Role { account, .. } => {
                account.parse().ok()
            }
            Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// When its credentials were issued, where they are temporary.
    pub fn issued(&self) -> Option<Timestamp> {
        match self {
            Self::User { issued_at, .. } => issued_at.map(Timestamp::from_secs),
            Self::Role { session, .. } => Some(session.issued()),
            Self::Root { .. } | Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// The ARN by which messages name it: for a role the session's, which drops the role's path.
    pub fn arn(&self) -> String {
        match self {
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::User { account, name, path, .. } => {
                format!("arn:aws:iam::{account}:user{path}{name}")
            }
            Self::Role { account, name, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{name}/{}", session.name)
            }
            Self::Service { name, .. } => name.clone(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }

    /// The ARN of the role or user behind it: `aws:PrincipalArn`.
    pub fn identity_arn(&self) -> String {
        match self {
            Self::Role { account, name, path, .. } => {
                format!("arn:aws:iam::{account}:role{path}{name}")
            }
            other => other.arn(),
        }
    }

    /// The unique id: `aws:userid`.
    pub fn user_id(&self) -> String {
        match self {
            Self::Root { account } => account.clone(),
            Self::User { id, .. } => id.clone(),
            Self::Role { id, session, .. } => format!("{id}:{}", session.name),
            Self::Service { name, .. } => name.clone(),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_arn_drops_the_roles_path() {
        let principal = Principal::Role {
            account: "123456789012".into(),
            name: "app".into(),
            path: "/team/".into(),
            id: "AROAEXAMPLE".into(),
            session: Box::new(Session { name: "s1".into(), ..Session::default() }),
        };
        assert_eq!(principal.arn(), "arn:aws:sts::123456789012:assumed-role/app/s1");
        assert_eq!(principal.identity_arn(), "arn:aws:iam::123456789012:role/team/app");
        assert_eq!(principal.user_id(), "AROAEXAMPLE:s1");
    }
}
