//! Stopping all processes of a group where they are, and letting them go on.
//!
//! Version 2 has it in every group ("cgroup.freeze" in the admin guide's "cgroup-v2"), version 1 in
//! a hierarchy of its own ("freezer-subsystem"). They differ in one thing that matters here: what
//! version 1 has frozen does not even die before it is thawed.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{MOUNTED, writable};

/// The file of version 1.
const STATE: &str = "freezer.state";

/// What stops one group. Written through a descriptor that is kept, as it is on the way of every
/// invocation.
#[derive(Debug)]
pub(super) struct Freezer {
    file: File,
    frozen: &'static str,
    thawed: &'static str,
}

impl Freezer {
    /// That of a group, where it has one.
    pub(super) fn of(group: &Path) -> Option<Self> {
        let kinds = [("cgroup.freeze", "1", "0"), (STATE, "FROZEN", "THAWED")];
        kinds.into_iter().find_map(|(name, frozen, thawed)| {
            let file = File::options().write(true).open(group.join(name)).ok()?;
            Some(Self { file, frozen, thawed })
        })
    }

    pub(super) fn freeze(&self) {
        self.write(self.frozen);
    }

    pub(super) fn thaw(&self) {
        self.write(self.thawed);
    }

    fn write(&self, state: &str) {
        // It fails only where the group is gone, and with it who could run.
        if let Err(error) = self.file.write_all_at(state.as_bytes(), 0) {
            tracing::debug!(%error, state, "a control group's freezer does not take it");
        }
    }
}

/// The folder of this process's group in the hierarchy of version 2 that systemd mounts beside
/// those of version 1, where it may be written. It has no controllers there, and needs none.
pub(super) fn beside_v1(groups: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = Path::new(MOUNTED).join("unified").join(path.trim_start_matches('/'));
    folder.join("cgroup.procs").exists().then(|| writable(folder)).flatten()
}

/// Thaws a group of version 1 whose processes were killed; whether it is one.
pub(super) fn thaw_killed(group: &Path) -> bool {
    let state = group.join(STATE);
    state.exists() && fs::write(state, "THAWED").is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written, shown on plain files: a machine has one version or the other.
    #[test]
    fn each_version_has_its_words() {
        for (name, frozen, thawed) in [("cgroup.freeze", "1", "0"), (STATE, "FROZEN", "THAWED")] {
            let group = tempfile::tempdir().unwrap();
            assert!(Freezer::of(group.path()).is_none());
            let file = group.path().join(name);
            fs::write(&file, "").unwrap();
            let freezer = Freezer::of(group.path()).unwrap();
            freezer.freeze();
            assert_eq!(fs::read_to_string(&file).unwrap(), frozen);
            freezer.thaw();
            assert_eq!(fs::read_to_string(&file).unwrap(), thawed);
        }
    }

    #[test]
    fn only_version_1_keeps_the_killed() {
        let group = tempfile::tempdir().unwrap();
        assert!(!thaw_killed(group.path()));
        fs::write(group.path().join(STATE), "FROZEN").unwrap();
        assert!(thaw_killed(group.path()));
        assert_eq!(fs::read_to_string(group.path().join(STATE)).unwrap(), "THAWED");
    }
}
