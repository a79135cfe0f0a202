//! What changes below folders, as the kernel tells it (inotify(7)).

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::up::app::OWN;

/// Folders whose content is nobody's source.
const LEFT_OUT: [&str; 5] = ["node_modules", ".git", ".aws-sam", "__pycache__", OWN];
/// How long nothing must have changed: editors write, rename and touch for one save.
const QUIET: Duration = Duration::from_millis(30);
/// How long changes that do not end are waited for.
const LONGEST: Duration = Duration::from_millis(300);
/// Paths that are remembered; a tool that writes more has changed everything.
const MOST: usize = 10_000;
/// Folders that are watched.
const FOLDERS: usize = 50_000;
/// Folders one within the other.
const DEEPEST: usize = 64;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changes {
    /// Files and folders that were written, made, moved or removed.
    pub(super) paths: BTreeSet<PathBuf>,
    /// More changed than was kept count of: it may be anything.
    pub(super) all: bool,
    /// When the first of it did.
    pub(super) since: Instant,
}

/// A folder to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    /// With all folders in it.
    pub(super) deep: bool,
}

/// Watches folders for as long as the process lives.
pub(super) struct Watcher(Arc<Shared>);

struct Shared {
    inotify: OwnedFd,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    roots: Vec<Root>,
    /// By the kernel's number of the watch.
    folders: HashMap<i32, Root>,
    /// What changed since it was last asked for, and when the last of it did.
    changes: Option<(Changes, Instant)>,
}

impl Watcher {
    /// Begins to watch: what changes from here on is told.
    pub(super) fn start(roots: Vec<Root>) -> Result<Self, String> {
        let inotify = inotify::init(CreateFlags::CLOEXEC);
        let inotify = inotify.map_err(|why| format!("changes cannot be watched: {why}"))?;
        let shared = Shared { inotify, state: Mutex::default(), changed: Notify::new() };
        let shared = Arc::new(shared);
        let watcher = Self(Arc::clone(&shared));
        watcher.watch(roots)?;
        let thread = std::thread::Builder::new().name("watch".to_owned());
        let thread = thread.spawn(move || shared.listen());
        thread.map(|_| watcher).map_err(|why| format!("changes cannot be watched: {why}"))
    }

    /// From now on these. What is watched already costs nothing; what came back is watched again.
    pub(super) fn watch(&self, roots: Vec<Root>) -> Result<(), String> {
        let mut state = self.0.lock();
        state.roots = roots;
        state.watch_roots(&self.0.inotify)
    }

    /// The next changes, once they have come to rest.
    pub(super) async fn next(&self) -> Changes {
        loop {
            let rest =
                |(changes, last): &(Changes, Instant)| (*last + QUIET).min(changes.since + LONGEST);
            let rest = self.0.lock().changes.as_ref().map(rest);
            match rest {
                None => self.0.changed.notified().await,
                Some(at) if at > Instant::now() => tokio::time::sleep_until(at).await,
                Some(_) => {
                    if let Some((changes, _)) = self.0.lock().changes.take() {
                        return changes;
                    }
                }
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self) {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    if self.lock().note(&self.inotify, &event) {
                        self.changed.notify_one();
                    }
                }
                Err(Errno::INTR) => {}
                Err(why) => {
                    tracing::error!(%why, "changes are not watched any more");
                    return;
                }
            }
        }
    }
}

impl State {
    fn watch_roots(&mut self, inotify: &OwnedFd) -> Result<(), String> {
        for root in self.roots.clone() {
            match self.add(inotify, root.clone()) {
                // What is not there is watched once it is, where the folder around it is watched.
                Err(why) if why.kind() != io::ErrorKind::NotFound => {
                    return Err(explained(&root.path, &why));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Watches a folder, and those in it.
    fn add(&mut self, inotify: &OwnedFd, root: Root) -> io::Result<()> {
        const WANTED: WatchFlags = WatchFlags::CLOSE_WRITE
            .union(WatchFlags::CREATE)
            .union(WatchFlags::DELETE)
            .union(WatchFlags::MOVE)
            .union(WatchFlags::ATTRIB)
            .union(WatchFlags::DELETE_SELF)
            .union(WatchFlags::ONLYDIR)
            .union(WatchFlags::EXCL_UNLINK);
        let mut left = vec![(root, 0)];
        while let Some((folder, depth)) = left.pop() {
            if self.folders.len() >= FOLDERS || depth > DEEPEST {
                return Err(io::Error::other(format!("more than {FOLDERS} folders")));
            }
            let number = match inotify::add_watch(inotify, &folder.path, WANTED) {
                Ok(number) => number,
                // It went meanwhile, or is not for this user to read.
                Err(Errno::NOENT | Errno::ACCESS | Errno::NOTDIR) if depth > 0 => continue,
                Err(why) => return Err(why.into()),
            };
            // One folder has one number by whatever links it is reached.
            let known = self.folders.get(&number);
            if known.is_some_and(|known| known.deep || !folder.deep) {
                continue;
            }
            if folder.deep {
                left.extend(inner(&folder.path).map(|path| (Root { path, deep: true }, depth + 1)));
            }
            self.folders.insert(number, folder);
        }
        Ok(())
    }

    /// A folder has moved away: what is in it has other names now.
    fn forget_below(&mut self, inotify: &OwnedFd, gone: &Path) {
        let below = self.folders.extract_if(|_, folder| folder.path.starts_with(gone));
        for (number, _) in below {
            let _ = inotify::remove_watch(inotify, number);
        }
    }

    /// Takes an event up; whether it is a change.
    fn note(&mut self, inotify: &OwnedFd, event: &Event<'_>) -> bool {
        let what = event.events();
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            for (number, _) in self.folders.drain() {
                let _ = inotify::remove_watch(inotify, number);
            }
            self.again(inotify);
            self.change(|changes| changes.all = true);
            return true;
        }
        if what.contains(ReadFlags::IGNORED) {
            self.folders.remove(&event.wd());
            return false;
        }
        let Some(folder) = self.folders.get(&event.wd()).cloned() else { return false };
        let path = match event.file_name().map(|name| OsStr::from_bytes(name.to_bytes())) {
            Some(name) if is_nobodys(name) => return false,
            Some(name) => folder.path.join(name),
            None => folder.path.clone(),
        };
        if what.contains(ReadFlags::ISDIR) && event.file_name().is_some() {
            if what.contains(ReadFlags::MOVED_FROM) {
                self.forget_below(inotify, &path);
            } else if folder.deep && what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                let _ = self.add(inotify, Root { path: path.clone(), deep: true });
            }
            if what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
                // One of those that were to be watched may be back.
                self.again(inotify);
            }
        }
        self.change(|changes| {
            changes.paths.insert(path);
            changes.all |= changes.paths.len() > MOST;
        });
        true
    }

    fn again(&mut self, inotify: &OwnedFd) {
        if let Err(why) = self.watch_roots(inotify) {
            tracing::warn!("{why}");
        }
    }

    fn change(&mut self, note: impl FnOnce(&mut Changes)) {
        let now = Instant::now();
        let fresh = || Changes { paths: BTreeSet::new(), all: false, since: now };
        let (changes, last) = self.changes.get_or_insert_with(|| (fresh(), now));
        *last = now;
        note(changes);
        if changes.all {
            changes.paths.clear();
        }
    }
}

/// The folders in a folder that are to be watched, those that links lead to included.
fn inner(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| !is_nobodys(&entry.file_name()));
    // As packages do, without virtual environments.
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.join("pyvenv.cfg").is_file())
}

/// Whether a name is that of others' bookkeeping, or of a file that an editor keeps for itself:
/// those of Vim, Emacs, Kate and JetBrains' editors.
fn is_nobodys(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let ending = |end: &str| name.ends_with(end);
    LEFT_OUT.contains(&name)
        || name == "4913"
        || ending("~")
        || name.starts_with(".#")
        || (name.starts_with('#') && ending("#"))
        || (name.starts_with('.') && [".swp", ".swx", ".swo", ".kate-swp"].into_iter().any(ending))
        || ending("___jb_tmp___")
        || ending("___jb_old___")
}

fn explained(path: &Path, why: &io::Error) -> String {
    let path = path.display();
    if why.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) {
        return format!(
            "{path} cannot be watched: the system's watches are used up (sysctl -w \
             fs.inotify.max_user_watches=524288)"
        );
    }
    format!("{path} cannot be watched: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is watched.
    struct Bench {
        home: tempfile::TempDir,
        watcher: Watcher,
    }

    impl Bench {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let path = home.path().canonicalize().unwrap();
            fs::create_dir_all(path.join("src/deep")).unwrap();
            fs::create_dir_all(path.join("src/node_modules/a")).unwrap();
            let watcher = Watcher::start(vec![Root { path, deep: true }]).unwrap();
            Self { home, watcher }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.home.path().canonicalize().unwrap().join(name)
        }

        /// Changes until one is of `name`: what came before, and it.
        async fn until(&self, name: &str) -> BTreeSet<PathBuf> {
            let mut seen = BTreeSet::new();
            let all = async {
                while !seen.contains(&self.at(name)) {
                    seen.extend(self.watcher.next().await.paths);
                }
            };
            tokio::time::timeout(Duration::from_secs(30), all).await.unwrap();
            seen
        }

        /// Writes a file, again and again until its folder is watched: of one that was only just
        /// made the folder around it may be told alone.
        async fn until_written(&self, name: &str) {
            for n in 0..30 {
                fs::write(self.at(name), n.to_string()).unwrap();
                let second = Duration::from_secs(1);
                while let Ok(changes) = tokio::time::timeout(second, self.watcher.next()).await {
                    if changes.paths.contains(&self.at(name)) {
                        return;
                    }
                }
            }
            panic!("{name} is not watched");
        }
    }

    #[tokio::test]
    async fn one_save_is_one_change_however_editors_do_it() {
        let bench = Bench::new();
        // In place; by another file and a rename; with files of the editor's own beside it.
        fs::write(bench.at("src/a.py"), "1").unwrap();
        fs::write(bench.at("src/.a.py.swp"), "x").unwrap();
        fs::write(bench.at("src/4913"), "").unwrap();
        fs::rename(bench.at("src/a.py"), bench.at("src/a.py~")).unwrap();
        fs::write(bench.at("src/a.py"), "2").unwrap();
        let seen = bench.until("src/a.py").await;
        assert_eq!(seen, BTreeSet::from([bench.at("src/a.py")]));
        fs::write(bench.at("src/deep/new"), "3").unwrap();
        fs::rename(bench.at("src/deep/new"), bench.at("src/deep/b.py")).unwrap();
        assert!(bench.until("src/deep/b.py").await.contains(&bench.at("src/deep/b.py")));
        fs::remove_file(bench.at("src/a.py")).unwrap();
        bench.until("src/a.py").await;
    }

    #[tokio::test]
    async fn what_is_nobodys_source_is_not_watched() {
        let bench = Bench::new();
        fs::write(bench.at("src/node_modules/a/index.js"), "1").unwrap();
        fs::create_dir_all(bench.at(".git/objects")).unwrap();
        fs::write(bench.at(".git/HEAD"), "1").unwrap();
        fs::write(bench.at("last"), "1").unwrap();
        assert_eq!(bench.until("last").await, BTreeSet::from([bench.at("last")]));
    }

    #[tokio::test]
    async fn folders_that_come_move_and_come_back_are_watched() {
        let bench = Bench::new();
        fs::create_dir_all(bench.at("new/one/two")).unwrap();
        bench.until("new").await;
        bench.until_written("new/one/two/a").await;
        fs::rename(bench.at("new"), bench.at("moved")).unwrap();
        bench.until("moved").await;
        bench.until_written("moved/one/two/a").await;
        fs::remove_dir_all(bench.at("src")).unwrap();
        fs::create_dir(bench.at("src")).unwrap();
        bench.until("src").await;
        bench.until_written("src/b").await;
    }

    #[tokio::test]
    async fn a_link_that_leads_back_up_ends() {
        let bench = Bench::new();
        std::os::unix::fs::symlink(bench.at("src"), bench.at("src/deep/up")).unwrap();
        bench.until("src/deep/up").await;
        bench.until_written("src/deep/c").await;
    }

    #[test]
    fn a_full_memory_is_everything() {
        let mut state = State::default();
        for n in 0..=MOST {
            state.change(|changes| {
                changes.paths.insert(n.to_string().into());
                changes.all |= changes.paths.len() > MOST;
            });
        }
        let (changes, _) = state.changes.unwrap();
        assert!(changes.all && changes.paths.is_empty());
    }
}
