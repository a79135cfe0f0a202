//! ListObjects, the first version: as ListObjectsV2, but what comes next is said by a key.

use cumulet_api_s3::ops::{ListObjects, ListObjectsOutput, ListObjectsRequest};
use cumulet_api_s3::types::CommonPrefix;
use cumulet_service::{Access, Cx, Handle, Result};

use crate::S3;
use crate::listing::{After, Entry, Query, limit, list, spell};
use crate::ops::listed::{self, show_object};
use crate::store::bucket;

impl Handle<ListObjects> for S3 {
    async fn access(&self, cx: &Cx, input: &ListObjectsRequest) -> Result<Vec<Access>> {
        let asked = listed::Asked {
            prefix: input.prefix.as_deref(),
            delimiter: input.delimiter.as_deref(),
            max_keys: input.max_keys,
        };
        let expected = input.expected_bucket_owner.as_deref();
        listed::access(cx, &input.bucket, expected, "s3:ListBucket", &asked).await
    }

    async fn handle(&self, cx: &Cx, input: ListObjectsRequest) -> Result<ListObjectsOutput> {
        let limit = limit(input.max_keys, "max-keys")?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let delimiter = input.delimiter.clone().filter(|delimiter| !delimiter.is_empty());
        let marker = input.marker.clone().unwrap_or_default();
        let after =
            (!marker.is_empty()).then(|| After::marker(&marker, &prefix, delimiter.as_deref()));
        let bucket = bucket(cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
        let read = cx.store().snapshot();
        let query = Query { prefix: &prefix, delimiter: delimiter.as_deref(), after, limit };
        let (entries, truncated) = list(&read, &bucket.place, &query).await?;

        let encoded = input.encoding_type.is_some();
        let owner = listed::owner(&bucket);
        // Without a delimiter the last key says it.
        let next = entries.last().filter(|_| truncated && delimiter.is_some());
        let next = next.map(|entry| match entry {
            Entry::Object(key, _) => spell(key, encoded),
            Entry::Prefix(prefix) => spell(prefix, encoded),
        });
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Object(key, version) => {
                    contents.push(show_object(&key, &version, encoded, Some(owner.clone())));
                }
                Entry::Prefix(prefix) => {
                    prefixes.push(CommonPrefix { prefix: Some(spell(&prefix, encoded)) });
                }
            }
        }
        Ok(ListObjectsOutput {
            is_truncated: Some(truncated),
            marker: Some(spell(&marker, encoded)),
            next_marker: next,
            contents: Some(contents),
            name: Some(input.bucket),
            prefix: Some(spell(&prefix, encoded)),
            delimiter: delimiter.map(|delimiter| spell(&delimiter, encoded)),
            max_keys: i32::try_from(limit).ok(),
            common_prefixes: Some(prefixes),
            encoding_type: input.encoding_type,
            request_charged: None,
        })
    }
}
