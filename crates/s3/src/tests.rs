//! Requests through the gateway, and resources, in a cloud of this service alone.

use std::sync::Arc;

use cumulet_api_s3::ops::{
    CreateBucket, CreateBucketRequest, DeleteObject, DeleteObjectRequest, GetBucketTagging,
    GetBucketTaggingRequest, GetBucketVersioning, GetBucketVersioningRequest, GetObject,
    GetObjectRequest, HeadBucket, HeadBucketRequest, PutObject, PutObjectRequest,
};
use cumulet_auth::policy::{self, Keys, Kind, Policies, ResourcePolicy};
use cumulet_auth::sigv4::{Payload, Secret, Signer, Streaming as Chunks, Style};
use cumulet_base::{
    AccountId, Body, Clock as _, Limits, ManualClock, SeededIds, SystemClock, Timestamp,
};
use cumulet_gateway::Gateway;
use cumulet_net::{Address, Handler as _, Peer};
use cumulet_service::{
    Access, Authorizer, BoxFuture, Changed, Cloud, Credentials, Cx, Desired, Error, Found,
    Identity, Parts, Principal, Resource as _, Result,
};
use cumulet_shape::Streaming;
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_work::Work;
use http::{Request, Response};
use serde_json::{Map, Value, json};

use crate::S3;
use crate::resources::{Bucket, BucketPolicy};

const ACCOUNT: &str = "123456789012";
const KEY: &str = "AKIAEXAMPLE";

/// Root may all; others what the bucket's policy says.
struct Rules;

impl Authorizer for Rules {
    fn authorize<'a>(&'a self, cx: &'a Cx, access: &'a Access) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (arn, account) = (cx.principal().arn(), cx.principal().account());
            let account = account.map(|account| account.to_string()).unwrap_or_default();
            let mut keys = Keys::default();
            let who = match cx.principal() {
                Principal::Root { .. } => policy::Principal {
                    kind: Kind::Root,
                    arn: &arn,
                    account: &account,
                    ..policy::Principal::ANONYMOUS
                },
                Principal::Service { name, source_arn, .. } => {
                    if let Some(arn) = source_arn {
                        keys = keys.with("aws:SourceArn", policy::Values::one(arn.clone()));
                    }
                    policy::Principal::service(name)
                }
                _ => policy::Principal::ANONYMOUS,
            };
            let request = policy::Request {
                principal: who,
                action: access.action.0,
                resource: access.resource.as_str(),
                resource_account: access.owner.as_str(),
                now: Timestamp::from_secs(0),
                context: &keys,
            };
            let resource = access.policy.as_deref();
            let resource = resource.map(|document| ResourcePolicy { document, required: false });
            let policies = Policies { resource, ..Policies::default() };
            let root = matches!(cx.principal(), Principal::Root { .. });
            match policy::evaluate(&request, &policies) {
                policy::Decision::Allow(_) => Ok(()),
                policy::Decision::Deny(_) if root && access.policy.is_none() => Ok(()),
                policy::Decision::Deny(denial) => {
                    Err(Error::access_denied(denial.message(&request)))
                }
            }
        })
    }
}

impl Credentials for Rules {
    fn find<'a>(&'a self, key: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Found>> {
        Box::pin(async move {
            if key != KEY {
                return Ok(Found::UnknownKey);
            }
            Ok(Found::Identity(Identity { secret: secret(), principal: Arc::new(root()) }))
        })
    }
}

fn secret() -> Secret {
    Secret::new("secret".to_owned())
}

fn root() -> Principal {
    Principal::Root { account: ACCOUNT.to_owned() }
}

struct Test {
    folder: tempfile::TempDir,
    cloud: Arc<Cloud>,
    gateway: Gateway,
}

impl Test {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).await.unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs"), 0).await.unwrap();
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let parts = Parts {
            work: Work::new(store.clone(), clock.clone()),
            store,
            blobs,
            sealer: Arc::new(Sealer::new(&[1; 32])),
            clock,
            ids: Arc::new(SeededIds::new(1)),
            limits: Limits::default(),
            account: ACCOUNT.parse::<AccountId>().unwrap(),
            region: "us-east-1".parse().unwrap(),
            authorizer: Arc::new(Rules),
            credentials: Arc::new(Rules),
        };
        let cloud = Cloud::new(parts, vec![Arc::new(S3::new())]);
        let gateway = Gateway::new(Arc::clone(&cloud), Vec::new());
        let test = Self { folder, cloud, gateway };
        let input = CreateBucketRequest { bucket: "bucket".into(), ..Default::default() };
        test.cx().call::<CreateBucket>(input).await.unwrap();
        test
    }

    fn cx(&self) -> Cx {
        self.cloud.context(root())
    }

    async fn put(&self, key: &str, body: impl Into<Body>) {
        let input = PutObjectRequest {
            bucket: "bucket".into(),
            key: key.into(),
            body: Some(Streaming(body.into())),
            ..Default::default()
        };
        self.cx().call::<PutObject>(input).await.unwrap();
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>> {
        let (bucket, key) = ("bucket".to_owned(), key.to_owned());
        let input = GetObjectRequest { bucket, key, ..Default::default() };
        let output = self.cx().call::<GetObject>(input).await?;
        Ok(output.body.unwrap().0.collect(1 << 30).await.unwrap().to_vec())
    }

    async fn send(&self, request: Request<Body>) -> (u16, String) {
        let local = Address::Tcp("127.0.0.1:4566".parse().unwrap());
        let peer = Peer { addr: local, local, tls: None };
        let response: Response<Body> = self.gateway.handle(peer, request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect(1 << 20).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

/// An upload in signed chunks, the last signature of which `spoil` may change.
async fn chunked(test: &Test, key: &str, body: &[u8], spoil: bool) -> (u16, String) {
    let (mut parts, ()) = Request::builder()
        .method("PUT")
        .uri(format!("/bucket/{key}"))
        .header("host", "127.0.0.1:4566")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", body.len())
        .body(())
        .unwrap()
        .into_parts();
    let secret = secret();
    let signer = Signer {
        access_key: KEY,
        secret: &secret,
        session_token: None,
        region: "us-east-1",
        service: "s3",
        style: Style::S3,
    };
    let payload = Payload::Streaming(Chunks::Signed);
    let mut chain = signer.sign(&mut parts, payload, SystemClock.now()).unwrap().unwrap();
    let mut sent = Vec::new();
    for chunk in [body, &[]] {
        let mut framed = chain.sign_chunk(chunk);
        // The last digit of the signature, before the line's end.
        let end = framed.windows(2).position(|pair| pair == b"\r\n").unwrap();
        if spoil && !chunk.is_empty() {
            framed[end - 1] = if framed[end - 1] == b'0' { b'1' } else { b'0' };
        }
        sent.extend(framed);
    }
    test.send(Request::from_parts(parts, Body::from(sent))).await
}

#[tokio::test]
async fn chunks_count_only_with_their_signatures() {
    let test = Test::new().await;
    for body in [b"small".to_vec(), vec![7; 100_000]] {
        let (status, text) = chunked(&test, "good", &body, false).await;
        assert_eq!(status, 200, "{text}");
        assert_eq!(test.get("good").await.unwrap(), body);
        let (status, text) = chunked(&test, "bad", &body, true).await;
        assert!(text.contains("<Code>SignatureDoesNotMatch</Code>"), "{text}");
        assert_eq!(status, 403);
        assert_eq!(test.get("bad").await.unwrap_err().code, "NoSuchKey");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_old_object() {
    let test = Test::new().await;
    test.put("k", "old").await;
    let pieces = futures_util::stream::iter(vec![
        Ok(bytes::Bytes::from(vec![1; 50_000])),
        Err(cumulet_base::BodyError::Broken("gone".into())),
    ]);
    let input = PutObjectRequest {
        bucket: "bucket".into(),
        key: "k".into(),
        body: Some(Streaming(Body::stream(pieces, Some(100_000)))),
        ..Default::default()
    };
    assert_eq!(test.cx().call::<PutObject>(input).await.unwrap_err().code, "IncompleteBody");
    assert_eq!(test.get("k").await.unwrap(), b"old");
}

#[tokio::test]
async fn files_that_nothing_names_are_swept() {
    let test = Test::new().await;
    let service = S3::new();
    let files = || {
        let folders = std::fs::read_dir(test.folder.path().join("blobs")).unwrap();
        folders
            .map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap().count())
            .sum::<usize>()
    };
    test.put("a", vec![1; 50_000]).await;
    test.put("b", vec![1; 50_000]).await;
    test.put("b", vec![2; 50_000]).await;
    assert_eq!(files(), 3);
    assert_eq!(service.garbage.sweep(&test.cloud).await.unwrap(), 1);
    let input =
        DeleteObjectRequest { bucket: "bucket".into(), key: "a".into(), ..Default::default() };
    test.cx().call::<DeleteObject>(input).await.unwrap();
    assert_eq!(service.garbage.sweep(&test.cloud).await.unwrap(), 1);
    assert_eq!(files(), 1);
    assert_eq!(test.get("b").await.unwrap(), vec![2; 50_000]);
}

#[tokio::test]
async fn hosts_name_buckets_and_errors_are_bare() {
    let test = Test::new().await;
    let request = |host: &str, target: &str| {
        let request = Request::builder().uri(target).header("host", host);
        request.body(Body::empty()).unwrap()
    };
    let (status, text) = test.send(request("bucket.s3.us-east-1.localhost:4566", "/k")).await;
    assert_eq!(status, 403);
    assert!(text.contains("<Error><Code>AccessDenied</Code>"), "{text}");
    assert!(text.contains("<Resource>/bucket/k</Resource>"), "{text}");
    let (status, text) = test.send(request("nobody.localhost", "/")).await;
    assert_eq!(status, 404);
    assert!(text.contains("<BucketName>nobody</BucketName>"), "{text}");
}

fn properties(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn stacks_make_change_and_remove_buckets() {
    let test = Test::new().await;
    let cx = test.cx().attempting("bucket");
    let tags = [("stack".to_owned(), "s".to_owned())];
    let first = properties(&json!({
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {"BlockPublicPolicy": "false"},
        "CorsConfiguration": {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": "60"}]},
        "WebsiteConfiguration": {"IndexDocument": "index.html"},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        ]},
        "Tags": [{"Key": "own", "Value": "1"}],
    }));
    let desired = Desired { name: "Stack-Bucket-ABC", properties: &first, tags: &tags };
    // A crash may have the same asked for twice.
    for _ in 0..2 {
        let made = Bucket.create(&cx, desired).await.unwrap();
        assert_eq!(made.physical_id, "stack-bucket-abc");
        assert_eq!(made.attributes["Arn"], "arn:aws:s3:::stack-bucket-abc");
    }
    let bucket = || "stack-bucket-abc".to_owned();
    let input = GetBucketTaggingRequest { bucket: bucket(), ..Default::default() };
    let tagged = cx.call::<GetBucketTagging>(input.clone()).await.unwrap().tag_set;
    assert_eq!(tagged.iter().map(|tag| tag.key.as_str()).collect::<Vec<_>>(), ["own", "stack"]);
    let policy = properties(&json!({"Bucket": bucket(), "PolicyDocument": {"Statement": {
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::stack-bucket-abc/*",
    }}}));
    let attached = Desired { name: "p", properties: &policy, tags: &tags };
    assert_eq!(BucketPolicy.create(&cx, attached).await.unwrap().physical_id, bucket());
    BucketPolicy.delete(&cx, "stack-bucket-abc").await.unwrap();

    let second = properties(&json!({"VersioningConfiguration": {"Status": "Suspended"}}));
    let after = Desired { name: "Stack-Bucket-ABC", properties: &second, tags: &[] };
    let changed = Changed { physical_id: "stack-bucket-abc", before: &first, after };
    Bucket.update(&cx, changed).await.unwrap();
    let input = GetBucketVersioningRequest { bucket: bucket(), ..Default::default() };
    let status = cx.call::<GetBucketVersioning>(input).await.unwrap().status.unwrap();
    assert_eq!(status.as_str(), "Suspended");
    let input = GetBucketTaggingRequest { bucket: bucket(), ..Default::default() };
    assert_eq!(cx.call::<GetBucketTagging>(input).await.unwrap_err().code, "NoSuchTagSet");

    for _ in 0..2 {
        Bucket.delete(&cx, "stack-bucket-abc").await.unwrap();
    }
    let input = HeadBucketRequest { bucket: bucket(), ..Default::default() };
    assert_eq!(cx.call::<HeadBucket>(input).await.unwrap_err().code, "NoSuchBucket");
    let taken = properties(&json!({"BucketName": "bucket"}));
    let desired = Desired { name: "x", properties: &taken, tags: &[] };
    let error = Bucket.create(&cx.attempting("another"), desired).await.unwrap_err();
    assert_eq!(error.code, "BucketAlreadyOwnedByYou");
    let unknown = properties(&json!({"LifecycleConfiguration": {}}));
    let desired = Desired { name: "x", properties: &unknown, tags: &[] };
    assert_eq!(Bucket.create(&cx, desired).await.unwrap_err().status, 501);
}

#[tokio::test]
async fn a_distribution_reads_what_its_bucket_lets_it() {
    let test = Test::new().await;
    test.put("k", "v").await;
    let policy = properties(&json!({"Bucket": "bucket", "PolicyDocument": {"Statement": {
        "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E1"}},
    }}}));
    let desired = Desired { name: "p", properties: &policy, tags: &[] };
    BucketPolicy.create(&test.cx(), desired).await.unwrap();
    for (distribution, allowed) in [("E1", true), ("E2", false)] {
        let arn = format!("arn:aws:cloudfront::{ACCOUNT}:distribution/{distribution}");
        let (account, arn) = (ACCOUNT.parse().unwrap(), arn.parse().unwrap());
        let who = Principal::service_for("cloudfront.amazonaws.com", &account, &arn);
        let cx = test.cloud.context(who);
        let input =
            GetObjectRequest { bucket: "bucket".into(), key: "k".into(), ..Default::default() };
        assert_eq!(cx.call::<GetObject>(input).await.is_ok(), allowed, "{distribution}");
    }
}
