//! CreateDistribution and CreateDistributionWithTags: make a distribution.
//!
//! Promises: it serves when the answer is there. The same CallerReference with the same
//! configuration answers the distribution that it made before.
//! Refuses: the same CallerReference for another configuration, an alias that another distribution
//! has, what refers to nothing, and what this cloud does not do (`config::check`).

use std::collections::BTreeMap;

use cumulet_api_cloudfront::ops::{
    CreateDistribution, CreateDistributionRequest, CreateDistributionResult,
    CreateDistributionWithTags, CreateDistributionWithTagsRequest,
    CreateDistributionWithTagsResult,
};
use cumulet_api_cloudfront::types::DistributionConfig;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Read, StoreError};

use super::{access, id, place, shown, tags};
use crate::CloudFront;
use crate::carry;
use crate::config::check::{check, quantities};
use crate::config::compile::{Policies, compile};
use crate::error::Error;
use crate::model::{DistributionRecord, PolicyKind, Stored};
use crate::store::{self, Place};

/// "Quotas": distributions of an account.
const MOST: usize = 500;

impl Handle<CreateDistribution> for CloudFront {
    async fn access(&self, cx: &Cx, _: &CreateDistributionRequest) -> Result<Vec<Access>> {
        Ok(access(cx, "cloudfront:CreateDistribution", "distribution/*"))
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateDistributionRequest,
    ) -> Result<CreateDistributionResult> {
        let record = create(cx, &input.distribution_config, BTreeMap::new()).await?;
        let distribution = shown::distribution(cx.account(), &record, shown::IN_PROGRESS)?;
        Ok(CreateDistributionResult {
            distribution: Some(distribution),
            location: Some(location(&record)),
            e_tag: Some(record.etag),
        })
    }
}

impl Handle<CreateDistributionWithTags> for CloudFront {
    async fn access(&self, cx: &Cx, _: &CreateDistributionWithTagsRequest) -> Result<Vec<Access>> {
        let mut accesses = access(cx, "cloudfront:CreateDistribution", "distribution/*");
        accesses.extend(access(cx, "cloudfront:TagResource", "distribution/*"));
        Ok(accesses)
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: CreateDistributionWithTagsRequest,
    ) -> Result<CreateDistributionWithTagsResult> {
        let input = input.distribution_config_with_tags;
        let tags = tags::read(input.tags)?;
        let record = create(cx, &input.distribution_config, tags).await?;
        let distribution = shown::distribution(cx.account(), &record, shown::IN_PROGRESS)?;
        Ok(CreateDistributionWithTagsResult {
            distribution: Some(distribution),
            location: Some(location(&record)),
            e_tag: Some(record.etag),
        })
    }
}

fn location(record: &DistributionRecord) -> String {
    format!("https://cloudfront.amazonaws.com/2020-05-31/distribution/{}", record.id)
}

async fn create(
    cx: &Cx,
    config: &DistributionConfig,
    tags: BTreeMap<String, String>,
) -> Result<DistributionRecord, Error> {
    let label = cx.ids().text(13, "abcdefghijklmnopqrstuvwxyz0123456789");
    let record = &DistributionRecord {
        id: id(cx.ids(), 'E'),
        domain: format!("d{label}.cloudfront.net"),
        caller_reference: config.caller_reference.clone(),
        etag: id(cx.ids(), 'E'),
        modified: cx.now().millis(),
        config: read(config)?,
        tags,
        invalidations: 0,
    };
    let place = &place(cx);
    cx.store()
        .transact(|tx| async move {
            let others = store::distributions(&tx, place, None, MOST).await?;
            let same =
                |other: &&DistributionRecord| other.caller_reference == record.caller_reference;
            if let Some(there) = others.iter().find(same) {
                let same = there.config == record.config;
                return if same {
                    Ok(there.clone())
                } else {
                    Err(Error::DistributionAlreadyExists)
                };
            }
            if others.len() >= MOST {
                return Err(Error::TooManyDistributions);
            }
            verify(&tx, place, record).await?;
            for host in std::iter::once(record.domain.as_str()).chain(aliases(record)) {
                store::claim(&tx, place, &record.id, host).await?;
            }
            tx.put_record(place.distribution(&record.id), &Stored::Distribution(record.clone()));
            cx.note_made(&tx, &record.id);
            Ok(record.clone())
        })
        .await
}

/// The document of a configuration that is right in itself.
pub(super) fn read(
    config: &DistributionConfig,
) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
    check(config)?;
    let document = carry::members(config)?;
    quantities(&document)?;
    Ok(document)
}

/// Whether all that a configuration refers to is there.
pub(super) async fn verify(
    read: &impl Read,
    place: &Place,
    record: &DistributionRecord,
) -> Result<(), Error> {
    let mut policies = Policies::default();
    for kind in [
        PolicyKind::OriginAccessControl,
        PolicyKind::CachePolicy,
        PolicyKind::OriginRequestPolicy,
        PolicyKind::ResponseHeadersPolicy,
    ] {
        let own = store::policies(read, place, kind, None, usize::MAX).await?;
        for record in own {
            policies.add(record);
        }
    }
    compile(&place.0, record, &policies, &[]).map(drop)
}

/// The aliases in a record's configuration.
pub(super) fn aliases(record: &DistributionRecord) -> impl Iterator<Item = &str> {
    let items = record.config.get("Aliases").and_then(|aliases| aliases.get("Items"));
    items.and_then(|items| items.as_array()).into_iter().flatten().filter_map(|item| item.as_str())
}

/// Removes what is claimed for a distribution.
pub(super) async fn release(
    tx: &cumulet_store::Tx,
    place: &Place,
    record: &DistributionRecord,
) -> Result<(), StoreError> {
    for host in std::iter::once(record.domain.as_str()).chain(aliases(record)) {
        store::release(tx, place, &record.id, host).await?;
    }
    Ok(())
}
