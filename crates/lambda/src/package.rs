//! Packages: kept as blobs, unpacked for running.
//!
//! The unpacked folders are a cache: what the last process left is thrown away at start, since a
//! power cut may have left half of it, and made anew from the blob when it is first needed.

use std::fs;
use std::io::{self, Cursor};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cumulet_base::{AccountId, Region};
use cumulet_sandbox::{PackageError, PackageLimits, code_sha256, unpack};
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::{Blob, BlobError, Blobs, Read as _};

use crate::error::Error;
use crate::model::{CodeRecord, CodeUse};
use crate::store;

/// Bytes of a zip that comes with the request ("Lambda quotas").
pub(crate) const MAX_DIRECT: usize = 50 << 20;
/// Bytes of a function's files with those of its layers ("Lambda quotas").
pub(crate) const MAX_UNZIPPED: u64 = 262_144_000;

/// The folder of unpacked packages.
#[derive(Debug, Clone)]
pub(crate) struct Packages(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// Numbers temporary folders.
    count: AtomicU64,
}

/// A package that was checked, stored and unpacked, but which no record names yet.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) code: CodeUse,
    pub(crate) blob: Blob,
}

/// Whose package it is: folders are not shared between accounts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) account: &'a AccountId,
    pub(crate) region: &'a Region,
}

impl Packages {
    /// Opens `root`, empty.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        if root.exists() {
            // Renaming is quick; the old folders go while the cloud serves already.
            let old = root.with_extension(format!("old-{}", std::process::id()));
            let _ = fs::remove_dir_all(&old);
            fs::rename(root, &old)?;
            std::thread::spawn(move || {
                if let Err(error) = fs::remove_dir_all(&old) {
                    tracing::warn!(%error, folder = %old.display(), "old code folders stay");
                }
            });
        }
        fs::create_dir_all(root.join("tmp"))?;
        Ok(Self(Arc::new(Inner { root: root.canonicalize()?, count: AtomicU64::new(0) })))
    }

    fn folder(&self, owner: Owner<'_>, name: &str) -> PathBuf {
        // Base64 has slashes.
        let name = name.replace('/', "_").replace('+', "-").replace('=', "");
        self.0.root.join(format!("{}-{}-{name}", owner.account, owner.region))
    }

    fn temporary(&self) -> PathBuf {
        self.0.root.join("tmp").join(self.0.count.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Checks, unpacks and stores a zip.
    pub(crate) async fn take(&self, cx: &Cx, owner: Owner<'_>, zip: Bytes) -> Result<Package> {
        let size = zip.len() as u64;
        let (sha256, zip) = blocking(move || Ok::<_, io::Error>((code_sha256(&zip), zip)))
            .await
            .map_err(ServiceError::internal)?;
        let folder = self.folder(owner, &sha256);
        let unzipped = self.unpack(zip.clone(), folder).await.map_err(refused)?;
        let blob = write(cx.blobs(), &zip).await.map_err(ServiceError::unavailable)?;
        Ok(Package { code: CodeUse { sha256, size, unzipped }, blob })
    }

    /// The folder of a package that is in use.
    pub(crate) async fn code(&self, cx: &Cx, owner: Owner<'_>, code: &CodeUse) -> Result<PathBuf> {
        let folder = self.folder(owner, &code.sha256);
        if folder.exists() {
            return Ok(folder);
        }
        let key = store::code(owner.account, owner.region, &code.sha256);
        let record = cx.store().snapshot().get_record::<CodeRecord>(&key).await?;
        let record = record.ok_or_else(|| {
            ServiceError::internal(format!("the package {} is lost", code.sha256))
        })?;
        let body = cx.blobs().read(&record.blob, None).await.map_err(ServiceError::internal)?;
        let length = usize::try_from(record.blob.len).map_err(ServiceError::internal)?;
        let zip = body.collect(length).await.map_err(ServiceError::internal)?;
        self.unpack(zip, folder.clone()).await.map_err(ServiceError::internal)?;
        Ok(folder)
    }

    /// The folder of layers, one over the other; `None` where there are none.
    pub(crate) async fn layers(
        &self,
        cx: &Cx,
        owner: Owner<'_>,
        layers: &[(Owner<'_>, CodeUse)],
    ) -> Result<Option<PathBuf>> {
        let mut folders = Vec::with_capacity(layers.len());
        for (of, code) in layers {
            folders.push(self.code(cx, *of, code).await?);
        }
        if folders.len() < 2 {
            return Ok(folders.pop());
        }
        let names: Vec<u8> =
            folders.iter().flat_map(|f| f.as_os_str().as_encoded_bytes().iter().copied()).collect();
        let merged = self.folder(owner, &format!("layers-{}", code_sha256(&names)));
        if merged.exists() {
            return Ok(Some(merged));
        }
        let (temporary, target) = (self.temporary(), merged.clone());
        blocking(move || {
            for folder in folders {
                overlay(&folder, &temporary)?;
            }
            settle(&temporary, &target)
        })
        .await
        .map_err(ServiceError::internal)?;
        Ok(Some(merged))
    }

    /// Unpacks `zip` to `folder`, which is there whole or not at all. Bytes of its files.
    async fn unpack(&self, zip: Bytes, folder: PathBuf) -> Result<u64, PackageError> {
        let temporary = self.temporary();
        blocking(move || {
            let unpacked = unpack(Cursor::new(zip), &temporary, PackageLimits::default());
            if unpacked.is_err() {
                let _ = fs::remove_dir_all(&temporary);
            }
            let unpacked = unpacked?;
            settle(&temporary, &folder)?;
            Ok(unpacked.bytes)
        })
        .await
    }

    /// Removes the folder of a package that nothing uses any more.
    pub(crate) async fn forget(&self, owner: Owner<'_>, sha256: &str) -> io::Result<()> {
        let folder = self.folder(owner, sha256);
        blocking(move || match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }
}

/// Gives `temporary` its name. Whoever came first with the same package stays.
fn settle(temporary: &Path, folder: &Path) -> io::Result<()> {
    match fs::rename(temporary, folder) {
        Err(_) if folder.exists() => fs::remove_dir_all(temporary),
        done => done,
    }
}

/// Lays a copy of `from` over `to`: files of the upper layer take the place of the lower one's.
/// Files are linked, not copied. Recursion is bounded by the depth of a package.
fn overlay(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok_and(|there| !there.is_dir()) {
        fs::remove_file(to)?;
    }
    fs::create_dir_all(to)?;
    // As in a package: functions may run as other users, whatever this process's mask.
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            overlay(&entry.path(), &target)?;
            continue;
        }
        match fs::symlink_metadata(&target) {
            Ok(there) if there.is_dir() => fs::remove_dir_all(&target)?,
            Ok(_) => fs::remove_file(&target)?,
            Err(_) => {}
        }
        if entry.file_type()?.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            fs::hard_link(entry.path(), &target)?;
        }
    }
    Ok(())
}

fn refused(error: PackageError) -> ServiceError {
    match error {
        PackageError::Io(error) => ServiceError::unavailable(error),
        PackageError::TooLarge(limit) => {
            Error::Invalid(format!("Unzipped size must be smaller than {limit} bytes")).into()
        }
        other => ServiceError::from(Error::bad_package()).because(other),
    }
}

async fn write(blobs: &Blobs, zip: &[u8]) -> Result<Blob, BlobError> {
    let mut writer = blobs.create().await?;
    writer.write(zip).await?;
    writer.finish().await
}

async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|why| Err(io::Error::other(why).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_layers_win() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("a/one", "a");
        write("a/both", "a");
        write("a/kind/x", "a");
        write("b/both", "b");
        write("b/kind", "b");
        write("b/deep/two", "b");
        std::os::unix::fs::symlink("two", root.path().join("b/deep/link")).unwrap();
        let merged = root.path().join("merged");
        for layer in ["a", "b"] {
            overlay(&root.path().join(layer), &merged).unwrap();
        }
        let read = |path: &str| fs::read_to_string(merged.join(path)).unwrap();
        assert_eq!((read("one"), read("both"), read("kind")), ("a".into(), "b".into(), "b".into()));
        assert_eq!(read("deep/link"), "b");
        // The layers themselves are as they were.
        assert_eq!(fs::read_to_string(root.path().join("a/both")).unwrap(), "a");
    }

    #[test]
    fn what_a_former_process_left_is_not_trusted() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("code");
        fs::create_dir_all(folder.join("half")).unwrap();
        Packages::open(&folder).unwrap();
        assert!(!folder.join("half").exists());
    }
}
