//! DeleteDistribution: removes a distribution with its invalidations, and gives its hosts back.
//!
//! Refuses: a caller who does not name the current version, and a distribution that is enabled.

use cumulet_api_cloudfront::ops::{
    DeleteDistribution, DeleteDistributionOutput, DeleteDistributionRequest,
};
use cumulet_service::{Access, Cx, Handle, Result};

use super::create_distribution::release;
use super::{access, check_version, place};
use crate::CloudFront;
use crate::error::Error;
use crate::store;

impl Handle<DeleteDistribution> for CloudFront {
    async fn access(&self, cx: &Cx, input: &DeleteDistributionRequest) -> Result<Vec<Access>> {
        Ok(access(cx, "cloudfront:DeleteDistribution", &format!("distribution/{}", input.id)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DeleteDistributionRequest,
    ) -> Result<DeleteDistributionOutput> {
        let (place, input) = (&place(cx), &input);
        let done: Result<(), Error> = cx
            .store()
            .transact(|tx| async move {
                let record = store::distribution(&tx, place, &input.id).await?;
                check_version(input.if_match.as_deref(), &record.etag)?;
                if record.config.get("Enabled").and_then(serde_json::Value::as_bool) != Some(false)
                {
                    return Err(Error::DistributionNotDisabled);
                }
                release(&tx, place, &record).await?;
                tx.delete_range(&place.invalidations(&record.id).prefix()).await?;
                tx.delete(place.distribution(&record.id));
                Ok(())
            })
            .await;
        done?;
        Ok(DeleteDistributionOutput {})
    }
}
