//! GetBucketCors: the rules for pages of other origins.

use cumulet_api_s3::ops::{GetBucketCors, GetBucketCorsOutput, GetBucketCorsRequest};
use cumulet_api_s3::types::CORSRule;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::cors::CORS;
use crate::error::S3Error;
use crate::model::{CorsRecord, CorsRule};
use crate::store::bucket;
use crate::store::config;

impl Handle<GetBucketCors> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketCorsRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:GetBucketCORS").await
    }

    async fn handle(&self, cx: &Cx, input: GetBucketCorsRequest) -> Result<GetBucketCorsOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let missing = || {
            let message = "The CORS configuration does not exist";
            S3Error::absent("NoSuchCORSConfiguration", message, &bucket.place.name)
        };
        let found = config::<CorsRecord>(cx, &bucket.place, CORS).await?;
        let list = |texts: Vec<String>| Some(texts).filter(|texts| !texts.is_empty());
        let show = |rule: CorsRule| CORSRule {
            id: rule.id,
            allowed_headers: list(rule.headers),
            allowed_methods: rule.methods,
            allowed_origins: rule.origins,
            expose_headers: list(rule.expose),
            max_age_seconds: rule.max_age,
        };
        let rules = found.ok_or_else(missing)?.rules.into_iter().map(show).collect();
        Ok(GetBucketCorsOutput { cors_rules: Some(rules) })
    }
}
