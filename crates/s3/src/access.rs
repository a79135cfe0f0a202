//! The leave that operations need: actions on buckets and objects, under the bucket's policy.
//!
//! Source: "Actions, resources, and condition keys for Amazon S3" in the Service Authorization
//! Reference; "Blocking public access to your Amazon S3 storage" in the S3 user guide.

use std::sync::Arc;

use cumulet_auth::policy::{Document, Grammar};
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Error, Principal, Result};

use crate::error::S3Error;
use crate::model::PolicyRecord;
use crate::store::{Bucket, bucket, config};

/// The kind of configuration that a policy is.
pub(crate) const POLICY: &str = "policy";

/// Leave for `action` on the bucket called `name`.
pub(crate) async fn on_bucket(
    cx: &Cx,
    name: &str,
    expected: Option<&str>,
    action: &'static str,
) -> Result<Vec<Access>> {
    let bucket = bucket(cx, name, expected).await?;
    let arn = bucket.place.arn();
    Ok(vec![on(cx, &bucket, action, arn).await?])
}

/// Leave for `action` on an object, which need not be there.
pub(crate) async fn on_object(
    cx: &Cx,
    name: &str,
    key: &str,
    expected: Option<&str>,
    action: &'static str,
) -> Result<Vec<Access>> {
    let bucket = bucket(cx, name, expected).await?;
    let arn = bucket.place.object_arn(key);
    Ok(vec![on(cx, &bucket, action, arn).await?])
}

/// Leave for `action` on `arn`, which is the bucket or in it.
pub(crate) async fn on(cx: &Cx, bucket: &Bucket, action: &'static str, arn: Arn) -> Result<Access> {
    let policy = config::<PolicyRecord>(cx, &bucket.place, POLICY).await?;
    let restricted = bucket.record.public_access.is_some_and(|block| block.restrict_buckets);
    if policy.as_ref().is_some_and(|policy| policy.public) && restricted && is_outsider(cx, bucket)
    {
        return Err(S3Error::AccessDenied.into());
    }
    let document = policy.map(|policy| Document::parse(&policy.text, Grammar::Resource));
    let document = document.transpose().map_err(Error::internal)?.map(Arc::new);
    let access = Access::on(cx, action, arn).under(document);
    Ok(requested(cx, Access { owner: bucket.place.account.clone(), ..access }))
}

/// With the condition keys that every action has: whose the resource is, and how the request came
/// ("Amazon S3 Signature Version 4 authentication specific policy keys", S3 API reference).
pub(crate) fn requested(cx: &Cx, access: Access) -> Access {
    if is_unlimited(cx, &access) {
        return access;
    }
    let owner = access.owner.as_str().to_owned();
    let access = access.with("s3:ResourceAccount", vec![owner]);
    let Some(signed) = cx.signed() else { return access };
    let age = cx.now().millis().saturating_sub(signed.at.millis()).max(0);
    let hash = match &signed.content_sha256 {
        None if signed.presigned => Some("UNSIGNED-PAYLOAD"),
        hash => hash.as_deref(),
    };
    access
        .with_some(
            "s3:authType",
            Some(if signed.presigned { "REST-QUERY-STRING" } else { "REST-HEADER" }),
        )
        .with_some("s3:signatureversion", Some(signed.algorithm))
        .with_some("s3:signatureAge", Some(age.to_string()))
        .with_some("s3:x-amz-content-sha256", hash)
        .with_some("s3:TlsVersion", cx.request().tls_version)
}

/// Whether nothing limits who asks, so that no condition is looked at: the account itself, where
/// the resource has no policy.
pub(crate) fn is_unlimited(cx: &Cx, access: &Access) -> bool {
    access.policy.is_none() && matches!(cx.principal(), Principal::Root { .. })
}

/// Leave that the bucket's owner always has as root: else a policy could shut him out for good.
pub(crate) async fn on_policy(
    cx: &Cx,
    name: &str,
    expected: Option<&str>,
    action: &'static str,
) -> Result<Vec<Access>> {
    let bucket = bucket(cx, name, expected).await?;
    let owner = bucket.place.account.as_str();
    if matches!(cx.principal(), Principal::Root { account } if account == owner) {
        return Ok(Vec::new());
    }
    let arn = bucket.place.arn();
    Ok(vec![on(cx, &bucket, action, arn).await?])
}

/// Whether a bucket with a restricted public policy answers him with a refusal: all but its own
/// account and services.
fn is_outsider(cx: &Cx, bucket: &Bucket) -> bool {
    match cx.principal() {
        Principal::Service { .. } => false,
        other => other.account().as_ref() != Some(&bucket.place.account),
    }
}

/// The error for a key that is not there: who may not list the bucket does not learn that.
pub(crate) async fn missing(cx: &Cx, bucket: &Bucket, error: S3Error) -> Error {
    let arn = bucket.place.arn();
    let allowed = match on(cx, bucket, "s3:ListBucket", arn).await {
        Ok(access) => cx.allows(&access).await,
        Err(error) => Err(error),
    };
    match allowed {
        Ok(true) => error.into(),
        Ok(false) => S3Error::AccessDenied.into(),
        Err(denied) if denied.status < 500 => S3Error::AccessDenied.into(),
        Err(broken) => broken,
    }
}
