//! `AWS::S3::Bucket`: its physical id is its name.
//!
//! Each property is one operation, so a stack can do nothing that its caller could not. Properties
//! whose operation is not there are refused by that operation's name.

use cumulet_api_s3::ops::{
    CreateBucket, CreateBucketRequest, DeleteBucket, DeleteBucketCors, DeleteBucketCorsRequest,
    DeleteBucketEncryption, DeleteBucketEncryptionRequest, DeleteBucketRequest,
    DeleteBucketTagging, DeleteBucketTaggingRequest, DeleteBucketWebsite,
    DeleteBucketWebsiteRequest, PutBucketCors, PutBucketCorsRequest, PutBucketEncryption,
    PutBucketEncryptionRequest, PutBucketOwnershipControls, PutBucketOwnershipControlsRequest,
    PutBucketTagging, PutBucketTaggingRequest, PutBucketVersioning, PutBucketVersioningRequest,
    PutBucketWebsite, PutBucketWebsiteRequest, PutPublicAccessBlock, PutPublicAccessBlockRequest,
};
use cumulet_api_s3::types::{
    BucketVersioningStatus, CreateBucketConfiguration, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, Tag, Tagging, VersioningConfiguration,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::{Map, Value};

use super::properties::{cors, encryption, ownership, website};

type Properties = Map<String, Value>;

/// Characters of a bucket's name.
const MAX_NAME: usize = 63;
/// Properties that this resource has, in the order in which they are put.
const KNOWN: [&str; 10] = [
    "BucketName",
    "PublicAccessBlockConfiguration",
    "OwnershipControls",
    "VersioningConfiguration",
    "BucketEncryption",
    "CorsConfiguration",
    "WebsiteConfiguration",
    "Tags",
    "AccessControl",
    // Nothing is replicated or cached elsewhere, so there is nothing to say of it.
    "AccelerateConfiguration",
];

/// The resource type.
#[derive(Debug)]
pub(crate) struct Bucket;

impl Resource for Bucket {
    fn type_name(&self) -> &'static str {
        "AWS::S3::Bucket"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "BucketName" | "ObjectLockEnabled")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            check(desired.properties)?;
            let name = make(cx, &desired).await?;
            let none = Properties::new();
            put_all(cx, &name, &none, &desired).await?;
            Ok(actual(cx, &name))
        })
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(async move {
            check(changed.after.properties)?;
            put_all(cx, changed.physical_id, changed.before, &changed.after).await?;
            Ok(actual(cx, changed.physical_id))
        })
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let bucket = physical_id.to_owned();
            let input = DeleteBucketRequest { bucket, ..Default::default() };
            match cx.call::<DeleteBucket>(input).await {
                Err(error) if error.code != "NoSuchBucket" => Err(error),
                _ => Ok(()),
            }
        })
    }
}

fn check(properties: &Properties) -> Result<()> {
    let operation = |property: &str| match property {
        "LifecycleConfiguration" => "PutBucketLifecycleConfiguration",
        "NotificationConfiguration" => "PutBucketNotificationConfiguration",
        "LoggingConfiguration" => "PutBucketLogging",
        "ReplicationConfiguration" => "PutBucketReplication",
        "ObjectLockConfiguration" | "ObjectLockEnabled" => "PutObjectLockConfiguration",
        "AnalyticsConfigurations" => "PutBucketAnalyticsConfiguration",
        "InventoryConfigurations" => "PutBucketInventoryConfiguration",
        "MetricsConfigurations" => "PutBucketMetricsConfiguration",
        "IntelligentTieringConfigurations" => "PutBucketIntelligentTieringConfiguration",
        _ => "",
    };
    if let Some(name) = properties.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(match operation(name) {
            "" => Error::validation(format!("Encountered unsupported property {name}")),
            operation => Error::not_implemented("s3", operation),
        });
    }
    match properties.get("AccessControl").and_then(Value::as_str) {
        None | Some("Private" | "BucketOwnerFullControl") => Ok(()),
        Some(_) => Err(crate::error::S3Error::AccessControlListNotSupported.into()),
    }
}

/// Creates the bucket.
async fn make(cx: &Cx, desired: &Desired<'_>) -> Result<String> {
    if let Some(name) = cx.made_before().await? {
        return Ok(name);
    }
    let given = text(desired.properties, "BucketName")?;
    let name = given.unwrap_or_else(|| shorten(&desired.name.to_ascii_lowercase()));
    let region = cx.region().as_str();
    let configuration = (region != "us-east-1").then(|| CreateBucketConfiguration {
        location_constraint: Some(region.to_owned()),
        ..Default::default()
    });
    let input = CreateBucketRequest {
        bucket: name.clone(),
        create_bucket_configuration: configuration,
        ..Default::default()
    };
    cx.call::<CreateBucket>(input).await?;
    // In us-east-1 creating again succeeds, and a stack must not take what it did not make.
    match cx.made_before().await? {
        Some(name) => Ok(name),
        None => Err(crate::error::S3Error::BucketAlreadyOwnedByYou(name).into()),
    }
}

/// A name that fits, with its random end.
fn shorten(name: &str) -> String {
    let Some(over) = name.len().checked_sub(MAX_NAME) else { return name.to_owned() };
    let (start, end) = name.rsplit_once('-').unwrap_or((name, ""));
    let kept = start.len().saturating_sub(over);
    let start = start.get(..kept).unwrap_or_default().trim_end_matches('-');
    format!("{start}-{end}").trim_matches('-').to_owned()
}

/// Puts every property that differs from what was before.
async fn put_all(cx: &Cx, bucket: &str, before: &Properties, desired: &Desired<'_>) -> Result<()> {
    let after = desired.properties;
    for property in KNOWN {
        let (old, new) = (before.get(property), after.get(property));
        if property != "Tags" && (old != new || (new.is_some() && before.is_empty())) {
            put(cx, bucket, property, new).await?;
        }
    }
    put_tags(cx, bucket, desired).await
}

async fn put(cx: &Cx, bucket: &str, property: &str, value: Option<&Value>) -> Result<()> {
    let bucket = bucket.to_owned();
    match (property, value) {
        ("PublicAccessBlockConfiguration", value) => put_block(cx, bucket, value).await,
        ("OwnershipControls", value) => {
            let rules = vec![OwnershipControlsRule { object_ownership: ownership(value)? }];
            let ownership_controls = OwnershipControls { rules };
            let input = PutBucketOwnershipControlsRequest {
                bucket,
                ownership_controls,
                ..Default::default()
            };
            cx.call::<PutBucketOwnershipControls>(input).await.map(drop)
        }
        ("VersioningConfiguration", value) => {
            let status = value.and_then(|value| value.get("Status")).and_then(Value::as_str);
            let status = match status {
                Some("Enabled") => BucketVersioningStatus::Enabled,
                _ => BucketVersioningStatus::Suspended,
            };
            let versioning_configuration =
                VersioningConfiguration { status: Some(status), ..Default::default() };
            let input = PutBucketVersioningRequest {
                bucket,
                versioning_configuration,
                ..Default::default()
            };
            cx.call::<PutBucketVersioning>(input).await.map(drop)
        }
        ("BucketEncryption", Some(value)) => {
            let server_side_encryption_configuration = encryption(value)?;
            let input = PutBucketEncryptionRequest {
                bucket,
                server_side_encryption_configuration,
                ..Default::default()
            };
            cx.call::<PutBucketEncryption>(input).await.map(drop)
        }
        ("BucketEncryption", None) => {
            let input = DeleteBucketEncryptionRequest { bucket, ..Default::default() };
            cx.call::<DeleteBucketEncryption>(input).await.map(drop)
        }
        ("CorsConfiguration", Some(value)) => {
            let cors_configuration = cors(value)?;
            let input = PutBucketCorsRequest { bucket, cors_configuration, ..Default::default() };
            cx.call::<PutBucketCors>(input).await.map(drop)
        }
        ("CorsConfiguration", None) => {
            let input = DeleteBucketCorsRequest { bucket, ..Default::default() };
            cx.call::<DeleteBucketCors>(input).await.map(drop)
        }
        ("WebsiteConfiguration", Some(value)) => {
            let website_configuration = website(value)?;
            let input =
                PutBucketWebsiteRequest { bucket, website_configuration, ..Default::default() };
            cx.call::<PutBucketWebsite>(input).await.map(drop)
        }
        ("WebsiteConfiguration", None) => {
            let input = DeleteBucketWebsiteRequest { bucket, ..Default::default() };
            cx.call::<DeleteBucketWebsite>(input).await.map(drop)
        }
        // The name is given, and access control lists say nothing new.
        _ => Ok(()),
    }
}

async fn put_block(cx: &Cx, bucket: String, value: Option<&Value>) -> Result<()> {
    let input = PutPublicAccessBlockRequest {
        bucket,
        public_access_block_configuration: block(value)?,
        ..Default::default()
    };
    cx.call::<PutPublicAccessBlock>(input).await.map(drop)
}

/// What is blocked; without the property all of it, as in a new bucket.
fn block(value: Option<&Value>) -> Result<PublicAccessBlockConfiguration> {
    let Some(value) = value else {
        return Ok(PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            ignore_public_acls: Some(true),
            block_public_policy: Some(true),
            restrict_public_buckets: Some(true),
        });
    };
    let flag = |name| super::properties::flag(value, name);
    Ok(PublicAccessBlockConfiguration {
        block_public_acls: flag("BlockPublicAcls")?,
        ignore_public_acls: flag("IgnorePublicAcls")?,
        block_public_policy: flag("BlockPublicPolicy")?,
        restrict_public_buckets: flag("RestrictPublicBuckets")?,
    })
}

/// The stack's tags and the resource's own, which win.
async fn put_tags(cx: &Cx, bucket: &str, desired: &Desired<'_>) -> Result<()> {
    let bucket = bucket.to_owned();
    let mut tags: Vec<Tag> = Vec::new();
    for tag in desired.properties.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        let part = |name| super::properties::text(tag, name);
        let (key, value) = (part("Key")?.unwrap_or_default(), part("Value")?.unwrap_or_default());
        tags.push(Tag { key, value });
    }
    for (key, value) in desired.tags {
        if !key.starts_with("aws:") && !tags.iter().any(|tag| tag.key == *key) {
            tags.push(Tag { key: key.clone(), value: value.clone() });
        }
    }
    if tags.is_empty() {
        let input = DeleteBucketTaggingRequest { bucket, ..Default::default() };
        return cx.call::<DeleteBucketTagging>(input).await.map(drop);
    }
    let tagging = Tagging { tag_set: tags };
    let input = PutBucketTaggingRequest { bucket, tagging, ..Default::default() };
    cx.call::<PutBucketTagging>(input).await.map(drop)
}

/// What `Ref` and `Fn::GetAtt` give.
fn actual(cx: &Cx, name: &str) -> Actual {
    let region = cx.region();
    let attributes = [
        ("Arn", format!("arn:aws:s3:::{name}")),
        ("DomainName", format!("{name}.s3.amazonaws.com")),
        ("DualStackDomainName", format!("{name}.s3.dualstack.{region}.amazonaws.com")),
        ("RegionalDomainName", format!("{name}.s3.{region}.amazonaws.com")),
        ("WebsiteURL", website_url(&cx.request().endpoint, name, region.as_str())),
    ];
    Actual {
        physical_id: name.to_owned(),
        attributes: attributes
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect(),
    }
}

/// Where the website can be reached the way the caller reaches this cloud; by AWS's name where no
/// caller is known.
fn website_url(endpoint: &str, name: &str, region: &str) -> String {
    let Some((scheme, host)) = endpoint.split_once("://") else {
        return format!("http://{name}.s3-website-{region}.amazonaws.com");
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
            (host, format!(":{port}"))
        }
        _ => (host, String::new()),
    };
    // Addresses have no names below them; localhost has.
    let numeric = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    let domain = if numeric { "localhost" } else { host };
    format!("{scheme}://{name}.s3-website.{region}.{domain}{port}")
}

/// A text among the properties.
pub(super) fn text(properties: &Properties, name: &str) -> Result<Option<String>> {
    properties.get(name).map(|value| super::properties::plain(value, name)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_end() {
        let long = format!("{}-bucket-abc123def456", "stack".repeat(14));
        let short = shorten(&long);
        assert!(short.len() <= MAX_NAME && short.ends_with("-abc123def456"), "{short}");
        assert_eq!(crate::names::check_bucket(&short), Ok(()));
        assert_eq!(shorten("app-bucket-1"), "app-bucket-1");
    }

    #[test]
    fn websites_are_where_the_caller_can_reach_them() {
        for (endpoint, expect) in [
            ("http://127.0.0.1:4566", "http://b.s3-website.eu-west-1.localhost:4566"),
            ("https://cloud.example", "https://b.s3-website.eu-west-1.cloud.example"),
            ("", "http://b.s3-website-eu-west-1.amazonaws.com"),
        ] {
            assert_eq!(website_url(endpoint, "b", "eu-west-1"), expect);
        }
    }
}
