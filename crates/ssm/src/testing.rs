//! A cloud in this process, for tests: everything is allowed but what a test forbids.

use std::sync::{Arc, Mutex};

use cumulet_base::{AccountId, Limits, ManualClock, RandomIds, Timestamp};
use cumulet_service::{
    Access, Authorizer, BoxFuture, Cloud, Credentials, Cx, Error, Found, Parts, Principal, Result,
};
use cumulet_shape::{Operation, Protocol};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_wire::Message;
use cumulet_work::Work;
use serde_json::Value;

use crate::Ssm;

/// 2026-11-21T00:00:00Z
pub(crate) const NOW: i64 = 1_795_219_200_000;

/// A cloud with this service alone, over a folder of its own.
pub(crate) struct Fixture {
    pub(crate) cloud: Arc<Cloud>,
    leave: Arc<Leave>,
    _folder: tempfile::TempDir,
}

/// Allows all but one action, and keeps what it was asked.
#[derive(Default)]
struct Leave {
    asked: Mutex<Vec<Access>>,
    denied: Mutex<&'static str>,
}

impl Authorizer for Leave {
    fn authorize<'a>(&'a self, _: &'a Cx, access: &'a Access) -> BoxFuture<'a, Result<()>> {
        self.asked.lock().unwrap().push(access.clone());
        let denied = access.action.0 == *self.denied.lock().unwrap();
        Box::pin(async move { if denied { Err(Error::access_denied("no")) } else { Ok(()) } })
    }
}

impl Credentials for Leave {
    fn find<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Found>> {
        Box::pin(async { Ok(Found::UnknownKey) })
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), Options::default()).await.unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs"), 0).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW)));
        let leave = Arc::new(Leave::default());
        let parts = Parts {
            work: Work::new(store.clone(), clock.clone()),
            store,
            blobs,
            sealer: Arc::new(Sealer::new(&[1; 32])),
            clock,
            ids: Arc::new(RandomIds),
            limits: Limits::default(),
            account: AccountId::DEFAULT,
            region: "us-east-1".parse().unwrap(),
            authorizer: leave.clone(),
            credentials: leave.clone(),
        };
        let cloud = Cloud::new(parts, vec![Arc::new(Ssm)]);
        cloud.start();
        Self { cloud, leave, _folder: folder }
    }

    pub(crate) fn cx(&self) -> Cx {
        let account = AccountId::DEFAULT.as_str().to_owned();
        self.cloud.context(Principal::Root { account })
    }

    pub(crate) fn deny(&self, action: &'static str) {
        *self.leave.denied.lock().unwrap() = action;
    }

    pub(crate) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.cx().call::<O>(input).await
    }

    /// What was asked leave for since the last question: action and ARN.
    pub(crate) fn asked(&self) -> Vec<(String, String)> {
        let asked = std::mem::take(&mut *self.leave.asked.lock().unwrap());
        asked.iter().map(|a| (a.action.to_string(), a.resource.as_str().to_owned())).collect()
    }

    /// The condition keys of the last thing asked leave for.
    pub(crate) fn conditions(&self) -> Vec<(String, Vec<String>)> {
        let asked = self.leave.asked.lock().unwrap();
        asked.last().map(|access| access.context.clone()).unwrap_or_default()
    }

    /// A request as it comes over the wire, and the answer's JSON. An error answers its `__type`
    /// and message.
    pub(crate) async fn wire(&self, operation: &str, body: &str) -> Value {
        match self.answer(operation, body).await {
            Ok(answer) => answer,
            Err(error) => serde_json::json!({
                "__type": error.code,
                "message": error.message,
                "status": error.status,
            }),
        }
    }

    async fn answer(&self, operation: &str, body: &str) -> Result<Value> {
        let endpoint = self.cloud.registry().endpoint(&cumulet_api_ssm::SERVICE, operation)?;
        let (method, headers) = (http::Method::POST, http::HeaderMap::new());
        let mut message = Message {
            method: &method,
            path: "/",
            query: "",
            headers: &headers,
            labels: Vec::new(),
            body: body.to_owned().into(),
            stream: None,
            form: None,
        };
        let (meta, protocol) = (endpoint.meta(), Protocol::AwsJson11);
        let call = {
            let mut reader = cumulet_wire::read(protocol, &mut message, 64)
                .map_err(|why| Error::unreadable(&why))?;
            endpoint.decode(reader.as_mut())?
        };
        let output = call.run(self.cx()).await?;
        let answer = cumulet_wire::answer(protocol, meta, output, "request");
        let bytes = answer.into_body().collect(1 << 24).await.unwrap();
        Ok(serde_json::from_slice(&bytes).unwrap())
    }
}

/// Runs the cases of a Markdown file in their order against one cloud: each block `request` has an
/// operation and its body, the block `response` after it the answer. `"…"` stands for any value.
pub(crate) async fn run_cases(text: &str) {
    let fixture = Fixture::new().await;
    let mut request = None;
    let mut blocks = text.split("```");
    let mut count = 0;
    while let (Some(_), Some(block)) = (blocks.next(), blocks.next()) {
        let (kind, content) = block.split_once('\n').unwrap();
        match kind {
            "request" => request = Some(content.trim()),
            "response" => {
                let asked = request.take().expect("a response without a request");
                let (operation, body) = asked.split_once(' ').unwrap();
                let expected: Value = serde_json::from_str(content).expect(content);
                let actual = fixture.wire(operation, body).await;
                assert!(fits(&expected, &actual), "{asked}\nexpected {expected}\nactual {actual}");
                count += 1;
            }
            other => panic!("a block of kind {other:?}"),
        }
    }
    assert!(count > 0 && request.is_none());
}

fn fits(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(any), _) if any == "…" => true,
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .all(|(key, value)| actual.get(key).is_some_and(|actual| fits(value, actual)))
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| fits(e, a))
        }
        _ => expected == actual,
    }
}
