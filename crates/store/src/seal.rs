//! Secrets at rest: AES-256-GCM under keys derived from one master key.
//!
//! Sealed: `version:u8 = 1`, `key id:4`, `salt:16`, ciphertext, `tag:16`. Every message has a key
//! of its own, HKDF-SHA256 (RFC 5869) over the master key with purpose and salt, and therefore a
//! fixed nonce: there is no count of messages after which the master key is worn out.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const KEY: usize = 32;
const KEY_ID: usize = 4;
const SALT: usize = 16;
const TAG: usize = 16;
/// Bytes that a sealed secret is longer than the secret.
pub const SEAL_OVERHEAD: usize = 1 + KEY_ID + SALT + TAG;

/// Seals and opens secrets.
pub struct Sealer {
    key_id: [u8; KEY_ID],
    master: Prk,
}

/// Why a secret was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    /// The bytes are no sealed secret, or of a version this binary does not know.
    Format,
    /// It was sealed under another master key.
    OtherKey,
    /// It was changed, or sealed for another purpose or with other associated data.
    Refused,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "not a sealed secret",
            Self::OtherKey => "sealed under another master key",
            Self::Refused => "the sealed secret is damaged or meant for something else",
        })
    }
}

impl std::error::Error for SealError {}

/// Why the master key was not loaded.
#[derive(Debug)]
pub enum KeyFileError {
    /// Group or others may read it; the mode is given.
    Readable(PathBuf, u32),
    /// It does not hold exactly 32 bytes.
    Length(PathBuf),
    /// It lies inside the data folder, and so would be in every backup.
    Inside(PathBuf),
    /// The file system refused.
    Io(PathBuf, io::Error),
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Readable(path, mode) => write!(
                f,
                "the master key {} can be read by others (mode {mode:o}): chmod 600 it, and \
                 consider who may have read it",
                path.display()
            ),
            Self::Length(path) => {
                write!(f, "the master key {} must be 32 bytes long", path.display())
            }
            Self::Inside(path) => write!(
                f,
                "the master key {} lies inside the data folder: keep it apart from what it seals",
                path.display()
            ),
            Self::Io(path, why) => write!(f, "the master key {}: {why}", path.display()),
        }
    }
}

impl std::error::Error for KeyFileError {}

impl Sealer {
    /// Loads the master key from `file`, making a random one (mode 0600) where there is none.
    /// `data` is the folder of what it seals, which the file must not lie in.
    pub fn open(file: &Path, data: &Path) -> Result<Self, KeyFileError> {
        let io = |why| KeyFileError::Io(file.to_owned(), why);
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(io)?;
        let inside = |data: PathBuf| folder.canonicalize().is_ok_and(|key| key.starts_with(data));
        if data.canonicalize().is_ok_and(inside) {
            return Err(KeyFileError::Inside(file.to_owned()));
        }
        if !file.try_exists().map_err(io)? {
            create(file, folder).map_err(io)?;
        }
        Ok(Self::new(&*load(file)?))
    }

    /// With a master key that is at hand already.
    pub fn new(master: &[u8; KEY]) -> Self {
        // A digest of its own kind, so that the id tells nothing of the derived keys.
        let id = digest(&SHA256, &[b"cumulet master key id".as_slice(), master].concat());
        let mut key_id = [0; KEY_ID];
        key_id.copy_from_slice(id.as_ref().get(..KEY_ID).unwrap_or(&[0; KEY_ID]));
        Self { key_id, master: Prk::new_less_safe(HKDF_SHA256, master) }
    }

    /// Seals `secret` for a purpose (such as `cognito/signing-key`), bound to `aad` (such as the
    /// key it is stored under). Both are needed again to open it.
    pub fn seal(&self, purpose: &str, aad: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|_| SealError::Refused)?;
        let mut sealed = Vec::with_capacity(secret.len() + SEAL_OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.key_id);
        sealed.extend_from_slice(&salt);
        let head = sealed.len();
        sealed.extend_from_slice(secret);
        let text = sealed.get_mut(head..).ok_or(SealError::Format)?;
        let tag = self
            .key(purpose, &salt)?
            .seal_in_place_separate_tag(nonce(), Aad::from(aad), text)
            .map_err(|_| SealError::Refused)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// The secret that was sealed for the same purpose with the same `aad`. It is wiped from
    /// memory when dropped.
    pub fn open_sealed(
        &self,
        purpose: &str,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let Some(([VERSION], rest)) = sealed.split_first_chunk() else {
            return Err(SealError::Format);
        };
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or(SealError::Format)?;
        let (salt, text) = rest.split_first_chunk::<SALT>().ok_or(SealError::Format)?;
        if *key_id != self.key_id {
            return Err(SealError::OtherKey);
        }
        let mut secret = Zeroizing::new(text.to_vec());
        let length = self
            .key(purpose, salt)?
            .open_in_place(nonce(), Aad::from(aad), &mut secret)
            .map_err(|_| SealError::Refused)?
            .len();
        secret.truncate(length);
        Ok(secret)
    }

    fn key(&self, purpose: &str, salt: &[u8; SALT]) -> Result<LessSafeKey, SealError> {
        let info: [&[u8]; 3] = [b"cumulet seal 1", salt, purpose.as_bytes()];
        let key = self.master.expand(&info, &AES_256_GCM).map_err(|_| SealError::Refused)?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

/// Each message has its own key, so its nonce can be the same.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// Makes a key file as a whole or not at all; one that another process made meanwhile stays.
fn create(file: &Path, folder: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0; KEY]);
    getrandom::fill(&mut *key).map_err(io::Error::other)?;
    let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut new| new.write_all(&*key).and_then(|()| new.sync_all()))
        .and_then(|()| match fs::hard_link(&temporary, file) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(why),
            _ => Ok(()),
        });
    let _ = fs::remove_file(&temporary);
    written?;
    File::open(folder)?.sync_all()
}

fn load(file: &Path) -> Result<Zeroizing<[u8; KEY]>, KeyFileError> {
    let io = |why| KeyFileError::Io(file.to_owned(), why);
    let mut open = File::open(file).map_err(io)?;
    let meta = open.metadata().map_err(io)?;
    if meta.mode() & 0o077 != 0 {
        return Err(KeyFileError::Readable(file.to_owned(), meta.mode() & 0o777));
    }
    if meta.len() != KEY as u64 {
        return Err(KeyFileError::Length(file.to_owned()));
    }
    let mut key = Zeroizing::new([0; KEY]);
    open.read_exact(&mut *key).map_err(io)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_is_sealed_opens_for_the_same_purpose_and_data_only() {
        let sealer = Sealer::new(&[7; 32]);
        bolero::check!()
            .with_type::<(Vec<u8>, Vec<u8>, u16, u8)>()
            .with_iterations(1_000)
            .for_each(|(secret, aad, at, flip)| {
                let sealed = sealer.seal("p", aad, secret).unwrap();
                assert_eq!(sealed.len(), secret.len() + SEAL_OVERHEAD);
                assert_eq!(*sealer.open_sealed("p", aad, &sealed).unwrap(), *secret);
                assert!(sealer.open_sealed("q", aad, &sealed).is_err());
                assert!(sealer.open_sealed("p", &[&aad[..], b"x"].concat(), &sealed).is_err());
                let mut changed = sealed.clone();
                let at = usize::from(*at) % changed.len();
                changed[at] ^= flip | 1;
                assert!(sealer.open_sealed("p", aad, &changed).is_err());
                assert!(sealer.open_sealed("p", aad, &sealed[..at]).is_err());
            });
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike_and_other_keys_are_told_apart() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("p", b"", b"secret").unwrap();
        assert_ne!(sealed, sealer.seal("p", b"", b"secret").unwrap());
        let other = Sealer::new(&[8; 32]);
        assert_eq!(other.open_sealed("p", b"", &sealed).unwrap_err(), SealError::OtherKey);
        assert_eq!(format!("{sealer:?}"), "Sealer(..)");
    }

    #[test]
    fn the_key_file_is_made_once_and_must_be_private_whole_and_outside() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let file = folder.path().join("keys/master.key");
        let sealed = Sealer::open(&file, &data).unwrap().seal("p", b"", b"s").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("keys")).unwrap().count(), 1);
        let again = Sealer::open(&file, &data).unwrap();
        assert_eq!(*again.open_sealed("p", b"", &sealed).unwrap(), b"s");

        let inside = Sealer::open(&data.join("sub/master.key"), &data).unwrap_err();
        assert!(matches!(inside, KeyFileError::Inside(_)));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let readable = Sealer::open(&file, &data).unwrap_err();
        assert!(matches!(readable, KeyFileError::Readable(_, 0o640)));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, [0; 31]).unwrap();
        assert!(matches!(Sealer::open(&file, &data).unwrap_err(), KeyFileError::Length(_)));
    }
}
