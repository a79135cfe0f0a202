//! GetDistribution and GetDistributionConfig: show a distribution.

use cumulet_api_cloudfront::ops::{
    GetDistribution, GetDistributionConfig, GetDistributionConfigRequest,
    GetDistributionConfigResult, GetDistributionRequest, GetDistributionResult,
};
use cumulet_service::{Access, Cx, Handle, Result};

use super::{access, place, shown};
use crate::CloudFront;
use crate::store;

impl Handle<GetDistribution> for CloudFront {
    async fn access(&self, cx: &Cx, input: &GetDistributionRequest) -> Result<Vec<Access>> {
        Ok(access(cx, "cloudfront:GetDistribution", &format!("distribution/{}", input.id)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetDistributionRequest,
    ) -> Result<GetDistributionResult> {
        let record = store::distribution(&cx.store().snapshot(), &place(cx), &input.id).await?;
        let distribution = shown::distribution(cx.account(), &record, shown::DEPLOYED)?;
        Ok(GetDistributionResult { distribution: Some(distribution), e_tag: Some(record.etag) })
    }
}

impl Handle<GetDistributionConfig> for CloudFront {
    async fn access(&self, cx: &Cx, input: &GetDistributionConfigRequest) -> Result<Vec<Access>> {
        Ok(access(cx, "cloudfront:GetDistributionConfig", &format!("distribution/{}", input.id)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetDistributionConfigRequest,
    ) -> Result<GetDistributionConfigResult> {
        let record = store::distribution(&cx.store().snapshot(), &place(cx), &input.id).await?;
        let distribution_config = Some(shown::config(&record)?);
        Ok(GetDistributionConfigResult { distribution_config, e_tag: Some(record.etag) })
    }
}
