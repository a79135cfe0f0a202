//! A cloud with IAM alone, and what signs and decides in it.

mod keys;
mod permissions;
mod resources;

use std::sync::Arc;

use cumulet_api_iam::ops as api;
use cumulet_base::{AccountId, Limits, ManualClock, SeededIds, Timestamp};
use cumulet_service::{Access, Cloud, Cx, Error, Principal, Result, Session};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_work::Work;
use zeroize::Zeroizing;

use crate::{AccessKeys, Iam, Permissions, RootKey};

pub(crate) struct TestCloud {
    pub cloud: Arc<Cloud>,
    pub clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl TestCloud {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), Options::default()).await.unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs"), 0).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_222_923)));
        let sealer = Arc::new(Sealer::new(&[7; 32]));
        let root = RootKey {
            access_key: "AKIAROOT".to_owned(),
            secret: Zeroizing::new("secret".to_owned()),
        };
        let account = AccountId::DEFAULT;
        let (seal, time) = (Arc::clone(&sealer), clock.clone());
        let parts = cumulet_service::Parts {
            work: Work::new(store.clone(), clock.clone()),
            credentials: Arc::new(AccessKeys::new(&store, seal, time, &account, root)),
            authorizer: Arc::new(Permissions::new(&store)),
            ids: Arc::new(SeededIds::new(1)),
            limits: Limits::default(),
            region: "us-east-1".parse().unwrap(),
            clock: clock.clone(),
            account,
            store,
            blobs,
            sealer,
        };
        Self { cloud: Cloud::new(parts, vec![Arc::new(Iam)]), clock, _folder: folder }
    }

    pub(crate) fn root(&self) -> Cx {
        let account = AccountId::DEFAULT.as_str().to_owned();
        self.cloud.context(Principal::Root { account })
    }

    /// A new user with an inline policy of this statement.
    pub(crate) async fn user(&self, name: &str, statement: &str) -> Cx {
        let root = self.root();
        let input = api::CreateUserRequest { user_name: name.to_owned(), ..Default::default() };
        let user = root.call::<api::CreateUser>(input).await.unwrap().user.unwrap();
        self.allow_user(name, statement).await;
        self.cloud.context(Principal::User {
            account: AccountId::DEFAULT.as_str().to_owned(),
            name: name.to_owned(),
            path: "/".to_owned(),
            id: user.user_id,
            issued_at: None,
        })
    }

    pub(crate) async fn allow_user(&self, name: &str, statement: &str) {
        let input = api::PutUserPolicyRequest {
            user_name: name.to_owned(),
            policy_name: "p".to_owned(),
            policy_document: policy(statement),
        };
        self.root().call::<api::PutUserPolicy>(input).await.unwrap();
    }

    /// A session of a new role with an inline policy of this statement.
    pub(crate) async fn role(&self, name: &str, statement: &str, session: Session) -> Cx {
        let root = self.root();
        let input = api::CreateRoleRequest {
            role_name: name.to_owned(),
            assume_role_policy_document: policy(
                r#"{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}"#,
            ),
            ..Default::default()
        };
        let role = root.call::<api::CreateRole>(input).await.unwrap().role;
        let input = api::PutRolePolicyRequest {
            role_name: name.to_owned(),
            policy_name: "p".to_owned(),
            policy_document: policy(statement),
        };
        root.call::<api::PutRolePolicy>(input).await.unwrap();
        self.cloud.context(Principal::Role {
            account: AccountId::DEFAULT.as_str().to_owned(),
            name: name.to_owned(),
            path: "/".to_owned(),
            id: role.role_id,
            session: Box::new(session),
        })
    }
}

pub(crate) fn policy(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#)
}

/// A table's access, as DynamoDB asks for it.
pub(crate) fn table(cx: &Cx, action: &'static str) -> Access {
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/notes";
    Access::on(cx, action, arn.parse().unwrap())
}

pub(crate) fn denied(result: Result<()>) -> String {
    let Error { code, message, .. } = result.unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    message
}
