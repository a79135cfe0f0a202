//! A page's files in its bucket: what changed goes up, what an earlier upload left goes away, and
//! what others put there stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use cumulet_api_s3::ops::{
    DeleteObject, DeleteObjectRequest, HeadObject, HeadObjectRequest, ListObjectsV2,
    ListObjectsV2Request, PutObject, PutObjectRequest,
};
use cumulet_base::Body;
use cumulet_service::Cx;
use cumulet_shape::Streaming;
use md5::{Digest as _, Md5};

use super::kind::{cache_control, media_type};
use crate::up::build::blocking;
use crate::up::files::Listing;

/// Metadata of an object that a page put there: of which stack, from which folder.
const MARK: &str = "cumulet-up";

/// What an upload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    files: usize,
    uploaded: usize,
    removed: usize,
}

impl Sent {
    /// Whether the bucket is not what it was.
    pub(super) fn anything(self) -> bool {
        self.uploaded + self.removed > 0
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.uploaded {
            0 => write!(f, "{} files, unchanged,", self.files)?,
            uploaded => write!(f, "{uploaded} of {} files", self.files)?,
        }
        if self.removed > 0 { write!(f, " ({} removed)", self.removed) } else { Ok(()) }
    }
}

/// Brings the bucket in line with the folder. `before` are the names of the last upload: what is no
/// longer among the files goes.
pub(super) async fn upload(
    cx: &Cx,
    mark: &str,
    bucket: &str,
    listing: Listing,
    before: BTreeSet<String>,
) -> Result<Sent, String> {
    let there = objects(cx, bucket).await?;
    let mut files: Vec<(String, PathBuf)> =
        listing.into_iter().map(|(name, entry)| (name, entry.path)).collect();
    // Pages last: they name the others.
    files.sort_by_key(|(name, _)| (media_type(name).starts_with("text/html"), name.clone()));
    let names: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let mut uploaded = 0;
    for (name, path) in files {
        let read = move || {
            let bytes = std::fs::read(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            let tag = e_tag(&bytes);
            Ok((bytes, tag))
        };
        let (bytes, tag) = blocking(read).await?;
        if there.get(&name) != Some(&tag) {
            put(cx, mark, bucket, &name, bytes).await?;
            uploaded += 1;
        }
    }
    let mut removed = 0;
    for key in before.difference(&names).filter(|key| there.contains_key(*key)) {
        // Somebody else may have put another there since.
        if is_ours(cx, mark, bucket, key).await {
            let (bucket, key) = (bucket.to_owned(), key.clone());
            let input = DeleteObjectRequest { bucket, key, ..DeleteObjectRequest::default() };
            cx.call::<DeleteObject>(input).await.map_err(|why| why.message)?;
            removed += 1;
        }
    }
    Ok(Sent { files: names.len(), uploaded, removed })
}

/// The bucket's objects with their ETags.
async fn objects(cx: &Cx, bucket: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::new();
    let mut continuation_token = None;
    loop {
        let input = ListObjectsV2Request {
            bucket: bucket.to_owned(),
            continuation_token,
            ..ListObjectsV2Request::default()
        };
        let page = cx
            .call::<ListObjectsV2>(input)
            .await
            .map_err(|why| format!("the bucket {bucket}: {}", why.message))?;
        let objects = page.contents.unwrap_or_default().into_iter();
        found.extend(objects.filter_map(|object| Some((object.key?, object.e_tag?))));
        continuation_token = page.next_continuation_token;
        if continuation_token.is_none() {
            return Ok(found);
        }
    }
}

/// An object's ETag, as S3 makes it of what is put in one piece: its MD5.
fn e_tag(bytes: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in Md5::digest(bytes) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

async fn put(cx: &Cx, mark: &str, bucket: &str, name: &str, bytes: Vec<u8>) -> Result<(), String> {
    let input = PutObjectRequest {
        bucket: bucket.to_owned(),
        key: name.to_owned(),
        content_length: i64::try_from(bytes.len()).ok(),
        body: Some(Streaming(Body::from(bytes))),
        content_type: Some(media_type(name).to_owned()),
        cache_control: Some(cache_control(name).to_owned()),
        metadata: Some(BTreeMap::from([(MARK.to_owned(), mark.to_owned())])),
        ..PutObjectRequest::default()
    };
    let put = cx.call::<PutObject>(input).await;
    put.map(drop).map_err(|why| format!("{bucket}/{name}: {}", why.message))
}

/// Whether an earlier upload of this page put the object there.
async fn is_ours(cx: &Cx, mark: &str, bucket: &str, key: &str) -> bool {
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    let input = HeadObjectRequest { bucket, key, ..HeadObjectRequest::default() };
    let head = cx.call::<HeadObject>(input).await.ok();
    head.and_then(|head| head.metadata)
        .is_some_and(|all| all.get(MARK).is_some_and(|of| of == mark))
}
