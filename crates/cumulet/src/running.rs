//! A cloud that answers: started from its settings, stopped in order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use cumulet_base::{RandomIds, Region, SystemClock};
use cumulet_gateway::Gateway;
use cumulet_lambda::Substitutes;
use cumulet_net::{Certificates, Handler, Listener, LocalCa};
use cumulet_service::Cloud;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{Admin, OnMainPort, Token};
use crate::cli::Place;
use crate::compose::{self, Base, Composed};
use crate::ports::{self, Ports};
use crate::settings::write_private;

/// Names that the local CA may certify beside loopback and `localhost`.
const DOMAINS: [&str; 1] = ["localhost"];

/// What a cloud is started with.
pub(crate) struct Start {
    pub(crate) place: Place,
    pub(crate) listen: SocketAddr,
    /// Of requests that name none.
    pub(crate) region: String,
    /// Whom the root key belongs to: twelve digits.
    pub(crate) account: String,
    pub(crate) substitutes: Substitutes,
}

/// A cloud that takes requests.
pub(crate) struct Running {
    pub(crate) cloud: Arc<Cloud>,
    /// Where it is reached: `http://127.0.0.1:4566`.
    pub(crate) url: String,
    pub(crate) admin: Arc<Admin>,
    /// Where its sites are reached.
    pub(crate) ports: Arc<Ports>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<Result<(), String>>,
    administering: JoinHandle<std::io::Result<()>>,
    opening: JoinHandle<()>,
}

impl Running {
    /// Starts a cloud. It takes requests when this returns.
    pub(crate) async fn start(start: Start) -> Result<Self, String> {
        let place = &start.place;
        let account = start.account.parse().map_err(said)?;
        let region: Region = start.region.parse().map_err(said)?;
        // First the port: a cloud that cannot be reached must not touch the data.
        let listener = Listener::bind(start.listen).map_err(said)?;
        let address = listener.local_addr().ok_or("the listener has no address")?;
        let base = Base {
            data: &place.data,
            master_key: &place.master_key(),
            account,
            region: region.clone(),
            endpoint: &for_functions(address),
            substitutes: start.substitutes,
            public: !address.ip().is_loopback(),
        };
        tracing::warn!("functions run as plain processes of this user, without isolation");
        let Composed { cloud, mut sites, root, mail } = compose::cloud(base).await?;
        let token = Token::load_or_create(&place.admin_token(), &RandomIds)?;
        let (admin_listener, admin_address) = admin_listener(place)?;
        let (published, ports) = (sites.clone(), Ports::new(address));
        let admin = Arc::new(Admin {
            cloud: Arc::clone(&cloud),
            mail,
            token,
            address: admin_address,
            ports: Arc::clone(&ports),
        });
        sites.insert(0, Arc::new(OnMainPort(Arc::clone(&admin))));
        let url = format!("http://{address}");
        let key = format!("{}\n{}\n", root.access_key, root.secret.as_str());
        written(&place.admin(), &format!("http://{admin_address}\n"))?;
        written(&place.root_key(), &key)?;
        written(&place.endpoint(), &format!("{url}\n{region}\n"))?;
        let certificates = LocalCa::open(&place.data.join("ca"), &DOMAINS, Arc::new(SystemClock));
        let certificates: Arc<dyn Certificates> = Arc::new(certificates.map_err(said)?);
        let limits = cloud.parts().limits.clone();
        let gateway = Arc::new(Gateway::new(Arc::clone(&cloud), sites));
        let (stop, stopped) = watch::channel(false);
        let ground = ports::Ground {
            store: cloud.parts().store.clone(),
            gateway: Arc::clone(&gateway),
            sites: published,
            certificates: Arc::clone(&certificates),
            limits: limits.clone(),
        };
        let opening = tokio::spawn(Arc::clone(&ports).run(ground, stopped.clone()));
        let administering = tokio::spawn(admin_listener.serve(
            Arc::clone(&admin) as Arc<dyn Handler>,
            Arc::clone(&certificates),
            limits.clone(),
            std::future::pending(),
        ));
        let serving = tokio::spawn(async move {
            listener.serve(gateway, certificates, limits, turned(stopped)).await.map_err(said)
        });
        tracing::info!(%url, data = %place.data.display(), "ready");
        Ok(Self { cloud, url, admin, ports, stop, serving, administering, opening })
    }

    /// Stops: requests under way end, then the work, then the store.
    pub(crate) async fn stop(self) -> Result<(), String> {
        tracing::info!("stopping");
        let _ = self.stop.send(true);
        let served = self.serving.await.map_err(said)?;
        let _ = self.opening.await;
        self.administering.abort();
        let parts = self.cloud.parts();
        parts.work.stop(parts.limits.drain).await;
        if let Some(telemetry) = self.cloud.telemetry() {
            telemetry.flush().await;
        }
        parts.store.clone().close().await;
        served
    }

    /// Serves until `told` ends.
    pub(crate) async fn serve_until(
        mut self,
        told: impl Future<Output = ()>,
    ) -> Result<(), String> {
        tokio::select! {
            () = told => self.stop().await,
            // Only where TLS cannot be set up on this machine: nothing was served.
            ended = &mut self.serving => ended.map_err(said)?,
        }
    }
}

/// Ends when `stopped` turns true, or nobody is left to turn it.
async fn turned(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The administration's own listener: on the port that it had last time, or on a free one.
fn admin_listener(place: &Place) -> Result<(Listener, SocketAddr), String> {
    let last = std::fs::read_to_string(place.admin()).ok();
    let last = last.and_then(|url| url.trim().strip_prefix("http://")?.parse().ok());
    let last = last.filter(|address: &SocketAddr| address.ip() == Ipv4Addr::LOCALHOST);
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bound = match last.map(Listener::bind) {
        Some(Ok(listener)) => listener,
        Some(Err(_)) | None => Listener::bind(free).map_err(said)?,
    };
    let address = bound.local_addr().ok_or("the administration's listener has no address")?;
    Ok((bound, address))
}

/// Ends when the process is told to stop. Signals count from this call on, not from the first poll.
pub(crate) fn told_to_stop() -> Result<impl Future<Output = ()>, String> {
    let mut term = signal(SignalKind::terminate()).map_err(said)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(said)?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// The URL by which functions reach the listener: one that listens everywhere does so on loopback.
fn for_functions(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

fn written(path: &Path, text: &str) -> Result<(), String> {
    write_private(path, text).map_err(|why| format!("{}: {why}", path.display()))
}

fn said(why: impl std::fmt::Display) -> String {
    why.to_string()
}
