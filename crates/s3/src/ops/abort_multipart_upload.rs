//! AbortMultipartUpload: ends an upload and discards its parts.

use cumulet_api_s3::ops::{
    AbortMultipartUpload, AbortMultipartUploadOutput, AbortMultipartUploadRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::access::on_object;
use crate::error::{S3Error, TxError};
use crate::store::bucket;
use crate::{S3, multipart};

impl Handle<AbortMultipartUpload> for S3 {
    async fn access(&self, cx: &Cx, input: &AbortMultipartUploadRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_object(cx, &input.bucket, &input.key, expected, "s3:AbortMultipartUpload").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: AbortMultipartUploadRequest,
    ) -> Result<AbortMultipartUploadOutput> {
        if input.if_match_initiated_time.is_some() {
            // Of directory buckets only.
            return Err(S3Error::NotImplemented.into());
        }
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let (place, key, id) = (&bucket.place, &input.key, &input.upload_id);
        let now = cx.now().millis();
        let done: Result<(), TxError> = cx
            .store()
            .transact(|tx| async move {
                multipart::find(&tx, place, key, id).await?;
                multipart::end(&tx, place, key, id, &[], now).await
            })
            .await;
        done?;
        self.garbage.wake();
        Ok(AbortMultipartUploadOutput::default())
    }
}
