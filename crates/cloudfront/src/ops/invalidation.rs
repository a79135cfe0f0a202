//! CreateInvalidation, GetInvalidation, ListInvalidations: what must be asked for again.
//!
//! Promises: no request that begins after the answer is served what was cached before it. The same
//! CallerReference with the same paths answers the invalidation that it made before.
//! Refuses: paths without a leading slash or with `*` elsewhere than at the end, more than 3,000.

use cumulet_api_cloudfront::ops::{
    CreateInvalidation, CreateInvalidationRequest, CreateInvalidationResult, GetInvalidation,
    GetInvalidationRequest, GetInvalidationResult, ListInvalidations, ListInvalidationsRequest,
    ListInvalidationsResult,
};
use cumulet_api_cloudfront::types::{
    Invalidation, InvalidationBatch, InvalidationList, InvalidationSummary, Paths,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Tx;

use super::{access, count, id, page, place};
use crate::CloudFront;
use crate::error::Error;
use crate::model::{InvalidationRecord, Stored};
use crate::store::{self, Place};

/// "You can have invalidation requests for up to 3,000 files per distribution in progress".
const MOST_PATHS: usize = 3000;
/// Invalidations that are kept to be shown.
const MOST_KEPT: u64 = 1000;
const COMPLETED: &str = "Completed";

impl Handle<CreateInvalidation> for CloudFront {
    async fn access(&self, cx: &Cx, input: &CreateInvalidationRequest) -> Result<Vec<Access>> {
        let resource = format!("distribution/{}", input.distribution_id);
        Ok(access(cx, "cloudfront:CreateInvalidation", &resource))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateInvalidationRequest,
    ) -> Result<CreateInvalidationResult> {
        let batch = input.invalidation_batch;
        let paths = check(&batch.paths)?;
        let asked = &InvalidationRecord {
            distribution: input.distribution_id,
            id: id(cx.ids(), 'I'),
            number: 0,
            created: cx.now().millis(),
            caller_reference: batch.caller_reference,
            paths,
        };
        let place = &place(cx);
        let record: Result<_, Error> =
            cx.store().transact(|tx| async move { add(&tx, place, asked).await }).await;
        let record = record?;
        let location = format!(
            "https://cloudfront.amazonaws.com/2020-05-31/distribution/{}/invalidation/{}",
            record.distribution, record.id
        );
        // AWS takes a while; clients wait for the change from InProgress.
        let invalidation = Some(shown(&record, "InProgress"));
        Ok(CreateInvalidationResult { location: Some(location), invalidation })
    }
}

/// The paths, each as the URL that it means is asked for.
fn check(paths: &Paths) -> Result<Vec<String>, Error> {
    let items = paths.items.clone().unwrap_or_default();
    if items.len() != usize::try_from(paths.quantity).unwrap_or(usize::MAX) {
        return Err(Error::InconsistentQuantities);
    }
    if items.len() > MOST_PATHS {
        return Err(Error::BatchTooLarge);
    }
    if items.is_empty() {
        return Err(Error::argument("An invalidation has one path at least."));
    }
    for path in &items {
        let star = path.find('*').is_some_and(|at| at + 1 != path.len());
        if !path.starts_with('/') || star || path.len() > 4000 {
            return Err(Error::argument(format!(
                "Your request contains one or more invalid invalidation paths: {path}. A path \
                 begins with a slash, and has * at its end alone."
            )));
        }
    }
    Ok(items)
}

async fn add(
    tx: &Tx,
    place: &Place,
    asked: &InvalidationRecord,
) -> Result<InvalidationRecord, Error> {
    let mut distribution = store::distribution(tx, place, &asked.distribution).await?;
    let others = store::invalidations(tx, place, &distribution.id, MOST_KEPT as usize).await?;
    let same = |other: &&InvalidationRecord| other.caller_reference == asked.caller_reference;
    if let Some(there) = others.iter().find(same) {
        if there.paths == asked.paths {
            return Ok(there.clone());
        }
        let words = "Another invalidation of this distribution has this CallerReference.";
        return Err(Error::argument(words));
    }
    distribution.invalidations += 1;
    let number = distribution.invalidations;
    let record = InvalidationRecord { number, ..asked.clone() };
    let key = place.invalidation(&distribution.id, number);
    tx.put_record(key, &Stored::Invalidation(record.clone()));
    if let Some(old) = number.checked_sub(MOST_KEPT) {
        tx.delete(place.invalidation(&distribution.id, old));
    }
    let key = place.distribution(&distribution.id);
    tx.put_record(key, &Stored::Distribution(distribution));
    Ok(record)
}

fn shown(record: &InvalidationRecord, status: &str) -> Invalidation {
    let items = Some(record.paths.clone());
    let paths = Paths { quantity: count(record.paths.len()), items };
    let caller_reference = record.caller_reference.clone();
    Invalidation {
        id: record.id.clone(),
        status: status.to_owned(),
        create_time: Timestamp::from_millis(record.created),
        invalidation_batch: InvalidationBatch { paths, caller_reference },
    }
}

impl Handle<GetInvalidation> for CloudFront {
    async fn access(&self, cx: &Cx, input: &GetInvalidationRequest) -> Result<Vec<Access>> {
        let resource = format!("distribution/{}", input.distribution_id);
        Ok(access(cx, "cloudfront:GetInvalidation", &resource))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: GetInvalidationRequest,
    ) -> Result<GetInvalidationResult> {
        let (read, place) = (cx.store().snapshot(), place(cx));
        store::distribution(&read, &place, &input.distribution_id).await?;
        let most = MOST_KEPT as usize;
        let all = store::invalidations(&read, &place, &input.distribution_id, most).await?;
        let found = all.iter().find(|record| record.id == input.id);
        let found = found.ok_or(Error::NoSuchInvalidation)?;
        Ok(GetInvalidationResult { invalidation: Some(shown(found, COMPLETED)) })
    }
}

impl Handle<ListInvalidations> for CloudFront {
    async fn access(&self, cx: &Cx, input: &ListInvalidationsRequest) -> Result<Vec<Access>> {
        let resource = format!("distribution/{}", input.distribution_id);
        Ok(access(cx, "cloudfront:ListInvalidations", &resource))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: ListInvalidationsRequest,
    ) -> Result<ListInvalidationsResult> {
        let most = page(input.max_items.as_deref())?;
        let (read, place) = (cx.store().snapshot(), place(cx));
        store::distribution(&read, &place, &input.distribution_id).await?;
        let all = MOST_KEPT as usize;
        let all = store::invalidations(&read, &place, &input.distribution_id, all).await?;
        let marker = input.marker.filter(|marker| !marker.is_empty());
        let start = marker.as_ref().and_then(|m| all.iter().position(|record| record.id == *m));
        let mut rest = all.iter().skip(start.map_or(0, |at| at + 1));
        let summary = |record: &InvalidationRecord| InvalidationSummary {
            id: record.id.clone(),
            create_time: Timestamp::from_millis(record.created),
            status: COMPLETED.to_owned(),
        };
        let items: Vec<_> = rest.by_ref().take(most).map(summary).collect();
        let is_truncated = rest.next().is_some();
        let list = InvalidationList {
            marker: marker.unwrap_or_default(),
            next_marker: items.last().filter(|_| is_truncated).map(|last| last.id.clone()),
            max_items: count(most),
            is_truncated,
            quantity: count(items.len()),
            items: Some(items).filter(|items| !items.is_empty()),
        };
        Ok(ListInvalidationsResult { invalidation_list: Some(list) })
    }
}
