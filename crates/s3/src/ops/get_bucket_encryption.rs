//! GetBucketEncryption: the bucket's default encryption, SSE-S3 where none was put.

use cumulet_api_s3::ops::{
    GetBucketEncryption, GetBucketEncryptionOutput, GetBucketEncryptionRequest,
};
use cumulet_api_s3::types::{
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;

impl Handle<GetBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketEncryptionRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetEncryptionConfiguration").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketEncryptionRequest,
    ) -> Result<GetBucketEncryptionOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let encryption = bucket.record.encryption;
        let bucket_key = encryption.as_ref().is_some_and(|encryption| encryption.bucket_key);
        let default = match encryption {
            Some(encryption) => ServerSideEncryptionByDefault {
                sse_algorithm: encryption.algorithm,
                kms_master_key_id: encryption.key,
            },
            None => ServerSideEncryptionByDefault {
                sse_algorithm: "AES256".to_owned(),
                kms_master_key_id: None,
            },
        };
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(default),
            bucket_key_enabled: Some(bucket_key),
            ..ServerSideEncryptionRule::default()
        };
        let shown = ServerSideEncryptionConfiguration { rules: vec![rule] };
        Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(shown) })
    }
}
