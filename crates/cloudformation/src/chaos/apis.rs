//! Stacks of REST APIs and distributions, beside others' that have the same names.
//!
//! Every operation that a resource type calls can be refused or be the engine's last, and every
//! step of a type. What is in the store tells what is there: when a stack has gone, or has failed to
//! come, the store is byte for byte as it was before it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cumulet_api_apigateway::ops::{
    CreateModel, CreateModelRequest, CreateResource, CreateResourceRequest, CreateRestApi,
    CreateRestApiRequest, PutGatewayResponse, PutGatewayResponseRequest, PutIntegration,
    PutIntegrationRequest, PutMethod, PutMethodRequest,
};
use cumulet_api_apigateway::types::{GatewayResponseType, IntegrationType};
use cumulet_api_cloudformation::ops::{
    DeleteStack, DeleteStackInput, DescribeStackEvents, DescribeStackEventsInput, UpdateStack,
    UpdateStackInput,
};
use cumulet_api_cloudfront::ops::{CreateOriginAccessControl, CreateOriginAccessControlRequest};
use cumulet_api_cloudfront::types::{
    OriginAccessControlConfig, OriginAccessControlOriginTypes, OriginAccessControlSigningBehaviors,
    OriginAccessControlSigningProtocols,
};
use cumulet_apigateway::RestApis;
use cumulet_cloudfront::CloudFront;
use cumulet_service::{
    Access, Actual, Authorizer, BoxFuture, Changed, Cx, Desired, Endpoint, Error, Resource, Result,
    Service,
};
use cumulet_shape::ServiceMeta;
use cumulet_store::{Direction, Key, Read as _};
use serde_json::{Map, Value, json};

use super::{Chaos, Fate, Random, in_lines, notes_are_gone, step, with_chaos};
use crate::testing::{Disk, Fixture};

/// Why a step may fail: by its fate, since there is something of the name, and since another step
/// failed.
const FATED: [&str; 6] = [
    "the thing refuses",
    "the thing breaks",
    "the operation refuses",
    "already",
    "same name as its parent",
    "Resource creation cancelled",
];
/// What others call what they have.
const TAKEN: &str = "taken";

/// Gives leave, unless it is fated otherwise.
struct Shaky;

impl Authorizer for Shaky {
    fn authorize<'a>(&'a self, cx: &'a Cx, _: &'a Access) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if cx.part().is_none() {
                return Ok(());
            }
            match with_chaos(cx.account(), Chaos::fate) {
                Fate::Works => Ok(()),
                Fate::Refuses | Fate::Breaks => Err(Error::validation("the operation refuses")),
                Fate::DiesBefore | Fate::DiesAfter => std::future::pending().await,
            }
        })
    }
}

/// A resource type whose steps have fates.
struct Shaken(&'static dyn Resource);

impl Shaken {
    /// The one over this type; there is one for each, however many clouds.
    fn of(resource: &'static dyn Resource) -> &'static Self {
        static ALL: Mutex<BTreeMap<&str, &Shaken>> = Mutex::new(BTreeMap::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(resource.type_name()).or_insert_with(|| Box::leak(Box::new(Self(resource))))
    }
}

impl Resource for Shaken {
    fn type_name(&self) -> &'static str {
        self.0.type_name()
    }

    fn replaces(&self, property: &str) -> bool {
        self.0.replaces(property)
    }

    fn is_noted(&self) -> bool {
        self.0.is_noted()
    }

    fn part_of(&self) -> Option<&'static str> {
        self.0.part_of()
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(step(cx, move |_| self.0.create(cx, desired)))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(step(cx, move |_| self.0.update(cx, changed)))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(step(cx, move |_| self.0.delete(cx, physical_id)))
    }

    fn remove<'a>(
        &'a self,
        cx: &'a Cx,
        physical_id: &'a str,
        before: &'a Map<String, Value>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(step(cx, move |_| self.0.remove(cx, physical_id, before)))
    }
}

/// A service with such types.
struct Shaking(Arc<dyn Service>);

impl Service for Shaking {
    fn meta(&self) -> &'static ServiceMeta {
        self.0.meta()
    }

    fn endpoints(self: Arc<Self>) -> Vec<Box<dyn Endpoint>> {
        Arc::clone(&self.0).endpoints()
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        let all = self.0.resources().into_iter();
        all.map(|resource| Shaken::of(resource) as &'static dyn Resource).collect()
    }
}

async fn cloud(disk: &Disk) -> Fixture {
    let services: [Arc<dyn Service>; 2] =
        [Arc::new(RestApis), CloudFront::open(&disk.store).await.unwrap()];
    let services = services.map(|service| Arc::new(Shaking(service)) as Arc<dyn Service>);
    Fixture::with(disk, Arc::new(Shaky), services.into())
}

/// All that the services keep. Versions are left out: what is given back what it was has another;
/// and what is empty, which is as if it were not there.
async fn world(disk: &Disk) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for service in ["apigateway", "cloudfront", "names"] {
        let (read, range) = (disk.store.snapshot(), Key::of_service(service).prefix());
        let page = read.range(&range, Direction::Forward, usize::MAX).await.unwrap();
        assert!(page.rest.is_none());
        for (key, value) in page.items {
            let mut value = serde_json::from_slice(value.get(2..).unwrap()).unwrap();
            compare(&mut value);
            all.insert(key.escape_ascii().to_string(), value);
        }
    }
    all
}

/// Leaves what is compared.
fn compare(value: &mut Value) {
    let Value::Object(members) = value else { return };
    members.remove("etag");
    members.values_mut().for_each(compare);
    members.retain(|_, value| !value.is_null() && *value != json!([]) && *value != json!({}));
}

/// What others have: an API, parts of it, and an origin access control. Gives the API's id.
async fn others(cx: &Cx) -> (String, String) {
    let input = CreateRestApiRequest { name: TAKEN.to_owned(), ..Default::default() };
    let api = cx.call::<CreateRestApi>(input).await.unwrap();
    let (rest_api_id, root) = (api.id.unwrap(), api.root_resource_id.unwrap());
    let input = CreateResourceRequest {
        rest_api_id: rest_api_id.clone(),
        parent_id: root.clone(),
        path_part: TAKEN.to_owned(),
    };
    cx.call::<CreateResource>(input).await.unwrap();
    let (resource_id, http_method) = (root.clone(), "PUT".to_owned());
    let input = PutMethodRequest {
        rest_api_id: rest_api_id.clone(),
        resource_id: resource_id.clone(),
        http_method: http_method.clone(),
        authorization_type: "NONE".to_owned(),
        ..Default::default()
    };
    cx.call::<PutMethod>(input).await.unwrap();
    let input = PutIntegrationRequest {
        rest_api_id: rest_api_id.clone(),
        resource_id,
        http_method,
        r#type: IntegrationType::Mock,
        ..Default::default()
    };
    cx.call::<PutIntegration>(input).await.unwrap();
    let input = CreateModelRequest {
        rest_api_id: rest_api_id.clone(),
        name: TAKEN.to_owned(),
        content_type: "application/json".to_owned(),
        ..Default::default()
    };
    cx.call::<CreateModel>(input).await.unwrap();
    let input = PutGatewayResponseRequest {
        rest_api_id: rest_api_id.clone(),
        response_type: GatewayResponseType::Default4xx,
        ..Default::default()
    };
    cx.call::<PutGatewayResponse>(input).await.unwrap();
    let origin_access_control_config = OriginAccessControlConfig {
        name: TAKEN.to_owned(),
        signing_protocol: OriginAccessControlSigningProtocols::Sigv4,
        signing_behavior: OriginAccessControlSigningBehaviors::Always,
        origin_access_control_origin_type: OriginAccessControlOriginTypes::S3,
        ..Default::default()
    };
    let input = CreateOriginAccessControlRequest { origin_access_control_config };
    cx.call::<CreateOriginAccessControl>(input).await.unwrap();
    (rest_api_id, root)
}

/// A stack's life.
struct Life {
    disk: Disk,
    at: Fixture,
    random: Random,
    /// Another's API and its root.
    other: (String, String),
    name: String,
    id: String,
    events: usize,
    told: String,
}

impl Life {
    /// A template: an API or parts of another's, and what a distribution refers to.
    fn template(&mut self) -> Value {
        let random = &mut self.random;
        let mut all = Map::new();
        // Now and then a name that another has, under which nothing can be made.
        let greedy = random.chance(25);
        let own = random.chance(70);
        let (api, root) = if own {
            let properties = json!({
                "Name": self.name, "Description": random.below(2).to_string(),
                "BinaryMediaTypes": if random.chance(50) { json!(["image/png"]) } else { json!([]) },
            });
            all.insert(
                "Api".into(),
                json!({"Type": "AWS::ApiGateway::RestApi",
                "Properties": properties}),
            );
            (json!({"Ref": "Api"}), json!({"Fn::GetAtt": ["Api", "RootResourceId"]}))
        } else {
            (json!(self.other.0), json!(self.other.1))
        };
        let name = |random: &mut Random, own: &str| {
            if greedy && random.chance(40) { TAKEN.to_owned() } else { own.to_owned() }
        };
        let part = format!("p{}", random.below(2));
        let part = name(random, &part);
        all.insert(
            "Part".into(),
            json!({"Type": "AWS::ApiGateway::Resource", "Properties": {
            "RestApiId": api, "ParentId": root, "PathPart": part}}),
        );
        let verb = if greedy { "PUT" } else { ["GET", "POST"][random.below(2) as usize] };
        let at = if greedy { root } else { json!({"Ref": "Part"}) };
        let parameters = json!({"method.response.header.X": random.chance(50)});
        all.insert(
            "Method".into(),
            json!({"Type": "AWS::ApiGateway::Method", "Properties": {
            "RestApiId": api, "ResourceId": at, "HttpMethod": verb, "AuthorizationType": "NONE",
            "MethodResponses": [{"StatusCode": 200, "ResponseParameters": parameters},
                {"StatusCode": 404}],
            "Integration": {"Type": "MOCK", "IntegrationResponses": [{"StatusCode": 200}]}}}),
        );
        let model = name(random, "Model");
        all.insert(
            "Model".into(),
            json!({"Type": "AWS::ApiGateway::Model", "Properties": {
            "RestApiId": api, "Name": model, "Schema": {"maxItems": random.below(2)}}}),
        );
        all.insert(
            "Validator".into(),
            json!({"Type": "AWS::ApiGateway::RequestValidator",
            "Properties": {"RestApiId": api, "ValidateRequestBody": random.chance(50)}}),
        );
        let response = if greedy { "DEFAULT_4XX" } else { "DEFAULT_5XX" };
        all.insert(
            "Response".into(),
            json!({"Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {"RestApiId": api, "ResponseType": response,
                "StatusCode": 430 + random.below(2)}}),
        );
        let uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
                   arn:aws:lambda:us-east-1:000000000000:function:f/invocations";
        all.insert(
            "Authorizer".into(),
            json!({"Type": "AWS::ApiGateway::Authorizer",
            "Properties": {"RestApiId": api, "Type": "TOKEN", "AuthorizerUri": uri,
                "IdentitySource": "method.request.header.X", "Name": self.name,
                "AuthorizerResultTtlInSeconds": random.below(2)}}),
        );
        all.insert(
            "Deployment".into(),
            json!({"Type": "AWS::ApiGateway::Deployment",
            "DependsOn": "Method",
            "Properties": {"RestApiId": api, "Description": random.below(2).to_string()}}),
        );
        let stage = format!("{}s{}", self.name, random.below(2));
        all.insert(
            "Stage".into(),
            json!({"Type": "AWS::ApiGateway::Stage", "Properties": {
            "RestApiId": api, "StageName": stage, "DeploymentId": {"Ref": "Deployment"},
            "Variables": {"V": random.below(2).to_string()},
            "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*",
                "MetricsEnabled": random.chance(50)}]}}),
        );
        let own_name = self.name.clone();
        let access = name(random, &own_name);
        all.insert(
            "Access".into(),
            json!({"Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {"OriginAccessControlConfig": {"Name": access, "SigningProtocol": "sigv4",
                "SigningBehavior": "always", "OriginAccessControlOriginType": "s3"}}}),
        );
        all.insert(
            "Cache".into(),
            json!({"Type": "AWS::CloudFront::CachePolicy", "Properties": {
            "CachePolicyConfig": {"Name": self.name, "MinTTL": random.below(2),
                "DefaultTTL": 60, "MaxTTL": 600}}}),
        );
        all.insert(
            "Headers".into(),
            json!({"Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {"ResponseHeadersPolicyConfig": {"Name": self.name,
                "Comment": random.below(2).to_string()}}}),
        );
        all.insert(
            "Asked".into(),
            json!({"Type": "AWS::CloudFront::OriginRequestPolicy",
            "Properties": {"OriginRequestPolicyConfig": {"Name": self.name,
                "HeadersConfig": {"HeaderBehavior": "none"},
                "CookiesConfig": {"CookieBehavior": "none"},
                "QueryStringsConfig": {"QueryStringBehavior": "none"},
                "Comment": random.below(2).to_string()}}}),
        );
        all.insert(
            "Distribution".into(),
            json!({"Type": "AWS::CloudFront::Distribution",
            "Properties": {"DistributionConfig": {
                "Enabled": random.chance(70), "Comment": random.below(2).to_string(),
                "Origins": [{"Id": "o", "DomainName": "b.s3.us-east-1.amazonaws.com",
                    "OriginAccessControlId": {"Ref": "Access"}, "S3OriginConfig": {}}],
                "DefaultCacheBehavior": {"TargetOriginId": "o",
                    "ViewerProtocolPolicy": "allow-all", "CachePolicyId": {"Ref": "Cache"},
                    "OriginRequestPolicyId": {"Ref": "Asked"},
                    "ResponseHeadersPolicyId": {"Ref": "Headers"}}}}}),
        );
        for id in ["Model", "Validator", "Response", "Authorizer", "Distribution"] {
            if random.chance(30) {
                all.remove(id);
            }
        }
        json!({"Resources": all})
    }

    fn chaos<T>(&self, look: impl FnOnce(&mut Chaos) -> T) -> T {
        with_chaos(&self.disk.account, look)
    }

    fn shake(&mut self, seed: u64, percent_calm: u64) {
        let calm = self.random.chance(percent_calm);
        let mut draw = |most| if calm { 0 } else { self.random.below(most) };
        // A stack has some seventy steps: more than a few faults and none would come about.
        let drawn = (draw(12), draw(12), draw(60));
        self.chaos(|chaos| {
            chaos.random = Random(seed);
            (chaos.refuses, chaos.breaks, chaos.dies) = drawn;
        });
    }

    /// Waits until the stack rests; where the engine dies, starts it again.
    async fn settled(&mut self) -> String {
        for _ in 0..60_000 {
            if self.chaos(|chaos| chaos.dead) {
                self.at.stop().await;
                self.chaos(|chaos| chaos.dead = false);
                self.at = cloud(&self.disk).await;
                self.told += "\n  the engine dies";
            }
            let status = self.at.stack(&self.id).await.unwrap().stack_status.as_str();
            if !status.ends_with("_IN_PROGRESS") {
                self.tell(status).await;
                return status.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("does not come to rest:{}", self.told);
    }

    /// Takes on what has happened; whether something could not be removed.
    async fn tell(&mut self, status: &str) {
        let mut events = Vec::new();
        let mut next_token = None;
        loop {
            let input = DescribeStackEventsInput { stack_name: self.id.clone(), next_token };
            let page = self.at.cx.call::<DescribeStackEvents>(input).await.unwrap();
            events.extend(page.stack_events.unwrap());
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        events.reverse();
        for event in events.iter().skip(self.events) {
            let status = event.resource_status.map_or("?", |status| status.as_str());
            let reason = event.resource_status_reason.as_deref().unwrap_or_default();
            let logical = event.logical_resource_id.as_deref().unwrap_or_default();
            let physical = event.physical_resource_id.as_deref().unwrap_or_default();
            let _ = write!(self.told, "\n    {logical} {status} {physical} {reason}");
            let fated = FATED.iter().any(|words| reason.contains(words));
            let of_stack = event.physical_resource_id.as_ref() == Some(&self.id);
            let faultless = of_stack || !status.ends_with("_FAILED") || fated;
            self.expect(faultless, &format!("{logical} failed of itself"));
        }
        self.events = events.len();
        let _ = write!(self.told, "\n  {status}");
    }

    fn expect(&self, holds: bool, what: &str) {
        assert!(holds, "{what}:{}", self.told);
    }

    fn expect_same(&self, was: &BTreeMap<String, Value>, is: &BTreeMap<String, Value>) {
        let differs = |key: &&String| was.get(*key) != is.get(*key);
        let keys: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
        let told: String = keys
            .into_iter()
            .filter(differs)
            .map(|key| format!("\n  {key}\n    {:?}\n    {:?}", was.get(key), is.get(key)))
            .collect();
        self.expect(told.is_empty(), &format!("not all is as it was:{told}"));
    }

    /// One of each of what the template asks for, and nothing else.
    fn expect_made(
        &self,
        template: &Value,
        was: &BTreeMap<String, Value>,
        is: &BTreeMap<String, Value>,
    ) {
        let wanted = |name: &str| {
            let all = template["Resources"].as_object().unwrap().values();
            all.filter(|resource| resource["Type"].as_str().unwrap().ends_with(name)).count()
        };
        let count = |all: &BTreeMap<String, Value>, part: &str| {
            // As a component of a key.
            let part = format!("\\x02{part}\\x00");
            all.keys().filter(|key| key.contains(&part) && !key.contains("names")).count()
        };
        let apis = wanted("::RestApi");
        for (part, name, more) in [
            ("api", "::RestApi", 0),
            ("resource", "::Resource", apis),
            ("model", "::Model", 0),
            ("validator", "::RequestValidator", 0),
            ("gatewayresponse", "::GatewayResponse", 0),
            ("authorizer", "::Authorizer", 0),
            ("deployment", "::Deployment", 0),
            ("snapshot", "::Deployment", 0),
            ("stage", "::Stage", 0),
            ("origin-access-control", "::OriginAccessControl", 0),
            ("cache-policy", "::CachePolicy", 0),
            ("origin-request-policy", "::OriginRequestPolicy", 0),
            ("response-headers-policy", "::ResponseHeadersPolicy", 0),
            ("distribution", "::Distribution", 0),
        ] {
            let made = count(is, part).checked_sub(count(was, part));
            let words = format!("{made:?} of {part}, not {}", wanted(name) + more);
            self.expect(made == Some(wanted(name) + more), &words);
        }
    }

    async fn run(&mut self, seed: u64) {
        let empty = world(&self.disk).await;
        self.shake(seed, 30);
        let mut template = self.template();
        let _ = write!(self.told, "\ncreate {template}");
        self.id = self.at.create(&self.name, &template).await.unwrap();
        let mut status = self.settled().await;
        let mut before = world(&self.disk).await;
        for round in 1..=self.random.below(4) {
            match status.as_str() {
                "CREATE_COMPLETE" | "UPDATE_COMPLETE" => {
                    self.expect_made(&template, &empty, &before);
                }
                "UPDATE_ROLLBACK_COMPLETE" => {}
                _ => break,
            }
            self.shake(seed + round, 20);
            template = self.template();
            let _ = write!(self.told, "\nupdate {template}");
            let input = UpdateStackInput {
                stack_name: self.name.clone(),
                template_body: Some(template.to_string()),
                ..UpdateStackInput::default()
            };
            let faults = self.told.matches("DELETE_FAILED").count();
            match self.at.cx.call::<UpdateStack>(input).await {
                Err(error) if error.message.starts_with("No updates") => continue,
                done => drop(done.unwrap()),
            }
            status = self.settled().await;
            let after = world(&self.disk).await;
            // What could not be removed stays until the stack goes.
            if self.told.matches("DELETE_FAILED").count() > faults {
                break;
            }
            if status == "UPDATE_ROLLBACK_COMPLETE" {
                self.expect_same(&before, &after);
            }
            before = after;
        }
        if status == "ROLLBACK_COMPLETE" {
            self.expect_same(&empty, &before);
        }
        for percent_calm in [20, 100] {
            self.shake(seed + 9, percent_calm);
            if status != "DELETE_COMPLETE" {
                self.told += "\ndelete";
                let input = DeleteStackInput { stack_name: self.id.clone(), ..Default::default() };
                self.at.cx.call::<DeleteStack>(input).await.unwrap();
                status = self.settled().await;
            }
        }
        self.expect(status == "DELETE_COMPLETE", "the stack does not go");
        self.expect_same(&empty, &world(&self.disk).await);
    }
}

async fn run(disk: &Disk, other: &(String, String), seed: u64) {
    with_chaos(&disk.account, |chaos| *chaos = Chaos::default());
    let mut life = Life {
        at: cloud(disk).await,
        disk: disk.clone(),
        random: Random(seed),
        other: other.clone(),
        name: format!("c{seed}x"),
        id: String::new(),
        events: 0,
        told: format!("\nseed {seed}"),
    };
    life.run(seed).await;
    life.expect(notes_are_gone(&life.at.cx).await, "a note of an attempt is left");
    life.at.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apis_and_distributions_are_made_once() {
    in_lines(200, 24, |disk, seeds| async move {
        let at = cloud(&disk).await;
        let other = others(&at.cx).await;
        at.stop().await;
        for seed in seeds {
            run(&disk, &other, seed).await;
        }
    })
    .await;
}
