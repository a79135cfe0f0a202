//! `cumulet serve`: the cloud, until SIGTERM or SIGINT.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use cumulet_lambda::Substitutes;
use cumulet_sandbox::Rung;
use tracing_subscriber::EnvFilter;

use crate::Outcome;
use crate::cli::Place;
use crate::isolation::LEAST;
use crate::running::{Running, Start, told_to_stop};
use crate::runtimes::Interpreters;

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

    #[command(flatten)]
    pub(crate) interpreters: Interpreters,

    /// Start functions where this machine isolates them on this rung only: process or rootless.
    #[arg(long, value_name = "RUNG")]
    pub(crate) allow_weak_isolation: Option<Rung>,

    /// Let functions reach this destination too, beside the internet and this cloud: an address or
    /// a name, or localhost for a service of this machine. May be given several times.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) egress_allow: Vec<String>,

    /// Let `POST /_cumulet/reset` remove everything, for test suites. On loopback only.
    #[arg(long)]
    pub(crate) allow_reset: bool,
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
    let told = told_to_stop()?;
    let running = Running::start(Start {
        place: options.place,
        listen: options.listen,
        region: options.region,
        account: options.account_id,
        substitutes: if options.newer_runtimes { Substitutes::Allow } else { Substitutes::Refuse },
        interpreters: options.interpreters.folder(),
        egress_allow: options.egress_allow,
        least: options.allow_weak_isolation.unwrap_or(LEAST),
        allow_reset: options.allow_reset,
    })
    .await
    .map_err(|why| why.to_string())?;
    println!("listening on {}", running.url);
    if let Some(link) = &running.mailbox {
        println!("mailbox: {link}");
    }
    running.serve_until(told).await
}
