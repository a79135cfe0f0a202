//! Sites: what a distribution's host leads to.

use std::sync::{Arc, Weak};

use cumulet_base::Body;
use cumulet_service::{BoxFuture, Cx, Result, Site, Sites};
use cumulet_store::names;
use cumulet_store::{Key, Snapshot, Watch};
use http::{Request, Response};

use super::Cdn;
use super::view::local_name;
use crate::CloudFront;
use crate::store::HOSTS;

/// The distributions of a cloud, as sites.
#[derive(Clone)]
pub struct Distributions(Arc<Cdn>);

impl std::fmt::Debug for Distributions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Distributions")
    }
}

impl Distributions {
    /// The sites of this service's distributions.
    pub fn new(service: &CloudFront) -> Arc<Self> {
        Arc::new(Self(Arc::clone(&service.cdn)))
    }
}

/// Whether a host is below the domain that distributions have of their own.
fn is_own(host: &str) -> bool {
    let label = host.strip_suffix(".cloudfront.net");
    let label = label.or_else(|| host.strip_suffix(".cloudfront.localhost"));
    label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
}

impl Sites for Distributions {
    fn find(&self, host: &str, _: &str) -> Option<(Arc<dyn Site>, usize)> {
        // An alias is known a moment after its distribution has it ([`follow`]).
        let known = is_own(host) || self.0.view.last().find(host).is_some();
        let entry = || Arc::new(Entry { cdn: Arc::clone(&self.0), host: host.to_owned() });
        known.then(|| (entry() as Arc<dyn Site>, 0))
    }

    fn listed_under(&self) -> Vec<Key> {
        vec![names::prefix(HOSTS)]
    }

    fn hosts<'a>(&'a self, read: &'a Snapshot, most: usize) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            // Aliases are in the list too.
            let listed = names::list(read, HOSTS, most * 2).await?;
            let hosts = listed.iter().filter_map(|(host, _)| local_name(host));
            Ok(hosts.take(most).collect())
        })
    }
}

/// One host's way in.
struct Entry {
    cdn: Arc<Cdn>,
    host: String,
}

impl Site for Entry {
    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move { self.cdn.serve(&cx, &self.host, request).await })
    }
}

/// Keeps the list of hosts current for those who cannot wait for it, until the store is closed.
pub(crate) async fn follow(cdn: Weak<Cdn>, mut watch: Watch) {
    while let Some(cdn) = cdn.upgrade() {
        if let Err(error) = cdn.view.get().await {
            tracing::warn!(%error, "the distributions cannot be read");
        }
        drop(cdn);
        if watch.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_hosts_have_one_label() {
        for (host, own) in [
            ("d1.cloudfront.net", true),
            ("d1.cloudfront.localhost", true),
            ("cloudfront.net", false),
            (".cloudfront.net", false),
            ("a.b.cloudfront.net", false),
            ("www.example.com", false),
        ] {
            assert_eq!(is_own(host), own, "{host}");
        }
    }
}
