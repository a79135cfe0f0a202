//! ListBuckets: the account's buckets of all regions, by name; in pages where the request asks for
//! them.

use cumulet_api_s3::ops::{ListBuckets, ListBucketsOutput, ListBucketsRequest};
use cumulet_api_s3::types::{Bucket, Owner};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _};

use crate::S3;
use crate::access::requested;
use crate::error::S3Error;
use crate::listing::After;
use crate::model::ListedRecord;
use crate::object::canonical_user;
use crate::store::{beginning_with, listed, text_after};

/// Buckets of one answer, and of an account.
const MOST: i32 = 10_000;

impl Handle<ListBuckets> for S3 {
    async fn access(&self, cx: &Cx, _: &ListBucketsRequest) -> Result<Vec<Access>> {
        if cx.principal().account().is_none() {
            return Err(S3Error::AccessDenied.into());
        }
        Ok(vec![requested(cx, Access::any(cx, "s3:ListAllMyBuckets"))])
    }

    async fn handle(&self, cx: &Cx, input: ListBucketsRequest) -> Result<ListBucketsOutput> {
        let most = input.max_buckets.unwrap_or(MOST);
        if !(1..=MOST).contains(&most) {
            return Err(S3Error::InvalidArgument {
                message: "Argument max-buckets must be an integer between 1 and 10000",
                name: "max-buckets",
                value: most.to_string(),
            }
            .into());
        }
        let base = listed(cx.account());
        let mut range = beginning_with(&base, input.prefix.as_deref().unwrap_or_default());
        if let Some(token) = &input.continuation_token
            && let After::Key(name) = After::of_token(token)?
        {
            range = range.after(&base.clone().text(&name));
        }
        let mut scan = cx.store().snapshot().scan(range, Direction::Forward);
        let (mut buckets, mut next) = (Vec::<Bucket>::new(), None);
        while let Some((at, record)) = scan.next_record::<ListedRecord>().await? {
            if input.bucket_region.as_ref().is_some_and(|region| *region != record.region) {
                continue;
            }
            let Some(name) = text_after(&base, &at) else { continue };
            if buckets.len() == most as usize {
                let last = buckets.last().and_then(|last| last.name.clone());
                next = last.map(|name| After::Key(name).token());
                break;
            }
            buckets.push(Bucket {
                name: Some(name),
                creation_date: Some(Timestamp::from_secs(record.created)),
                bucket_region: Some(record.region),
                ..Bucket::default()
            });
        }
        let id = Some(canonical_user(cx.account().as_str()));
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(Owner { id, ..Owner::default() }),
            continuation_token: next,
            prefix: input.prefix,
        })
    }
}
