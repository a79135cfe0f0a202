//! Blobs: written whole or not at all, read by ranges, damage noticed.
#![allow(clippy::unwrap_used, reason = "a test's own helpers")]

use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use cumulet_base::Body;
use cumulet_store::{Blob, BlobError, BlobId, Blobs};

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 31 + at / 256) as u8).collect()
}

async fn store(blobs: &Blobs, content: &[u8]) -> Blob {
    let mut writer = blobs.create().await.unwrap();
    for part in content.chunks(70_001) {
        writer.write(part).await.unwrap();
    }
    assert_eq!(writer.len(), content.len() as u64);
    writer.finish().await.unwrap()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn blobs_read_back_whole_and_by_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path(), 0).await.unwrap();
    for len in [0, 1, 1000, 262_144, 700_000] {
        let content = content(len);
        let blob = store(&blobs, &content).await;
        assert_eq!((blob.len, &blob.sha256[..]), (len as u64, digest(&SHA256, &content).as_ref()));
        let body = blobs.read(&blob, None).await.unwrap();
        assert_eq!(body.len(), Some(len as u64));
        assert_eq!(body.collect(1 << 20).await.unwrap(), content);
        for (from, to) in [(0, 0), (0, 1), (len / 3, len / 2), (len / 2, len), (len, len)] {
            if to <= len && from <= to {
                let body = blobs.read(&blob, Some(from as u64..to as u64)).await.unwrap();
                assert_eq!(body.collect(1 << 20).await.unwrap(), content[from..to]);
            }
        }
        let beyond = blobs.read(&blob, Some(0..len as u64 + 1)).await.unwrap_err();
        assert!(matches!(beyond, BlobError::Range(_)));
    }
    assert_eq!(files(&folder.path().join("tmp")), 0);
}

#[tokio::test]
async fn a_writer_dropped_leaves_nothing_and_remains_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path(), 0).await.unwrap();
    let mut writer = blobs.create().await.unwrap();
    writer.write_body(Body::from(content(600_000))).await.unwrap();
    fs::write(folder.path().join("tmp/left-by-a-crash"), b"x").unwrap();
    assert_eq!(blobs.sweep().await.unwrap(), 1);
    assert_eq!(files(&folder.path().join("tmp")), 1, "the open writer's file stays");
    drop(writer);
    assert_eq!(files(&folder.path().join("tmp")), 0);
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn damage_and_absence_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path(), 0).await.unwrap();
    let blob = store(&blobs, &content(600_000)).await;
    let path = folder.path().join(&blob.id.as_str()[..2]).join(blob.id.as_str());
    let mut bytes = fs::read(&path).unwrap();
    bytes[599_999] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let body = blobs.read(&blob, None).await.unwrap();
    assert!(body.collect(1 << 20).await.unwrap_err().to_string().contains("checksum"));
    fs::write(&path, &bytes[..10]).unwrap();
    assert!(matches!(blobs.read(&blob, None).await, Err(BlobError::Damaged(_))));
    assert!(blobs.delete(&blob.id).await.unwrap());
    assert!(!blobs.delete(&blob.id).await.unwrap());
    assert!(matches!(blobs.read(&blob, None).await, Err(BlobError::Missing(_))));
    assert!(BlobId::try_from("../../../../etc/passwd-0123456789".to_owned()).is_err());
}

#[tokio::test]
async fn a_full_disk_refuses_new_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path(), u64::MAX).await.unwrap();
    assert!(matches!(blobs.create().await, Err(BlobError::Full)));
}
