//! A loopback port for every site.
//!
//! Names below `localhost` do not resolve everywhere (Safari, Node), and a browser keeps what pages
//! store apart by origin. So each site of a cloud that listens on loopback can be had at a port of
//! its own too, which stays the same over restarts: `names ports <host>` in the store says which.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cumulet_base::Limits;
use cumulet_gateway::Gateway;
use cumulet_net::{BindError, Certificates, Listener};
use cumulet_service::{LOCAL_DOMAIN, Sites};
use cumulet_store::{Component, Direction, Key, Read as _, Record, Store, StoreError, Watch};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How far above the cloud's own port the first one lies: 4566 and 4600.
const DISTANCE: u16 = 34;
/// Ports that are tried for one site before it goes without.
const TRIES: u16 = 1000;
/// Commits that come together are looked at once.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait after the store failed.
const RETRY: Duration = Duration::from_secs(1);
/// Domains of AWS's own names for sites, and what stands for them here.
const DOMAINS: [(&str, &str); 2] = [(".amazonaws.com", ""), (".cloudfront.net", ".cloudfront")];

/// The port that a site was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PortRecord {
    port: u16,
}

impl Record for PortRecord {
    const VERSION: u16 = 1;
}

/// Which site is at which port.
#[derive(Debug)]
pub(crate) struct Ports {
    /// Where the cloud itself listens.
    main: SocketAddr,
    open: Mutex<BTreeMap<String, Open>>,
}

#[derive(Debug)]
struct Open {
    port: u16,
    /// Dropped, it ends the port's listener.
    _stop: watch::Sender<()>,
}

/// What listeners of ports are made from.
pub(crate) struct Ground {
    pub(crate) store: Store,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) sites: Vec<Arc<dyn Sites>>,
    pub(crate) certificates: Arc<dyn Certificates>,
    pub(crate) limits: Limits,
}

impl Ports {
    /// No ports yet, beside a cloud that listens at `main`.
    pub(crate) fn new(main: SocketAddr) -> Arc<Self> {
        Arc::new(Self { main, open: Mutex::default() })
    }

    /// The URL of the site at `host`, without a path: `http://127.0.0.1:4600`. Hosts may be of
    /// AWS's domains too.
    pub(crate) fn url_of(&self, host: &str) -> Option<String> {
        let host = local(&host.to_ascii_lowercase());
        self.open().get(&host).map(|open| self.url(open.port))
    }

    /// Every site with a port: its host, and its URL.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        let open = self.open();
        open.iter().map(|(host, open)| (host.clone(), self.url(open.port))).collect()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn url(&self, port: u16) -> String {
        format!("http://{}", SocketAddr::new(self.main.ip(), port))
    }

    /// Opens and closes ports as sites come and go, until `stop` changes; then lets requests under
    /// way finish. Does nothing where the cloud does not listen on loopback.
    pub(crate) async fn run(self: Arc<Self>, ground: Ground, mut stop: watch::Receiver<bool>) {
        if !self.main.ip().is_loopback() {
            return;
        }
        let mut listeners = JoinSet::new();
        let watched = |sites: &Arc<dyn Sites>| sites.listed_under();
        let prefixes: Vec<Key> = ground.sites.iter().flat_map(watched).collect();
        let mut watches: Vec<Watch> =
            prefixes.iter().map(|prefix| ground.store.watch(prefix)).collect();
        loop {
            let pause = match self.follow(&ground, &mut listeners).await {
                Ok(()) => PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "the ports of sites cannot be looked up");
                    RETRY
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = changed(&mut watches) => {}
                // After a failure nothing tells when to try again.
                () = tokio::time::sleep(RETRY), if pause == RETRY => {}
            }
            tokio::time::sleep(pause).await;
            while listeners.try_join_next().is_some() {}
        }
        self.open().clear();
        while listeners.join_next().await.is_some() {}
    }

    /// Brings ports in line with the sites there are.
    async fn follow(&self, ground: &Ground, listeners: &mut JoinSet<()>) -> Result<(), StoreError> {
        let most = ground.limits.site_ports;
        let read = ground.store.snapshot();
        let mut wanted: BTreeMap<String, &Arc<dyn Sites>> = BTreeMap::new();
        for sites in &ground.sites {
            let hosts = sites.hosts(&read, most).await;
            let hosts = hosts.map_err(|why| StoreError::Unavailable(why.to_string()))?;
            wanted.extend(hosts.into_iter().map(|host| (host, sites)));
        }
        let mut kept = kept(&ground.store).await?;
        let gone = |host: &String| !wanted.contains_key(host);
        self.open().retain(|host, _| !gone(host));
        let forgotten: Vec<String> = kept.keys().filter(|host| gone(host)).cloned().collect();
        forget(&ground.store, &forgotten).await?;
        kept.retain(|host, _| !gone(host));
        for (host, sites) in wanted {
            let (is_open, full) = {
                let open = self.open();
                (open.contains_key(&host), open.len() >= most)
            };
            if is_open {
                continue;
            }
            if full {
                tracing::warn!(most, host, "no port is left for a site (limit: site_ports)");
                break;
            }
            self.assign(ground, listeners, &mut kept, host, sites).await?;
        }
        Ok(())
    }

    /// Gives a site the port that it had, or else the first that is free.
    async fn assign(
        &self,
        ground: &Ground,
        listeners: &mut JoinSet<()>,
        kept: &mut BTreeMap<String, u16>,
        host: String,
        sites: &Arc<dyn Sites>,
    ) -> Result<(), StoreError> {
        let had = kept.get(&host).copied();
        let Some((listener, port)) = self.listen(had, kept) else {
            tracing::warn!(host, "no free port was found for a site");
            return Ok(());
        };
        if had != Some(port) {
            if let Some(had) = had {
                tracing::warn!(host, had, port, "a site's port was taken: it has another now");
            }
            let key = &key(&host);
            let record = &PortRecord { port };
            let put = |tx: cumulet_store::Tx| async move {
                tx.put_record(key.clone(), record);
                Ok::<_, StoreError>(())
            };
            ground.store.transact(put).await?;
            kept.insert(host.clone(), port);
        }
        let Ok(handler) = ground.gateway.at(&host, Arc::clone(sites)) else { return Ok(()) };
        let (stop, mut stopped) = watch::channel(());
        let (certificates, limits) = (Arc::clone(&ground.certificates), ground.limits.clone());
        listeners.spawn(async move {
            let stopped = async move { while stopped.changed().await.is_ok() {} };
            let served = listener.serve(handler, certificates, limits, stopped).await;
            served.unwrap_or_else(|error| tracing::error!(port, "a site's port failed: {error}"));
        });
        tracing::info!(host, url = self.url(port), "a site has a port");
        self.open().insert(host, Open { port, _stop: stop });
        Ok(())
    }

    /// Listens on `had`, or else on the first port that neither a site nor a program has.
    fn listen(&self, had: Option<u16>, kept: &BTreeMap<String, u16>) -> Option<(Listener, u16)> {
        let bind = |port| match Listener::bind(SocketAddr::new(self.main.ip(), port)) {
            Ok(listener) => Some((listener, port)),
            Err(BindError::InUse(_)) => None,
            Err(error) => {
                tracing::debug!("{error}");
                None
            }
        };
        if let Some(bound) = had.and_then(bind) {
            return Some(bound);
        }
        let free = |port: &u16| !kept.values().any(|kept| kept == port);
        candidates(self.main.port()).filter(free).find_map(bind)
    }
}

/// The ports that sites of a cloud at `main` may get, in order.
fn candidates(main: u16) -> impl Iterator<Item = u16> {
    // Too near the end of all ports, the usual place is as good.
    let first = main.checked_add(DISTANCE).filter(|first| first.checked_add(TRIES).is_some());
    let first = first.unwrap_or(4600);
    (first..first.saturating_add(TRIES)).filter(move |port| *port != main)
}

/// A host of AWS's domains as it is called here; any other as it is.
fn local(host: &str) -> String {
    // Older regions' websites: `s3-website-us-east-1`.
    let host = host.replacen(".s3-website-", ".s3-website.", 1);
    for (domain, stands) in DOMAINS {
        if let Some(name) = host.strip_suffix(domain) {
            return format!("{name}{stands}.{LOCAL_DOMAIN}");
        }
    }
    host
}

fn all() -> Key {
    Key::global("ports")
}

fn key(host: &str) -> Key {
    all().text(host)
}

/// The ports that sites were given before, by host.
async fn kept(store: &Store) -> Result<BTreeMap<String, u16>, StoreError> {
    let mut found = BTreeMap::new();
    let mut scan = store.snapshot().scan(all().prefix(), Direction::Forward);
    while let Some((key, PortRecord { port })) = scan.next_record().await? {
        let rest = key.get(all().len()..).and_then(Key::components).unwrap_or_default();
        if let Some(host) = rest.first().and_then(Component::as_text) {
            found.insert(host.to_owned(), port);
        }
    }
    Ok(found)
}

async fn forget(store: &Store, hosts: &[String]) -> Result<(), StoreError> {
    if hosts.is_empty() {
        return Ok(());
    }
    let delete = |tx: cumulet_store::Tx| async move {
        for host in hosts {
            tx.delete(key(host));
        }
        Ok(())
    };
    store.transact(delete).await
}

/// Waits until one of the watches reports a commit. Forever where there are none.
async fn changed(watches: &mut [Watch]) {
    let all = watches.iter_mut().map(|watch| Box::pin(watch.changed()));
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        return std::future::pending().await;
    }
    if let (Err(_), ..) = futures_util::future::select_all(all).await {
        // The store is closed: the process is about to end.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lie_above_the_clouds_own() {
        assert_eq!(candidates(4566).next(), Some(4600));
        assert_eq!(candidates(8080).next(), Some(8114));
        assert_eq!(candidates(65_000).next(), Some(4600));
        assert_eq!(candidates(65_535).next(), Some(4600));
        for main in [0, 1, 4566, 4600, 30_000, 64_000, u16::MAX] {
            assert!(candidates(main).count() >= usize::from(TRIES) - 1, "{main}");
            assert!(candidates(main).all(|port| port != main && port > 0));
        }
    }

    #[test]
    fn names_of_aws_are_known_by_their_local_ones() {
        for (asked, expect) in [
            ("d1.cloudfront.net", "d1.cloudfront.localhost"),
            ("d1.cloudfront.localhost", "d1.cloudfront.localhost"),
            ("a.execute-api.us-east-1.amazonaws.com", "a.execute-api.us-east-1.localhost"),
            ("b.s3-website-us-east-1.amazonaws.com", "b.s3-website.us-east-1.localhost"),
            ("www.example.com", "www.example.com"),
        ] {
            assert_eq!(local(asked), expect);
        }
    }
}
