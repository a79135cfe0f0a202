//! Lambda: functions, versions, aliases, layers, and running them.
//!
//! `ops/` has one file an operation. A zip is a blob that versions and layers count their uses of
//! (`code`), unpacked into a cache (`package`); each version that is in use has a pool of sandboxes
//! (`pools`), which runs as the function's role (`role`). Invoke and the queue of events (`queue`)
//! share the way from a name to an outcome (`resolve`, `admission`, `run`), and so do event source
//! mappings (`mapping`), which read streams and run functions with what a filter (`pattern`) lets
//! pass. What comes of it goes to functions and buckets (`destination`, `record`, `deliver`).

mod access;
mod admission;
mod ahead;
mod code;
mod deliver;
mod describe;
mod destination;
mod error;
mod layer;
mod logs;
mod mapping;
mod model;
mod name;
mod ops;
mod package;
mod page;
mod pattern;
mod policy;
mod pools;
mod publish;
mod queue;
mod record;
mod resolve;
mod resources;
mod role;
mod run;
mod runtimes;
mod settings;
mod source;
mod store;
#[cfg(test)]
mod testing;
mod url;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use cumulet_api_lambda::ops::{
    AddPermission, CreateAlias, CreateEventSourceMapping, CreateFunction, CreateFunctionUrlConfig,
    DeleteAlias, DeleteEventSourceMapping, DeleteFunction, DeleteFunctionConcurrency,
    DeleteFunctionEventInvokeConfig, DeleteFunctionUrlConfig, DeleteLayerVersion,
    GetAccountSettings, GetAlias, GetEventSourceMapping, GetFunction, GetFunctionCodeSigningConfig,
    GetFunctionConcurrency, GetFunctionConfiguration, GetFunctionEventInvokeConfig,
    GetFunctionRecursionConfig, GetFunctionUrlConfig, GetLayerVersion, GetLayerVersionByArn,
    GetPolicy, GetRuntimeManagementConfig, Invoke, ListAliases, ListEventSourceMappings,
    ListFunctionEventInvokeConfigs, ListFunctionUrlConfigs, ListFunctions, ListLayerVersions,
    ListLayers, ListTags, ListVersionsByFunction, PublishLayerVersion, PublishVersion,
    PutFunctionConcurrency, PutFunctionEventInvokeConfig, RemovePermission, TagResource,
    UntagResource, UpdateAlias, UpdateEventSourceMapping, UpdateFunctionCode,
    UpdateFunctionConfiguration, UpdateFunctionEventInvokeConfig, UpdateFunctionUrlConfig,
};
use cumulet_sandbox::Launching;
use cumulet_service::{Cloud, Resource, Service, operations};
use cumulet_shape::ServiceMeta;

pub use error::Error;
pub use runtimes::Substitutes;

use admission::Admission;
use package::Packages;
use pools::Pools;
use runtimes::Search;

/// How the service is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// A folder of its own, for unpacked code and sandboxes. What is in it can be made anew.
    pub folder: PathBuf,
    /// This cloud's base URL as functions reach it: their `AWS_ENDPOINT_URL`.
    pub endpoint: Option<String>,
    /// What becomes of functions whose runtime this machine has in a newer version only.
    pub substitutes: Substitutes,
    /// A folder with interpreters, looked into before the machine's own places.
    pub interpreters: Option<PathBuf>,
    /// Starts functions; plain processes where there is none.
    pub launcher: Option<Launching>,
    /// Invocations at once, for each account and region (AWS: 1,000 unless more are granted).
    pub concurrency: usize,
}

impl Options {
    /// With AWS's concurrency and newer runtimes allowed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            endpoint: None,
            substitutes: Substitutes::Allow,
            interpreters: None,
            launcher: None,
            concurrency: 1_000,
        }
    }
}

/// The service.
pub struct Lambda {
    packages: Packages,
    pools: Pools,
    runtimes: Search,
    admission: Arc<Admission>,
    concurrency: usize,
    endpoint: Option<String>,
}

impl Lambda {
    /// The service over what the cloud's store holds.
    pub async fn open(options: Options) -> io::Result<Arc<Self>> {
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(options)).await;
        opened.map_err(io::Error::other)?.map(Arc::new)
    }

    fn open_blocking(options: Options) -> io::Result<Self> {
        let Options { folder, endpoint, substitutes, interpreters, launcher, concurrency } =
            options;
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            packages: Packages::open(&folder.join("code"))?,
            pools: Pools::open(&folder, launcher, endpoint.clone(), concurrency)?,
            runtimes: Search::new(interpreters, substitutes),
            admission: Arc::default(),
            concurrency,
            endpoint,
        })
    }
}

impl std::fmt::Debug for Lambda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lambda").field("runtimes", &self.runtimes).finish_non_exhaustive()
    }
}

impl Service for Lambda {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_lambda::SERVICE
    }

    fn resources(&self) -> Vec<&'static dyn Resource> {
        resources::all()
    }

    fn start(self: Arc<Self>, cloud: &Arc<Cloud>) {
        code::register(cloud, &self.packages);
        deliver::register(cloud);
        queue::register(&self, cloud);
        ahead::register(&self, cloud);
        mapping::start(&self, cloud);
        // Ahead of the first call, which would wait for it; where this fails, that one says so.
        tokio::spawn(async move { self.runtimes.found().await.map(drop) });
    }

    operations![
        AddPermission,
        CreateAlias,
        CreateEventSourceMapping,
        CreateFunction,
        CreateFunctionUrlConfig,
        DeleteAlias,
        DeleteEventSourceMapping,
        DeleteFunction,
        DeleteFunctionConcurrency,
        DeleteFunctionEventInvokeConfig,
        DeleteFunctionUrlConfig,
        DeleteLayerVersion,
        GetAccountSettings,
        GetAlias,
        GetEventSourceMapping,
        GetFunction,
        GetFunctionCodeSigningConfig,
        GetFunctionConcurrency,
        GetFunctionConfiguration,
        GetFunctionEventInvokeConfig,
        GetFunctionRecursionConfig,
        GetFunctionUrlConfig,
        GetLayerVersion,
        GetLayerVersionByArn,
        GetPolicy,
        GetRuntimeManagementConfig,
        Invoke,
        ListAliases,
        ListEventSourceMappings,
        ListFunctionEventInvokeConfigs,
        ListFunctionUrlConfigs,
        ListFunctions,
        ListLayerVersions,
        ListLayers,
        ListTags,
        ListVersionsByFunction,
        PublishLayerVersion,
        PublishVersion,
        PutFunctionConcurrency,
        PutFunctionEventInvokeConfig,
        RemovePermission,
        TagResource,
        UntagResource,
        UpdateAlias,
        UpdateEventSourceMapping,
        UpdateFunctionCode,
        UpdateFunctionConfiguration,
        UpdateFunctionEventInvokeConfig,
        UpdateFunctionUrlConfig,
    ];
}
