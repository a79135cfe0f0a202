//! A cloud that answers: started from its settings, stopped in order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use cumulet_base::{Region, SystemClock};
use cumulet_gateway::Gateway;
use cumulet_lambda::Substitutes;
use cumulet_net::{Listener, LocalCa};
use cumulet_service::Cloud;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::admin::Admin;
use crate::cli::Place;
use crate::compose::{self, Base, Composed};
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
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), String>>,
}

impl Running {
    /// Starts a cloud. It answers when this returns.
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
        let Composed { cloud, mut sites, root } = compose::cloud(base).await?;
        sites.insert(0, Arc::new(Admin));
        let url = format!("http://{address}");
        let key = format!("{}\n{}\n", root.access_key, root.secret.as_str());
        written(place.root_key(), &key)?;
        written(place.endpoint(), &format!("{url}\n{region}\n"))?;
        let certificates = LocalCa::open(&place.data.join("ca"), &DOMAINS, Arc::new(SystemClock));
        let certificates = Arc::new(certificates.map_err(said)?);
        let gateway = Arc::new(Gateway::new(Arc::clone(&cloud), sites));
        let limits = cloud.parts().limits.clone();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            // A sender that is gone means the same as one that spoke.
            let stopped = async { drop(stopped.await) };
            listener.serve(gateway, certificates, limits, stopped).await.map_err(said)
        });
        tracing::info!(%url, data = %place.data.display(), "ready");
        Ok(Self { cloud, url, stop, serving })
    }

    /// Stops: requests under way end, then the work, then the store.
    pub(crate) async fn stop(self) -> Result<(), String> {
        tracing::info!("stopping");
        let _ = self.stop.send(());
        let served = self.serving.await.map_err(said)?;
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

fn written(path: PathBuf, text: &str) -> Result<(), String> {
    write_private(&path, text).map_err(|why| format!("{}: {why}", path.display()))
}

fn said(why: impl std::fmt::Display) -> String {
    why.to_string()
}
