//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A small cloud in one binary: AWS serverless web applications, on a machine of your own.
#[derive(Debug, Parser)]
#[command(name = "cumulet", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the cloud until it is told to stop.
    Serve(Serve),
    /// Print the AWS_* settings for a cloud, to be read by a shell: `eval "$(cumulet env)"`.
    Env(Env),
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

#[derive(Debug, Clone, Args)]
pub(crate) struct Env {
    #[command(flatten)]
    pub(crate) place: Place,
}
