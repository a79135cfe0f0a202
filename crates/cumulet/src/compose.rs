//! A cloud put together: the one place that knows every service.

use std::path::Path;
use std::sync::Arc;

use cumulet_apigateway::HttpApis;
use cumulet_base::{AccountId, Limits, RandomIds, Region, SystemClock};
use cumulet_dynamodb::DynamoDb;
use cumulet_iam::{AccessKeys, Iam, Permissions, RootKey};
use cumulet_service::{Cloud, Parts, Service};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_sts::Sts;
use cumulet_work::Work;

/// What a cloud is made of from outside.
pub(crate) struct Base<'a> {
    pub(crate) data: &'a Path,
    pub(crate) master_key: &'a Path,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

/// A cloud whose work has begun, and the key of its root.
pub(crate) async fn cloud(base: Base<'_>) -> Result<(Arc<Cloud>, RootKey), String> {
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
    let services: Vec<Arc<dyn Service>> =
        vec![dynamodb, Arc::new(HttpApis), Arc::new(Iam), Arc::new(Sts)];
    let parts = Parts {
        work: Work::new(store.clone(), clock.clone()),
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
    Ok((cloud, root))
}
