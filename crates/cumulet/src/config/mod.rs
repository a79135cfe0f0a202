//! `cumulet config`: what a page has to know of a stack, and how the cloud sends mail.

mod mail;
mod outputs;

use clap::{Args, Subcommand};

use crate::Outcome;
use crate::cli::Place;

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    outputs: Option<outputs::Outputs>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Show, set or remove the mail server that the cloud sends its mail by.
    Mail(mail::MailServer),
}

pub(crate) fn run(options: Config) -> Outcome {
    match (options.command, options.outputs) {
        (Some(Command::Mail(options)), _) => mail::run(options),
        (None, Some(options)) => outputs::run(options),
        (None, None) => Err("name a stack, or `mail`".to_owned()),
    }
}
