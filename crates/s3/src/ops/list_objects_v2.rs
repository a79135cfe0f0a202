//! ListObjectsV2: a bucket's keys in byte order, up to 1,000 an answer, with an opaque token for
//! the next.

use cumulet_api_s3::ops::{ListObjectsV2, ListObjectsV2Output, ListObjectsV2Request};
use cumulet_api_s3::types::CommonPrefix;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::listing::{After, Entry, Query, limit, list, spell};
use crate::ops::listed::{self, show_object};
use crate::store::bucket;

impl Handle<ListObjectsV2> for S3 {
    async fn access(&self, cx: &Cx, input: &ListObjectsV2Request) -> Result<Vec<Access>> {
        let asked = listed::Asked {
            prefix: input.prefix.as_deref(),
            delimiter: input.delimiter.as_deref(),
            max_keys: input.max_keys,
        };
        let expected = input.expected_bucket_owner.as_deref();
        listed::access(cx, &input.bucket, expected, "s3:ListBucket", &asked).await
    }

    async fn handle(&self, cx: &Cx, input: ListObjectsV2Request) -> Result<ListObjectsV2Output> {
        let limit = limit(input.max_keys, "max-keys")?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => Some(After::of_token(token)?),
            (None, Some(key)) if !key.is_empty() => Some(After::Key(key.clone())),
            _ => None,
        };
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let read = cx.store().snapshot();
        let query = Query { prefix: &prefix, delimiter: delimiter.as_deref(), after, limit };
        let (entries, truncated) = list(&read, &bucket.place, &query).await?;

        let encoded = input.encoding_type.is_some();
        let owner = input.fetch_owner.unwrap_or_default().then(|| listed::owner(&bucket));
        let next = entries.last().filter(|_| truncated).map(|last| After::entry(last).token());
        let count = entries.len();
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Object(key, version) => {
                    contents.push(show_object(&key, &version, encoded, owner.clone()));
                }
                Entry::Prefix(prefix) => {
                    prefixes.push(CommonPrefix { prefix: Some(spell(&prefix, encoded)) });
                }
            }
        }
        Ok(ListObjectsV2Output {
            is_truncated: Some(truncated),
            contents: Some(contents),
            name: Some(input.bucket),
            prefix: Some(spell(&prefix, encoded)),
            delimiter: delimiter.map(|delimiter| spell(&delimiter, encoded)),
            max_keys: i32::try_from(limit).ok(),
            common_prefixes: Some(prefixes),
            encoding_type: input.encoding_type,
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            start_after: input.start_after.map(|key| spell(&key, encoded)),
            request_charged: None,
        })
    }
}
