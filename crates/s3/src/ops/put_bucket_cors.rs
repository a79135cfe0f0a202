//! PutBucketCors: the rules for pages of other origins, 1 to 100.
//!
//! Refuses methods that S3 does not answer, and more than one `*` in a pattern.

use cumulet_api_s3::ops::{PutBucketCors, PutBucketCorsOutput, PutBucketCorsRequest};
use cumulet_api_s3::types::CORSRule;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::access::on_bucket;
use crate::cors::CORS;
use crate::error::S3Error;
use crate::model::{CorsRecord, CorsRule};
use crate::store::bucket;
use crate::store::put_config;

impl Handle<PutBucketCors> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketCorsRequest) -> Result<Vec<Access>> {
        let expected = input.expected_bucket_owner.as_deref();
        on_bucket(cx, &input.bucket, expected, "s3:PutBucketCORS").await
    }

    async fn handle(&self, cx: &Cx, input: PutBucketCorsRequest) -> Result<PutBucketCorsOutput> {
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let rules = input.cors_configuration.cors_rules;
        if !(1..=MOST).contains(&rules.len()) {
            return Err(S3Error::MalformedXml.into());
        }
        let rules = rules.into_iter().map(read).collect::<Result<_, S3Error>>()?;
        put_config(cx, &bucket.place, CORS, &CorsRecord { rules }).await?;
        Ok(PutBucketCorsOutput {})
    }
}

/// Rules of one bucket.
const MOST: usize = 100;

fn read(rule: CORSRule) -> Result<CorsRule, S3Error> {
    let headers = rule.allowed_headers.unwrap_or_default();
    let methods = ["GET", "PUT", "POST", "DELETE", "HEAD"];
    if let Some(other) = rule.allowed_methods.iter().find(|m| !methods.contains(&m.as_str())) {
        return Err(S3Error::InvalidRequest(format!(
            "Found unsupported HTTP method in CORS config. Unsupported method is {other}"
        )));
    }
    let wild = |text: &&String| text.matches('*').count() > 1;
    if let Some(origin) = rule.allowed_origins.iter().find(wild) {
        let why = format!("AllowedOrigin \"{origin}\" can not have more than one wildcard.");
        return Err(S3Error::InvalidRequest(why));
    }
    if let Some(header) = headers.iter().find(wild) {
        let why = format!("AllowedHeader \"{header}\" can not have more than one wildcard.");
        return Err(S3Error::InvalidRequest(why));
    }
    Ok(CorsRule {
        id: rule.id,
        headers,
        methods: rule.allowed_methods,
        origins: rule.allowed_origins,
        expose: rule.expose_headers.unwrap_or_default(),
        max_age: rule.max_age_seconds,
    })
}
