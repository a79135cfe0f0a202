//! Which of this machine's interpreters runs what.

use std::path::PathBuf;

use cumulet_sandbox::{Fit, Interpreter, Runtime, discover, select};
use tokio::sync::OnceCell;

use crate::error::Error;

/// What becomes of a function whose runtime this machine has in a newer version only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substitutes {
    /// The newer version runs it, and a warning says so: for development.
    Allow,
    /// It is refused: for production.
    Refuse,
}

/// The search for interpreters. It asks each for its version, which takes some tens of
/// milliseconds, so that nobody waits for it but who needs one.
#[derive(Debug)]
pub(crate) struct Search {
    folder: Option<PathBuf>,
    substitutes: Substitutes,
    found: OnceCell<Runtimes>,
}

impl Search {
    /// A search in `folder` and then in the machine's own places.
    pub(crate) fn new(folder: Option<PathBuf>, substitutes: Substitutes) -> Self {
        Self { folder, substitutes, found: OnceCell::new() }
    }

    /// What there is, as it was when it was first asked for.
    pub(crate) async fn found(&self) -> &Runtimes {
        let look = async || {
            let folder = self.folder.clone();
            let found = tokio::task::spawn_blocking(move || discover(folder.as_deref())).await;
            Runtimes { interpreters: found.unwrap_or_default(), substitutes: self.substitutes }
        };
        self.found.get_or_init(look).await
    }
}

/// This machine's interpreters.
#[derive(Debug)]
pub(crate) struct Runtimes {
    pub(crate) interpreters: Vec<Interpreter>,
    pub(crate) substitutes: Substitutes,
}

impl Runtimes {
    /// What runs functions of the runtime called `name`; `None` beside it: their own `bootstrap`.
    pub(crate) fn select(&self, name: &str) -> Result<(Runtime, Option<Interpreter>), Error> {
        let runtime: Runtime = name.parse().map_err(|_| {
            let offered: Vec<&str> = Runtime::all().map(Runtime::name).collect();
            Error::Invalid(format!(
                "The runtime {name} is not offered by this cloud. It offers: {}.",
                offered.join(", ")
            ))
        })?;
        let missing = |have: &str| {
            Error::Invalid(format!(
                "The runtime {name} is not installed on this machine{have}. Install it, or name \
                 one that is."
            ))
        };
        let selected = select(runtime, &self.interpreters).ok_or_else(|| missing(""))?;
        match (selected.fit, self.substitutes) {
            (Fit::Exact, _) => {}
            (Fit::Substituted { got, .. }, Substitutes::Allow) => {
                let place = "a newer version of the runtime takes its place";
                tracing::warn!(wanted = name, %got, "{place}");
            }
            (Fit::Substituted { got, .. }, Substitutes::Refuse) => {
                return Err(missing(&format!(" (the nearest is {got})")));
            }
        }
        Ok((runtime, selected.interpreter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_sandbox::{Family, Version};

    fn runtimes(substitutes: Substitutes) -> Runtimes {
        let path = "/usr/bin/python3".into();
        let python = Interpreter { family: Family::Python, version: Version(3, 12), path };
        Runtimes { interpreters: vec![python], substitutes }
    }

    #[test]
    fn a_newer_version_takes_the_place_where_that_is_allowed() {
        let name = |substitutes, name| runtimes(substitutes).select(name).map(|(_, i)| i.is_some());
        assert_eq!(name(Substitutes::Refuse, "python3.12"), Ok(true));
        assert_eq!(name(Substitutes::Allow, "python3.11"), Ok(true));
        assert_eq!(name(Substitutes::Refuse, "provided.al2023"), Ok(false));
        for (policy, runtime) in [
            (Substitutes::Refuse, "python3.11"),
            (Substitutes::Allow, "python3.13"),
            (Substitutes::Allow, "nodejs22.x"),
            (Substitutes::Allow, "java21"),
        ] {
            assert!(matches!(name(policy, runtime), Err(Error::Invalid(_))), "{runtime}");
        }
    }
}
