//! CreateBucket: takes a name that nobody has.
//!
//! Promises: a new bucket has what AWS's have since 2023: "bucket owner enforced", all public
//! access blocked. Its region is the location constraint's, which must be the region that the
//! request was signed for; none means us-east-1, or, where this cloud's regions go, the request's
//! own. Repeating it is fine in us-east-1 and BucketAlreadyOwnedByYou elsewhere. Refuses ACLs,
//! Object Lock and names against the rules.

use std::str::FromStr as _;

use cumulet_api_s3::ops::{CreateBucket, CreateBucketOutput, CreateBucketRequest};
use cumulet_api_s3::types::{BucketCannedACL, ObjectOwnership};
use cumulet_base::{AccountId, Arn, Region};
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::Tx;
use cumulet_store::names::{self, ClaimError};

use crate::S3;
use crate::access::requested;
use crate::asked::{acl_keys, with_all};
use crate::error::{S3Error, TxError};
use crate::model::{BucketRecord, ListedRecord, Ownership, PublicAccess};
use crate::store::{NAMES, Place};

const US_EAST_1: &str = "us-east-1";

impl Handle<CreateBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &CreateBucketRequest) -> Result<Vec<Access>> {
        crate::names::check_bucket(&input.bucket)?;
        let access = Access::on(cx, "s3:CreateBucket", Arn::bare("s3", &input.bucket));
        let ownership = input.object_ownership.map(|ownership| ownership.as_str());
        let namespace = input.bucket_namespace.map(|namespace| namespace.as_str());
        let access = with_all(requested(cx, access), acl_keys!(input))
            .with_some("s3:locationconstraint", Some(location(cx, input)?.to_string()))
            .with_some("s3:x-amz-object-ownership", ownership)
            .with_some("s3:x-amz-bucket-namespace", namespace);
        Ok(vec![access])
    }

    async fn handle(&self, cx: &Cx, input: CreateBucketRequest) -> Result<CreateBucketOutput> {
        let region = location(cx, &input)?;
        let grants = [
            &input.grant_full_control,
            &input.grant_read,
            &input.grant_read_acp,
            &input.grant_write,
            &input.grant_write_acp,
        ];
        let acl = !matches!(input.acl, None | Some(BucketCannedACL::Private));
        if acl || grants.iter().any(|grant| grant.is_some()) {
            let why =
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
            return Err(S3Error::InvalidBucketAcl(why).into());
        }
        if input.object_lock_enabled_for_bucket == Some(true) || input.bucket_namespace.is_some() {
            return Err(S3Error::NotImplemented.into());
        }
        let ownership = match input.object_ownership {
            None | Some(ObjectOwnership::BucketOwnerEnforced) => Ownership::BucketOwnerEnforced,
            Some(ObjectOwnership::BucketOwnerPreferred) => Ownership::BucketOwnerPreferred,
            Some(ObjectOwnership::ObjectWriter) => Ownership::ObjectWriter,
        };
        let place = Place { name: input.bucket.clone(), account: cx.account().clone(), region };
        let record = BucketRecord {
            created: cx.now().secs(),
            versioning: None,
            ownership: Some(ownership),
            public_access: Some(PublicAccess::ALL),
            encryption: None,
        };
        let (at, new) = (&place, &record);
        let done: Result<(), TxError> =
            cx.store().transact(|tx| async move { create(cx, &tx, at, new).await }).await;
        done?;
        let name = &place.name;
        let location = if place.region.as_str() == US_EAST_1 {
            format!("/{name}")
        } else {
            format!("http://{name}.s3.amazonaws.com/")
        };
        let arn = place.arn().as_str().to_owned();
        Ok(CreateBucketOutput { location: Some(location), bucket_arn: Some(arn) })
    }
}

async fn create(cx: &Cx, tx: &Tx, place: &Place, record: &BucketRecord) -> Result<(), TxError> {
    let name = place.name.clone();
    if let Some(owner) = names::lookup(tx, NAMES, &name).await? {
        let own = owner.account.parse::<AccountId>().is_ok_and(|account| account == place.account);
        return match (own, own && owner.region == US_EAST_1 && owner == place.owner()) {
            (_, true) => Ok(()),
            (true, false) => Err(S3Error::BucketAlreadyOwnedByYou(name).into()),
            (false, false) => Err(S3Error::BucketAlreadyExists(name).into()),
        };
    }
    names::claim(tx, NAMES, &name, &place.owner()).await.map_err(|error| match error {
        ClaimError::Taken(_) => S3Error::BucketAlreadyExists(name).into(),
        ClaimError::Store(error) => TxError::from(error),
    })?;
    tx.put_record(place.bucket(), record);
    let region = place.region.as_str().to_owned();
    tx.put_record(place.listed(), &ListedRecord { region, created: record.created });
    cx.note_made(tx, &place.name);
    Ok(())
}

/// The region that the bucket shall be in.
fn location(cx: &Cx, input: &CreateBucketRequest) -> Result<Region, S3Error> {
    let asked = input.create_bucket_configuration.as_ref();
    let asked = asked.and_then(|asked| asked.location_constraint.as_deref());
    let asked = match asked.filter(|asked| !asked.is_empty()) {
        // A request without a constraint makes a bucket where it was sent.
        None => return Ok(cx.region().clone()),
        Some("EU") => "eu-west-1",
        Some(US_EAST_1) => return Err(S3Error::InvalidLocation(US_EAST_1.to_owned())),
        Some(other) => other,
    };
    let region = Region::from_str(asked).map_err(|_| S3Error::InvalidLocation(asked.to_owned()))?;
    // The global endpoint, us-east-1, makes buckets anywhere.
    if region != *cx.region() && cx.region().as_str() != US_EAST_1 {
        return Err(S3Error::IllegalLocation);
    }
    Ok(region)
}
