//! A cloud in this process with a resource type that does what a test tells it to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cumulet_api_cloudformation::ops::{
    CreateStack, CreateStackInput, DescribeStackEvents, DescribeStackEventsInput, DescribeStacks,
    DescribeStacksInput,
};
use cumulet_api_cloudformation::types::Stack;
use cumulet_base::{AccountId, Limits, ManualClock, RandomIds, Timestamp};
use cumulet_service::{
    Access, Actual, Authorizer, BoxFuture, Changed, Cloud, Credentials, Cx, Desired, Endpoint,
    Error, Found, Parts, Principal, Resource, Result, Service,
};
use cumulet_shape::ServiceMeta;
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_work::Work;
use serde_json::{Map, Value, json};

use crate::CloudFormation;

/// What is there outside of all stacks, by cloud: physical id and properties. A test's own, since
/// it names its things by its own prefix.
static THINGS: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());

/// The things whose physical id begins so.
pub(crate) fn things(prefix: &str) -> BTreeMap<String, Value> {
    let things = THINGS.lock().unwrap_or_else(PoisonError::into_inner);
    let here = things.iter().filter(|(id, _)| id.starts_with(prefix));
    here.map(|(id, value)| (id.clone(), value.clone())).collect()
}

/// Lets steps through that are begun from now on.
pub(crate) fn open_gate(name: &str) {
    let mut things = THINGS.lock().unwrap_or_else(PoisonError::into_inner);
    things.insert(name.to_owned(), Value::Null);
}

/// `Test::Thing`: `Fail` makes every step fail, `FailDelete` its removal; `Hang` never ends a step that
/// is begun before the gate of that name is open;
/// a change of `Kind` needs a new one. Attribute `Value` is the property.
#[derive(Debug)]
struct Thing;

impl Thing {
    async fn put(id: &str, properties: &Map<String, Value>) -> Result<Actual> {
        if properties.get("Hang").is_some_and(|gate| things(gate.as_str().unwrap()).is_empty()) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        if properties.contains_key("Fail") {
            return Err(Error::validation("the thing fails"));
        }
        let mut things = THINGS.lock().unwrap_or_else(PoisonError::into_inner);
        things.insert(id.to_owned(), Value::Object(properties.clone()));
        let value = properties.get("Value").cloned().unwrap_or(json!(""));
        let attributes = Map::from_iter([("Value".to_owned(), value)]);
        Ok(Actual { physical_id: id.to_owned(), attributes })
    }
}

impl Resource for Thing {
    fn type_name(&self) -> &'static str {
        "Test::Thing"
    }

    fn replaces(&self, property: &str) -> bool {
        property == "Kind"
    }

    fn is_noted(&self) -> bool {
        false
    }

    fn create<'a>(&'a self, _: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::put(desired.name, desired.properties))
    }

    fn update<'a>(&'a self, _: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(Self::put(changed.physical_id, changed.after.properties))
    }

    fn delete<'a>(&'a self, _: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut things = THINGS.lock().unwrap_or_else(PoisonError::into_inner);
            if things.get(physical_id).is_some_and(|thing| thing.get("FailDelete").is_some()) {
                return Err(Error::validation("the thing stays"));
            }
            things.remove(physical_id);
            Ok(())
        })
    }
}

/// The service of the things.
struct Things;

impl Service for Things {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_ssm::SERVICE
    }

    fn endpoints(self: Arc<Self>) -> Vec<Box<dyn Endpoint>> {
        Vec::new()
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        vec![&Thing, &crate::chaos::Unsteady]
    }
}

/// Allows all, knows nobody.
struct Open;

impl Authorizer for Open {
    fn authorize<'a>(&'a self, _: &'a Cx, _: &'a Access) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Credentials for Open {
    fn find<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Found>> {
        Box::pin(async { Ok(Found::UnknownKey) })
    }
}

/// What outlives a cloud.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) account: AccountId,
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
}

impl Disk {
    pub(crate) async fn open(folder: &Path) -> Self {
        let store = Store::open(&folder.join("store"), Options::default()).await.unwrap();
        let blobs = Blobs::open(&folder.join("blobs"), 0).await.unwrap();
        Self { account: AccountId::DEFAULT, store, blobs }
    }
}

pub(crate) struct Fixture {
    pub(crate) cx: Cx,
}

impl Fixture {
    /// A cloud over the data in `folder`, at this many seconds after a moment.
    pub(crate) async fn open(folder: &Path, later: i64) -> Self {
        Self::at(&Disk::open(folder).await, later, Arc::new(Open), Vec::new())
    }

    /// A cloud over data.
    pub(crate) fn over(disk: &Disk) -> Self {
        Self::at(disk, 0, Arc::new(Open), Vec::new())
    }

    /// A cloud over data with more services, in which `authorizer` gives leave.
    pub(crate) fn with(
        disk: &Disk,
        authorizer: Arc<dyn Authorizer>,
        services: Vec<Arc<dyn Service>>,
    ) -> Self {
        Self::at(disk, 0, authorizer, services)
    }

    /// Breaks off what the cloud does, as a crash would.
    pub(crate) async fn stop(&self) {
        self.cx.cloud().parts().work.stop(Duration::ZERO).await;
    }

    fn at(
        disk: &Disk,
        later: i64,
        authorizer: Arc<dyn Authorizer>,
        mut services: Vec<Arc<dyn Service>>,
    ) -> Self {
        let (store, blobs) = (disk.store.clone(), disk.blobs.clone());
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_219_200 + later)));
        let parts = Parts {
            work: Work::new(store.clone(), clock.clone()),
            store,
            blobs,
            sealer: Arc::new(Sealer::new(&[1; 32])),
            clock,
            ids: Arc::new(RandomIds),
            limits: Limits::default(),
            account: disk.account.clone(),
            region: "us-east-1".parse().unwrap(),
            authorizer,
            credentials: Arc::new(Open),
        };
        services.extend([Arc::new(CloudFormation) as Arc<dyn Service>, Arc::new(Things)]);
        let cloud = Cloud::new(parts, services);
        cloud.start();
        let account = disk.account.as_str().to_owned();
        let cx = cloud.context(Principal::Root { account });
        Self { cx }
    }

    pub(crate) async fn create(&self, name: &str, template: &Value) -> Result<String> {
        let input = CreateStackInput {
            stack_name: name.to_owned(),
            template_body: Some(template.to_string()),
            ..CreateStackInput::default()
        };
        Ok(self.cx.call::<CreateStack>(input).await?.stack_id.unwrap())
    }

    pub(crate) async fn stack(&self, name: &str) -> Result<Stack> {
        let input = DescribeStacksInput { stack_name: Some(name.to_owned()), ..Default::default() };
        Ok(self.cx.call::<DescribeStacks>(input).await?.stacks.unwrap().remove(0))
    }

    /// The status in which the stack comes to rest.
    pub(crate) async fn settled(&self, id: &str) -> &'static str {
        for _ in 0..2_000 {
            let status = self.stack(id).await.unwrap().stack_status.as_str();
            if !status.ends_with("_IN_PROGRESS") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{id} does not come to rest");
    }

    /// Logical id and status of every event, the oldest first.
    pub(crate) async fn events(&self, id: &str) -> Vec<String> {
        let input = DescribeStackEventsInput { stack_name: id.to_owned(), ..Default::default() };
        let events = self.cx.call::<DescribeStackEvents>(input).await.unwrap().stack_events;
        let line = |event: &cumulet_api_cloudformation::types::StackEvent| {
            let status = event.resource_status.map_or("-", |status| status.as_str());
            format!("{} {status}", event.logical_resource_id.as_deref().unwrap())
        };
        events.unwrap().iter().rev().map(line).collect()
    }
}
