//! `cumulet runtimes`: which interpreters functions run in on this machine, and `runtimes add`,
//! which brings more of them.

mod add;
mod list;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::Outcome;

/// Where interpreters lie that were put there for functions.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Interpreters {
    /// The folder of interpreters that `cumulet runtimes add` adds to [default: cumulet/runtimes in
    /// the user's data folder, ~/.local/share]
    #[arg(long, global = true, value_name = "DIR", env = "CUMULET_RUNTIMES")]
    runtimes: Option<PathBuf>,
}

impl Interpreters {
    /// The folder. `None` where none is named and the user has no home; it need not be there.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        self.runtimes.clone().or_else(|| {
            // (XDG Base Directory Specification.)
            let named = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
            let data = named.or_else(|| Some(variable("HOME")?.join(".local/share")))?;
            Some(data.join("cumulet/runtimes"))
        })
    }
}

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Runtimes {
    #[command(flatten)]
    interpreters: Interpreters,

    /// Print JSON.
    #[arg(long)]
    json: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Fetch a version of Node.js by npm, from the registry that npm is set to.
    Add {
        /// By AWS's name: nodejs20.x, nodejs22.x, nodejs24.x.
        #[arg(value_name = "RUNTIME", required = true)]
        names: Vec<String>,
    },
}

pub(crate) fn run(options: &Runtimes) -> Outcome {
    let folder = options.interpreters.folder();
    match (&options.command, folder) {
        (None, folder) => list::run(folder.as_deref(), options.json),
        (Some(Command::Add { names }), Some(folder)) => add::run(&folder, names),
        (Some(Command::Add { .. }), None) => {
            Err("there is no home folder: name a folder with --runtimes".to_owned())
        }
    }
}
