//! Zips: the same files make the same bytes, so that a package's hash tells whether it changed.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::Package;
use crate::up::files::{self, Kind};
use crate::up::progress::size;

/// Bytes of a package's files ("Lambda quotas": 250 MB).
const MOST: u64 = 262_144_000;

/// Zips the folder `from` into the file `to`.
pub(super) fn zip(from: &Path, to: PathBuf) -> Result<Package, String> {
    let listing = files::list(from, &[])?;
    let bytes: u64 = listing
        .values()
        .map(|entry| match entry.kind {
            Kind::File { bytes, .. } => bytes,
            Kind::Link(_) => 0,
        })
        .sum();
    if bytes > MOST {
        return Err(format!(
            "the package's files are {} together, and Lambda takes {} at most",
            size(bytes),
            size(MOST)
        ));
    }
    if listing.is_empty() {
        return Err("there are no files for the package".to_owned());
    }
    write(&listing, &to).map_err(|why| format!("{}: {why}", to.display()))?;
    existing(to)
}

fn write(listing: &files::Listing, to: &Path) -> io::Result<()> {
    let mut zip = ZipWriter::new(BufWriter::new(File::create(to)?));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    for (name, entry) in listing {
        match &entry.kind {
            Kind::File { executable, .. } => {
                let mode = if *executable { 0o755 } else { 0o644 };
                zip.start_file(name.as_str(), options.unix_permissions(mode))?;
                io::copy(&mut BufReader::new(File::open(&entry.path)?), &mut zip)?;
            }
            Kind::Link(target) => {
                zip.add_symlink(name.as_str(), target.to_string_lossy(), options)?;
            }
        }
    }
    zip.finish()?.flush()
}

/// A zip that is there already.
pub(super) fn existing(path: PathBuf) -> Result<Package, String> {
    let read = || -> io::Result<(String, u64)> {
        let mut hash = files::sha256();
        let mut file = File::open(&path)?;
        let (mut buffer, mut bytes) = (vec![0; 64 << 10], 0);
        while let read @ 1.. = file.read(&mut buffer)? {
            hash.update(buffer.get(..read).unwrap_or_default());
            bytes += read as u64;
        }
        Ok((files::hex(hash), bytes))
    };
    let (sha256, bytes) = read().map_err(|why| format!("{}: {why}", path.display()))?;
    Ok(Package { path, sha256, bytes })
}

/// Notes which inputs a package was made from.
pub(super) fn stamp(stamp: &Path, inputs: &str, package: &Package) -> Result<(), String> {
    let text = format!("{inputs}\n{}\n{}\n", package.sha256, package.bytes);
    fs::write(stamp, text).map_err(|why| format!("{}: {why}", stamp.display()))
}

/// The package that was made from the same inputs, if it is still there.
pub(super) fn stamped(stamp: &Path, inputs: &str, zip: &Path) -> Option<Package> {
    let text = fs::read_to_string(stamp).ok()?;
    let mut lines = text.lines();
    let same = lines.next()? == inputs;
    let (sha256, bytes) = (lines.next()?.to_owned(), lines.next()?.parse().ok()?);
    let there = fs::metadata(zip).is_ok_and(|data| data.len() == bytes);
    (same && there).then(|| Package { path: zip.to_owned(), sha256, bytes })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn the_same_files_make_the_same_bytes() {
        let home = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let from = home.path().join(name);
            fs::create_dir_all(from.join("bin")).unwrap();
            fs::write(from.join("index.js"), "exports").unwrap();
            fs::write(from.join("bin/run"), "#!/bin/sh").unwrap();
            fs::set_permissions(from.join("bin/run"), fs::Permissions::from_mode(0o700)).unwrap();
            symlink("index.js", from.join("main.js")).unwrap();
            zip(&from, home.path().join(format!("{name}.zip"))).unwrap()
        };
        let (one, two) = (made("one"), made("two"));
        assert_eq!(one.sha256, two.sha256);
        // What comes out is what went in.
        let out = home.path().join("out");
        let file = File::open(&one.path).unwrap();
        cumulet_sandbox::unpack(file, &out, cumulet_sandbox::PackageLimits::default()).unwrap();
        let listing = files::list(&out, &[]).unwrap();
        assert_eq!(listing["bin/run"].kind, Kind::File { executable: true, bytes: 9 });
        assert_eq!(listing["index.js"].kind, Kind::File { executable: false, bytes: 7 });
        assert_eq!(listing["main.js"].kind, Kind::Link("index.js".into()));
    }

    #[test]
    fn a_stamp_holds_for_its_inputs_and_zip_alone() {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        fs::create_dir(&from).unwrap();
        let at = home.path().join("a.zip");
        assert!(zip(&from, at.clone()).is_err());
        fs::write(from.join("a"), "a").unwrap();
        let package = zip(&from, at.clone()).unwrap();
        let note = home.path().join("a.stamp");
        assert_eq!(stamped(&note, "inputs", &at), None);
        stamp(&note, "inputs", &package).unwrap();
        assert_eq!(stamped(&note, "inputs", &at), Some(package));
        assert_eq!(stamped(&note, "others", &at), None);
        fs::write(&at, "").unwrap();
        assert_eq!(stamped(&note, "inputs", &at), None);
    }
}
