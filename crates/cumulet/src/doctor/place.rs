//! The data folder, and the secrets in it and beside it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use crate::admin::status::Status;
use crate::cli::Place;

/// Whether the folder can be written, and who holds it.
pub(super) fn folder(place: &Place, running: Option<&Status>) -> Finding {
    const WHAT: &str = "data folder";
    let shown = place.data.display();
    if let Some(status) = running {
        return Finding::ok(WHAT, format!("{shown}: the cloud at {} runs on it", status.url));
    }
    match fs::metadata(&place.data) {
        Err(why) if why.kind() == ErrorKind::NotFound => {
            return Finding::ok(
                WHAT,
                format!("{shown} is not there yet: the first start makes it"),
            );
        }
        Err(why) => return Finding::fail(WHAT, format!("{shown}: {why}")),
        Ok(data) if !data.is_dir() => {
            return Finding::fail(WHAT, format!("{shown} is no folder: name another with --data"));
        }
        Ok(_) => {}
    }
    if let Err(why) = rustix::fs::access(&place.data, rustix::fs::Access::WRITE_OK) {
        return Finding::fail(WHAT, format!("{shown} cannot be written by this user: {why}"));
    }
    match File::options()
        .write(true)
        .open(place.data.join("store/LOCK"))
        .map(|lock| lock.try_lock())
    {
        Ok(Err(TryLockError::WouldBlock)) => Finding::fail(
            WHAT,
            format!("{shown} is in use by a cloud that does not answer: stop that process"),
        ),
        _ => Finding::ok(WHAT, format!("{shown} can be written, and nobody uses it")),
    }
}

/// Whether the master key is there, and for its owner alone.
pub(super) fn key(place: &Place) -> Finding {
    const WHAT: &str = "master key";
    let path = place.master_key();
    let shown = path.display();
    match open_to_others(&path) {
        Ok(None) if place.data.join("store").is_dir() => Finding::fail(
            WHAT,
            format!("{shown} is missing, and the data hold secrets sealed with it: put it back"),
        ),
        Ok(None) => {
            Finding::ok(WHAT, format!("{shown} is not there yet: the first start makes it"))
        }
        Ok(Some(mode)) => Finding::fail(
            WHAT,
            format!("{shown} can be read by others (mode {mode:o}): chmod 600 {shown}"),
        ),
        Err(Closed) => Finding::ok(WHAT, format!("{shown} is readable by its owner alone")),
    }
}

/// Whether the root key and the admin token are for their owner alone.
pub(super) fn secrets(place: &Place) -> Finding {
    const WHAT: &str = "secrets";
    for path in [place.root_key(), place.admin_token()] {
        if let Ok(Some(mode)) = open_to_others(&path) {
            let shown = path.display();
            return Finding::fail(
                WHAT,
                format!("{shown} can be read by others (mode {mode:o}): chmod 600 {shown}"),
            );
        }
    }
    Finding::ok(WHAT, "the root key and the admin token are not readable by others")
}

/// A file is for its owner alone.
struct Closed;

/// The mode of a file that others may read; `None` where there is no file.
fn open_to_others(path: &Path) -> Result<Option<u32>, Closed> {
    let Ok(file) = fs::metadata(path) else { return Ok(None) };
    let mode = file.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 { Err(Closed) } else { Ok(Some(mode)) }
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn open_secrets_and_held_folders_fail() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { data: folder.path().join("data"), key_file: None };
        assert_eq!(super::folder(&place, None).health, Health::Ok);
        assert_eq!(key(&place).health, Health::Ok);
        assert_eq!(secrets(&place).health, Health::Ok);
        fs::create_dir_all(place.data.join("store")).unwrap();
        assert_eq!(key(&place).health, Health::Fail);
        for (path, look) in [
            (place.master_key(), key as fn(&Place) -> Finding),
            (place.root_key(), secrets),
            (place.admin_token(), secrets),
        ] {
            fs::write(&path, "secret").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(look(&place).words.contains("mode 640"), "{}", path.display());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(look(&place).health, Health::Ok);
        }
        let lock = File::create(place.data.join("store/LOCK")).unwrap();
        assert_eq!(super::folder(&place, None).health, Health::Ok);
        lock.lock().unwrap();
        assert_eq!(super::folder(&place, None).health, Health::Fail);
    }
}
