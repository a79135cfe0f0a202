//! Dependencies that are kept from one build to the next: what changes is the app's own code, and
//! fetching the rest again takes a hundred times as long.

use std::fs;
use std::path::{Path, PathBuf};

use super::blocking;
use crate::up::files;

/// What a folder of kept dependencies is called after the function's logical id.
pub(super) const ENDING: &str = "-dependencies";

/// A folder of dependencies.
pub(super) struct Kept {
    folder: PathBuf,
    /// Everything that they hang on, as a hash.
    key: String,
}

impl Kept {
    /// Those of the function `id` in the folder of packages. `about` and the `files`, as far as
    /// they are there, say which they are.
    pub(super) fn of(build: &Path, id: &str, about: &str, files: &[PathBuf]) -> Self {
        let mut hash = files::sha256();
        hash.update(about.as_bytes());
        for file in files {
            hash.update(b"\0");
            hash.update(&fs::read(file).unwrap_or_default());
        }
        Self { folder: build.join(format!("{id}{ENDING}")), key: files::hex(hash) }
    }

    /// Puts them into `out`. Those that are not there, `bring` brings into the folder it is given.
    pub(super) async fn put(
        &self,
        out: &Path,
        bring: impl AsyncFnOnce(&Path) -> Result<(), String>,
    ) -> Result<(), String> {
        let brought = self.folder.join("brought");
        let stamp = self.folder.join("key");
        if !fs::read_to_string(&stamp).is_ok_and(|key| key == self.key) {
            let _ = fs::remove_dir_all(&self.folder);
            let failed = |why| format!("{}: {why}", self.folder.display());
            fs::create_dir_all(&brought).map_err(failed)?;
            bring(&brought).await?;
            // Last: what was left half done has none.
            fs::write(&stamp, &self.key).map_err(failed)?;
        }
        let out = out.to_owned();
        blocking(move || {
            let listing = files::list(&brought, &[])?;
            files::link(&listing, &out).map_err(|why| format!("{}: {why}", out.display()))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn they_are_brought_once_and_again_for_others() {
        let home = tempfile::tempdir().unwrap();
        let manifest = home.path().join("manifest");
        let built = async |n: usize| {
            let kept = Kept::of(home.path(), "One", "about", std::slice::from_ref(&manifest));
            let out = home.path().join(format!("out{n}"));
            let mut brought = false;
            let bring = async |folder: &Path| {
                brought = true;
                fs::write(folder.join("a"), fs::read(&manifest).unwrap_or_default()).unwrap();
                Ok(())
            };
            kept.put(&out, bring).await.unwrap();
            // The app's own file in place of it leaves what is kept as it is.
            let own = home.path().join("own");
            fs::create_dir_all(&own).unwrap();
            fs::write(own.join("a"), "own").unwrap();
            let text = fs::read_to_string(out.join("a")).unwrap();
            files::copy(&files::list(&own, &[]).unwrap(), &out).unwrap();
            assert_eq!(fs::read_to_string(out.join("a")).unwrap(), "own");
            (brought, text)
        };
        assert_eq!(built(0).await, (true, String::new()));
        assert_eq!(built(1).await, (false, String::new()));
        fs::write(&manifest, "1").unwrap();
        assert_eq!(built(2).await, (true, "1".to_owned()));
        assert_eq!(built(3).await, (false, "1".to_owned()));
    }

    #[tokio::test]
    async fn what_failed_is_not_kept() {
        let home = tempfile::tempdir().unwrap();
        let kept = Kept::of(home.path(), "One", "", &[]);
        let out = home.path().join("out");
        let failed = kept.put(&out, async |_: &Path| Err("no".to_owned())).await;
        assert_eq!(failed, Err("no".to_owned()));
        let mut brought = false;
        let bring = async |_: &Path| {
            brought = true;
            Ok(())
        };
        kept.put(&out, bring).await.unwrap();
        assert!(brought);
    }
}
