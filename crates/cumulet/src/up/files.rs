//! The files of a folder: listed in a fixed order, copied, and told apart by their content.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::io::Errno;

/// Files and folders that are looked at, links followed: far above what a package may have.
const MOST: usize = 200_000;
/// Folders one within the other: a link that leads back up ends here.
const DEEPEST: usize = 64;
const ROUND: &str = "too many folders deep: does a link lead back to its own folder?";

/// A file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where its content lies.
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File {
        executable: bool,
        bytes: u64,
    },
    /// A link to a file or folder of the same folder.
    Link(PathBuf),
}

/// The files of a folder by their path in it, with `/` between its parts.
pub(super) type Listing = BTreeMap<String, Entry>;

/// Lists a folder, without the entries whose name `leave` lists. A link that stays within the
/// folder is one; what another leads to is listed in its place, as `sam` does.
pub(super) fn list(root: &Path, leave: &[&str]) -> Result<Listing, String> {
    let root = root.canonicalize().map_err(|why| failed(root, why))?;
    let mut walk = Walk { root: &root, leave, looked_at: 0, found: Listing::new() };
    walk.folder(&root, "", 0)?;
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a Path,
    leave: &'a [&'a str],
    looked_at: usize,
    found: Listing,
}

impl Walk<'_> {
    fn folder(&mut self, at: &Path, prefix: &str, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(failed(at, ROUND));
        }
        // A virtual environment works nowhere but where it was made (PEP 405).
        if depth > 0 && at.join("pyvenv.cfg").is_file() {
            return Ok(());
        }
        for entry in fs::read_dir(at).map_err(|why| failed(at, why))? {
            let path = entry.map_err(|why| failed(at, why))?.path();
            self.looked_at += 1;
            if self.looked_at > MOST {
                return Err(failed(self.root, format!("more than {MOST} files")));
            }
            self.entry(path, prefix, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, prefix: &str, depth: usize) -> Result<(), String> {
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name else { return Err(failed(&path, "the name is not UTF-8")) };
        if self.leave.contains(&name) {
            return Ok(());
        }
        let inside = format!("{prefix}{name}");
        let link = fs::symlink_metadata(&path).is_ok_and(|data| data.is_symlink());
        if link && let Some(target) = within(self.root, &path) {
            self.found.insert(inside, Entry { path, kind: Kind::Link(target) });
            return Ok(());
        }
        let data = fs::metadata(&path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => failed(&path, "the link leads nowhere"),
            _ if why.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => failed(&path, ROUND),
            _ => failed(&path, why),
        })?;
        if data.is_dir() {
            self.folder(&path, &format!("{inside}/"), depth + 1)?;
        } else if data.is_file() {
            let executable = data.permissions().mode() & 0o111 != 0;
            let kind = Kind::File { executable, bytes: data.len() };
            self.found.insert(inside, Entry { path, kind });
        }
        Ok(())
    }
}

fn failed(path: &Path, why: impl std::fmt::Display) -> String {
    format!("{}: {why}", path.display())
}

/// Where the link at `path` leads, if that is relative and stays within `root` on every step.
fn within(root: &Path, path: &Path) -> Option<PathBuf> {
    let target = fs::read_link(path).ok()?;
    let mut depth = path.parent()?.strip_prefix(root).ok()?.components().count();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth = depth.checked_sub(1)?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let real = path.canonicalize().ok()?;
    real.starts_with(root).then_some(target)
}

/// Copies a listing into the folder `to`, over what is there.
pub(super) fn copy(listing: &Listing, to: &Path) -> io::Result<()> {
    place(listing, to, |from, to| fs::copy(from, to).map(drop))
}

/// The same by more names for the same files, which nobody must write to. They lie on one disk.
pub(super) fn link(listing: &Listing, to: &Path) -> io::Result<()> {
    place(listing, to, |from, to| fs::hard_link(from, to))
}

fn place(
    listing: &Listing,
    to: &Path,
    file: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for (name, entry) in listing {
        let target = to.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if fs::symlink_metadata(&target).is_ok_and(|data| !data.is_dir()) {
            fs::remove_file(&target)?;
        }
        match &entry.kind {
            Kind::File { .. } => file(&entry.path, &target)?,
            Kind::Link(leads) => std::os::unix::fs::symlink(leads, &target)?,
        }
    }
    Ok(())
}

/// Adds names, modes and contents to a hash.
pub(super) fn digest(listing: &Listing, hash: &mut Context) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    for (name, entry) in listing {
        let kind = match &entry.kind {
            Kind::File { executable, bytes } => format!("{executable} {bytes}"),
            Kind::Link(leads) => format!("-> {}", leads.display()),
        };
        hash.update(format!("{name}\0{kind}\0").as_bytes());
        if let Kind::File { .. } = entry.kind {
            let mut file = File::open(&entry.path)?;
            while let read @ 1.. = file.read(&mut buffer)? {
                hash.update(buffer.get(..read).unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// A fresh SHA-256.
pub(super) fn sha256() -> Context {
    Context::new(&SHA256)
}

/// The hash in hexadecimal.
pub(super) fn hex(hash: Context) -> String {
    hash.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn digest_of(root: &Path) -> String {
        let mut hash = sha256();
        digest(&list(root, &[]).unwrap(), &mut hash).unwrap();
        hex(hash)
    }

    #[test]
    fn a_folder_is_listed_copied_and_told_apart() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("app");
        fs::create_dir_all(root.join("lib/deep")).unwrap();
        fs::create_dir_all(root.join("venv/bin")).unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::write(root.join("venv/pyvenv.cfg"), "").unwrap();
        fs::write(root.join(".git/HEAD"), "x").unwrap();
        fs::write(root.join("lib/deep/a"), "a").unwrap();
        fs::write(root.join("run"), "#!").unwrap();
        fs::set_permissions(root.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(home.path().join("outside"), "shared").unwrap();
        symlink("../run", root.join("lib/inside")).unwrap();
        symlink("../outside", root.join("out")).unwrap();
        let listing = list(&root, &[".git"]).unwrap();
        let names: Vec<&str> = listing.keys().map(String::as_str).collect();
        assert_eq!(names, ["lib/deep/a", "lib/inside", "out", "run"]);
        assert_eq!(listing["lib/inside"].kind, Kind::Link("../run".into()));
        assert_eq!(listing["out"].kind, Kind::File { executable: false, bytes: 6 });
        assert_eq!(listing["run"].kind, Kind::File { executable: true, bytes: 2 });

        let copied = home.path().join("copy");
        copy(&listing, &copied).unwrap();
        copy(&listing, &copied).unwrap();
        assert_eq!(fs::read_to_string(copied.join("out")).unwrap(), "shared");
        assert_eq!(fs::read_to_string(copied.join("lib/inside")).unwrap(), "#!");
        let before = digest_of(&copied);
        fs::set_permissions(copied.join("out"), fs::Permissions::from_mode(0o755)).unwrap();
        let after = digest_of(&copied);
        assert_ne!(before, after);
        fs::write(copied.join("out"), "Shared").unwrap();
        assert_ne!(after, digest_of(&copied));
    }

    #[test]
    fn links_that_lead_nowhere_or_in_circles_are_named() {
        let home = tempfile::tempdir().unwrap();
        let (root, other) = (home.path().join("app"), home.path().join("other"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&other).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        let why = list(&root, &[]).unwrap_err();
        assert!(why.ends_with("app/dangling: the link leads nowhere"), "{why}");
        fs::remove_file(root.join("dangling")).unwrap();
        symlink("../other", root.join("round")).unwrap();
        symlink("../other", other.join("again")).unwrap();
        symlink("../other", other.join("twice")).unwrap();
        let why = list(&root, &[]).unwrap_err();
        assert!(why.contains("does a link lead back") || why.contains("more than"), "{why}");
    }
}
