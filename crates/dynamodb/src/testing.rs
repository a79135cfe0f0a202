//! A cloud in this process for tests: a store in a temporary folder, a clock that stands still,
//! everything allowed.

use std::sync::Arc;
use std::time::Duration;

use cumulet_api_dynamodb::ops::{CreateTable, CreateTableInput};
use cumulet_api_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use cumulet_attribute::{Attributes, Item, ItemBuilder};
use cumulet_base::{Limits, ManualClock, SeededIds, Timestamp};
use cumulet_service::{
    Access, Authorizer, BoxFuture, Cloud, Credentials, Cx, Found, Parts, Principal, Result,
};
use cumulet_shape::Operation;
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_work::Work;

use crate::tables::TableName;
use crate::{DynamoDb, Streams};

/// A cloud with nothing but DynamoDB.
pub(crate) struct Testing {
    pub(crate) cx: Cx,
    pub(crate) service: Arc<DynamoDb>,
    pub(crate) clock: Arc<ManualClock>,
    /// Gone with its folder.
    _folder: tempfile::TempDir,
}

struct Anyone;

impl Authorizer for Anyone {
    fn authorize<'a>(&'a self, _: &'a Cx, _: &'a Access) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl Credentials for Anyone {
    fn find<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Found>> {
        Box::pin(async { Ok(Found::UnknownKey) })
    }
}

impl Testing {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { min_free_bytes: 0, ..Options::default() };
        let store = Store::open(&folder.path().join("store"), options).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let service = DynamoDb::open(&store, &limits).await.unwrap();
        let parts = Parts {
            blobs: Blobs::open(&folder.path().join("blobs"), 0).await.unwrap(),
            work: Work::new(store.clone(), clock.clone()),
            sealer: Arc::new(Sealer::new(&[7; 32])),
            clock: clock.clone(),
            ids: Arc::new(SeededIds::new(1)),
            limits,
            account: "123456789012".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            authorizer: Arc::new(Anyone),
            credentials: Arc::new(Anyone),
            store,
        };
        let cloud = Cloud::new(parts, vec![service.clone(), Arc::new(Streams)]);
        cloud.start();
        let cx = cloud.context(Principal::Root { account: "123456789012".to_owned() });
        Self { cx, service, clock, _folder: folder }
    }

    pub(crate) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.cx.call::<O>(input).await
    }

    /// The message of a refusal.
    pub(crate) async fn refused<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(input).await {
            Ok(_) => panic!("{} was not refused", O::META.name),
            Err(error) => error.message,
        }
    }

    /// A table with the hash key `pk` and the range key `sk`, a string and a number.
    pub(crate) async fn table(&self, name: &str, more: CreateTableInput) -> TableName {
        let mut attribute_definitions = definitions(&[("pk", "S"), ("sk", "N")]);
        attribute_definitions.extend(more.attribute_definitions.unwrap_or_default());
        let input = CreateTableInput {
            table_name: name.to_owned(),
            key_schema: Some(key_schema("pk", Some("sk"))),
            attribute_definitions: Some(attribute_definitions),
            billing_mode: Some(BillingMode::PayPerRequest),
            ..more
        };
        self.call::<CreateTable>(input).await.unwrap();
        TableName::parse(&self.cx, name).unwrap()
    }

    /// Waits until `done`, which background work must bring about.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, done: impl Fn() -> F) {
        for _ in 0..3_000 {
            if done().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come about");
    }
}

pub(crate) fn key_schema(hash: &str, range: Option<&str>) -> Vec<KeySchemaElement> {
    let element =
        |name: &str, key_type| KeySchemaElement { attribute_name: name.to_owned(), key_type };
    let hash = element(hash, KeyType::Hash);
    std::iter::once(hash).chain(range.map(|name| element(name, KeyType::Range))).collect()
}

pub(crate) fn definitions(pairs: &[(&str, &str)]) -> Vec<AttributeDefinition> {
    let definition = |(name, kind): &(&str, &str)| AttributeDefinition {
        attribute_name: (*name).to_owned(),
        attribute_type: ScalarAttributeType::from_wire(kind).unwrap(),
    };
    pairs.iter().map(definition).collect()
}

/// An item of strings and, where the text is one, numbers.
pub(crate) fn item(pairs: &[(&str, &str)]) -> Item {
    let mut builder = ItemBuilder::new();
    for (name, text) in pairs {
        builder.name(name);
        if text.parse::<f64>().is_ok() {
            builder.number(text);
        } else {
            builder.string(text);
        }
    }
    builder.finish().unwrap()
}

/// The same as a parameter.
pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    item(pairs).into()
}
