//! Unpacks a function's or a layer's zip, which anybody may have made.
//!
//! The archive is read into a fresh folder. Nothing lands outside of it, nothing in it is anything
//! but a folder, a plain file, or a symbolic link that stays inside.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zip::ZipArchive;
use zip::read::ZipFile;

/// What a package may hold.
#[derive(Debug, Clone, Copy)]
pub struct PackageLimits {
    /// Bytes of all files, unpacked (AWS: 250 MB, layers included).
    pub bytes: u64,
    /// Files and folders.
    pub entries: usize,
    /// Bytes of an entry's name.
    pub name: usize,
    /// Folders one within the other.
    pub depth: usize,
}

impl Default for PackageLimits {
    fn default() -> Self {
        Self { bytes: 262_144_000, entries: 100_000, name: 1024, depth: 64 }
    }
}

/// What came out of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// Plain files and links.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Why a package is refused. The folder may then hold a part of it and is to be removed.
#[derive(Debug)]
pub enum PackageError {
    /// Not a zip, or a broken one.
    Zip(zip::result::ZipError),
    /// It unpacks to more bytes than the limit (the limit).
    TooLarge(u64),
    /// More entries than the limit (the limit).
    TooMany(usize),
    /// An entry's name is absolute, leaves the folder, is too long, or is no text.
    Name(String),
    /// Two entries have one name, or a file's name is a folder's.
    Duplicate(String),
    /// An entry is a device, a pipe or a socket.
    Kind(String),
    /// A symbolic link leads out of the folder or through another link.
    Link(String),
    /// An entry is encrypted.
    Encrypted(String),
    /// The folder cannot be written.
    Io(io::Error),
}

impl fmt::Display for PackageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zip(why) => write!(f, "could not unzip the package: {why}"),
            Self::TooLarge(limit) => {
                write!(f, "unzipped size must be smaller than {limit} bytes")
            }
            Self::TooMany(limit) => write!(f, "the package has more than {limit} entries"),
            Self::Name(name) => write!(f, "the package has an entry with a bad name: {name:?}"),
            Self::Duplicate(name) => write!(f, "the package has {name:?} twice"),
            Self::Kind(name) => write!(f, "{name:?} is neither a file nor a folder nor a link"),
            Self::Link(name) => write!(f, "the link {name:?} leads out of the package"),
            Self::Encrypted(name) => write!(f, "{name:?} is encrypted"),
            Self::Io(why) => write!(f, "the package cannot be written: {why}"),
        }
    }
}

impl std::error::Error for PackageError {}

impl From<io::Error> for PackageError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<zip::result::ZipError> for PackageError {
    fn from(error: zip::result::ZipError) -> Self {
        match error {
            zip::result::ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Self::Io(error)
            }
            other => Self::Zip(other),
        }
    }
}

/// `CodeSha256`: the archive's SHA-256 in base64.
pub fn code_sha256(zip: &[u8]) -> String {
    STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, zip))
}

/// Unpacks `zip` into `folder`, which must not exist or be empty. Blocks: call it off the async
/// threads. Modes are kept as far as reading and executing go; nothing becomes set-uid or
/// writable for others.
pub fn unpack(
    zip: impl Read + Seek,
    folder: &Path,
    limits: PackageLimits,
) -> Result<Unpacked, PackageError> {
    fs::create_dir_all(folder)?;
    let archive = ZipArchive::new(zip)?;
    let (entries, directory) = (archive.len(), archive.central_directory_start());
    let mut zip = archive.into_inner();
    // The reader keeps one entry of each name: the count shows what it dropped.
    if listed_entries(&mut zip, directory)? != entries {
        return Err(PackageError::Duplicate("a name".to_owned()));
    }
    let mut archive = ZipArchive::new(zip)?;
    if archive.len() > limits.entries {
        return Err(PackageError::TooMany(limits.entries));
    }
    let mut unpacker = Unpacker {
        folder: folder.canonicalize()?,
        limits,
        seen: HashSet::new(),
        links: Vec::new(),
        done: Unpacked { files: 0, bytes: 0 },
    };
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| match error {
            zip::result::ZipError::UnsupportedArchive(text) if text.contains("assword") => {
                PackageError::Encrypted(format!("entry {index}"))
            }
            other => other.into(),
        })?;
        unpacker.entry(&mut entry)?;
    }
    open_folders(&unpacker.folder)?;
    unpacker.make_links()?;
    Ok(unpacker.done)
}

/// Folders are for all to read, as files are, whatever this process's mask: functions may run as
/// other users. No link is there yet.
fn open_folders(root: &Path) -> io::Result<()> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

/// How many entries the central directory at `start` lists (APPNOTE.TXT section 4.3.12).
fn listed_entries(zip: &mut (impl Read + Seek), start: u64) -> io::Result<usize> {
    zip.seek(io::SeekFrom::Start(start))?;
    let mut zip = io::BufReader::new(zip);
    let mut count = 0;
    loop {
        let mut header = [0_u8; 46];
        if zip.read_exact(&mut header).is_err() || !header.starts_with(b"PK\x01\x02") {
            return Ok(count);
        }
        count += 1;
        let length = |at: usize| {
            let bytes = header.get(at..at + 2).and_then(|two| two.try_into().ok());
            i64::from(u16::from_le_bytes(bytes.unwrap_or_default()))
        };
        // Name, extra field, comment.
        zip.seek_relative(length(28) + length(30) + length(32))?;
    }
}

/// What `st_mode` says an entry is (the upper half of its external attributes, on Unix).
const KIND_MASK: u32 = 0o170_000;
const KIND_FILE: u32 = 0o100_000;
const KIND_FOLDER: u32 = 0o040_000;
const KIND_LINK: u32 = 0o120_000;

struct Unpacker {
    folder: PathBuf,
    limits: PackageLimits,
    /// Files and links, and folders that entries name or imply.
    seen: HashSet<PathBuf>,
    /// Made last, so that no file is ever written through one.
    links: Vec<(PathBuf, PathBuf)>,
    done: Unpacked,
}

impl Unpacker {
    fn entry<R: Read>(&mut self, entry: &mut ZipFile<'_, R>) -> Result<(), PackageError> {
        let name = std::str::from_utf8(entry.name_raw())
            .map_err(|_| {
                PackageError::Name(String::from_utf8_lossy(entry.name_raw()).into_owned())
            })?
            .to_owned();
        let Some(path) = safe_path(&name, self.limits) else {
            return Err(PackageError::Name(name));
        };
        if path.as_os_str().is_empty() {
            // "./" is the folder itself.
            return Ok(());
        }
        let mode = entry.unix_mode().unwrap_or(0);
        let is_folder = name.ends_with('/');
        match mode & KIND_MASK {
            KIND_FOLDER => self.make_folder(&path),
            0 | KIND_FILE if is_folder => self.make_folder(&path),
            0 | KIND_FILE => self.make_file(&path, mode, entry),
            KIND_LINK if !is_folder => self.note_link(&path, &name, entry),
            _ => Err(PackageError::Kind(name)),
        }
    }

    fn make_folder(&mut self, path: &Path) -> Result<(), PackageError> {
        let target = self.folder.join(path);
        // A folder may be named more than once, by itself and by what is in it.
        match fs::create_dir_all(&target) {
            Ok(()) => Ok(()),
            Err(error) if clashes(&error) => Err(duplicate(path)),
            Err(error) => Err(error.into()),
        }
    }

    fn make_file<R: Read>(
        &mut self,
        path: &Path,
        mode: u32,
        entry: &mut ZipFile<'_, R>,
    ) -> Result<(), PackageError> {
        self.claim(path)?;
        // Archives made on Windows carry no mode. AWS needs files to be readable for all.
        let executable = mode & 0o111 != 0;
        let mode = if executable { 0o755 } else { 0o644 };
        // `create_new` follows no link and replaces nothing.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(self.folder.join(path))
            .map_err(|error| if clashes(&error) { duplicate(path) } else { error.into() })?;
        // What the archive says about sizes is a claim: what comes out is counted.
        let mut buffer = [0_u8; 16 << 10];
        loop {
            let count = entry.read(&mut buffer).map_err(zip::result::ZipError::Io)?;
            if count == 0 {
                break;
            }
            self.count(count as u64)?;
            file.write_all(buffer.get(..count).unwrap_or_default())?;
        }
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        self.done.files += 1;
        Ok(())
    }

    fn note_link<R: Read>(
        &mut self,
        path: &Path,
        name: &str,
        entry: &mut ZipFile<'_, R>,
    ) -> Result<(), PackageError> {
        self.claim(path)?;
        let mut target = String::new();
        let limit = self.limits.name as u64;
        let refused = |_| PackageError::Link(name.to_owned());
        entry.take(limit + 1).read_to_string(&mut target).map_err(refused)?;
        self.count(target.len() as u64)?;
        let depth = path.components().count() - 1;
        if target.len() as u64 > limit || !stays_inside(&target, depth) {
            return Err(PackageError::Link(name.to_owned()));
        }
        self.links.push((path.to_owned(), PathBuf::from(target)));
        self.done.files += 1;
        Ok(())
    }

    /// Links may point to files and folders, not through other links: then each one's text alone
    /// shows where it leads.
    fn make_links(&mut self) -> Result<(), PackageError> {
        let names: HashSet<&Path> = self.links.iter().map(|(path, _)| path.as_path()).collect();
        for (path, target) in &self.links {
            let refuse = || PackageError::Link(path.display().to_string());
            let mut at = path.parent().unwrap_or(Path::new("")).to_owned();
            let mut parts = target.components().peekable();
            while let Some(part) = parts.next() {
                match part {
                    Component::Normal(name) => at.push(name),
                    Component::ParentDir => {
                        at.pop();
                    }
                    _ => {}
                }
                // The last part may be a link itself (libx.so → libx.so.1 → libx.so.1.2).
                if parts.peek().is_some() && names.contains(at.as_path()) {
                    return Err(refuse());
                }
            }
            std::os::unix::fs::symlink(target, self.folder.join(path))
                .map_err(|error| if clashes(&error) { duplicate(path) } else { error.into() })?;
        }
        Ok(())
    }

    /// Takes a file's name for this entry alone, and makes the folders above it.
    fn claim(&mut self, path: &Path) -> Result<(), PackageError> {
        if !self.seen.insert(path.to_owned()) {
            return Err(duplicate(path));
        }
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.make_folder(parent),
            _ => Ok(()),
        }
    }

    fn count(&mut self, bytes: u64) -> Result<(), PackageError> {
        self.done.bytes += bytes;
        if self.done.bytes > self.limits.bytes {
            return Err(PackageError::TooLarge(self.limits.bytes));
        }
        Ok(())
    }
}

fn duplicate(path: &Path) -> PackageError {
    PackageError::Duplicate(path.display().to_string())
}

fn clashes(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory)
}

/// An entry's name as a path below the folder; `None` where it is not one.
fn safe_path(name: &str, limits: PackageLimits) -> Option<PathBuf> {
    if name.len() > limits.name || name.is_empty() || name.contains(['\0', '\\']) {
        return None;
    }
    let mut path = PathBuf::new();
    let mut depth = 0;
    for part in Path::new(name).components() {
        match part {
            // A part longer than a file name may be would fail at the file system.
            Component::Normal(part) if part.len() <= 255 => path.push(part),
            Component::CurDir => continue,
            _ => return None,
        }
        depth += 1;
    }
    (depth <= limits.depth).then_some(path)
}

/// Whether a link's text, read from a folder `depth` levels down, never climbs above the package.
fn stays_inside(target: &str, depth: usize) -> bool {
    let mut depth = depth;
    if target.is_empty() || target.contains('\0') {
        return false;
    }
    for part in Path::new(target).components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
