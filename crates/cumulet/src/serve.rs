//! `cumulet serve`: the cloud, until SIGTERM or SIGINT.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use cumulet_base::{Limits, SystemClock};
use cumulet_gateway::Gateway;
use cumulet_lambda::Substitutes;
use cumulet_net::{Certificates, Listener, LocalCa};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::admin::Admin;
use crate::cli::Serve;
use crate::compose::{self, Base, Composed};
use crate::ports::{self, Ports};
use crate::settings::write_private;

/// Names that the local CA may certify beside loopback and `localhost`.
const DOMAINS: [&str; 1] = ["localhost"];

/// Serves until told to stop.
pub(crate) fn run(options: Serve) -> Result<(), String> {
    let filter = EnvFilter::try_from_env("CUMULET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(serve(options))
}

async fn serve(options: Serve) -> Result<(), String> {
    let said = |why: &dyn std::fmt::Display| why.to_string();
    let place = &options.place;
    let account = options.account_id.parse().map_err(|e: cumulet_base::NameError| said(&e))?;
    let region: cumulet_base::Region =
        options.region.parse().map_err(|e: cumulet_base::NameError| said(&e))?;
    // First the port: a cloud that cannot be reached must not touch the data.
    let listener = Listener::bind(options.listen).map_err(|e| said(&e))?;
    let address = listener.local_addr().ok_or("the listener has no address")?;
    let base = Base {
        data: &place.data,
        master_key: &place.master_key(),
        account,
        region: region.clone(),
        endpoint: &for_functions(address),
        substitutes: if options.newer_runtimes { Substitutes::Allow } else { Substitutes::Refuse },
        public: !address.ip().is_loopback(),
    };
    tracing::warn!("functions run as plain processes of this user, without isolation");
    let Composed { cloud, mut sites, root } = compose::cloud(base).await?;
    let published = sites.clone();
    let ports = Ports::new(address);
    sites.insert(0, Arc::new(Admin(Arc::clone(&ports))));
    let written = |path: &std::path::Path, text: &str| {
        write_private(path, text).map_err(|why| format!("{}: {why}", path.display()))
    };
    let url = format!("http://{address}");
    written(&place.root_key(), &format!("{}\n{}\n", root.access_key, root.secret.as_str()))?;
    written(&place.endpoint(), &format!("{url}\n{region}\n"))?;
    let certificates = LocalCa::open(&place.data.join("ca"), &DOMAINS, Arc::new(SystemClock));
    let certificates: Arc<dyn Certificates> = Arc::new(certificates.map_err(|e| said(&e))?);
    let gateway = Arc::new(Gateway::new(Arc::clone(&cloud), sites));
    let limits: Limits = cloud.parts().limits.clone();
    let stopping = stopped()?;
    let ground = ports::Ground {
        store: cloud.parts().store.clone(),
        gateway: Arc::clone(&gateway),
        sites: published,
        certificates: Arc::clone(&certificates),
        limits: limits.clone(),
    };
    let ports = tokio::spawn(ports.run(ground, stopping.clone()));
    println!("listening on {url}");
    tracing::info!(%url, data = %place.data.display(), "ready");
    let drain = limits.drain;
    let mut stop = stopping;
    let stop = async move { drop(stop.wait_for(|stop| *stop).await) };
    listener.serve(gateway, certificates, limits, stop).await.map_err(|e| said(&e))?;
    tracing::info!("stopping");
    let _ = ports.await;
    cloud.parts().work.stop(drain).await;
    if let Some(telemetry) = cloud.telemetry() {
        telemetry.flush().await;
    }
    cloud.parts().store.clone().close().await;
    Ok(())
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

/// Turns true when the process is told to end.
fn stopped() -> Result<watch::Receiver<bool>, String> {
    let mut term = signal(SignalKind::terminate()).map_err(|why| why.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|why| why.to_string())?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = stop.send(true);
    });
    Ok(stopped)
}
