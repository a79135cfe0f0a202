//! A distribution, compiled for serving.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cumulet_api_cloudfront::types::ResponseHeadersPolicyConfig;
use cumulet_base::{AccountId, Arn};
use http::{HeaderName, HeaderValue, Method};

use crate::cache::freshness::Ttl;
use crate::cache::key::{KeyRule, Names};
use crate::cache::pattern::Pattern;
use crate::cache::store::Object;

/// A distribution.
#[derive(Debug)]
pub(crate) struct Distribution {
    pub(crate) id: String,
    pub(crate) account: AccountId,
    pub(crate) arn: Arn,
    /// `d….cloudfront.net`
    pub(crate) domain: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) enabled: bool,
    /// Without a slash; empty where there is none.
    pub(crate) root: String,
    /// In the order in which they are tried.
    pub(crate) behaviours: Vec<(Pattern, Arc<Behaviour>)>,
    pub(crate) default: Arc<Behaviour>,
    /// By the status that an origin answers.
    pub(crate) errors: HashMap<u16, ErrorRule>,
    /// The invalidations that are remembered by number, the oldest first.
    pub(crate) invalidations: Vec<(u64, Vec<Pattern>)>,
    /// The number of the latest invalidation.
    pub(crate) latest: u64,
    /// What its `Via` headers say.
    pub(crate) via: HeaderValue,
}

impl Distribution {
    /// The behaviour for a path.
    pub(crate) fn behaviour(&self, path: &str) -> &Arc<Behaviour> {
        let found = self.behaviours.iter().find(|(pattern, _)| pattern.matches(path));
        found.map_or(&self.default, |(_, behaviour)| behaviour)
    }

    /// Whether no invalidation since it came concerns what is kept.
    pub(crate) fn holds(&self, object: &Object) -> bool {
        let seen = object.seen();
        if seen == self.latest {
            return true;
        }
        // What came before the oldest that is remembered may have been meant by a forgotten one.
        let remembered = self.invalidations.first().is_none_or(|(number, _)| *number <= seen + 1);
        let meant = |(number, patterns): &(u64, Vec<Pattern>)| {
            *number > seen && patterns.iter().any(|pattern| pattern.matches(&object.path))
        };
        if !remembered || self.invalidations.iter().any(meant) {
            return false;
        }
        object.survived(self.latest);
        true
    }
}

/// What is done with requests for some paths.
#[derive(Debug)]
pub(crate) struct Behaviour {
    pub(crate) origin: Arc<Origin>,
    pub(crate) viewer: ViewerProtocol,
    pub(crate) methods: Vec<Method>,
    /// What distinguishes requests; sent to the origin too.
    pub(crate) key: KeyRule,
    /// How long answers are kept; `None`: not at all.
    pub(crate) ttl: Option<Ttl>,
    pub(crate) forward: Forward,
    pub(crate) response: Option<Arc<ResponseHeadersPolicyConfig>>,
}

/// What goes on to the origin beside what is in the key. Names of headers are in lower case.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    pub(crate) headers: Names,
    pub(crate) cookies: Names,
    pub(crate) query: Names,
    /// Headers that CloudFront makes itself and adds: `cloudfront-…`.
    pub(crate) added: Vec<HeaderName>,
    /// The behaviour has ForwardedValues and no policies: headers that are no viewer's own go on.
    pub(crate) legacy: bool,
}

/// What is done with requests that came over plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewerProtocol {
    Allow,
    Redirect,
    Refuse,
}

/// Where answers come from.
#[derive(Debug)]
pub(crate) struct Origin {
    /// In lower case.
    pub(crate) domain: String,
    /// Stands before every path: empty, or with a leading and without a final slash.
    pub(crate) path: String,
    /// Headers that every request to it has.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) kind: OriginKind,
    /// How often a connection is tried.
    pub(crate) attempts: u32,
}

/// The kinds of origins.
#[derive(Debug)]
pub(crate) enum OriginKind {
    /// A bucket of this cloud, asked by name.
    Bucket {
        name: String,
        /// Whether it is asked as CloudFront (by an origin access control) and not as anybody.
        signed: bool,
    },
    /// An HTTP server.
    Custom { http: u16, https: u16, scheme: Scheme, read: Duration },
}

/// How a custom origin is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    AsViewer,
}

/// What is answered in place of an origin's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorRule {
    /// The page and the status to answer with it.
    pub(crate) page: Option<(String, u16)>,
    /// Seconds that the error is kept, at least.
    pub(crate) least: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use cumulet_base::Timestamp;
    use http::{HeaderMap, StatusCode};

    fn distribution(invalidations: &[(u64, &str)]) -> Distribution {
        let kind = OriginKind::Bucket { name: "b".into(), signed: true };
        let origin =
            Origin { domain: "b".into(), path: String::new(), headers: vec![], kind, attempts: 1 };
        let behaviour = Behaviour {
            origin: Arc::new(origin),
            viewer: ViewerProtocol::Allow,
            methods: vec![],
            key: KeyRule::default(),
            ttl: None,
            forward: Forward::default(),
            response: None,
        };
        Distribution {
            id: "E1".into(),
            account: AccountId::DEFAULT,
            arn: Arn::global("cloudfront", &AccountId::DEFAULT, "distribution/E1"),
            domain: "d1.cloudfront.net".into(),
            aliases: vec![],
            enabled: true,
            root: String::new(),
            behaviours: vec![],
            default: Arc::new(behaviour),
            errors: HashMap::new(),
            invalidations: invalidations
                .iter()
                .map(|(number, path)| (*number, vec![Pattern::new(path)]))
                .collect(),
            latest: invalidations.last().map_or(0, |(number, _)| *number),
            via: HeaderValue::from_static("1.1 d1.cloudfront.net (CloudFront)"),
        }
    }

    fn object(path: &str, seen: u64) -> Object {
        let now = Timestamp::from_secs(0);
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Object::new(StatusCode::OK, headers, body, path.to_owned(), now, (now, now), seen)
    }

    #[test]
    fn invalidations_end_what_came_before_them() {
        let with = distribution(&[(1, "/a/*"), (2, "/b")]);
        assert!(!with.holds(&object("/a/x", 0)));
        assert!(with.holds(&object("/a/x", 1)));
        assert!(!with.holds(&object("/b", 0)));
        assert!(!with.holds(&object("/b", 1)));
        assert!(with.holds(&object("/b", 2)));
        let other = object("/c", 0);
        assert!(with.holds(&other) && other.seen() == 2);
        // Number 1 is forgotten: it may have meant anything.
        let with = distribution(&[(2, "/b")]);
        assert!(!with.holds(&object("/c", 0)));
        assert!(with.holds(&object("/c", 1)));
    }
}
