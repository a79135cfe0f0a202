//! The data plane against an origin that counts what it is asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cumulet_api_cloudfront::ops::{
    CreateDistribution, CreateDistributionRequest, CreateInvalidation, CreateInvalidationRequest,
};
use cumulet_api_cloudfront::types::{
    CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, InvalidationBatch, Origin,
    OriginProtocolPolicy, Origins, Paths, ViewerProtocolPolicy,
};
use cumulet_base::{AccountId, Body, Limits, ManualClock, RandomIds, Timestamp};
use cumulet_service::{
    Access, Authorizer, BoxFuture, Cloud, Credentials, Cx, Error, Fetch, FetchError, Found, Parts,
    Principal, RequestInfo, Result, Site, Sites as _,
};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_work::Work;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::{CloudFront, Distributions};

const OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const ORIGIN_SAYS: &str = "83da9c7e-98b4-4e11-a168-04f0df8e2c65";
const SECONDS: Duration = Duration::from_secs(60);

/// Allows everything.
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

type Answer = dyn Fn(&Request<Body>) -> Result<Response<Body>, FetchError> + Send;

/// The origin of every distribution: answers as a test says, and only while it holds a permit.
struct World {
    asked: AtomicUsize,
    seen: Mutex<Vec<(String, HeaderMap)>>,
    answer: Mutex<Box<Answer>>,
    open: Semaphore,
}

impl Fetch for World {
    fn fetch(
        &self,
        cx: Cx,
        request: Request<Body>,
    ) -> BoxFuture<'_, Result<Response<Body>, FetchError>> {
        Box::pin(async move {
            assert!(matches!(cx.principal(), Principal::Service { .. }));
            self.asked.fetch_add(1, Ordering::SeqCst);
            let seen = (request.uri().to_string(), request.headers().clone());
            self.seen.lock().unwrap().push(seen);
            let _open = self.open.acquire().await.unwrap();
            self.answer.lock().unwrap()(&request)
        })
    }
}

struct Test {
    cloud: Arc<Cloud>,
    clock: Arc<ManualClock>,
    world: Arc<World>,
    site: Arc<dyn Site>,
    distribution: String,
    _folder: tempfile::TempDir,
}

fn text(status: u16, body: &str, headers: &[(&'static str, &str)]) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().append(*name, value.parse().unwrap());
    }
    response
}

fn behaviour(policy: &str) -> DefaultCacheBehavior {
    DefaultCacheBehavior {
        target_origin_id: "world".into(),
        viewer_protocol_policy: ViewerProtocolPolicy::AllowAll,
        cache_policy_id: Some(policy.into()),
        ..DefaultCacheBehavior::default()
    }
}

impl Test {
    async fn new(default: DefaultCacheBehavior) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), Options::default()).await.unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs"), 0).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_219_200)));
        let service = CloudFront::open(&store).await.unwrap();
        let sites = Distributions::new(&service);
        let parts = Parts {
            work: Work::new(store.clone(), clock.clone()),
            store,
            blobs,
            sealer: Arc::new(Sealer::new(&[1; 32])),
            clock: clock.clone(),
            ids: Arc::new(RandomIds),
            limits: Limits::default(),
            account: AccountId::DEFAULT,
            region: "us-east-1".parse().unwrap(),
            authorizer: Arc::new(Open),
            credentials: Arc::new(Open),
        };
        let cloud = Cloud::new(parts, vec![service]);
        let world = Arc::new(World {
            asked: AtomicUsize::new(0),
            seen: Mutex::default(),
            answer: Mutex::new(Box::new(|_| Ok(text(200, "hello", &[("etag", "\"1\"")])))),
            open: Semaphore::new(1000),
        });
        cloud.connect(world.clone());
        cloud.start();
        let account = AccountId::DEFAULT.as_str().to_owned();
        let cx = cloud.context(Principal::Root { account });
        let config = config(default);
        let request = CreateDistributionRequest { distribution_config: config };
        let made = cx.call::<CreateDistribution>(request).await.unwrap().distribution.unwrap();
        let (site, _) = sites.find(&made.domain_name, "/").unwrap();
        Arc::new(Self { cloud, clock, world, site, distribution: made.id, _folder: folder })
    }

    fn asked(&self) -> usize {
        self.world.asked.load(Ordering::SeqCst)
    }

    fn answers(
        &self,
        answer: impl Fn(&Request<Body>) -> Result<Response<Body>, FetchError> + Send + 'static,
    ) {
        *self.world.answer.lock().unwrap() = Box::new(answer);
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        let cx = self.cloud.context(Principal::Anonymous);
        let info = RequestInfo {
            endpoint: "http://d1.cloudfront.net".into(),
            secure: false,
            source_ip: Some("192.0.2.7".parse().unwrap()),
            ..cx.request().clone()
        };
        self.site.serve(cx.with_request(info), request).await
    }

    /// Status, `X-Cache`'s first word, body.
    async fn get(&self, path: &str) -> String {
        shown(self.send(Request::get(path).body(Body::empty()).unwrap()).await).await
    }

    async fn invalidate(&self, path: &str) {
        let account = AccountId::DEFAULT.as_str().to_owned();
        let cx = self.cloud.context(Principal::Root { account });
        let paths = Paths { quantity: 1, items: Some(vec![path.to_owned()]) };
        let caller_reference = cx.ids().uuid();
        let request = CreateInvalidationRequest {
            distribution_id: self.distribution.clone(),
            invalidation_batch: InvalidationBatch { paths, caller_reference },
        };
        cx.call::<CreateInvalidation>(request).await.unwrap();
    }
}

async fn shown(response: Response<Body>) -> String {
    let cache = response.headers().get("x-cache").map(|v| v.to_str().unwrap().to_owned());
    let cache = cache.unwrap_or_default();
    let cache = cache.split(' ').next().unwrap().to_owned();
    let status = response.status().as_u16();
    let body = response.into_body().collect(1 << 24).await.unwrap();
    let body = String::from_utf8_lossy(&body);
    let body = if body.len() > 100 { "page" } else { &body };
    format!("{status} {cache} {body}")
}

fn config(default: DefaultCacheBehavior) -> DistributionConfig {
    let custom = CustomOriginConfig {
        http_port: 80,
        https_port: 8443,
        origin_protocol_policy: OriginProtocolPolicy::HttpsOnly,
        ..CustomOriginConfig::default()
    };
    let origin = Origin {
        id: "world".into(),
        domain_name: "origin.example".into(),
        origin_path: Some("/base".into()),
        custom_origin_config: Some(custom),
        ..Origin::default()
    };
    DistributionConfig {
        caller_reference: "test".into(),
        enabled: true,
        origins: Origins { quantity: 1, items: vec![origin] },
        default_cache_behavior: default,
        ..DistributionConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_misses_are_one_fetch() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    // The origin answers when all have been sent.
    let closed = test.world.open.acquire_many(1000).await.unwrap();
    let viewers: Vec<_> = (0..100)
        .map(|_| {
            let test = Arc::clone(&test);
            tokio::spawn(async move { test.get("/same").await })
        })
        .collect();
    while test.asked() == 0 {
        tokio::task::yield_now().await;
    }
    drop(closed);
    let mut hits = 0;
    for viewer in viewers {
        let answer = tokio::time::timeout(SECONDS, viewer).await.unwrap().unwrap();
        hits += usize::from(answer == "200 Hit hello");
        assert!(answer == "200 Hit hello" || answer == "200 Miss hello", "{answer}");
    }
    assert_eq!((test.asked(), hits), (1, 99));
}

#[tokio::test]
async fn one_fetch_a_lifetime() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    test.answers(|request| {
        let known = request.headers().get("if-none-match").is_some_and(|etag| etag == "\"1\"");
        let status = if known { 304 } else { 200 };
        let body = if known { "" } else { "hello" };
        Ok(text(status, body, &[("etag", "\"1\""), ("cache-control", "max-age=60")]))
    });
    assert_eq!(test.get("/a").await, "200 Miss hello");
    test.clock.advance(Duration::from_secs(59));
    assert_eq!(test.get("/a").await, "200 Hit hello");
    assert_eq!(test.asked(), 1);
    test.clock.advance(Duration::from_secs(2));
    assert_eq!(test.get("/a").await, "200 RefreshHit hello");
    assert_eq!(test.get("/a").await, "200 Hit hello");
    assert_eq!(test.asked(), 2);
    // Another path is another object.
    assert_eq!(test.get("/b").await, "200 Miss hello");
    assert_eq!(test.asked(), 3);
}

#[tokio::test]
async fn a_viewer_who_leaves_hands_his_fetch_on() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    let closed = test.world.open.acquire_many(1000).await.unwrap();
    let get = || {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/a").await })
    };
    let first = get();
    while test.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = get();
    tokio::task::yield_now().await;
    first.abort();
    let _ = first.await;
    drop(closed);
    let answer = tokio::time::timeout(SECONDS, second).await.unwrap().unwrap();
    assert_eq!((answer.as_str(), test.asked()), ("200 Miss hello", 2));
}

#[tokio::test]
async fn what_is_one_viewers_alone_is_not_shared() {
    let test = Test::new(behaviour(ORIGIN_SAYS)).await;
    test.answers(|_| Ok(text(200, "mine", &[("cache-control", "private")])));
    let closed = test.world.open.acquire_many(1000).await.unwrap();
    let viewers: Vec<_> = (0..5)
        .map(|_| {
            let test = Arc::clone(&test);
            tokio::spawn(async move { test.get("/a").await })
        })
        .collect();
    while test.asked() == 0 {
        tokio::task::yield_now().await;
    }
    drop(closed);
    for viewer in viewers {
        let answer = tokio::time::timeout(SECONDS, viewer).await.unwrap().unwrap();
        assert_eq!(answer, "200 Miss mine");
    }
    assert_eq!(test.asked(), 5);
}

#[tokio::test]
async fn a_failing_origin_is_stood_in_for() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    test.answers(|_| Ok(text(200, "kept", &[("cache-control", "max-age=5")])));
    assert_eq!(test.get("/a").await, "200 Miss kept");
    test.clock.advance(Duration::from_secs(6));
    test.answers(|_| Ok(text(500, "broken", &[])));
    assert_eq!(test.get("/a").await, "200 Hit kept");
    let asked = test.asked();
    // For as long as the error would be kept, the origin is left in peace.
    assert_eq!(test.get("/a").await, "200 Hit kept");
    assert_eq!(test.asked(), asked);
    test.clock.advance(Duration::from_secs(11));
    test.answers(|_| Err(FetchError::Unreachable("no route".into())));
    assert_eq!(test.get("/a").await, "200 Hit kept");
    // Nothing kept: CloudFront's own pages.
    assert_eq!(test.get("/b").await, "502 Error page");
    test.answers(|_| Err(FetchError::TimedOut("slow".into())));
    assert_eq!(test.get("/c").await, "504 Error page");
    // stale-if-error=0 forbids it.
    let none = [("cache-control", "max-age=5, stale-if-error=0")];
    test.answers(move |_| Ok(text(200, "strict", &none)));
    assert_eq!(test.get("/d").await, "200 Miss strict");
    test.clock.advance(Duration::from_secs(6));
    test.answers(|_| Ok(text(500, "broken", &[])));
    assert_eq!(test.get("/d").await, "500 Error broken");
}

#[tokio::test]
async fn errors_are_kept_for_ten_seconds() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    test.answers(|_| Ok(text(404, "none", &[])));
    assert_eq!(test.get("/a").await, "404 Error none");
    assert_eq!(test.get("/a").await, "404 Error none");
    assert_eq!(test.asked(), 1);
    test.clock.advance(Duration::from_secs(11));
    assert_eq!(test.get("/a").await, "404 Error none");
    assert_eq!(test.asked(), 2);
}

#[tokio::test]
async fn an_invalidation_reaches_a_fetch_under_way() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    let count = AtomicUsize::new(0);
    test.answers(move |_| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(text(200, if first { "old" } else { "new" }, &[]))
    });
    let closed = test.world.open.acquire_many(1000).await.unwrap();
    let early = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/a").await })
    };
    while test.asked() == 0 {
        tokio::task::yield_now().await;
    }
    // What was asked for before the invalidation must not be served after it.
    test.invalidate("/a").await;
    let late = {
        let test = Arc::clone(&test);
        tokio::spawn(async move { test.get("/a").await })
    };
    tokio::task::yield_now().await;
    drop(closed);
    assert_eq!(early.await.unwrap(), "200 Miss old");
    assert_eq!(late.await.unwrap(), "200 Miss new");
    assert_eq!(test.get("/a").await, "200 Hit new");
    test.invalidate("/other").await;
    assert_eq!(test.get("/a").await, "200 Hit new");
}

#[tokio::test]
async fn requests_to_the_origin_say_what_they_should() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    let request = Request::get("/a?b=c")
        .header("host", "d1.cloudfront.net")
        .header("authorization", "Bearer t")
        .header("cookie", "a=1")
        .header("accept-encoding", "gzip, br")
        .header("accept-language", "de")
        .header("user-agent", "curl")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-own", "mine")
        .header("cache-control", "no-cache")
        .header("range", "bytes=0-1");
    let response = test.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    let (url, headers) = test.world.seen.lock().unwrap().pop().unwrap();
    assert_eq!(url, "https://origin.example:8443/base/a");
    let mut sent: Vec<String> = headers
        .iter()
        .filter(|(name, _)| *name != "x-amz-cf-id" && *name != "via")
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    sent.sort();
    let expect = [
        "accept-encoding: br,gzip",
        "cache-control: no-cache",
        "host: origin.example:8443",
        "user-agent: Amazon CloudFront",
        "x-forwarded-for: 10.0.0.1, 192.0.2.7",
    ];
    assert_eq!(sent, expect);
    assert!(headers["via"].to_str().unwrap().ends_with(".cloudfront.net (CloudFront)"));
    assert_eq!(headers["x-amz-cf-id"].len(), 56);
    // A viewer's wish does not pass the cache.
    let again = Request::get("/a").header("cache-control", "no-cache");
    let again = again.header("accept-encoding", "br;q=1, gzip").body(Body::empty()).unwrap();
    assert_eq!(shown(test.send(again).await).await, "200 Hit hello");
}

#[tokio::test]
async fn what_a_viewer_may_not_is_refused_here() {
    let secure = DefaultCacheBehavior {
        viewer_protocol_policy: ViewerProtocolPolicy::HttpsOnly,
        ..behaviour(OPTIMIZED)
    };
    let test = Test::new(secure).await;
    assert_eq!(test.get("/a").await, "403 Error page");
    let test = Test::new(behaviour(OPTIMIZED)).await;
    for (method, path, body, status) in [
        (Method::POST, "/a".to_owned(), "x", 403),
        (Method::GET, "/a".to_owned(), "x", 403),
        (Method::GET, format!("/{}", "a".repeat(9000)), "", 413),
        (Method::GET, "/a".to_owned(), "", 200),
    ] {
        let request = Request::builder().method(&method).uri(&path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = test.send(request).await;
        assert_eq!(answer.status().as_u16(), status, "{method} {}", path.len());
    }
    assert_eq!(test.asked(), 1);
}

#[tokio::test]
async fn cookies_of_one_viewer_do_not_reach_another() {
    let test = Test::new(behaviour(OPTIMIZED)).await;
    test.answers(|_| {
        let headers = [("set-cookie", "session=1"), ("vary", "origin, accept-encoding")];
        Ok(text(200, "hello", &headers))
    });
    let request = Request::get("/a").body(Body::empty()).unwrap();
    let response = test.send(request).await;
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(response.headers()["vary"], "accept-encoding");
}

#[test]
fn errors_have_their_names() {
    use crate::error::Error as Own;
    use crate::model::PolicyKind;
    for (error, code, status) in [
        (Own::NoSuchDistribution, "NoSuchDistribution", 404),
        (Own::PreconditionFailed, "PreconditionFailed", 412),
        (Own::DistributionNotDisabled, "DistributionNotDisabled", 409),
        (Own::PolicyInUse(PolicyKind::CachePolicy), "CachePolicyInUse", 409),
        (Own::BatchTooLarge, "BatchTooLarge", 413),
    ] {
        let error = Error::from(error);
        assert_eq!((error.code.as_ref(), error.status), (code, status));
    }
}
