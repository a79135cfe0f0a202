//! `cumulet config`: what a page has to know of a stack, and how the cloud sends mail.

mod mail;
mod outputs;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::Outcome;
use crate::cli::Place;

#[derive(Debug, Clone, Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Config {
    /// The stack whose amplify_outputs.json is wanted.
    #[arg(value_name = "STACK")]
    stack: Option<String>,

    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE", requires = "stack")]
    out: Option<PathBuf>,

    #[command(flatten)]
    place: Place,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Show, set or remove the mail server that the cloud sends its mail by.
    Mail(mail::MailServer),
}

pub(crate) fn run(options: Config) -> Outcome {
    match (options.command, options.stack) {
        (Some(Command::Mail(options)), None) => mail::run(options),
        (None, Some(stack)) => outputs::run(&options.place, stack, options.out),
        _ => Err("name a stack (`cumulet config STACK`), or `cumulet config mail`".to_owned()),
    }
}
