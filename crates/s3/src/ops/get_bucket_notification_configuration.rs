//! GetBucketNotificationConfiguration: there is none, since notifications cannot be configured
//! here.

use cumulet_api_s3::ops::GetBucketNotificationConfiguration;
use cumulet_api_s3::types::{GetBucketNotificationConfigurationRequest, NotificationConfiguration};
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::store::bucket;

impl Handle<GetBucketNotificationConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &GetBucketNotificationConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketNotification").await
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetBucketNotificationConfigurationRequest,
    ) -> Result<NotificationConfiguration> {
        bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        Ok(NotificationConfiguration::default())
    }
}
