//! GetBucketRequestPayment: the owner pays.

use cumulet_api_s3::ops::{
    GetBucketRequestPayment, GetBucketRequestPaymentOutput, GetBucketRequestPaymentRequest,
};
use cumulet_api_s3::types::Payer;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;

impl Handle<GetBucketRequestPayment> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketRequestPaymentRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketRequestPayment").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketRequestPaymentRequest,
    ) -> Result<GetBucketRequestPaymentOutput> {
        bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        Ok(GetBucketRequestPaymentOutput { payer: Some(Payer::BucketOwner) })
    }
}
