//! Large values as files: written once, read by ranges, named by random ids.
//!
//! A blob is written to `tmp/`, synced, renamed to its place, and its folder synced; only then
//! does the writer learn its id, so whatever a record names is there whole. A blob that no record
//! came to name is the caller's to delete.

use std::collections::HashSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Bytes, BytesMut};
use cumulet_base::{Body, BodyError};
use futures_util::stream;
use serde::{Deserialize, Serialize};

/// Bytes gathered before they are handed to the disk, and read from it at once.
const CHUNK: usize = 256 << 10;
/// Bytes between two looks at the free disk space.
const SPACE_CHECK: u64 = 32 << 20;

/// What a record keeps of a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// 32 hexadecimal digits.
    pub id: BlobId,
    /// Length in bytes.
    pub len: u64,
    /// SHA-256 of all bytes.
    pub sha256: [u8; 32],
}

/// The random name of a blob.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId(String);

impl BlobId {
    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn random() -> io::Result<Self> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

impl TryFrom<String> for BlobId {
    type Error = &'static str;

    /// Ids come from records, and become paths: nothing but digits gets in.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 32 && digits { Ok(Self(text)) } else { Err("a blob id is 32 hex digits") }
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.0
    }
}

/// Why a blob was not written or read.
#[derive(Debug)]
pub enum BlobError {
    /// There is no such blob.
    Missing(BlobId),
    /// The range ends beyond the blob's length (bytes).
    Range(u64),
    /// The file is not as long as it was when it was written.
    Damaged(BlobId),
    /// Too little disk is free.
    Full,
    /// The file system refused.
    Io(io::Error),
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "blob {} is missing", id.0),
            Self::Range(len) => write!(f, "the range ends beyond the blob's {len} bytes"),
            Self::Damaged(id) => write!(f, "blob {} is damaged", id.0),
            Self::Full => f.write_str("the disk is almost full: writes are refused"),
            Self::Io(why) => write!(f, "a blob's file: {why}"),
        }
    }
}

impl std::error::Error for BlobError {}

impl From<io::Error> for BlobError {
    fn from(why: io::Error) -> Self {
        if why.kind() == io::ErrorKind::StorageFull { Self::Full } else { Self::Io(why) }
    }
}

/// A folder of blobs. Clones share it.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    min_free_bytes: u64,
    /// Temporary files that a writer of this process holds.
    writing: Mutex<HashSet<PathBuf>>,
}

impl Blobs {
    /// Opens or creates the folder `root`. Writes are refused while less than `min_free_bytes`
    /// of disk is free.
    pub async fn open(root: &Path, min_free_bytes: u64) -> Result<Self, BlobError> {
        let root = root.to_owned();
        blocking(move || {
            fs::create_dir_all(root.join("tmp"))?;
            File::open(&root)?.sync_all()?;
            Ok(Self(Arc::new(Inner { root, min_free_bytes, writing: Mutex::default() })))
        })
        .await
    }

    /// Begins a blob.
    pub async fn create(&self) -> Result<BlobWriter, BlobError> {
        let blobs = Arc::clone(&self.0);
        blocking(move || {
            blobs.check_space()?;
            let id = BlobId::random()?;
            let path = blobs.root.join("tmp").join(id.as_str());
            let temporary = Temporary { path: path.clone(), blobs };
            temporary.blobs.writing().insert(path);
            let file = File::options().write(true).create_new(true).open(&temporary.path)?;
            let writing = Writing { id, temporary, file, sha256: Context::new(&SHA256), len: 0 };
            Ok(BlobWriter { writing: Some(writing), buffer: BytesMut::new() })
        })
        .await
    }

    /// Reads a blob, or `range` of its bytes, as a stream. A whole read ends with an error where
    /// the checksum differs.
    pub async fn read(&self, blob: &Blob, range: Option<Range<u64>>) -> Result<Body, BlobError> {
        let whole = 0..blob.len;
        let range = range.unwrap_or_else(|| whole.clone());
        if range.start > range.end || range.end > blob.len {
            return Err(BlobError::Range(blob.len));
        }
        let (path, id, len) = (self.0.path(&blob.id), blob.id.clone(), blob.len);
        let file = blocking(move || match File::open(path) {
            Ok(file) if file.metadata()?.len() == len => Ok(file),
            Ok(_) => Err(BlobError::Damaged(id)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Err(BlobError::Missing(id)),
            Err(why) => Err(why.into()),
        })
        .await?;
        let len = range.end - range.start;
        let checked = (range == whole).then(|| (Context::new(&SHA256), blob.sha256));
        let reading = Reading { file, at: range.start, end: range.end, checked };
        let chunks = stream::try_unfold(reading, |reading| async move {
            blocking_body(move || reading.next()).await
        });
        Ok(Body::stream(chunks, Some(len)))
    }

    /// Deletes a blob; whether it was there. Reads under way go on.
    pub async fn delete(&self, id: &BlobId) -> Result<bool, BlobError> {
        let path = self.0.path(id);
        blocking(move || match fs::remove_file(path) {
            Ok(()) => Ok(true),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(why) => Err(why.into()),
        })
        .await
    }

    /// Deletes temporary files that no writer holds, left by a crash. Returns how many. Only one
    /// process may use the folder at a time, which the store's lock sees to.
    pub async fn sweep(&self) -> Result<usize, BlobError> {
        let blobs = Arc::clone(&self.0);
        blocking(move || {
            let mut swept = 0;
            for entry in fs::read_dir(blobs.root.join("tmp"))? {
                let path = entry?.path();
                // Under the lock, so that no file is taken for abandoned just before it is listed.
                let writing = blobs.writing();
                if !writing.contains(&path) && fs::remove_file(&path).is_ok() {
                    swept += 1;
                }
            }
            Ok(swept)
        })
        .await
    }
}

impl Inner {
    fn writing(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self, id: &BlobId) -> PathBuf {
        // 256 folders, so that none grows too large for the file system's taste.
        self.root.join(id.0.get(..2).unwrap_or_default())
    }

    fn path(&self, id: &BlobId) -> PathBuf {
        self.folder(id).join(id.as_str())
    }

    fn check_space(&self) -> Result<(), BlobError> {
        let stat = rustix::fs::statvfs(&self.root).map_err(io::Error::from)?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free < self.min_free_bytes { Err(BlobError::Full) } else { Ok(()) }
    }
}

/// Writes one blob. Dropped before [`BlobWriter::finish`], it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter {
    /// `None` after a failure.
    writing: Option<Writing>,
    buffer: BytesMut,
}

struct Writing {
    id: BlobId,
    temporary: Temporary,
    file: File,
    sha256: Context,
    len: u64,
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing")
            .field("id", &self.id)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// A file that goes when it is not renamed.
struct Temporary {
    path: PathBuf,
    blobs: Arc<Inner>,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing to remove, which is fine.
        let _ = fs::remove_file(&self.path);
        self.blobs.writing().remove(&self.path);
    }
}

impl BlobWriter {
    /// Appends bytes. A future dropped midway spoils the writer.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < CHUNK { Ok(()) } else { self.flush().await }
    }

    /// Appends a whole body.
    pub async fn write_body(&mut self, mut body: Body) -> Result<(), WriteBodyError> {
        while let Some(chunk) = body.chunk().await {
            self.write(&chunk.map_err(WriteBodyError::Body)?)
                .await
                .map_err(WriteBodyError::Blob)?;
        }
        Ok(())
    }

    /// The name that the blob will have; `None` after a failure.
    pub fn id(&self) -> Option<&BlobId> {
        self.writing.as_ref().map(|writing| &writing.id)
    }

    /// Bytes appended so far.
    pub fn len(&self) -> u64 {
        self.writing.as_ref().map_or(0, |writing| writing.len) + self.buffer.len() as u64
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes the blob durable and gives it its place.
    pub async fn finish(mut self) -> Result<Blob, BlobError> {
        self.flush().await?;
        let writing = self.writing.take().ok_or_else(spoilt)?;
        blocking(move || writing.publish()).await
    }

    async fn flush(&mut self) -> Result<(), BlobError> {
        let mut writing = self.writing.take().ok_or_else(spoilt)?;
        let bytes = self.buffer.split().freeze();
        let written = blocking(move || writing.append(&bytes).map(|()| writing)).await?;
        self.writing = Some(written);
        Ok(())
    }
}

fn spoilt() -> BlobError {
    BlobError::Io(io::Error::other("an earlier write of this blob failed"))
}

impl Writing {
    fn append(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let after = self.len + bytes.len() as u64;
        if self.len / SPACE_CHECK != after / SPACE_CHECK {
            self.temporary.blobs.check_space()?;
        }
        self.file.write_all(bytes)?;
        self.sha256.update(bytes);
        self.len = after;
        Ok(())
    }

    fn publish(self) -> Result<Blob, BlobError> {
        self.file.sync_all()?;
        let blobs = &self.temporary.blobs;
        let folder = blobs.folder(&self.id);
        match fs::create_dir(&folder) {
            Ok(()) => File::open(&blobs.root)?.sync_all()?,
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why.into()),
        }
        fs::rename(&self.temporary.path, blobs.path(&self.id))?;
        File::open(&folder)?.sync_all()?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        Ok(Blob { id: self.id, len: self.len, sha256 })
    }
}

/// Why a body did not become a blob.
#[derive(Debug)]
pub enum WriteBodyError {
    /// The body broke off or was refused.
    Body(BodyError),
    /// The blob could not be written.
    Blob(BlobError),
}

impl fmt::Display for WriteBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(why) => why.fmt(f),
            Self::Blob(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for WriteBodyError {}

struct Reading {
    file: File,
    at: u64,
    end: u64,
    /// The running and the expected checksum of a whole read.
    checked: Option<(Context, [u8; 32])>,
}

impl Reading {
    fn next(mut self) -> Result<Option<(Bytes, Self)>, BodyError> {
        let left = self.end - self.at;
        if left == 0 {
            return Ok(None);
        }
        let mut chunk = vec![0; left.min(CHUNK as u64) as usize];
        self.file
            .read_exact_at(&mut chunk, self.at)
            .map_err(|why| BodyError::Broken(Box::new(why)))?;
        self.at += chunk.len() as u64;
        if let Some((running, _)) = &mut self.checked {
            running.update(&chunk);
        }
        // Before the last bytes go out: a reader that counts must not take them for good.
        if self.at == self.end
            && let Some((running, expected)) = self.checked.take()
            && running.finish().as_ref() != expected
        {
            return Err(BodyError::Broken("the blob's checksum differs".into()));
        }
        Ok(Some((chunk.into(), self)))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| Err(io::Error::other(why).into()))
}

async fn blocking_body<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BodyError> + Send + 'static,
) -> Result<T, BodyError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|why| Err(BodyError::Broken(Box::new(why))))
}
