//! What all services of one cloud share.

use std::sync::{Arc, OnceLock};

use cumulet_base::{AccountId, Clock, Ids, Limits, Region};
use cumulet_store::{Blobs, Sealer, Store};
use cumulet_work::Work;

use crate::{
    Authorizer, Credentials, Cx, Fetch, Principal, Registry, RequestInfo, Service, Telemetry,
};

/// One running cloud: its store, its clock, its services.
pub struct Cloud {
    parts: Parts,
    registry: Registry,
    telemetry: Option<Arc<dyn Telemetry>>,
    /// Set once: it knows the sites, which know the services.
    fetch: OnceLock<Arc<dyn Fetch>>,
}

/// What a cloud is put together from.
pub struct Parts {
    /// The data.
    pub store: Store,
    /// Large values, as files.
    pub blobs: Blobs,
    /// What is to be done later.
    pub work: Work,
    /// Seals secrets.
    pub sealer: Arc<Sealer>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// Bounds.
    pub limits: Limits,
    /// The account that requests are for where nothing names another.
    pub account: AccountId,
    /// The region that requests are for where nothing names another.
    pub region: Region,
    /// Gives leave.
    pub authorizer: Arc<dyn Authorizer>,
    /// Knows access keys.
    pub credentials: Arc<dyn Credentials>,
}

impl Cloud {
    /// A cloud of these parts and services.
    pub fn new(parts: Parts, services: Vec<Arc<dyn Service>>) -> Arc<Self> {
        let telemetry = services.iter().find_map(|service| Arc::clone(service).telemetry());
        let registry = Registry::new(services);
        Arc::new(Self { parts, registry, telemetry, fetch: OnceLock::new() })
    }

    /// Begins the services' background work. Once, when the cloud is complete.
    pub fn start(self: &Arc<Self>) {
        for service in self.registry.services() {
            Arc::clone(service).start(self);
        }
    }

    /// The shared parts.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// All operations.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where log lines go; `None` in a cloud without logs, which keeps none.
    pub fn telemetry(&self) -> Option<&dyn Telemetry> {
        self.telemetry.as_deref()
    }

    /// Gives services their way to sites ([`Cx::fetch`]). Once, before [`Cloud::start`]; a second
    /// way is not taken.
    pub fn connect(&self, fetch: Arc<dyn Fetch>) {
        let _ = self.fetch.set(fetch);
    }

    /// The way to sites; `None` in a cloud that has none.
    pub fn fetch(&self) -> Option<&dyn Fetch> {
        self.fetch.get().map(AsRef::as_ref)
    }

    /// A context for work that no request from outside began.
    pub fn context(self: &Arc<Self>, principal: Principal) -> Cx {
        let request = RequestInfo::internal(self.parts.ids.uuid(), self.parts.clock.now());
        let account = principal.account().unwrap_or_else(|| self.parts.account.clone());
        Cx::new(
            Arc::clone(self),
            Arc::new(principal),
            account,
            self.parts.region.clone(),
            Arc::new(request),
        )
    }
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cloud").field("account", &self.parts.account).finish_non_exhaustive()
    }
}
