//! UpdateDistribution: replaces the configuration as a whole.
//!
//! Promises: the next request is served by it; what is cached stays.
//! Refuses: a caller who does not name the current version, another CallerReference, and whatever
//! CreateDistribution refuses.

use cumulet_api_cloudfront::ops::{
    UpdateDistribution, UpdateDistributionRequest, UpdateDistributionResult,
};
use cumulet_service::{Access, Cx, Handle, Result};

use super::create_distribution::{aliases, read, verify};
use super::{access, check_version, id, place, shown};
use crate::CloudFront;
use crate::error::Error;
use crate::model::{DistributionRecord, Stored};
use crate::store;

impl Handle<UpdateDistribution> for CloudFront {
    async fn access(&self, cx: &Cx, input: &UpdateDistributionRequest) -> Result<Vec<Access>> {
        Ok(access(cx, "cloudfront:UpdateDistribution", &format!("distribution/{}", input.id)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: UpdateDistributionRequest,
    ) -> Result<UpdateDistributionResult> {
        let record = update(cx, &input).await?;
        let distribution = shown::distribution(cx.account(), &record, shown::IN_PROGRESS)?;
        Ok(UpdateDistributionResult { distribution: Some(distribution), e_tag: Some(record.etag) })
    }
}

async fn update(cx: &Cx, input: &UpdateDistributionRequest) -> Result<DistributionRecord, Error> {
    let place = &place(cx);
    let (etag, modified) = (&id(cx.ids(), 'E'), cx.now().millis());
    // Only who knows the version learns what is wrong with the rest.
    let there = store::distribution(&cx.store().snapshot(), place, &input.id).await?;
    check_version(input.if_match.as_deref(), &there.etag)?;
    let config = &read(&input.distribution_config)?;
    cx.store()
        .transact(|tx| async move {
            let before = store::distribution(&tx, place, &input.id).await?;
            check_version(input.if_match.as_deref(), &before.etag)?;
            if before.caller_reference != input.distribution_config.caller_reference {
                return Err(Error::IllegalUpdate);
            }
            let after = DistributionRecord {
                etag: etag.clone(),
                modified,
                config: config.clone(),
                ..before.clone()
            };
            verify(&tx, place, &after).await?;
            for alias in aliases(&before) {
                store::release(&tx, place, &after.id, alias).await?;
            }
            for alias in aliases(&after) {
                store::claim(&tx, place, &after.id, alias).await?;
            }
            tx.put_record(place.distribution(&after.id), &Stored::Distribution(after.clone()));
            Ok(after)
        })
        .await
}
