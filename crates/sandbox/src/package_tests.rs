use std::collections::BTreeMap;
use std::io::Cursor;
use std::os::unix::fs::MetadataExt;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A zip of `(name, mode with kind, content)`, stored, made by hand: a writer that means well
/// refuses the names that matter here.
fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, mode, content) in entries {
        let offset = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32fast::hash(content).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(*content);
        // Made by Unix (3) where there is a mode.
        directory.extend([b'P', b'K', 1, 2, 20, if *mode == 0 { 0 } else { 3 }]);
        directory.extend(&common);
        directory.extend([0; 6]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (count, size, offset) = (entries.len() as u16, directory.len() as u32, bytes.len() as u32);
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn try_unpack(
    zip: &[u8],
    limits: PackageLimits,
) -> Result<(tempfile::TempDir, Unpacked), PackageError> {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("code");
    let done = unpack(Cursor::new(zip), &inner, limits)?;
    Ok((folder, done))
}

fn check(entries: &[(&str, u32, &[u8])]) -> Result<(tempfile::TempDir, Unpacked), PackageError> {
    try_unpack(&zip_of(entries), PackageLimits::default())
}

const FILE: u32 = 0o100_644;

#[test]
fn files_folders_modes_and_links_come_out() {
    let (folder, done) = check(&[
        ("node_modules/", 0o040_755, b""),
        ("node_modules/a.js", FILE, b"module.exports = 1"),
        ("bootstrap", 0o100_755, b"#!/bin/sh\n"),
        ("windows.txt", 0, b"no mode"),
        ("suid", 0o104_777, b""),
        ("lib/one/x.so.1", FILE, b"so"),
        ("lib/x.so", 0o120_777, b"one/x.so.1"),
        ("lib/one/up", 0o120_777, b"../../bootstrap"),
    ])
    .unwrap();
    let code = folder.path().join("code");
    assert_eq!(done, Unpacked { files: 7, bytes: 18 + 10 + 7 + 2 + 10 + 15 });
    assert_eq!(fs::read(code.join("node_modules/a.js")).unwrap(), b"module.exports = 1");
    let mode = |name: &str| fs::metadata(code.join(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("bootstrap"), 0o755);
    assert_eq!(mode("windows.txt"), 0o644);
    assert_eq!(mode("suid"), 0o755, "neither set-uid nor writable for others");
    assert_eq!(fs::read(code.join("lib/x.so")).unwrap(), b"so");
    assert_eq!(fs::read(code.join("lib/one/up")).unwrap(), b"#!/bin/sh\n");
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in ["../evil", "a/../../evil", "/etc/evil", "a/../b", "..", "a\\b", "..\\evil", "a\0b"]
    {
        let result = check(&[(name, FILE, b"x")]);
        assert!(matches!(result, Err(PackageError::Name(_))), "{name:?}: {result:?}");
    }
    let deep = "d/".repeat(100) + "f";
    assert!(matches!(check(&[(&deep, FILE, b"")]), Err(PackageError::Name(_))));
    let long = "n".repeat(300);
    assert!(matches!(check(&[(&long, FILE, b"")]), Err(PackageError::Name(_))));
}

#[test]
fn links_that_lead_out_are_refused_and_files_never_go_through_one() {
    for target in ["/etc/passwd", "..", "../x", "a/../../x", "", "a\0b"] {
        let result = check(&[("link", 0o120_777, target.as_bytes())]);
        assert!(matches!(result, Err(PackageError::Link(_))), "{target:?}: {result:?}");
    }
    // A chain: `out` looks harmless as text, but goes through another link.
    let chain = check(&[
        ("a/deep/er/f", FILE, b""),
        ("short", 0o120_777, b"a/deep/er"),
        ("out", 0o120_777, b"short/../../../../etc"),
    ]);
    assert!(matches!(chain, Err(PackageError::Link(_))), "{chain:?}");
    let through = check(&[("dir", 0o120_777, b"."), ("dir/file", FILE, b"x")]);
    assert!(matches!(through, Err(PackageError::Duplicate(_))), "{through:?}");
    let over = check(&[("dir/file", FILE, b"x"), ("dir", 0o120_777, b"elsewhere")]);
    assert!(matches!(over, Err(PackageError::Duplicate(_))), "{over:?}");
}

#[test]
fn devices_and_pipes_are_refused() {
    for kind in [0o020_666, 0o060_666, 0o010_666, 0o140_666] {
        let result = check(&[("dev", kind, b"")]);
        assert!(matches!(result, Err(PackageError::Kind(_))), "{kind:o}: {result:?}");
    }
}

#[test]
fn two_entries_for_one_place_are_refused() {
    for (first, second) in [("a", "./a"), ("a/b", "a//b"), ("a", "a/b"), ("a/b", "a")] {
        let result = check(&[(first, FILE, b"1"), (second, FILE, b"2")]);
        assert!(matches!(result, Err(PackageError::Duplicate(_))), "{first} {second}: {result:?}");
    }
    let result = check(&[("same", FILE, b"1"), ("same", FILE, b"2")]);
    assert!(result.is_err(), "{result:?}");
}

#[test]
fn bombs_stop_at_the_limit() {
    let zeros = vec![0_u8; 4 << 20];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("zeros", SimpleFileOptions::default()).unwrap();
    writer.write_all(&zeros).unwrap();
    let zip = writer.finish().unwrap().into_inner();
    assert!(zip.len() < 64 << 10);
    let limits = PackageLimits { bytes: 1 << 20, ..PackageLimits::default() };
    assert!(matches!(try_unpack(&zip, limits), Err(PackageError::TooLarge(_))));
    let many = zip_of(&[("a", FILE, b""), ("b", FILE, b""), ("c", FILE, b"")]);
    let limits = PackageLimits { entries: 2, ..PackageLimits::default() };
    assert!(matches!(try_unpack(&many, limits), Err(PackageError::TooMany(2))));
}

#[test]
fn what_is_no_zip_is_refused() {
    for bytes in [&b""[..], b"PK", b"hello", &[0; 4096]] {
        assert!(matches!(
            try_unpack(bytes, PackageLimits::default()),
            Err(PackageError::Zip(_) | PackageError::Io(_))
        ));
    }
    assert_eq!(code_sha256(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

/// Whatever the bytes: no panic, nothing outside of the folder, nothing above the limit.
#[test]
fn mangled_archives_stay_inside() {
    let whole = zip_of(&[
        ("a/b", FILE, b"hello hello hello hello hello hello"),
        ("link", 0o120_777, b"a/b"),
        ("a/c/", 0o040_755, b""),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicUsize::new(0);
    bolero::check!().with_type::<Vec<(u16, u8)>>().with_iterations(500).for_each(|changes| {
        let mut bytes = whole.clone();
        for (at, value) in changes {
            let at = usize::from(*at) % bytes.len();
            bytes[at] = *value;
        }
        let nth = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        let place = folder.path().join(nth);
        let limits = PackageLimits { bytes: 1000, ..PackageLimits::default() };
        let _ = unpack(Cursor::new(&bytes), &place.join("code"), limits);
        let listed: Vec<_> = fs::read_dir(&place)
            .map(|entries| entries.flatten().map(|entry| entry.file_name()).collect())
            .unwrap_or_default();
        assert!(listed.iter().all(|name| name == "code"), "{listed:?}");
        let _ = fs::remove_dir_all(&place);
    });
}

/// Harmless trees come out as they went in.
#[test]
fn any_tree_round_trips() {
    bolero::check!().with_type::<BTreeMap<u16, Vec<u8>>>().with_iterations(60).for_each(|tree| {
        let names: Vec<String> =
            tree.keys().map(|key| format!("d{}/e{}/f{key}", key % 3, key % 5)).collect();
        let entries: Vec<(&str, u32, &[u8])> =
            names.iter().zip(tree.values()).map(|(n, c)| (n.as_str(), FILE, &c[..])).collect();
        let (folder, done) = check(&entries).unwrap();
        assert_eq!(done.files, entries.len());
        for (name, _, content) in &entries {
            assert_eq!(fs::read(folder.path().join("code").join(name)).unwrap(), *content);
        }
    });
}
