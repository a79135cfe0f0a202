//! ListDistributions: the account's distributions, by id, in pages.

use cumulet_api_cloudfront::ops::{
    ListDistributions, ListDistributionsRequest, ListDistributionsResult,
};
use cumulet_api_cloudfront::types::DistributionList;
use cumulet_service::{Access, Cx, Handle, Result};

use super::{access, count, page, place, shown};
use crate::CloudFront;
use crate::error::Error;
use crate::store;

impl Handle<ListDistributions> for CloudFront {
    async fn access(&self, cx: &Cx, _: &ListDistributionsRequest) -> Result<Vec<Access>> {
        Ok(access(cx, "cloudfront:ListDistributions", "distribution/*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListDistributionsRequest,
    ) -> Result<ListDistributionsResult> {
        let most = page(input.max_items.as_deref())?;
        let marker = input.marker.filter(|marker| !marker.is_empty());
        let read = cx.store().snapshot();
        let mut found =
            store::distributions(&read, &place(cx), marker.as_deref(), most + 1).await?;
        let is_truncated = found.len() > most;
        found.truncate(most);
        let next_marker = found.last().filter(|_| is_truncated).map(|last| last.id.clone());
        let summaries = found.iter().map(|record| shown::summary(cx.account(), record));
        let items = summaries.collect::<Result<Vec<_>, Error>>()?;
        let list = DistributionList {
            marker: marker.unwrap_or_default(),
            next_marker,
            max_items: count(most),
            is_truncated,
            quantity: count(items.len()),
            items: Some(items).filter(|items| !items.is_empty()),
        };
        Ok(ListDistributionsResult { distribution_list: Some(list) })
    }
}
