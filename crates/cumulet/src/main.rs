//! The binary: the command line, and the cloud put together.

mod admin;
mod cli;
mod client;
mod compose;
#[cfg(test)]
mod condition_keys;
mod env;
mod ports;
mod running;
mod serve;
mod settings;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

/// How a command ended. An error is one sentence: what is wrong, where, and what to do.
type Outcome = Result<ExitCode, String>;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Serve(options) => serve::run(options),
        cli::Command::Env(options) => env::run(&options),
    };
    done.unwrap_or_else(|why| {
        eprintln!("cumulet: {why}");
        ExitCode::FAILURE
    })
}
