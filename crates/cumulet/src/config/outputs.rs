//! `cumulet config STACK`: amplify_outputs.json for a web page.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::Place;
use crate::Outcome;
use crate::admin::outputs::Question;
use crate::client::{self, Client};
use crate::terminal::print_json;

/// Writes the file `out`, or to standard output.
pub(super) fn run(place: &Place, stack: String, out: Option<PathBuf>) -> Outcome {
    let client = Client::of(place)?;
    let outputs: Value = client::wait(client.post("outputs", &Question { stack }))?;
    let Some(path) = out else {
        print_json(&outputs)?;
        return Ok(ExitCode::SUCCESS);
    };
    let text = serde_json::to_string_pretty(&outputs).map_err(|why| why.to_string())?;
    std::fs::write(&path, text + "\n").map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}
