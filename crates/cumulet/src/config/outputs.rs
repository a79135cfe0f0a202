//! `cumulet config STACK`: amplify_outputs.json for a web page.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::Place;
use crate::Outcome;
use crate::admin::outputs::Question;
use crate::client::{self, Client};
use crate::terminal::print_json;

#[derive(Debug, Clone, Args)]
pub(super) struct Outputs {
    /// The stack.
    #[arg(value_name = "STACK")]
    stack: String,

    /// The file to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,

    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: Outputs) -> Outcome {
    let client = Client::of(&options.place)?;
    let asked = Question { stack: options.stack };
    let outputs: Value = client::wait(client.post("outputs", &asked))?;
    let Some(path) = options.out else {
        print_json(&outputs)?;
        return Ok(ExitCode::SUCCESS);
    };
    let text = serde_json::to_string_pretty(&outputs).map_err(|why| why.to_string())?;
    std::fs::write(&path, text + "\n").map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}
