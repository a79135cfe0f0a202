//! The pools of sandboxes, one for each function version that is in use.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cumulet_sandbox::{
    Function, INIT_LIMIT, Launcher, Launching, LogFormat, PlainLauncher, Pool, RuntimeFolder,
    Setup, launching,
};
use cumulet_service::{Cx, Result};
use tokio::sync::Notify;

use crate::describe::log_group;
use crate::logs::Group;
use crate::model::{Settings, VersionRecord};
use crate::name::{FunctionName, LayerName};
use crate::package::{Owner, Packages};
use crate::resolve::{Resolved, version_text};
use crate::role::RoleSource;
use crate::runtimes::Search;
use crate::settings;

/// Pools kept at most; the one that was used longest ago goes first.
const MAX_POOLS: usize = 200;
/// How long a sandbox without work is kept.
const IDLE: Duration = Duration::from_secs(300);

/// What pools are made from, and those that there are.
pub(crate) struct Pools {
    launcher: Launching,
    folder: RuntimeFolder,
    endpoint: Option<String>,
    concurrency: usize,
    kept: Mutex<Kept>,
    /// Functions came, went, or start otherwise than before.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct Kept {
    pools: HashMap<Version, Entry>,
    /// Counts uses, so that entries can be told by age.
    uses: u64,
}

/// Account, region, name, number.
type Version = (String, String, String, u64);

struct Entry {
    /// Of the version: after a change of `$LATEST` another pool takes the place.
    revision: String,
    pool: Arc<Pool>,
    logs: Arc<Group>,
    used: u64,
}

fn key(name: &FunctionName, number: u64) -> Version {
    (name.account.to_string(), name.region.to_string(), name.name.clone(), number)
}

impl Pools {
    /// No pools yet. Sandboxes have their folders under `folder`.
    pub(crate) fn open(
        folder: &Path,
        launcher: Option<Launching>,
        endpoint: Option<String>,
        concurrency: usize,
    ) -> io::Result<Self> {
        let scratch = folder.join("scratch");
        // Temporary files of sandboxes that a killed process left.
        match std::fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self {
            launcher: match launcher {
                Some(launcher) => launcher,
                None => launching(Arc::new(PlainLauncher::new(&scratch, None)?)),
            },
            folder: RuntimeFolder::write(&folder.join("runtime"))?,
            endpoint,
            concurrency,
            kept: Mutex::default(),
            changed: Arc::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What starts functions, and their runtime clients.
    pub(crate) async fn launcher(&self) -> (Arc<dyn Launcher>, &RuntimeFolder) {
        (self.launcher.clone().await, &self.folder)
    }

    /// Wakes who keeps sandboxes ahead.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    fn find(&self, key: &Version, revision: &str) -> Option<(Arc<Pool>, Arc<Group>)> {
        let mut kept = self.lock();
        kept.uses += 1;
        let uses = kept.uses;
        let entry = kept.pools.get_mut(key).filter(|entry| entry.revision == revision)?;
        entry.used = uses;
        Some((Arc::clone(&entry.pool), Arc::clone(&entry.logs)))
    }

    /// The pool of a version, made where there is none.
    pub(crate) async fn get(
        &self,
        cx: &Cx,
        packages: &Packages,
        runtimes: &Search,
        resolved: &Resolved,
    ) -> Result<Arc<Pool>> {
        let key = key(&resolved.name, resolved.version.number);
        let revision = &resolved.version.revision;
        if let Some((pool, logs)) = self.find(&key, revision) {
            logs.ask(cx).await;
            return Ok(pool);
        }
        let function = self.function(cx, packages, runtimes, resolved).await?;
        let (pool, logs) = self.make(cx, function, resolved).await;
        let pool = Arc::new(pool);
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        // Somebody else may have made one meanwhile.
        if let Some(entry) = kept.pools.get(&key).filter(|entry| entry.revision == *revision) {
            return Ok(Arc::clone(&entry.pool));
        }
        let entry = Entry { revision: revision.clone(), pool: Arc::clone(&pool), logs, used };
        let mut gone = vec![kept.pools.insert(key, entry)];
        while kept.pools.len() > MAX_POOLS {
            gone.push(kept.evict());
        }
        drop(kept);
        // Ending sandboxes is not done under the lock.
        drop(gone);
        Ok(pool)
    }

    /// Drops the pools of a function, or of one of its versions. Invocations under way go on.
    pub(crate) fn forget(&self, name: &FunctionName, number: Option<u64>) {
        let (account, region) = (name.account.to_string(), name.region.to_string());
        let is_meant = |version: &Version| {
            version.0 == account
                && version.1 == region
                && version.2 == name.name
                && number.is_none_or(|number| version.3 == number)
        };
        let mut kept = self.lock();
        let gone: Vec<Entry> =
            kept.pools.extract_if(|version, _| is_meant(version)).map(|(_, entry)| entry).collect();
        drop(kept);
        drop(gone);
    }

    async fn make(&self, cx: &Cx, function: Function, resolved: &Resolved) -> (Pool, Arc<Group>) {
        let name = FunctionName { qualifier: None, ..resolved.name.clone() };
        let cloud = Arc::downgrade(cx.cloud());
        let (account, region) = (name.account.clone(), name.region.clone());
        let logs = Group::new(Weak::clone(&cloud), account, region, function.log_group.clone());
        let parts = cx.cloud().parts();
        let pool = Pool::new(Setup {
            function,
            launcher: self.launcher.clone().await,
            folder: self.folder.clone(),
            credentials: Arc::new(RoleSource {
                cloud,
                name,
                role: resolved.version.settings.role.clone(),
                logs: Arc::clone(&logs),
            }),
            sink: Arc::<Group>::clone(&logs),
            clock: Arc::clone(&parts.clock),
            ids: Arc::clone(&parts.ids),
            concurrency: self.concurrency,
            idle: IDLE,
            init_limit: INIT_LIMIT,
        });
        (pool, logs)
    }

    async fn function(
        &self,
        cx: &Cx,
        packages: &Packages,
        runtimes: &Search,
        resolved: &Resolved,
    ) -> Result<Function> {
        let Resolved { name, function, version, .. } = resolved;
        let settings = &version.settings;
        let owner = Owner { account: &name.account, region: &name.region };
        let (runtime, interpreter) = runtimes.found().await?.select(&settings.runtime)?;
        let code = packages.code(cx, owner, &version.code).await?;
        Ok(Function {
            name: function.name.clone(),
            version: version_text(version.number),
            region: name.region.as_str().to_owned(),
            runtime,
            interpreter,
            handler: settings.handler.clone(),
            code,
            layers: layers(cx, packages, owner, version).await?,
            memory_mb: settings.memory,
            storage_mb: settings.storage,
            timeout: Duration::from_secs(settings.timeout.into()),
            environment: settings::environment(cx.sealer(), &function.id, settings)?,
            endpoint: self.endpoint.clone(),
            log_group: log_group(&function.name, settings),
            log_format: log_format(settings),
            log_level: settings.logging.application_level.clone(),
            system_log_level: settings.logging.system_level.clone(),
        })
    }
}

impl Kept {
    fn evict(&mut self) -> Option<Entry> {
        let oldest = self.pools.iter().min_by_key(|(_, entry)| entry.used)?.0.clone();
        self.pools.remove(&oldest)
    }
}

fn log_format(settings: &Settings) -> LogFormat {
    if settings.logging.json { LogFormat::Json } else { LogFormat::Text }
}

async fn layers(
    cx: &Cx,
    packages: &Packages,
    owner: Owner<'_>,
    version: &VersionRecord,
) -> Result<Option<std::path::PathBuf>> {
    let names: Vec<LayerName> = version
        .settings
        .layers
        .iter()
        .map(|layer| Ok(LayerName::parse_version(&layer.arn)?.0))
        .collect::<Result<_>>()?;
    let used = names.iter().zip(&version.settings.layers).map(|(name, layer)| {
        (Owner { account: &name.account, region: &name.region }, layer.code.clone())
    });
    packages.layers(cx, owner, &used.collect::<Vec<_>>()).await
}
