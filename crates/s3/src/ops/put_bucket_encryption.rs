//! PutBucketEncryption: the bucket's default encryption. It is kept and shown; what encrypts data
//! at rest is this cloud's disk, under whatever name.

use cumulet_api_s3::ops::{
    PutBucketEncryption, PutBucketEncryptionOutput, PutBucketEncryptionRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::error::S3Error;
use crate::model::Encryption;
use crate::store::bucket;
use crate::store::change_bucket;

impl Handle<PutBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketEncryptionRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutEncryptionConfiguration").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: PutBucketEncryptionRequest,
    ) -> Result<PutBucketEncryptionOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let rules = input.server_side_encryption_configuration.rules;
        let [rule] = rules.as_slice() else { return Err(S3Error::MalformedXml.into()) };
        let default = rule.apply_server_side_encryption_by_default.as_ref();
        let encryption = default.map(|default| Encryption {
            algorithm: default.sse_algorithm.clone(),
            key: default.kms_master_key_id.clone(),
            bucket_key: rule.bucket_key_enabled.unwrap_or_default(),
        });
        let known = ["AES256", "aws:kms", "aws:kms:dsse"];
        let keyed = |e: &Encryption| e.key.is_some() && e.algorithm == "AES256";
        if encryption.as_ref().is_some_and(|e| !known.contains(&e.algorithm.as_str()) || keyed(e)) {
            return Err(S3Error::MalformedXml.into());
        }
        let encryption = &encryption;
        change_bucket(cx, &bucket.place, |record| record.encryption.clone_from(encryption)).await?;
        Ok(PutBucketEncryptionOutput {})
    }
}
