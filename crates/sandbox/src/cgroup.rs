//! Limits by the kernel's own count: control groups, version 1 or 2.
//!
//! Memory is the one that must be there; processes are limited and the processor is shared where
//! the machine lets us. Source: the kernel's admin guide, "cgroup-v1" and "cgroup-v2".

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

mod freezer;

use freezer::Freezer;

/// Where version 1 has its hierarchies, and version 2 its only one.
const MOUNTED: &str = "/sys/fs/cgroup";
/// How groups of ours begin, so that they can be found when their platform is no more.
const OURS: &str = "cumulet";
/// The smallest function's memory. It has the processor's share of an ordinary process, others have
/// as many times that as they have its memory ("Configure Lambda function memory": CPU power is in
/// proportion to memory). Were shares counted in processors instead, small functions would get
/// nearly nothing on a busy machine, whose other processes have whole ones.
const SMALLEST: u64 = 128 << 20;

/// Folders of the control group file system in which sandboxes may have groups of their own.
#[derive(Debug, Clone)]
pub struct CgroupParent {
    version: CgroupVersion,
    memory: PathBuf,
    /// Those of version 1 that there are; on version 2 the memory's folder stands for all.
    pids: Option<PathBuf>,
    cpu: Option<PathBuf>,
    /// Where groups can be frozen: on version 2 the memory's folder again; beside version 1 a
    /// folder of version 2, which any machine of the last years has mounted too, or its own.
    freezer: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CgroupVersion {
    V1,
    V2,
}

/// What one group may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupLimits {
    /// Bytes, file systems in memory included.
    pub(crate) bytes: u64,
    /// Bytes that the processor's share is measured by.
    pub(crate) memory: u64,
    /// Processes and threads.
    pub(crate) processes: u64,
}

impl GroupLimits {
    /// As version 1 counts: an ordinary process has 1,024.
    fn shares(self) -> u64 {
        (self.memory * 1024 / SMALLEST).clamp(2, 262_144)
    }

    /// As version 2 counts: an ordinary group has 100.
    fn weight(self) -> u64 {
        (self.memory * 100 / SMALLEST).clamp(1, 10_000)
    }
}

impl CgroupParent {
    /// A folder that was set aside for this platform ("delegated"). Fails where the folder has no
    /// memory controller. On version 2 the folder itself must hold no process.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        if path.join("memory.limit_in_bytes").exists() {
            let (version, memory) = (CgroupVersion::V1, path);
            return Ok(Self { version, memory, pids: None, cpu: None, freezer: None });
        }
        let there = fs::read_to_string(path.join("cgroup.controllers"))?;
        let has = |name: &str| there.split_ascii_whitespace().any(|one| one == name);
        if !has("memory") {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("{} has no memory controller", path.display()),
            ));
        }
        let wanted = ["memory", "pids", "cpu"].into_iter().filter(|name| has(name));
        let wanted: Vec<String> = wanted.map(|name| format!("+{name}")).collect();
        fs::write(path.join("cgroup.subtree_control"), wanted.join(" "))?;
        let shared = |name| has(name).then(|| path.clone());
        let (pids, cpu) = (shared("pids"), shared("cpu"));
        let freezer = Some(path.clone());
        Ok(Self { version: CgroupVersion::V2, memory: path, pids, cpu, freezer })
    }

    /// The groups that this process itself is in, where they may be written. Limits set around
    /// this process then hold for its sandboxes too. On version 2 this process moves one group
    /// down, as a group with processes in it cannot have groups with limits beneath it; where
    /// others share its group, that is not possible. Removes what earlier platforms left there.
    pub fn own() -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = Self::own_v1(&groups).or_else(|| Self::own_v2(&groups))?;
        own.sweep();
        // Whether groups can be made is known only by making one.
        let limits = GroupLimits { bytes: 64 << 20, memory: 64 << 20, processes: 64 };
        let probe = own.create(&group_name("probe"), limits).ok()?;
        probe.remove().then_some(own)
    }

    fn own_v1(groups: &str) -> Option<Self> {
        let folder = |wanted: &str| controller(groups, wanted);
        let mut own = Self::open(&folder("memory")?).ok()?;
        (own.pids, own.cpu) = (folder("pids"), folder("cpu"));
        own.freezer = freezer::beside_v1(groups).or_else(|| folder("freezer"));
        Some(own)
    }

    /// The same without the freezer of version 2, so that a test meets version 1's.
    #[doc(hidden)]
    #[must_use]
    pub fn with_freezer_of_v1(mut self) -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        if self.version == CgroupVersion::V1 {
            self.freezer = controller(&groups, "freezer");
        }
        self
    }

    fn own_v2(groups: &str) -> Option<Self> {
        let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
        let folder = Path::new(MOUNTED).join(path.trim_start_matches('/'));
        let pid = std::process::id();
        let below = folder.join(group_name("platform"));
        fs::create_dir(&below).ok()?;
        let opened = fs::write(below.join("cgroup.procs"), pid.to_string())
            .and_then(|()| Self::open(&folder));
        if opened.is_err() {
            let _ = fs::write(folder.join("cgroup.procs"), pid.to_string());
            let _ = fs::remove_dir(&below);
        }
        opened.ok()
    }

    fn folders(&self) -> Vec<&Path> {
        let mut all: Vec<&Path> = vec![&self.memory];
        let others = [&self.pids, &self.cpu, &self.freezer];
        all.extend(others.into_iter().flatten().map(PathBuf::as_path));
        all.dedup();
        all
    }

    /// Removes empty groups of platforms that are no more: on version 2 the one that the platform
    /// itself was in, which nobody in it can remove, and what one left that was killed. Where its
    /// pid is another process's by now, they stay until a later sweep.
    fn sweep(&self) {
        for folder in self.folders() {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let mut parts = name.to_str().unwrap_or_default().split('-');
                let ours = parts.next() == Some(OURS);
                let owner = parts.next().and_then(|pid| pid.parse::<u32>().ok());
                if ours && owner.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                    // What was killed while it was frozen by version 1 ends only now.
                    let frozen = freezer::thaw_killed(&entry.path());
                    // One with processes in it stays.
                    let _ = if frozen {
                        remove(&entry.path())
                    } else {
                        fs::remove_dir(entry.path()).is_ok()
                    };
                }
            }
        }
    }

    /// A group named `name`.
    pub(crate) fn create(&self, name: &str, limits: GroupLimits) -> io::Result<Cgroup> {
        let mut group = Cgroup {
            version: self.version,
            folders: self.folders().iter().map(|folder| folder.join(name)).collect(),
            cpu: self.cpu.as_ref().map(|folder| folder.join(name)),
            freezer: None,
            high: HighWater::default(),
        };
        let set = group.folders.iter().try_for_each(fs::create_dir);
        let set = set.and_then(|()| group.limit(limits)).and_then(|()| match &self.pids {
            Some(folder) => {
                fs::write(folder.join(name).join("pids.max"), limits.processes.to_string())
            }
            None => Ok(()),
        });
        match set {
            Ok(()) => {
                group.high = HighWater::of(group.version, group.folders.first());
                group.freezer =
                    self.freezer.as_ref().and_then(|folder| Freezer::of(&folder.join(name)));
                Ok(group)
            }
            Err(error) => {
                group.remove();
                Err(error)
            }
        }
    }
}

/// `cumulet-<pid of the platform>-<what>`.
pub(crate) fn group_name(what: impl std::fmt::Display) -> String {
    format!("{OURS}-{}-{what}", std::process::id())
}

/// The folder of this process's group in a hierarchy of version 1, where it may be written.
fn controller(groups: &str, wanted: &str) -> Option<PathBuf> {
    let path = groups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        controllers.split(',').any(|name| name == wanted).then_some(path)
    })?;
    writable(Path::new(MOUNTED).join(wanted).join(path.trim_start_matches('/')))
}

fn writable(folder: PathBuf) -> Option<PathBuf> {
    rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK).is_ok().then_some(folder)
}

/// One sandbox's group. Must be removed when its processes have ended.
#[derive(Debug)]
pub(crate) struct Cgroup {
    version: CgroupVersion,
    /// The memory's first.
    folders: Vec<PathBuf>,
    /// The one of them that shares the processor.
    cpu: Option<PathBuf>,
    freezer: Option<Freezer>,
    high: HighWater,
}

/// The most bytes that were in use at once, as the kernel counts.
#[derive(Debug, Default)]
struct HighWater {
    file: Option<fs::File>,
    /// When it was last asked whether there are more.
    seen: AtomicU64,
}

impl HighWater {
    fn of(version: CgroupVersion, memory: Option<&PathBuf>) -> Self {
        let name = match version {
            CgroupVersion::V1 => "memory.max_usage_in_bytes",
            CgroupVersion::V2 => "memory.peak",
        };
        let file = memory.and_then(|folder| fs::File::open(folder.join(name)).ok());
        Self { file, seen: AtomicU64::new(0) }
    }

    fn bytes(&self) -> Option<u64> {
        let mut text = [0; 32];
        let length = self.file.as_ref()?.read_at(&mut text, 0).ok()?;
        std::str::from_utf8(text.get(..length)?).ok()?.trim().parse().ok()
    }
}

impl Cgroup {
    /// The group that has these folders, for who has nothing to do but to remove it.
    pub(crate) fn existing(folders: Vec<PathBuf>) -> Self {
        Self {
            version: CgroupVersion::V1,
            folders,
            cpu: None,
            freezer: None,
            high: HighWater::default(),
        }
    }

    /// Sets what it may use, processes aside. Takes some ten microseconds.
    pub(crate) fn limit(&self, limits: GroupLimits) -> io::Result<()> {
        let bytes = limits.bytes.to_string();
        let folder = |file: &str| self.folders.first().map(|memory| memory.join(file));
        let set = |file: &str, value: &str| match folder(file) {
            Some(path) => fs::write(path, value),
            None => Ok(()),
        };
        let share = |file: &str, value: u64| match &self.cpu {
            Some(folder) => fs::write(folder.join(file), value.to_string()),
            None => Ok(()),
        };
        // Swap is no memory of the function's. Without swap accounting the file does not exist.
        match self.version {
            CgroupVersion::V1 => {
                // Of the two limits this one may never be the lower, so it goes first where both
                // rise and last where both fall.
                let _ = set("memory.memsw.limit_in_bytes", &bytes);
                set("memory.limit_in_bytes", &bytes)?;
                let _ = set("memory.memsw.limit_in_bytes", &bytes);
                share("cpu.shares", limits.shares())
            }
            CgroupVersion::V2 => {
                set("memory.max", &bytes)?;
                // One process too many means the whole function is done for, as on Lambda.
                set("memory.oom.group", "1")?;
                let _ = set("memory.swap.max", "0");
                share("cpu.weight", limits.weight())
            }
        }
    }

    /// Stops its processes where they are, as far as the machine can.
    pub(crate) fn freeze(&self) {
        if let Some(freezer) = &self.freezer {
            freezer.freeze();
        }
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) {
        if let Some(freezer) = &self.freezer {
            freezer.thaw();
        }
    }

    /// Whether its processes can be stopped.
    pub(crate) fn can_freeze(&self) -> bool {
        self.freezer.is_some()
    }

    /// To be called once its processes were killed: those that are frozen end only now.
    pub(crate) fn let_end(&self) {
        for folder in &self.folders {
            freezer::thaw_killed(folder);
        }
    }

    /// Its folders.
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The files to which a process writes `0` to move itself in, or its pid to be moved.
    pub(crate) fn procs(&self) -> impl Iterator<Item = PathBuf> {
        self.folders.iter().map(|folder| folder.join("cgroup.procs"))
    }

    /// Moves a process in. Takes some milliseconds on version 1.
    pub(crate) fn take_in(&self, pid: u32) -> io::Result<()> {
        self.procs().try_for_each(|procs| fs::write(procs, pid.to_string()))
    }

    fn read(&self, file: &str) -> String {
        let folder = self.folders.first();
        let read = folder.and_then(|folder| fs::read_to_string(folder.join(file)).ok());
        read.unwrap_or_default()
    }

    /// The most bytes that were in use at once.
    pub(crate) fn peak(&self) -> u64 {
        self.high.bytes().unwrap_or(0)
    }

    /// Whether that is more than when this was last asked; `true` where the kernel does not say.
    pub(crate) fn has_grown(&self) -> bool {
        let now = self.high.bytes();
        now.is_none_or(|now| self.high.seen.swap(now, Ordering::Relaxed) < now)
    }

    /// Bytes of its processes' own memory, and bytes of files in memory, both now.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let (own, files) = match self.version {
            CgroupVersion::V1 => ("total_rss", "total_shmem"),
            CgroupVersion::V2 => ("anon", "shmem"),
        };
        let stat = self.read("memory.stat");
        let field = |name: &str| {
            let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
            lines.find(|(key, _)| *key == name).and_then(|(_, value)| value.parse().ok())
        };
        (field(own).unwrap_or(0), field(files).unwrap_or(0))
    }

    /// The processes in it, descendants that left their parents included.
    pub(crate) fn members(&self) -> Vec<u32> {
        self.read("cgroup.procs").lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Removes the group; `false` where processes are still in it after a while. Blocks for up to
    /// a second, as the kernel lets go of ended processes a moment after they are reaped.
    pub(crate) fn remove(&self) -> bool {
        // All of them, even where one cannot be removed.
        self.folders.iter().filter(|folder| !remove(folder)).count() == 0
    }
}

fn remove(folder: &Path) -> bool {
    for _ in 0..100 {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return error.kind() == io::ErrorKind::NotFound,
            Ok(()) => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written, shown on plain folders: a machine has one version or the other.
    #[test]
    fn each_version_has_its_files() {
        let limits = GroupLimits { bytes: 134_217_728, memory: 256 << 20, processes: 1024 };
        let check = |marker: (&str, &str), written: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(marker.0), marker.1).unwrap();
            let parent = CgroupParent::open(folder.path()).unwrap();
            parent.create("one", limits).unwrap();
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
            ("cgroup.controllers", "cpuset cpu memory pids\n"),
            &[
                ("cgroup.subtree_control", "+memory +pids +cpu"),
                ("one/memory.max", "134217728"),
                ("one/memory.oom.group", "1"),
                ("one/memory.swap.max", "0"),
                ("one/pids.max", "1024"),
                ("one/cpu.weight", "200"),
            ],
        );
        let folder = tempfile::tempdir().unwrap();
        assert!(CgroupParent::open(folder.path()).is_err());
        fs::write(folder.path().join("cgroup.controllers"), "cpu pids\n").unwrap();
        assert!(CgroupParent::open(folder.path()).is_err());
    }

    #[test]
    fn the_processor_is_shared_by_memory() {
        let check = |megabytes: u64, shares: u64, weight: u64| {
            let limits = GroupLimits { bytes: 0, memory: megabytes << 20, processes: 1 };
            assert_eq!((limits.shares(), limits.weight()), (shares, weight), "{megabytes}");
        };
        check(1, 8, 1);
        check(128, 1024, 100);
        check(1769, 14_152, 1382);
        check(10_240, 81_920, 8000);
    }

    #[test]
    fn what_a_killed_platform_left_is_removed_and_a_living_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("memory.limit_in_bytes"), "").unwrap();
        let parent = CgroupParent::open(folder.path()).unwrap();
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let own = group_name(0);
        let left = format!("{OURS}-{}-7", gone.id());
        for name in [own.as_str(), &left, "cumulet-x", "somebody", "1"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        parent.sweep();
        for (name, there) in [(own.as_str(), true), (&left, false), ("cumulet-x", true)] {
            assert_eq!(folder.path().join(name).exists(), there, "{name}");
        }
        assert!(folder.path().join("somebody").exists() && folder.path().join("1").exists());
    }
}
