//! What the tests share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cumulet_api_iam::ops::{CreateRole, CreateRoleRequest};
use cumulet_base::{AccountId, Clock, Limits, RandomIds, SystemClock};
use cumulet_iam::{AccessKeys, Iam, Permissions, RootKey};
use cumulet_service::{Cloud, Cx, Desired, Parts, Principal, Service};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_sts::Sts;
use cumulet_work::Work;
use serde_json::json;
use tempfile::TempDir;

use crate::Lambda;
use crate::model::{CodeUse, FunctionRecord, Logging, Settings, VersionRecord};

/// A cloud with IAM, STS and Lambda, and a role that Lambda may assume.
pub(crate) struct TestCloud {
    /// Acts as the account's root.
    pub(crate) cx: Cx,
    pub(crate) role: String,
    folder: TempDir,
}

impl TestCloud {
    pub(crate) async fn start() -> Self {
        Self::start_with(Arc::new(SystemClock), Vec::new()).await
    }

    /// By another clock, and with further services.
    pub(crate) async fn start_with(clock: Arc<dyn Clock>, more: Vec<Arc<dyn Service>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { min_free_bytes: 0, ..Options::default() };
        let store = Store::open(&folder.path().join("store"), options).await.unwrap();
        let sealer = Arc::new(Sealer::new(&[1; 32]));
        let ids = Arc::new(RandomIds);
        let account = AccountId::DEFAULT;
        let root = RootKey::load_or_create(&store, &sealer, ids.as_ref()).await.unwrap();
        let keys = AccessKeys::new(&store, Arc::clone(&sealer), Arc::clone(&clock), &account, root);
        let parts = Parts {
            work: Work::new(store.clone(), Arc::clone(&clock)),
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
        let services: Vec<Arc<dyn Service>> = vec![Arc::new(Iam), Arc::new(Sts), lambda];
        let cloud = Cloud::new(parts, services.into_iter().chain(more).collect());
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
        Self { cx, role, folder }
    }

    /// Makes the function `f`, of Python text in which `note(line)` writes down what [`Self::noted`]
    /// reads.
    pub(crate) async fn function(&self, text: &str) {
        let note = "import os\ndef note(line):\n    with open(os.environ['SEEN'], 'a') as file:\n        \
                    file.write(str(line) + '\\n')\n";
        let properties = json!({
            "FunctionName": "f",
            "Runtime": "python3.9",
            "Handler": "index.handler",
            "Role": self.role,
            "Code": { "ZipFile": format!("{note}{text}") },
            "Timeout": "20",
            "Environment": { "Variables": { "SEEN": self.folder.path().join("seen") } },
        });
        let kind = self.cx.cloud().registry().resource("AWS::Lambda::Function").unwrap();
        let properties = properties.as_object().unwrap();
        let desired = Desired { name: "f", properties, tags: &[] };
        kind.create(&self.cx.attempting("f"), desired).await.unwrap();
    }

    /// The lines that the function has written down.
    pub(crate) fn noted(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("seen")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until the function has written down just these lines.
    pub(crate) async fn until_noted(&self, lines: &[&str]) {
        for _ in 0..3_000 {
            if self.noted() == lines {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} was noted, and not {lines:?}", self.noted());
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
