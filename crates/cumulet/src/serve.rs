//! `cumulet serve`: the cloud, until SIGTERM or SIGINT.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use cumulet_base::{Limits, RandomIds, SystemClock};
use cumulet_gateway::Gateway;
use cumulet_lambda::Substitutes;
use cumulet_net::{Certificates, Listener, LocalCa};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::Outcome;
use crate::admin::{Admin, OnMainPort, Token};
use crate::cli::Place;
use crate::compose::{self, Base, Composed};
use crate::settings::write_private;

/// Names that the local CA may certify beside loopback and `localhost`.
const DOMAINS: [&str; 1] = ["localhost"];

#[derive(Debug, Clone, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Address and port, for http and https alike.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,

    /// The region of requests that name none.
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,

    /// The account that the root key belongs to: twelve digits.
    #[arg(long, value_name = "N", default_value = "000000000000")]
    pub(crate) account_id: String,

    /// Run functions in a newer version of their runtime where this machine lacks theirs.
    #[arg(long)]
    pub(crate) newer_runtimes: bool,
}

/// Serves until told to stop.
pub(crate) fn run(options: Serve) -> Outcome {
    let filter = EnvFilter::try_from_env("CUMULET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(serve(options))?;
    Ok(ExitCode::SUCCESS)
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
    let Composed { cloud, mut sites, root, mail } = compose::cloud(base).await?;
    let written = |path: &Path, text: &str| {
        write_private(path, text).map_err(|why| format!("{}: {why}", path.display()))
    };
    let token = Token::load_or_create(&place.admin_token(), &RandomIds)?;
    let (admin_listener, admin_address) = admin_listener(place)?;
    let admin = Arc::new(Admin { cloud: Arc::clone(&cloud), mail, token, address: admin_address });
    sites.insert(0, Arc::new(OnMainPort(Arc::clone(&admin))));
    written(&place.admin(), &format!("http://{admin_address}\n"))?;
    let url = format!("http://{address}");
    written(&place.root_key(), &format!("{}\n{}\n", root.access_key, root.secret.as_str()))?;
    written(&place.endpoint(), &format!("{url}\n{region}\n"))?;
    let certificates = LocalCa::open(&place.data.join("ca"), &DOMAINS, Arc::new(SystemClock));
    let certificates = Arc::new(certificates.map_err(|e| said(&e))?);
    let gateway = Arc::new(Gateway::new(Arc::clone(&cloud), sites));
    let limits: Limits = cloud.parts().limits.clone();
    let stop = stopped()?;
    println!("listening on {url}");
    if address.ip().is_loopback() {
        println!("mailbox: {}", admin.link("mailbox"));
    }
    tracing::info!(%url, data = %place.data.display(), "ready");
    let drain = limits.drain;
    let administering = tokio::spawn(admin_listener.serve(
        admin,
        Arc::clone(&certificates) as Arc<dyn Certificates>,
        limits.clone(),
        std::future::pending(),
    ));
    listener.serve(gateway, certificates, limits, stop).await.map_err(|e| said(&e))?;
    administering.abort();
    tracing::info!("stopping");
    cloud.parts().work.stop(drain).await;
    if let Some(telemetry) = cloud.telemetry() {
        telemetry.flush().await;
    }
    cloud.parts().store.clone().close().await;
    Ok(())
}

/// The administration's own listener: on the port that it had last time, or on a free one.
fn admin_listener(place: &Place) -> Result<(Listener, SocketAddr), String> {
    let last = std::fs::read_to_string(place.admin()).ok();
    let last = last.and_then(|url| url.trim().strip_prefix("http://")?.parse().ok());
    let last = last.filter(|address: &SocketAddr| address.ip() == Ipv4Addr::LOCALHOST);
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bound = match last.map(Listener::bind) {
        Some(Ok(listener)) => listener,
        Some(Err(_)) | None => Listener::bind(free).map_err(|why| why.to_string())?,
    };
    let address = bound.local_addr().ok_or("the administration's listener has no address")?;
    Ok((bound, address))
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

/// Ends when the process is told to.
fn stopped() -> Result<impl Future<Output = ()>, String> {
    let mut term = signal(SignalKind::terminate()).map_err(|why| why.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|why| why.to_string())?;
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
