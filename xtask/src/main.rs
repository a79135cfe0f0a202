//! The project's own tooling: `cargo xtask <task>`, plain Rust instead of shell scripts.
//!
//! A task is a module with a `run(&[String]) -> Result<(), String>` and one line below. The
//! error is a sentence for the person at the terminal: what is wrong and what to do next.

mod codegen;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

  test                 everything that CI runs: format, lints, build, tests, real clients
  test CRATE           lints and tests of one crate (`store` or `cumulet-store`)
  test clients [ARGS]  only the real clients (ARGS go to pytest, such as `-k batch`)
  tidy                 the house rules: layers, dependencies, licences, sizes, wording
  codegen [ARGS]       write api/*/src from AWS's API models";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let outcome = match task {
        "test" => suite::run(rest),
        "tidy" => tidy::run(rest),
        "codegen" => codegen::run(rest),
        "help" | "-h" | "--help" => {
            println!("{USAGE}");
            Ok(())
        }
        unknown => Err(format!("there is no task `{unknown}`\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("xtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}
