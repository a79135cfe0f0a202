//! Files beside the data: what the command line reads of a running cloud.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::cli::Place;

impl Place {
    /// The master key's file: by default the data folder's name with `.key`, beside it.
    pub(crate) fn master_key(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| beside(&self.data, "key"))
    }

    /// The file with the root key, for the owner's own tools; beside the master key, so that it is
    /// not in the data folder's backups.
    pub(crate) fn root_key(&self) -> PathBuf {
        beside(&self.master_key(), "root")
    }

    /// The file with the address that the cloud listens on.
    pub(crate) fn endpoint(&self) -> PathBuf {
        self.data.join("endpoint")
    }

    /// The file with the address of the administration's own listener.
    pub(crate) fn admin(&self) -> PathBuf {
        self.data.join("admin")
    }

    /// The file with the token that the administration wants.
    pub(crate) fn admin_token(&self) -> PathBuf {
        self.data.join("admin-token")
    }
}

/// `path` with an ending more: `data` → `data.key`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Writes a file that only its owner may read, in place of the one that is there.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let new = beside(path, "new");
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}
