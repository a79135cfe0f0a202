//! All distributions, compiled, by host.

use std::collections::HashMap;
use std::sync::Arc;

use cumulet_base::AccountId;
use cumulet_service::LOCAL_DOMAIN;
use cumulet_store::{Component, Direction, Key, Read as _, Snapshot, Store, StoreError, View};

use crate::config::compile::{Policies, compile};
use crate::config::rules::Distribution;
use crate::model::{DistributionRecord, InvalidationRecord, Stored};
use crate::store::SERVICE;

/// The distributions of a cloud by host.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    by_host: HashMap<String, Arc<Distribution>>,
}

impl Compiled {
    /// The distribution at a host (lower case, without port).
    pub(crate) fn find(&self, host: &str) -> Option<&Arc<Distribution>> {
        self.by_host.get(host)
    }
}

/// What one account has.
#[derive(Default)]
struct Account {
    distributions: Vec<DistributionRecord>,
    policies: Policies,
    /// By distribution, the oldest first.
    invalidations: HashMap<String, Vec<InvalidationRecord>>,
}

/// A view of all distributions.
pub(crate) async fn open(store: &Store) -> Result<View<Compiled>, StoreError> {
    View::new(store, &Key::of_service(SERVICE), load).await
}

/// The name below `cloudfront.localhost` that a distribution has beside its own.
pub(crate) fn local_name(domain: &str) -> Option<String> {
    let label = domain.strip_suffix(".cloudfront.net")?;
    Some(format!("{label}.cloudfront.{LOCAL_DOMAIN}"))
}

async fn load(read: Snapshot) -> Result<Compiled, StoreError> {
    let mut accounts: HashMap<String, Account> = HashMap::new();
    let mut scan = read.scan(Key::of_service(SERVICE).prefix(), Direction::Forward);
    while let Some((key, stored)) = scan.next_record::<Stored>().await? {
        let components = Key::components(&key).unwrap_or_default();
        let Some(name) = components.get(1).and_then(Component::as_text) else { continue };
        let account = accounts.entry(name.to_owned()).or_default();
        match stored {
            Stored::Distribution(record) => account.distributions.push(record),
            Stored::Policy(record) => account.policies.add(record),
            Stored::Invalidation(record) => {
                account.invalidations.entry(record.distribution.clone()).or_default().push(record);
            }
        }
    }
    let mut compiled = Compiled::default();
    for (name, account) in &accounts {
        let Ok(id) = name.parse::<AccountId>() else { continue };
        for record in &account.distributions {
            let invalidations = account.invalidations.get(&record.id);
            let invalidations = invalidations.map(Vec::as_slice).unwrap_or_default();
            match compile(&id, record, &account.policies, invalidations) {
                Ok(distribution) => compiled.add(&Arc::new(distribution)),
                Err(error) => tracing::error!(id = record.id, %error, "a distribution is broken"),
            }
        }
    }
    Ok(compiled)
}

impl Compiled {
    fn add(&mut self, distribution: &Arc<Distribution>) {
        let names = [Some(distribution.domain.clone()), local_name(&distribution.domain)];
        let aliases = distribution.aliases.iter().cloned();
        for host in names.into_iter().flatten().chain(aliases) {
            self.by_host.insert(host, Arc::clone(distribution));
        }
    }
}
