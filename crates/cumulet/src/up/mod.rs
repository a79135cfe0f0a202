//! `cumulet up`: starts a cloud, builds the app in a folder, deploys it, shows where it is reached
//! and follows its logs.
//!
//! The app is deployed as from outside: by the operations that deploy tools call, with their
//! checks, as the account's root. What is made of it lies in `.cumulet` in its folder, the cloud's
//! data too.

mod app;
mod artifacts;
mod build;
mod code;
mod deploy;
mod files;
mod links;
mod logs;
mod page;
mod progress;
mod reload;
mod settings;
mod show;
mod stack;
mod watch;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use cumulet_api_cloudformation::types::StackResourceSummary;
use cumulet_base::Timestamp;
use cumulet_lambda::Substitutes;
use cumulet_sandbox::Rung;
use cumulet_service::Cx;
use tokio::sync::watch::{Receiver, channel};
use tracing_subscriber::EnvFilter;

use self::app::{App, OWN};
use self::artifacts::Artifacts;
use self::build::Workshop;
use self::progress::Progress;
use self::watch::{Site, Watch};
use crate::Outcome;
use crate::cli::Place;
use crate::compose::NotStarted;
use crate::isolation::LEAST;
use crate::running::{INTERRUPTED, Running, Start, told_to_stop};
use crate::runtimes::Interpreters;
use crate::terminal::Style;

#[derive(Debug, Clone, Args)]
pub(crate) struct Up {
    /// The app's folder, where its template lies.
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// The template [default: template.yaml, .yml or .json in DIR]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,

    /// The stack's name [default: that in cumulet.toml or samconfig.toml, else DIR's]
    #[arg(long, value_name = "NAME")]
    stack: Option<String>,

    /// A value for a parameter of the template; may be given again for others.
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,

    /// The folder of the cloud's data [default: .cumulet/data in DIR]
    #[arg(long, value_name = "DIR", env = "CUMULET_DATA")]
    data: Option<PathBuf>,

    /// The master key that seals secrets, outside the data folder [default: DATA.key]
    #[arg(long, value_name = "FILE", env = "CUMULET_KEY_FILE")]
    key_file: Option<PathBuf>,

    /// Address and port, for http and https alike.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4566")]
    listen: SocketAddr,

    /// The region to deploy to.
    #[arg(long, default_value = "us-east-1")]
    region: String,

    #[command(flatten)]
    interpreters: Interpreters,

    /// Let functions reach this destination too, beside the internet and this cloud: an address or
    /// a name, or localhost for a service of this machine. May be given several times.
    #[arg(long, value_name = "HOST:PORT")]
    egress_allow: Vec<String>,

    /// Reload what is saved while the app is up: code, pages, the template.
    #[arg(long)]
    watch: bool,

    /// Do not follow the logs; and where the app cannot be deployed, end at once.
    #[arg(long)]
    no_follow: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Brings the app up, and keeps it up until told to stop.
pub(crate) fn run(options: &Up) -> Outcome {
    let app = App::open(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|why| why.to_string())?.block_on(up(options, app))
}

async fn up(options: &Up, app: App) -> Outcome {
    let begun = Instant::now();
    let mut told = pin!(told_to_stop()?);
    let progress = Progress::start();
    let filter = EnvFilter::try_from_env("CUMULET_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(progress.is_live());
    log.with_writer(progress.clone()).init();
    let place = place(options, &app)?;
    let workshop = Workshop::open(&app, options.interpreters.folder())?;
    let watch = options.watch.then(|| Watch::begin(app.clone())).transpose()?;
    let running = start(options, &place, &progress).await?;
    let cx = running.admin.root();
    let deployed = tokio::select! {
        deployed = bring_up(&running, &cx, &app, &workshop, &progress) => deployed,
        () = &mut told => {
            stop(running, &progress).await?;
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    let stands = deployed.is_ok() || deploy::is_deployed(&cx, &app).await;
    if let Err(why) = &deployed {
        if watch.is_none() && (options.no_follow || !stands) {
            running.stop().await?;
            return Err(why.clone());
        }
        progress.line(Some(Style::Red), &format!("cumulet: {why}"));
        if stands {
            progress.line(Some(Style::Yellow), "The version before it is still deployed:");
        }
    }
    let since = cx.now();
    if stands {
        show::links(&running, &cx, &app, &place, begun.elapsed()).await?;
    }
    let (resources, heard) = channel(stack::resources(&cx, &app.stack).await.unwrap_or_default());
    let site = Site {
        options,
        running: &running,
        cx: &cx,
        workshop: &workshop,
        progress: &progress,
        resources,
    };
    tokio::select! {
        () = follow(options, &cx, heard, since) => {}
        () = watched(watch, site, deployed.is_ok()) => {}
        () = told => {}
    }
    stop(running, &progress).await?;
    Ok(if deployed.is_ok() || options.watch { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Stops the cloud in order; who says it twice does not want to wait for that.
async fn stop(running: Running, progress: &Progress) -> Result<(), String> {
    let again = told_to_stop()?;
    let step = progress.step("stop");
    tokio::select! {
        stopped = running.stop() => stopped?,
        // What was answered is on the disk.
        () = again => std::process::exit(INTERRUPTED.into()),
    }
    step.done("");
    Ok(())
}

/// The place of the cloud's data: within the app's folder unless it was named.
fn place(options: &Up, app: &App) -> Result<Place, String> {
    let own = app.folder.join(OWN);
    fs::create_dir_all(&own).map_err(|why| format!("{}: {why}", own.display()))?;
    let ignore = own.join(".gitignore");
    if !ignore.exists() {
        let text = "# Made by `cumulet up`: the cloud's data, and what was built.\n*\n";
        fs::write(&ignore, text).map_err(|why| format!("{}: {why}", ignore.display()))?;
    }
    let data = options.data.clone().unwrap_or_else(|| own.join("data"));
    Ok(Place { data, key_file: options.key_file.clone() })
}

async fn start(options: &Up, place: &Place, progress: &Progress) -> Result<Running, String> {
    let step = progress.step("cloud");
    let running = Running::start(Start {
        place: place.clone(),
        listen: options.listen,
        region: options.region.clone(),
        account: "000000000000".to_owned(),
        substitutes: Substitutes::Allow,
        interpreters: options.interpreters.folder(),
        egress_allow: options.egress_allow.clone(),
        // Of the app's own developer, on loopback as a rule.
        least: if options.listen.ip().is_loopback() { Rung::Process } else { LEAST },
        allow_reset: false,
    })
    .await;
    match running {
        Ok(running) => {
            step.done(&running.url);
            if !io::stdout().is_terminal() {
                // For programs, which read standard output.
                println!("listening on {}", running.url);
            }
            Ok(running)
        }
        Err(why) => {
            step.failed();
            Err(advised(&why, options.listen))
        }
    }
}

/// Why a cloud did not start, with what to do where another one is the likely reason.
fn advised(why: &NotStarted, listen: SocketAddr) -> String {
    match why {
        NotStarted::AddressInUse(why) => {
            let free = listen.port().checked_add(1).unwrap_or(0);
            format!(
                "{why}. If another `cumulet up` runs there, stop it with Ctrl-C; or take a free \
                 port: `--listen {}`.",
                SocketAddr::new(listen.ip(), free)
            )
        }
        NotStarted::DataInUse(why) => {
            format!("{why}: `cumulet up` runs for this app already. Stop it with Ctrl-C first.")
        }
        NotStarted::Otherwise(why) => why.clone(),
    }
}

/// Builds, deploys and publishes.
async fn bring_up(
    running: &Running,
    cx: &Cx,
    app: &App,
    workshop: &Arc<Workshop>,
    progress: &Progress,
) -> Result<(), String> {
    let packages = build::build(workshop, code::find(app)?, progress).await?;
    let artifacts = Artifacts::open(cx, &app.stack).await?;
    let keys = artifacts.packages(&packages).await?;
    let template = code::packaged(app, &artifacts.bucket, &keys)?;
    let template = artifacts.template(template.to_string()).await?;
    deploy::deploy(cx, app, artifacts.url(&template), progress).await?;
    let kept: BTreeSet<String> = keys.into_values().chain([template]).collect();
    artifacts.keep_only(&kept).await?;
    let resources = stack::resources(cx, &app.stack).await?;
    // Those that run what an earlier `up --watch` gave them, of which the stack knows nothing.
    let reloaded = reload::functions(cx, &app.stack, &resources, &packages).await?;
    if !reloaded.is_empty() {
        progress.line(None, &format!("  {}: code as it was saved", reloaded.join(", ")));
    }
    if app.pages.is_empty() {
        return Ok(());
    }
    let stack = stack::find(cx, &app.stack).await?.ok_or("the stack is gone")?;
    let outputs = &stack::outputs(&stack);
    let deployed = page::Deployed { cx, app, running, resources: &resources, outputs };
    for page in &app.pages {
        page::publish(&deployed, page, progress).await?;
    }
    Ok(())
}

/// Follows the logs of what there is, unless they are not wanted.
async fn follow(
    options: &Up,
    cx: &Cx,
    resources: Receiver<Vec<StackResourceSummary>>,
    since: Timestamp,
) {
    if options.no_follow {
        std::future::pending::<()>().await;
    }
    logs::follow(cx, resources, since).await;
}

/// Reloads what is saved, where it is watched.
async fn watched(watch: Option<Watch>, site: Site<'_>, deployed: bool) {
    match watch {
        Some(watch) => watch.run(site, deployed).await,
        None => std::future::pending().await,
    }
}
