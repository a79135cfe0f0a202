//! What the tests share.

use std::collections::BTreeMap;
use std::sync::Arc;

use cumulet_api_iam::ops::{CreateRole, CreateRoleRequest};
use cumulet_base::{AccountId, Limits, RandomIds, SystemClock};
use cumulet_iam::{AccessKeys, Iam, Permissions, RootKey};
use cumulet_service::{Cloud, Cx, Parts, Principal};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_sts::Sts;
use cumulet_work::Work;
use tempfile::TempDir;

use crate::Lambda;
use crate::model::{CodeUse, FunctionRecord, Logging, Settings, VersionRecord};

/// A cloud with IAM, STS and Lambda, and a role that Lambda may assume.
pub(crate) struct TestCloud {
    /// Acts as the account's root.
    pub(crate) cx: Cx,
    pub(crate) role: String,
    _folder: TempDir,
}

impl TestCloud {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { min_free_bytes: 0, ..Options::default() };
        let store = Store::open(&folder.path().join("store"), options).await.unwrap();
        let sealer = Arc::new(Sealer::new(&[1; 32]));
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
        let account = AccountId::DEFAULT;
        let root = RootKey::load_or_create(&store, &sealer, ids.as_ref()).await.unwrap();
        let keys = AccessKeys::new(&store, Arc::clone(&sealer), clock.clone(), &account, root);
        let parts = Parts {
            work: Work::new(store.clone(), clock.clone()),
            authorizer: Arc::new(Permissions::new(&store)),
            credentials: Arc::new(keys),
            limits: Limits::default(),
            account,
            region: "eu-west-1".parse().unwrap(),
            blobs: Blobs::open(&folder.path().join("blobs"), 0).await.unwrap(),
            store,
            sealer,
            clock,
            ids,
        };
        let lambda = Lambda::open(crate::Options::new(folder.path().join("lambda"))).await.unwrap();
        let cloud = Cloud::new(parts, vec![Arc::new(Iam), Arc::new(Sts), lambda]);
        cloud.start();
        let cx = cloud.context(Principal::Root { account: AccountId::DEFAULT.to_string() });
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
            "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let made = cx.call::<CreateRole>(CreateRoleRequest {
            role_name: "r".to_owned(),
            assume_role_policy_document: trust.to_owned(),
            ..CreateRoleRequest::default()
        });
        let role = made.await.unwrap().role.arn;
        Self { cx, role, _folder: folder }
    }
}

/// Settings of a plain function.
pub(crate) fn settings() -> Settings {
    Settings {
        runtime: "python3.12".to_owned(),
        handler: "index.handler".to_owned(),
        role: "arn:aws:iam::000000000000:role/r".to_owned(),
        timeout: 3,
        memory: 128,
        storage: 512,
        environment: None,
        layers: Vec::new(),
        architecture: "x86_64".to_owned(),
        traced: false,
        logging: Logging::default(),
    }
}

/// A function that has no package.
pub(crate) fn function(name: &str, settings: Settings) -> FunctionRecord {
    FunctionRecord {
        name: name.to_owned(),
        id: format!("id-of-{name}"),
        latest: VersionRecord {
            number: 0,
            description: String::new(),
            code: CodeUse { sha256: String::new(), size: 0, unzipped: 0 },
            settings,
            modified: 0,
            revision: String::new(),
        },
        next_version: 1,
        published: None,
        tags: BTreeMap::new(),
        reserved: None,
    }
}
