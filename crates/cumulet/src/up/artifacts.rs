//! The bucket of this cloud that packages and templates are uploaded to. A stack's lie under its
//! name, each called after its content.

use std::collections::{BTreeMap, BTreeSet};

use cumulet_api_s3::ops::{
    CreateBucket, CreateBucketRequest, DeleteObject, DeleteObjectRequest, HeadBucket,
    HeadBucketRequest, HeadObject, HeadObjectRequest, ListObjectsV2, ListObjectsV2Request,
    PutObject, PutObjectRequest,
};
use cumulet_api_s3::types::CreateBucketConfiguration;
use cumulet_base::Body;
use cumulet_service::Cx;
use cumulet_shape::Streaming;

use super::build::{Package, blocking};
use super::files;

/// Where a stack's artifacts go.
pub(super) struct Artifacts {
    cx: Cx,
    pub(super) bucket: String,
    stack: String,
}

impl Artifacts {
    /// The bucket, made where it is not there.
    pub(super) async fn open(cx: &Cx, stack: &str) -> Result<Self, String> {
        let bucket = format!("cumulet-artifacts-{}-{}", cx.account(), cx.region());
        let head = HeadBucketRequest { bucket: bucket.clone(), ..HeadBucketRequest::default() };
        if cx.call::<HeadBucket>(head).await.is_err() {
            let region = cx.region().as_str();
            // S3 takes no constraint for its first region.
            let place = (region != "us-east-1").then(|| CreateBucketConfiguration {
                location_constraint: Some(region.to_owned()),
                ..CreateBucketConfiguration::default()
            });
            let input = CreateBucketRequest {
                bucket: bucket.clone(),
                create_bucket_configuration: place,
                ..CreateBucketRequest::default()
            };
            cx.call::<CreateBucket>(input)
                .await
                .map_err(|why| format!("the bucket {bucket}: {}", why.message))?;
        }
        Ok(Self { cx: cx.clone(), bucket, stack: stack.to_owned() })
    }

    /// Uploads packages that are not there yet: their keys by logical id.
    pub(super) async fn packages(
        &self,
        packages: &BTreeMap<String, Package>,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut keys = BTreeMap::new();
        for (id, package) in packages {
            let key = format!("{}/{}.zip", self.stack, package.sha256);
            if !self.has(&key).await {
                let path = package.path.clone();
                let read = move || {
                    std::fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))
                };
                self.put(&key, blocking(read).await?).await?;
            }
            keys.insert(id.clone(), key);
        }
        Ok(keys)
    }

    /// Uploads a template: its key.
    pub(super) async fn template(&self, text: String) -> Result<String, String> {
        let mut hash = files::sha256();
        hash.update(text.as_bytes());
        let key = format!("{}/{}.template", self.stack, files::hex(hash));
        if !self.has(&key).await {
            self.put(&key, text.into_bytes()).await?;
        }
        Ok(key)
    }

    /// A template's URL, as CloudFormation takes it.
    pub(super) fn url(&self, key: &str) -> String {
        format!("https://s3.{}.amazonaws.com/{}/{key}", self.cx.region(), self.bucket)
    }

    /// Deletes the stack's packages and templates but `keys`: what it is at now.
    pub(super) async fn keep_only(&self, keys: &BTreeSet<String>) -> Result<(), String> {
        let input = ListObjectsV2Request {
            bucket: self.bucket.clone(),
            prefix: Some(format!("{}/", self.stack)),
            ..ListObjectsV2Request::default()
        };
        let listed = self.cx.call::<ListObjectsV2>(input).await.map_err(|why| why.message)?;
        // A page is enough: what is over it goes the next time.
        let found = listed.contents.unwrap_or_default().into_iter().filter_map(|one| one.key);
        for key in found.filter(|key| !keys.contains(key)) {
            let bucket = self.bucket.clone();
            let input = DeleteObjectRequest { bucket, key, ..DeleteObjectRequest::default() };
            self.cx.call::<DeleteObject>(input).await.map_err(|why| why.message)?;
        }
        Ok(())
    }

    async fn has(&self, key: &str) -> bool {
        let (bucket, key) = (self.bucket.clone(), key.to_owned());
        let input = HeadObjectRequest { bucket, key, ..HeadObjectRequest::default() };
        self.cx.call::<HeadObject>(input).await.is_ok()
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), String> {
        let input = PutObjectRequest {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            content_length: i64::try_from(bytes.len()).ok(),
            body: Some(Streaming(Body::from(bytes))),
            ..PutObjectRequest::default()
        };
        let put = self.cx.call::<PutObject>(input).await;
        put.map(drop).map_err(|why| format!("{}/{key}: {}", self.bucket, why.message))
    }
}
