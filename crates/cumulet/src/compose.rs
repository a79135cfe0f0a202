//! A cloud put together: the one place that knows every service.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cumulet_apigateway::{HttpApis, RestApis, Stages};
use cumulet_base::{AccountId, Clock, Ids, Limits, RandomIds, Region, SystemClock};
use cumulet_cloudformation::{CloudFormation, Responses};
use cumulet_cloudfront::{CloudFront, Distributions};
use cumulet_cognito::{Cognito, PoolSites};
use cumulet_dynamodb::{DynamoDb, Streams};
use cumulet_gateway::Web;
use cumulet_iam::{AccessKeys, Iam, Permissions, RootKey};
use cumulet_lambda::{Lambda, Options as LambdaOptions, Substitutes};
use cumulet_logs::Logs;
use cumulet_mail::{Mail, Unconfigured};
use cumulet_net::{AllowAll, Client, ClientLimits, DestinationPolicy, PublicOnly};
use cumulet_s3::{S3, Websites};
use cumulet_sandbox::Launching;
use cumulet_service::{Cloud, Parts, Service, Sites};
use cumulet_ssm::Ssm;
use cumulet_store::{Blobs, OpenError, Options, Sealer, Store};
use cumulet_sts::Sts;
use cumulet_work::Work;

/// The folders of its data, the one that knows what the others are for first.
pub(crate) const FOLDERS: [&str; 3] = ["store", "blobs", "lambda"];

/// What a cloud is made of from outside.
pub(crate) struct Base<'a> {
    pub(crate) data: &'a Path,
    pub(crate) master_key: &'a Path,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// Where programs on this machine reach the cloud: `http://127.0.0.1:4566`.
    pub(crate) endpoint: &'a str,
    /// Starts functions.
    pub(crate) launcher: Option<Launching>,
    /// What becomes of functions whose runtime this machine has in a newer version only.
    pub(crate) substitutes: Substitutes,
    /// A folder of interpreters beside the machine's own.
    pub(crate) interpreters: Option<PathBuf>,
    /// Whether others than this machine can reach it.
    pub(crate) public: bool,
    /// The root's key in a life before this one.
    pub(crate) root: Option<RootKey>,
}

/// A cloud whose work has begun.
pub(crate) struct Composed {
    pub(crate) cloud: Arc<Cloud>,
    /// What host names and paths lead to beside the control plane.
    pub(crate) sites: Vec<Arc<dyn Sites>>,
    /// The key of its root.
    pub(crate) root: RootKey,
    /// What it writes to people.
    pub(crate) mail: Arc<Mail>,
}

/// What services are made from.
struct Ground {
    store: Store,
    sealer: Arc<Sealer>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    work: Work,
}

/// Why a cloud did not start: a sentence, and what it is about where there is advice to give.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// Another program listens where it should.
    AddressInUse(String),
    /// Another process has its data open.
    DataInUse(String),
    Otherwise(String),
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::AddressInUse(why) | Self::DataInUse(why) | Self::Otherwise(why)) = self;
        f.write_str(why)
    }
}

impl From<String> for NotStarted {
    fn from(why: String) -> Self {
        Self::Otherwise(why)
    }
}

/// Puts a cloud together and begins its work.
pub(crate) async fn cloud(base: Base<'_>) -> Result<Composed, NotStarted> {
    let options = Options::default();
    let free = options.min_free_bytes;
    std::fs::create_dir_all(base.data).map_err(|why| format!("{}: {why}", base.data.display()))?;
    let store = Store::open(&base.data.join("store"), options).await;
    let store = store.map_err(|why| match why {
        OpenError::Locked(_) => NotStarted::DataInUse(why.to_string()),
        why => NotStarted::Otherwise(why.to_string()),
    })?;
    let blobs = Blobs::open(&base.data.join("blobs"), free).await.map_err(said)?;
    let sealer = Arc::new(Sealer::open(base.master_key, base.data).map_err(said)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn Ids> = Arc::new(RandomIds);
    // The store is open in this process alone.
    let work = Work::sole(store.clone(), Arc::clone(&clock));
    if let Some(root) = &base.root {
        root.keep(&store, &sealer).await.map_err(said)?;
    }
    let root = RootKey::load_or_create(&store, &sealer, ids.as_ref()).await.map_err(said)?;
    let ground = Ground { store, sealer, clock, ids, work };
    // Nobody reads the mailbox of a public server.
    let unread = if base.public { Unconfigured::Refuse } else { Unconfigured::Mailbox };
    let (sealer, clock) = (Arc::clone(&ground.sealer), Arc::clone(&ground.clock));
    let mail = Mail::new(ground.store.clone(), sealer, clock, unread);
    mail.start(&ground.work);
    let (services, sites) = services(&base, &ground, &mail).await?;
    let Ground { store, sealer, clock, ids, work } = ground;
    let credentials = AccessKeys::new(
        &store,
        Arc::clone(&sealer),
        Arc::clone(&clock),
        &base.account,
        root.clone(),
    );
    let parts = Parts {
        authorizer: Arc::new(Permissions::new(&store)),
        credentials: Arc::new(credentials),
        limits: Limits::default(),
        account: base.account,
        region: base.region,
        work,
        store,
        blobs,
        sealer,
        clock,
        ids,
    };
    let cloud = Cloud::new(parts, services);
    cloud.connect(Arc::new(way_out(base.public, &sites)?));
    cloud.start();
    Ok(Composed { cloud, sites, root, mail })
}

/// The way of services to sites. Who may deploy to a public server need not be who owns its
/// network: from there requests reach the internet alone.
fn way_out(public: bool, sites: &[Arc<dyn Sites>]) -> Result<Web, String> {
    let policy: Arc<dyn DestinationPolicy> =
        if public { Arc::new(PublicOnly) } else { Arc::new(AllowAll) };
    let client = Client::new(ClientLimits::default(), &[]).map_err(said)?;
    Ok(Web::new(sites.to_vec(), client, policy))
}

type Made = (Vec<Arc<dyn Service>>, Vec<Arc<dyn Sites>>);

/// Every service, and what they publish over plain HTTP.
async fn services(base: &Base<'_>, ground: &Ground, mail: &Arc<Mail>) -> Result<Made, String> {
    let Ground { store, clock, ids, .. } = ground;
    let cognito = Cognito::new(Arc::clone(mail), None);
    let lambda = LambdaOptions {
        endpoint: Some(base.endpoint.to_owned()),
        substitutes: base.substitutes,
        interpreters: base.interpreters.clone(),
        launcher: base.launcher.clone(),
        ..LambdaOptions::new(base.data.join("lambda"))
    };
    let lambda = Lambda::open(lambda).await.map_err(|why| format!("lambda: {why}"))?;
    let s3 = Arc::new(S3::new());
    let pools: Arc<dyn Sites> = Arc::new(PoolSites::new(&cognito));
    // Authorizers find the keys of this cloud's own token issuers where everybody finds them.
    let stages = Stages::new(vec![Arc::clone(&pools)]);
    let cloudfront = CloudFront::open(store).await.map_err(said)?;
    // Pools are found by path on every host: what has a host of its own comes first.
    let sites: Vec<Arc<dyn Sites>> = vec![
        stages,
        Arc::new(Websites::new(Arc::clone(&s3))),
        Distributions::new(&cloudfront),
        Arc::new(Responses),
        pools,
    ];
    let services: Vec<Arc<dyn Service>> = vec![
        Arc::new(CloudFormation),
        cloudfront,
        Arc::new(HttpApis),
        cognito,
        DynamoDb::open(store, &Limits::default()).await.map_err(said)?,
        Arc::new(Iam),
        lambda,
        Logs::new(store, Arc::clone(clock), Arc::clone(ids)),
        Arc::new(RestApis),
        s3,
        Arc::new(Streams),
        Arc::new(Ssm),
        Arc::new(Sts),
    ];
    Ok((services, sites))
}

fn said(why: impl fmt::Display) -> String {
    why.to_string()
}
