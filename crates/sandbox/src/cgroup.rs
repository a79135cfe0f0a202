//! A memory limit by the kernel's own count: control groups, version 1 or 2.
//!
//! Source: the kernel's admin guide, "cgroup-v1/memory" and "cgroup-v2".

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder of the control group file system in which sandboxes may have groups of their own.
#[derive(Debug, Clone)]
pub struct CgroupParent {
    path: PathBuf,
    version: CgroupVersion,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    V1,
    V2,
}

impl CgroupParent {
    /// A folder that was set aside for this platform ("delegated"). Fails where the folder has no
    /// memory controller. On version 2 the folder itself must hold no process.
    pub fn open(path: &Path) -> io::Result<Self> {
        let version = if path.join("memory.limit_in_bytes").exists() {
            CgroupVersion::V1
        } else {
            let controllers = fs::read_to_string(path.join("cgroup.controllers"))?;
            if !controllers.split_ascii_whitespace().any(|name| name == "memory") {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    format!("{} has no memory controller", path.display()),
                ));
            }
            fs::write(path.join("cgroup.subtree_control"), "+memory")?;
            CgroupVersion::V2
        };
        Ok(Self { path: path.to_owned(), version })
    }

    /// The memory group that this process itself is in, where version 1 is mounted at its usual
    /// place and may be written. Limits set around this process then hold for its sandboxes too.
    /// `None` on version 2: a group with processes in it cannot have groups with limits beneath it.
    pub fn own() -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            controllers.split(',').any(|name| name == "memory").then_some(path)
        })?;
        let folder = Path::new("/sys/fs/cgroup/memory").join(path.trim_start_matches('/'));
        let own = Self::open(&folder).ok()?;
        // Whether groups can be made is known only by making one.
        let probe = own.create(&format!("probe-{}", std::process::id()), 64 << 20).ok()?;
        probe.remove().then_some(own)
    }

    /// A group named `name` with a memory limit in bytes.
    pub(crate) fn create(&self, name: &str, memory: u64) -> io::Result<Cgroup> {
        let group = Cgroup { path: self.path.join(name), version: self.version };
        fs::create_dir(&group.path)?;
        let limit = memory.to_string();
        let set = match self.version {
            CgroupVersion::V1 => fs::write(group.path.join("memory.limit_in_bytes"), &limit),
            CgroupVersion::V2 => fs::write(group.path.join("memory.max"), &limit)
                // One process too many means the whole function is done for, as on Lambda.
                .and_then(|()| fs::write(group.path.join("memory.oom.group"), "1")),
        };
        if let Err(error) = set {
            group.remove();
            return Err(error);
        }
        // Swap is no memory of the function's. Without swap accounting the file does not exist.
        let (file, value) = match self.version {
            CgroupVersion::V1 => ("memory.memsw.limit_in_bytes", limit.as_str()),
            CgroupVersion::V2 => ("memory.swap.max", "0"),
        };
        let _ = fs::write(group.path.join(file), value);
        Ok(group)
    }
}

/// One sandbox's group. Must be removed when its processes have ended.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
    version: CgroupVersion,
}

impl Cgroup {
    /// The file to which a process writes `0` to move itself in.
    pub(crate) fn procs(&self) -> PathBuf {
        self.path.join("cgroup.procs")
    }

    /// The most bytes that were in use at once.
    pub(crate) fn peak(&self) -> u64 {
        let file = match self.version {
            CgroupVersion::V1 => "memory.max_usage_in_bytes",
            CgroupVersion::V2 => "memory.peak",
        };
        let text = fs::read_to_string(self.path.join(file)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    /// The processes in it, descendants that left their parents included.
    pub(crate) fn members(&self) -> Vec<u32> {
        let text = fs::read_to_string(self.procs()).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Removes the group; `false` where processes are still in it after a while. Blocks for up to
    /// a second, as the kernel lets go of ended processes a moment after they are reaped.
    pub(crate) fn remove(&self) -> bool {
        for _ in 0..100 {
            match fs::remove_dir(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return error.kind() == io::ErrorKind::NotFound,
                Ok(()) => return true,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written, shown on plain folders: a machine has one version or the other.
    #[test]
    fn each_version_has_its_files() {
        let check = |marker: (&str, &str), written: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(marker.0), marker.1).unwrap();
            let parent = CgroupParent::open(folder.path()).unwrap();
            parent.create("one", 134_217_728).unwrap();
            for (file, text) in written {
                assert_eq!(fs::read_to_string(folder.path().join(file)).unwrap(), *text, "{file}");
            }
        };
        check(
            ("memory.limit_in_bytes", ""),
            &[
                ("one/memory.limit_in_bytes", "134217728"),
                ("one/memory.memsw.limit_in_bytes", "134217728"),
            ],
        );
        check(
            ("cgroup.controllers", "cpu memory pids\n"),
            &[
                ("cgroup.subtree_control", "+memory"),
                ("one/memory.max", "134217728"),
                ("one/memory.oom.group", "1"),
                ("one/memory.swap.max", "0"),
            ],
        );
        let folder = tempfile::tempdir().unwrap();
        assert!(CgroupParent::open(folder.path()).is_err());
        fs::write(folder.path().join("cgroup.controllers"), "cpu pids\n").unwrap();
        assert!(CgroupParent::open(folder.path()).is_err());
    }
}
