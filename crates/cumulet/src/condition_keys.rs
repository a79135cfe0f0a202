//! Holds `api/condition-keys.toml`, the list of what policies can ask for, to what requests say.
//!
//! A cloud with a few tagged resources is asked, operation by operation, what an input with all its
//! members set needs leave for. What it says must be what the list says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::{AccountId, Arn};
use cumulet_lambda::Substitutes;
use cumulet_service::{
    Access, Authorizer, BoxFuture, Cloud, Cx, Error, Parts, Principal, Result, Session, Signed,
};
use cumulet_wire::json::{JsonReader, JsonWriter};
use serde::Deserialize;
use serde_json::Value;

use crate::compose::{self, Base};

fn list() -> List {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../api/condition-keys.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct List {
    global: Keys,
    /// What every operation of a service fills that needs leave at all.
    every: BTreeMap<String, BTreeSet<String>>,
    fixtures: Vec<Fixture>,
    operations: BTreeMap<String, BTreeMap<String, Operation>>,
}

/// Condition keys of AWS's documentation; those of tags without the tag's name.
#[derive(Deserialize)]
struct Keys {
    filled: BTreeSet<String>,
    missing: BTreeSet<String>,
}

/// An operation that makes something to ask about.
#[derive(Deserialize)]
struct Fixture {
    service: String,
    operation: String,
    input: String,
    /// A value of the answer (a JSON pointer), which inputs after it have as `{name}`.
    #[serde(default)]
    take: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Operation {
    /// JSON. `{}` where left out.
    #[serde(default)]
    input: Option<String>,
    actions: BTreeSet<String>,
    filled: BTreeSet<String>,
    missing: BTreeSet<String>,
}

/// Denies everything and notes what was asked.
#[derive(Default)]
struct Recorder(Mutex<Vec<Access>>);

impl Authorizer for Recorder {
    fn authorize<'a>(&'a self, _: &'a Cx, access: &'a Access) -> BoxFuture<'a, Result<()>> {
        self.0.lock().unwrap().push(access.clone());
        Box::pin(async { Err(Error::custom("AccessDeniedException", 403, "recorded")) })
    }
}

struct Fixtures {
    cloud: Arc<Cloud>,
    taken: BTreeMap<String, String>,
    recorder: Arc<Recorder>,
    /// The same cloud, where nothing is allowed and everything noted.
    watched: Arc<Cloud>,
}

impl Fixtures {
    async fn build(folder: &Path, list: &List) -> Self {
        let (data, master_key) = (folder.join("data"), folder.join("master.key"));
        let cloud = compose::cloud(Base {
            data: &data,
            master_key: &master_key,
            account: AccountId::DEFAULT,
            region: "us-east-1".parse().unwrap(),
            endpoint: "http://127.0.0.1:1",
            launcher: None,
            substitutes: Substitutes::Allow,
            interpreters: None,
            root: None,
            public: false,
        });
        let cloud = cloud.await.unwrap().cloud;
        let recorder = Arc::new(Recorder::default());
        let watched = watched(&cloud, &recorder);
        let mut fixtures = Self { cloud, taken: BTreeMap::new(), recorder, watched };
        for fixture in &list.fixtures {
            fixtures.make(fixture).await;
        }
        fixtures
    }

    async fn make(&mut self, fixture: &Fixture) {
        let Fixture { service, operation, input, take } = fixture;
        let cx = self.cloud.context(root());
        let made = self.run(&cx, service, operation, input).await;
        let answer = made.unwrap_or_else(|why| panic!("{service}.{operation}: {why:?}"));
        for (name, pointer) in take {
            let value = answer.pointer(pointer).and_then(Value::as_str);
            let value = value.unwrap_or_else(|| panic!("{operation}: no {pointer} in {answer}"));
            self.taken.insert(name.clone(), value.to_owned());
        }
    }

    async fn run(&self, cx: &Cx, service: &str, operation: &str, input: &str) -> Result<Value> {
        let output = self.call(service, operation, input)?.run(cx.clone()).await?;
        let mut writer = JsonWriter::default();
        output.write_any(&mut writer);
        Ok(serde_json::from_slice(&writer.into_bytes()).unwrap_or_default())
    }

    fn call(
        &self,
        service: &str,
        operation: &str,
        input: &str,
    ) -> Result<Box<dyn cumulet_service::Call>> {
        let registry = self.cloud.registry();
        let found = registry.services().iter().find(|it| it.meta().name == service).unwrap();
        let input = self.taken.iter().fold(input.to_owned(), |input, (name, value)| {
            input.replace(&format!("{{{name}}}"), value)
        });
        let mut reader = JsonReader::new(input.as_bytes(), 32).unwrap();
        registry.endpoint(found.meta(), operation)?.decode(&mut reader)
    }

    /// What an input needs leave for: what its operation says of it or, where that is nothing, what
    /// it asks first as it runs.
    async fn asked(&self, service: &str, operation: &str, input: &str) -> Result<Vec<Access>> {
        let cx = self.watched.context(user()).with_request(request(&self.watched));
        let all = self.call(service, operation, input)?.access(&cx).await?;
        if !all.is_empty() {
            return Ok(all);
        }
        self.recorder.0.lock().unwrap().clear();
        // Whether it does anything is not the question.
        let _ = self.run(&cx, service, operation, input).await;
        Ok(std::mem::take(&mut self.recorder.0.lock().unwrap()))
    }
}

fn watched(cloud: &Arc<Cloud>, recorder: &Arc<Recorder>) -> Arc<Cloud> {
    let parts = cloud.parts();
    let parts = Parts {
        store: parts.store.clone(),
        blobs: parts.blobs.clone(),
        work: parts.work.clone(),
        sealer: Arc::clone(&parts.sealer),
        clock: Arc::clone(&parts.clock),
        ids: Arc::clone(&parts.ids),
        limits: parts.limits.clone(),
        account: parts.account.clone(),
        region: parts.region.clone(),
        authorizer: Arc::clone(recorder) as Arc<dyn Authorizer>,
        credentials: Arc::clone(&parts.credentials),
    };
    Cloud::new(parts, cloud.registry().services().to_vec())
}

fn root() -> Principal {
    Principal::Root { account: AccountId::DEFAULT.to_string() }
}

fn user() -> Principal {
    Principal::User {
        account: AccountId::DEFAULT.to_string(),
        name: "u".to_owned(),
        path: "/".to_owned(),
        id: "AIDAEXAMPLE".to_owned(),
        issued_at: None,
    }
}

fn session() -> Principal {
    Principal::Role {
        account: AccountId::DEFAULT.to_string(),
        name: "r".to_owned(),
        path: "/".to_owned(),
        id: "AROAEXAMPLE".to_owned(),
        session: Box::new(Session {
            name: "s".to_owned(),
            tags: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
            source_identity: Some("alice".to_owned()),
            ..Session::default()
        }),
    }
}

/// A request that says all that requests can.
fn request(cloud: &Arc<Cloud>) -> cumulet_service::RequestInfo {
    let before = cloud.context(root());
    let signed = Signed {
        algorithm: "AWS4-HMAC-SHA256",
        presigned: false,
        at: before.now(),
        content_sha256: Some("UNSIGNED-PAYLOAD".to_owned()),
    };
    cumulet_service::RequestInfo {
        source_ip: Some([192, 0, 2, 1].into()),
        tls_version: Some("1.3"),
        signed: Some(signed),
        user_agent: Some("test".to_owned()),
        referer: Some("https://example.com/".to_owned()),
        ..before.request().clone()
    }
}

/// A key without the name of the tag that it asks for: `aws:ResourceTag`.
fn family(key: &str) -> String {
    match key.strip_prefix("kms:EncryptionContext:") {
        Some(_) => "kms:EncryptionContext".to_owned(),
        // `apigateway:Request/ApiName` is no tag's.
        None if key.starts_with("apigateway:") => key.to_owned(),
        None => key.split('/').next().unwrap_or(key).to_owned(),
    }
}

#[tokio::test]
async fn operations_say_what_the_list_says() {
    let list = list();
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Fixtures::build(folder.path(), &list).await;
    let mut wrong = String::new();
    let mut unlisted = names(&list.operations);
    for service in fixtures.cloud.registry().services() {
        let name = service.meta().name;
        for endpoint in Arc::clone(service).endpoints() {
            let operation = endpoint.meta().name;
            unlisted.remove(&format!("{name}.{operation}"));
            let listed = list.operations.get(name).and_then(|all| all.get(operation));
            let Some(listed) = listed else {
                let _ = writeln!(wrong, "{name}.{operation} is not listed");
                continue;
            };
            let input = listed.input.as_deref().unwrap_or("{}");
            let asked = match fixtures.asked(name, operation, input).await {
                Ok(asked) => asked,
                Err(why) => {
                    let _ = writeln!(wrong, "{name}.{operation}: {why:?}");
                    continue;
                }
            };
            let actions: BTreeSet<String> =
                asked.iter().map(|access| access.action.0.to_owned()).collect();
            let keys = asked.iter().flat_map(|access| &access.context);
            let keys: BTreeSet<String> = keys.map(|(key, _)| family(key)).collect();
            let every = list.every.get(name).filter(|_| !asked.is_empty());
            let filled: BTreeSet<String> =
                listed.filled.iter().chain(every.into_iter().flatten()).cloned().collect();
            if keys != filled || actions != listed.actions {
                let _ = writeln!(
                    wrong,
                    "[operations.{name}.{operation}]\nactions = {actions:?}\nfilled = {keys:?}"
                );
            }
            for both in listed.missing.intersection(&filled) {
                let _ = writeln!(wrong, "{name}.{operation}: {both} is filled and missing");
            }
        }
    }
    for operation in unlisted {
        let _ = writeln!(wrong, "{operation} is listed and not there");
    }
    assert!(wrong.is_empty(), "api/condition-keys.toml and the code differ:\n{wrong}");
}

fn names(operations: &BTreeMap<String, BTreeMap<String, Operation>>) -> BTreeSet<String> {
    let of = |(service, all): (&String, &BTreeMap<String, Operation>)| {
        all.keys().map(|operation| format!("{service}.{operation}")).collect::<Vec<_>>()
    };
    operations.iter().flat_map(of).collect()
}

/// Every kind of principal, each with a request that says all it can.
fn callers(cloud: &Arc<Cloud>) -> Vec<Cx> {
    let arn: Arn = "arn:aws:s3:::b".parse().unwrap();
    let service = Principal::service_for("apigateway.amazonaws.com", &AccountId::DEFAULT, &arn);
    let all = [user(), session(), service].map(|principal| cloud.context(principal));
    let forwarded = cloud.context(user()).via("cloudformation.amazonaws.com");
    let all = all.into_iter().chain([forwarded]);
    all.map(|cx| cx.with_request(request(cloud))).collect()
}

#[tokio::test]
async fn requests_have_the_global_keys_that_the_list_says() {
    let list = list();
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Fixtures::build(folder.path(), &list).await;
    let cloud = &fixtures.cloud;
    for (keys, expected) in [(&list.global.filled, true), (&list.global.missing, false)] {
        for key in keys {
            // What depends on the operation, or on a call between services, has tests of its own.
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*",
                   "Action":"*","Resource":"*","Condition":{{"Null":{{"{key}":"false"}}}}}}]}}"#
            );
            let document = Arc::new(Document::parse(&text, Grammar::Resource).unwrap());
            let mut found = false;
            for cx in callers(cloud) {
                let arn: Arn = "arn:aws:s3:::b".parse().unwrap();
                let access = Access::on(&cx, "s3:ListBucket", arn).under(Some(document.clone()));
                found |= cloud.parts().authorizer.authorize(&cx, &access).await.is_ok();
            }
            assert_eq!(found, expected, "{key}");
        }
    }
}
