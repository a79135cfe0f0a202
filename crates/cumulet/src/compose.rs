//! A cloud put together: the one place that knows every service.

use std::path::Path;
use std::sync::Arc;

use cumulet_base::{AccountId, Limits, RandomIds, Region, SystemClock};
use cumulet_cognito::{Cognito, PoolSites};
use cumulet_dynamodb::DynamoDb;
use cumulet_iam::{AccessKeys, Iam, Permissions, RootKey};
use cumulet_logs::Logs;
use cumulet_mail::{Mail, Unconfigured};
use cumulet_service::{Cloud, Parts, Service, Sites};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_sts::Sts;
use cumulet_work::Work;

/// What a cloud is made of from outside.
pub(crate) struct Base<'a> {
    pub(crate) data: &'a Path,
    pub(crate) master_key: &'a Path,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// Whether others than this machine can reach it.
    pub(crate) public: bool,
}

/// A cloud whose work has begun.
pub(crate) struct Composed {
    pub(crate) cloud: Arc<Cloud>,
    /// The key of its root.
    pub(crate) root: RootKey,
    /// What its services publish over plain HTTP.
    pub(crate) sites: Vec<Arc<dyn Sites>>,
}

/// Puts a cloud together and begins its work.
pub(crate) async fn cloud(base: Base<'_>) -> Result<Composed, String> {
    let said = |why: &dyn std::fmt::Display| why.to_string();
    let options = Options::default();
    let free = options.min_free_bytes;
    std::fs::create_dir_all(base.data).map_err(|why| format!("{}: {why}", base.data.display()))?;
    let store = Store::open(&base.data.join("store"), options).await.map_err(|e| said(&e))?;
    let blobs = Blobs::open(&base.data.join("blobs"), free).await.map_err(|e| said(&e))?;
    let sealer = Arc::new(Sealer::open(base.master_key, base.data).map_err(|e| said(&e))?);
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
    let root =
        RootKey::load_or_create(&store, &sealer, ids.as_ref()).await.map_err(|e| said(&e))?;
    let credentials =
        AccessKeys::new(&store, Arc::clone(&sealer), clock.clone(), &base.account, root.clone());
    let dynamodb = DynamoDb::open(&store).await.map_err(|e| said(&e))?;
    let logs = Logs::new(&store, clock.clone(), ids.clone());
    // Nobody reads the mailbox of a public server.
    let unread = if base.public { Unconfigured::Refuse } else { Unconfigured::Mailbox };
    let mail = Mail::new(store.clone(), Arc::clone(&sealer), clock.clone(), unread);
    let cognito = Cognito::new(Arc::clone(&mail), None);
    let sites: Vec<Arc<dyn Sites>> = vec![Arc::new(PoolSites::new(&cognito))];
    let services: Vec<Arc<dyn Service>> =
        vec![cognito, dynamodb, Arc::new(Iam), logs, Arc::new(Sts)];
    let work = Work::new(store.clone(), clock.clone());
    mail.start(&work);
    let parts = Parts {
        work,
        authorizer: Arc::new(Permissions::new(&store)),
        credentials: Arc::new(credentials),
        limits: Limits::default(),
        account: base.account,
        region: base.region,
        store,
        blobs,
        sealer,
        clock,
        ids,
    };
    let cloud = Cloud::new(parts, services);
    cloud.start();
    Ok(Composed { cloud, root, sites })
}
