//! Which of this machine's interpreters runs what.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use cumulet_sandbox::{Fit, Interpreter, Runtime, discover, select};
use cumulet_service::Error as ServiceError;
use tokio::sync::Mutex;

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
    found: Mutex<Option<Found>>,
}

#[derive(Debug)]
struct Found {
    runtimes: Arc<Runtimes>,
    /// When the folder had last changed, before it was looked into.
    changed: Option<SystemTime>,
}

impl Search {
    /// A search in `folder` and then in the machine's own places.
    pub(crate) fn new(folder: Option<PathBuf>, substitutes: Substitutes) -> Self {
        Self { folder, substitutes, found: Mutex::default() }
    }

    /// What there is, as it was when it was first asked for, or when something was put into the
    /// folder or taken out of it. A search that fails is made again the next time.
    pub(crate) async fn found(&self) -> Result<Arc<Runtimes>, ServiceError> {
        let mut found = self.found.lock().await;
        let changed = self.changed();
        if let Some(found) = found.as_ref().filter(|found| found.changed == changed) {
            return Ok(Arc::clone(&found.runtimes));
        }
        let folder = self.folder.clone();
        let interpreters = tokio::task::spawn_blocking(move || discover(folder.as_deref()));
        let interpreters = interpreters.await.map_err(|why| {
            ServiceError::internal(format!("the search for interpreters failed: {why}"))
        })?;
        let runtimes = Arc::new(Runtimes { interpreters, substitutes: self.substitutes });
        *found = Some(Found { runtimes: Arc::clone(&runtimes), changed });
        Ok(runtimes)
    }

    fn changed(&self) -> Option<SystemTime> {
        std::fs::metadata(self.folder.as_ref()?).and_then(|folder| folder.modified()).ok()
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
    use cumulet_sandbox::{Family, Source, Version};

    fn runtimes(substitutes: Substitutes) -> Runtimes {
        let python = Interpreter {
            family: Family::Python,
            version: Version(3, 12),
            release: "3.12.4".to_owned(),
            path: "/usr/bin/python3".into(),
            source: Source::Path,
        };
        Runtimes { interpreters: vec![python], substitutes }
    }

    #[tokio::test]
    async fn what_is_put_into_the_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let search = Search::new(Some(folder.path().to_owned()), Substitutes::Allow);
        let before = search.found().await.unwrap();
        assert!(Arc::ptr_eq(&before, &search.found().await.unwrap()));
        // Another file, as two names of one are one interpreter. It needs no library beside it.
        let node = before.interpreters.iter().find(|one| one.family == Family::Node).unwrap();
        std::fs::create_dir_all(folder.path().join("mine/bin")).unwrap();
        let put = folder.path().canonicalize().unwrap().join("mine/bin/node");
        std::fs::copy(&node.path, &put).unwrap();
        let past = SystemTime::UNIX_EPOCH;
        std::fs::File::open(folder.path()).unwrap().set_modified(past).unwrap();
        let after = search.found().await.unwrap();
        assert_eq!(after.interpreters.first().unwrap().path, put);
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
