//! `cumulet serve`: the cloud, until SIGTERM or SIGINT.

use std::sync::Arc;

use cumulet_apigateway::Stages;
use cumulet_base::{Limits, SystemClock};
use cumulet_gateway::Gateway;
use cumulet_net::{Listener, LocalCa};
use cumulet_service::Sites;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::admin::Admin;
use crate::cli::Serve;
use crate::compose::{self, Base};
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
    };
    let (cloud, root) = compose::cloud(base).await?;
    let written = |path: &std::path::Path, text: &str| {
        write_private(path, text).map_err(|why| format!("{}: {why}", path.display()))
    };
    let url = format!("http://{address}");
    written(&place.root_key(), &format!("{}\n{}\n", root.access_key, root.secret.as_str()))?;
    written(&place.endpoint(), &format!("{url}\n{region}\n"))?;
    let certificates = LocalCa::open(&place.data.join("ca"), &DOMAINS, Arc::new(SystemClock));
    let certificates = Arc::new(certificates.map_err(|e| said(&e))?);
    // Sites of token issuers (user pools) belong into both lists.
    let stages = Stages::new(Vec::new());
    let sites: Vec<Arc<dyn Sites>> = vec![Arc::new(Admin), stages];
    let gateway = Arc::new(Gateway::new(Arc::clone(&cloud), sites));
    let limits: Limits = cloud.parts().limits.clone();
    let stop = stopped()?;
    println!("listening on {url}");
    tracing::info!(%url, data = %place.data.display(), "ready");
    let drain = limits.drain;
    listener.serve(gateway, certificates, limits, stop).await.map_err(|e| said(&e))?;
    tracing::info!("stopping");
    cloud.parts().work.stop(drain).await;
    cloud.parts().store.clone().close().await;
    Ok(())
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
