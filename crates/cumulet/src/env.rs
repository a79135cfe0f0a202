//! `cumulet env`: settings for AWS's own tools.

use std::fs;
use std::process::ExitCode;

use clap::Args;

use crate::Outcome;
use crate::cli::Place;

#[derive(Debug, Clone, Args)]
pub(crate) struct Env {
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Prints lines that a POSIX shell can read.
pub(crate) fn run(options: &Env) -> Outcome {
    let read = |path: std::path::PathBuf| {
        fs::read_to_string(&path).map_err(|why| {
            let path = path.display();
            format!("{path}: {why}. Is this the folder of a cloud that runs? Name it with --data.")
        })
    };
    let endpoint = read(options.place.endpoint())?;
    let mut lines = endpoint.lines();
    let (url, region) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let key = read(options.place.root_key())?;
    let mut lines = key.lines();
    let (id, secret) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    for (name, value) in [
        ("AWS_ENDPOINT_URL", url),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ACCESS_KEY_ID", id),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ] {
        println!("export {name}={}", quoted(value));
    }
    Ok(ExitCode::SUCCESS)
}

/// `value` in single quotes, so that a shell takes it as it is.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_it_as_it_is() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a'; rm x '"), r"'a'\''; rm x '\'''");
    }
}
