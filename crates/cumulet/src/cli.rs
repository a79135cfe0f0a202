//! The command line: which commands there are, and what all of them take. What one of them takes
//! stands beside its code.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{config, doctor, env, invoke, logs, runtimes, serve, status, up};

/// A small cloud in one binary: AWS serverless web applications, on a machine of your own.
#[derive(Debug, Parser)]
#[command(name = "cumulet", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a cloud, build and deploy the app in a folder, and follow its logs.
    Up(up::Up),
    /// Run the cloud until it is told to stop.
    Serve(serve::Serve),
    /// Print the AWS_* settings for a cloud, to be read by a shell: `eval "$(cumulet env)"`.
    Env(env::Env),
    /// Show the cloud, its stacks and what they put out.
    Status(status::Status),
    /// Show what functions and services wrote.
    Logs(logs::Logs),
    /// Run a function and print what it answers.
    Invoke(invoke::Invoke),
    /// Print amplify_outputs.json for a stack; `config mail` sets the mail server.
    Config(config::Config),
    /// Show which versions of Node.js and Python functions run in; `runtimes add` brings more.
    Runtimes(runtimes::Runtimes),
    /// Look for what would keep a cloud from running, and say what to do.
    Doctor(doctor::Doctor),
}

/// Where a cloud keeps what it is told.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The folder of the data. It is made where it is missing.
    #[arg(long, value_name = "DIR", default_value = "cumulet-data", env = "CUMULET_DATA")]
    pub(crate) data: PathBuf,

    /// The master key that seals secrets, outside the data folder [default: DIR.key]
    #[arg(long, value_name = "FILE", env = "CUMULET_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
}
