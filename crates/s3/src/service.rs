//! The service: its operations, and what it keeps in memory.

use std::sync::Arc;

use cumulet_api_s3::ops::{
    AbortMultipartUpload, CompleteMultipartUpload, CopyObject, CreateBucket, CreateMultipartUpload,
    DeleteBucket, DeleteBucketCors, DeleteBucketEncryption, DeleteBucketOwnershipControls,
    DeleteBucketPolicy, DeleteBucketTagging, DeleteBucketWebsite, DeleteObject,
    DeleteObjectTagging, DeleteObjects, DeletePublicAccessBlock, GetBucketAccelerateConfiguration,
    GetBucketAcl, GetBucketCors, GetBucketEncryption, GetBucketLifecycleConfiguration,
    GetBucketLocation, GetBucketLogging, GetBucketNotificationConfiguration,
    GetBucketOwnershipControls, GetBucketPolicy, GetBucketPolicyStatus, GetBucketReplication,
    GetBucketRequestPayment, GetBucketTagging, GetBucketVersioning, GetBucketWebsite, GetObject,
    GetObjectAcl, GetObjectAttributes, GetObjectLockConfiguration, GetObjectTagging,
    GetPublicAccessBlock, HeadBucket, HeadObject, ListBuckets, ListMultipartUploads,
    ListObjectVersions, ListObjects, ListObjectsV2, ListParts, PutBucketAcl, PutBucketCors,
    PutBucketEncryption, PutBucketOwnershipControls, PutBucketPolicy, PutBucketTagging,
    PutBucketVersioning, PutBucketWebsite, PutObject, PutObjectAcl, PutObjectTagging,
    PutPublicAccessBlock, UploadPart, UploadPartCopy,
};
use cumulet_service::{
    BoxFuture, Cloud, CrossOrigin, Cx, Error, Resource, Result, Service, operations,
};
use cumulet_shape::{Faults, Location, OperationMeta, ServiceMeta};
use http::HeaderMap;

use crate::error::S3Error;
use crate::garbage::Garbage;
use crate::model::CorsRecord;

/// S3.
#[derive(Debug, Default)]
pub struct S3 {
    pub(crate) garbage: Arc<Garbage>,
}

impl S3 {
    /// The service.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Service for S3 {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_s3::SERVICE
    }

    operations![
        AbortMultipartUpload,
        CompleteMultipartUpload,
        CopyObject,
        CreateBucket,
        CreateMultipartUpload,
        DeleteBucket,
        DeleteBucketCors,
        DeleteBucketEncryption,
        DeleteBucketOwnershipControls,
        DeleteBucketPolicy,
        DeleteBucketTagging,
        DeleteBucketWebsite,
        DeleteObject,
        DeleteObjectTagging,
        DeleteObjects,
        DeletePublicAccessBlock,
        GetBucketAccelerateConfiguration,
        GetBucketAcl,
        GetBucketCors,
        GetBucketEncryption,
        GetBucketLifecycleConfiguration,
        GetBucketLocation,
        GetBucketLogging,
        GetBucketNotificationConfiguration,
        GetBucketOwnershipControls,
        GetBucketPolicy,
        GetBucketPolicyStatus,
        GetBucketReplication,
        GetBucketRequestPayment,
        GetBucketTagging,
        GetBucketVersioning,
        GetBucketWebsite,
        GetObject,
        GetObjectAcl,
        GetObjectAttributes,
        GetObjectLockConfiguration,
        GetObjectTagging,
        GetPublicAccessBlock,
        HeadBucket,
        HeadObject,
        ListBuckets,
        ListMultipartUploads,
        ListObjectVersions,
        ListObjects,
        ListObjectsV2,
        ListParts,
        PutBucketAcl,
        PutBucketCors,
        PutBucketEncryption,
        PutBucketOwnershipControls,
        PutBucketPolicy,
        PutBucketTagging,
        PutBucketVersioning,
        PutBucketWebsite,
        PutObject,
        PutObjectAcl,
        PutObjectTagging,
        PutPublicAccessBlock,
        UploadPart,
        UploadPartCopy,
    ];

    /// What breaks the model is bad XML where it stands in a body, and a bad argument elsewhere.
    fn invalid(&self, operation: &'static OperationMeta, faults: &Faults) -> Error {
        let Some(fault) = faults.list().first() else { return S3Error::MalformedXml.into() };
        let member = fault.path.split('.').next().unwrap_or_default();
        let members = (operation.input)().members.iter();
        let mut named = members.filter(|m| m.name.eq_ignore_ascii_case(member));
        match named.next() {
            Some(found) if matches!(found.at, Location::Payload | Location::Body) => {
                S3Error::MalformedXml.into()
            }
            Some(found) => S3Error::InvalidArgument {
                message: "The value of an argument is not valid.",
                name: found.wire,
                value: fault.value.clone().unwrap_or_default(),
            }
            .into(),
            None => S3Error::MalformedXml.into(),
        }
    }

    fn cors<'a>(
        &'a self,
        cx: &'a Cx,
        asked: &'a CrossOrigin<'a>,
    ) -> BoxFuture<'a, Result<HeaderMap>> {
        Box::pin(async move {
            let refused =
                |enabled| S3Error::CorsForbidden { enabled, method: asked.method.to_owned() };
            let label = asked.labels.iter().find(|(name, _)| *name == "Bucket");
            let (_, name) = label.ok_or_else(|| refused(false))?;
            let found = crate::store::place(&cx.store().snapshot(), name).await?;
            let place = found.ok_or_else(|| refused(false))?;
            let record = crate::store::config::<CorsRecord>(cx, &place, crate::cors::CORS).await?;
            let record = record.ok_or_else(|| refused(false))?;
            crate::cors::answer(&record, asked).ok_or_else(|| refused(true).into())
        })
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        vec![&crate::resources::Bucket, &crate::resources::BucketPolicy]
    }

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        tokio::spawn(Arc::clone(&self.garbage).keep_sweeping(Arc::downgrade(cloud)));
    }
}
