//! The binary: the command line, and the cloud put together.

mod admin;
mod cli;
mod compose;
mod env;
mod running;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Serve(options) => serve::run(options),
        cli::Command::Env(options) => env::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("cumulet: {why}");
            ExitCode::FAILURE
        }
    }
}
