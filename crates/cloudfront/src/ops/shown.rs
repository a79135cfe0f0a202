//! A distribution, as answers show it.

use cumulet_api_cloudfront::types::{
    ActiveTrustedKeyGroups, ActiveTrustedSigners, Aliases, CacheBehaviors, CustomErrorResponses,
    Distribution, DistributionConfig, DistributionSummary, GeoRestriction, GeoRestrictionType,
    HttpVersion, PriceClass, Restrictions, ViewerCertificate,
};
use cumulet_base::{AccountId, Arn, Timestamp};

use crate::carry;
use crate::error::Error;
use crate::model::DistributionRecord;
use crate::store::SERVICE;

/// What an answer to a change says. The change is in force by then; AWS says so minutes later, and
/// clients wait for the change from the one to the other.
pub(super) const IN_PROGRESS: &str = "InProgress";
pub(super) const DEPLOYED: &str = "Deployed";

pub(super) fn arn(account: &AccountId, id: &str) -> Arn {
    Arn::global(SERVICE, account, &format!("distribution/{id}"))
}

/// The configuration as it is kept.
pub(super) fn config(record: &DistributionRecord) -> Result<DistributionConfig, Error> {
    Ok(carry::shape(&record.config)?)
}

/// A distribution as a whole.
pub(super) fn distribution(
    account: &AccountId,
    record: &DistributionRecord,
    status: &str,
) -> Result<Distribution, Error> {
    Ok(Distribution {
        id: record.id.clone(),
        arn: arn(account, &record.id).as_str().to_owned(),
        status: status.to_owned(),
        last_modified_time: Timestamp::from_millis(record.modified),
        in_progress_invalidation_batches: 0,
        domain_name: record.domain.clone(),
        active_trusted_signers: Some(ActiveTrustedSigners::default()),
        active_trusted_key_groups: Some(ActiveTrustedKeyGroups::default()),
        distribution_config: config(record)?,
        alias_icp_recordals: None,
    })
}

/// A distribution's line in a list.
pub(super) fn summary(
    account: &AccountId,
    record: &DistributionRecord,
) -> Result<DistributionSummary, Error> {
    let config = config(record)?;
    let geo =
        GeoRestriction { restriction_type: GeoRestrictionType::None, quantity: 0, items: None };
    let certificate = ViewerCertificate {
        cloud_front_default_certificate: Some(true),
        ..ViewerCertificate::default()
    };
    Ok(DistributionSummary {
        id: record.id.clone(),
        arn: arn(account, &record.id).as_str().to_owned(),
        e_tag: Some(record.etag.clone()),
        status: DEPLOYED.to_owned(),
        last_modified_time: Timestamp::from_millis(record.modified),
        domain_name: record.domain.clone(),
        aliases: config.aliases.unwrap_or(Aliases { quantity: 0, items: None }),
        origins: config.origins,
        origin_groups: config.origin_groups,
        default_cache_behavior: config.default_cache_behavior,
        cache_behaviors: config
            .cache_behaviors
            .unwrap_or(CacheBehaviors { quantity: 0, items: None }),
        custom_error_responses: config
            .custom_error_responses
            .unwrap_or(CustomErrorResponses { quantity: 0, items: None }),
        comment: config.comment,
        price_class: config.price_class.unwrap_or(PriceClass::PriceClassAll),
        enabled: config.enabled,
        viewer_certificate: config.viewer_certificate.unwrap_or(certificate),
        restrictions: config.restrictions.unwrap_or(Restrictions { geo_restriction: geo }),
        web_acl_id: String::new(),
        http_version: config.http_version.unwrap_or(HttpVersion::Http2),
        is_ipv6_enabled: config.is_ipv6_enabled.unwrap_or(false),
        ..DistributionSummary::default()
    })
}
