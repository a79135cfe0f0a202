//! `cumulet serve`: the cloud, until SIGTERM or SIGINT.

use cumulet_lambda::Substitutes;
use tracing_subscriber::EnvFilter;

use crate::cli::Serve;
use crate::running::{Running, Start, told_to_stop};

/// Serves until told to stop.
pub(crate) fn run(options: Serve) -> Result<(), String> {
    let filter = EnvFilter::try_from_env("CUMULET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(serve(options))
}

async fn serve(options: Serve) -> Result<(), String> {
    let told = told_to_stop()?;
    let running = Running::start(Start {
        place: options.place,
        listen: options.listen,
        region: options.region,
        account: options.account_id,
        substitutes: if options.newer_runtimes { Substitutes::Allow } else { Substitutes::Refuse },
    })
    .await?;
    println!("listening on {}", running.url);
    running.serve_until(told).await
}
