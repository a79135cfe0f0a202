//! AWS's own policies, whose ids templates name ("Use managed cache policies", "Use managed origin
//! request policies", "Use managed response headers policies", developer guide).
//!
//! Those for media packages are left out.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::{PolicyKind, PolicyRecord};

/// The version of what never changes.
const ETAG: &str = "E23ZP02F085DFQ";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    kind: PolicyKind,
    id: String,
    config: serde_json::Map<String, serde_json::Value>,
}

static ALL: LazyLock<Vec<PolicyRecord>> = LazyLock::new(|| {
    let entries: Vec<Entry> =
        serde_json::from_str(include_str!("managed.json")).unwrap_or_default();
    let record = |Entry { kind, id, config }| PolicyRecord {
        kind,
        id,
        config,
        etag: ETAG.to_owned(),
        modified: 0,
    };
    entries.into_iter().map(record).collect()
});

/// All of one kind.
pub(crate) fn of(kind: PolicyKind) -> impl Iterator<Item = &'static PolicyRecord> {
    ALL.iter().filter(move |record| record.kind == kind)
}

/// The one with this id.
pub(crate) fn find(kind: PolicyKind, id: &str) -> Option<&'static PolicyRecord> {
    of(kind).find(|record| record.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carry;
    use cumulet_api_cloudfront::types::{
        CachePolicyConfig, OriginRequestPolicyConfig, ResponseHeadersPolicyConfig,
    };

    #[test]
    fn all_are_of_the_model() {
        let (cache, request, response) = (
            of(PolicyKind::CachePolicy),
            of(PolicyKind::OriginRequestPolicy),
            of(PolicyKind::ResponseHeadersPolicy),
        );
        let same = |config: &serde_json::Map<_, _>, again: serde_json::Map<_, _>| {
            assert_eq!(*config, again);
        };
        let mut count = 0;
        for record in cache {
            let shape: CachePolicyConfig = carry::shape(&record.config).unwrap();
            same(&record.config, carry::members(&shape).unwrap());
            count += 1;
        }
        for record in request {
            let shape: OriginRequestPolicyConfig = carry::shape(&record.config).unwrap();
            same(&record.config, carry::members(&shape).unwrap());
            count += 1;
        }
        for record in response {
            let shape: ResponseHeadersPolicyConfig = carry::shape(&record.config).unwrap();
            same(&record.config, carry::members(&shape).unwrap());
            count += 1;
        }
        assert_eq!(count, 17);
    }
}
