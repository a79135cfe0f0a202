//! The binary: the command line, and the cloud put together.

mod admin;
mod cli;
mod client;
mod command;
mod compose;
#[cfg(test)]
mod condition_keys;
mod config;
mod doctor;
mod env;
mod invoke;
mod isolation;
mod life;
mod lives;
mod logs;
mod ports;
mod running;
mod runtimes;
mod serve;
mod settings;
mod status;
mod terminal;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

/// A request allocates often and briefly, on several threads: glibc's allocator takes several times
/// as long for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ended. An error is one sentence: what is wrong, where, and what to do.
type Outcome = Result<ExitCode, String>;

fn main() -> ExitCode {
    // First of all: this program started over, as what makes sandboxes for functions.
    if let Some(ended) = cumulet_sandbox::sandbox_entry() {
        return ended;
    }
    let done = match cli::Cli::parse().command {
        cli::Command::Serve(options) => serve::run(options),
        cli::Command::Up(options) => up::run(&options),
        cli::Command::Env(options) => env::run(&options),
        cli::Command::Status(options) => status::run(&options),
        cli::Command::Logs(options) => logs::run(options),
        cli::Command::Invoke(options) => invoke::run(options),
        cli::Command::Config(options) => config::run(options),
        cli::Command::Runtimes(options) => runtimes::run(&options),
        cli::Command::Doctor(options) => doctor::run(&options),
    };
    done.unwrap_or_else(|why| {
        eprintln!("cumulet: {why}");
        ExitCode::FAILURE
    })
}
