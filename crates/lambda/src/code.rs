//! How often a package is used, and its end.

use std::sync::Arc;
use std::time::Duration;

use cumulet_base::{AccountId, Region, Timestamp};
use cumulet_service::{Cloud, Principal};
use cumulet_store::{Read as _, StoreError, Tx};
use cumulet_work::{Job, Lease, Outcome};
use serde_json::json;

use crate::model::{CodeRecord, CodeUse, VersionRecord};
use crate::name::LayerName;
use crate::package::{Owner, Package, Packages};
use crate::store;

const KIND: &str = "lambda/discard";
/// A package outlives its last use by longer than any invocation runs.
const GRACE: Duration = Duration::from_secs(20 * 60);
/// The pause after something could not be removed.
const PAUSE: Duration = Duration::from_secs(60);

/// Counts one more use of `package`. Whether its blob is now the record's: if not, one with the
/// same bytes is there already and this one is the caller's to delete.
pub(crate) async fn take(tx: &Tx, owner: Owner<'_>, package: &Package) -> Result<bool, StoreError> {
    let key = store::code(owner.account, owner.region, &package.code.sha256);
    let (record, taken) = match tx.get_record::<CodeRecord>(&key).await? {
        Some(present) => (CodeRecord { uses: present.uses + 1, ..present }, false),
        None => (CodeRecord { blob: package.blob.clone(), uses: 1 }, true),
    };
    tx.put_record(key, &record);
    Ok(taken)
}

/// Counts one more use of a package that is in use already.
async fn share(tx: &Tx, owner: Owner<'_>, code: &CodeUse) -> Result<(), StoreError> {
    let key = store::code(owner.account, owner.region, &code.sha256);
    let missing = || StoreError::Corrupt(format!("the package {} is lost", code.sha256));
    let mut record = tx.get_record::<CodeRecord>(&key).await?.ok_or_else(missing)?;
    record.uses += 1;
    tx.put_record(key, &record);
    Ok(())
}

/// Counts one use less. After the last one the package goes, when nothing can be running it.
pub(crate) async fn release(
    tx: &Tx,
    owner: Owner<'_>,
    code: &CodeUse,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = store::code(owner.account, owner.region, &code.sha256);
    let Some(mut record) = tx.get_record::<CodeRecord>(&key).await? else { return Ok(()) };
    record.uses = record.uses.saturating_sub(1);
    if record.uses > 0 {
        tx.put_record(key, &record);
        return Ok(());
    }
    tx.delete(key);
    let payload = json!({
        "account": owner.account.as_str(),
        "region": owner.region.as_str(),
        "sha256": code.sha256,
        "blob": record.blob,
    });
    let key = record.blob.id.as_str().to_owned();
    let job = Job { kind: KIND.to_owned(), key, payload, run_at: now.after(GRACE) };
    cumulet_work::enqueue(tx, job).await.map(drop)
}

/// Counts one more use of everything that a version is made of.
pub(crate) async fn share_all(
    tx: &Tx,
    owner: Owner<'_>,
    version: &VersionRecord,
) -> Result<(), StoreError> {
    share(tx, owner, &version.code).await?;
    share_layers(tx, version).await
}

/// Counts one more use of a version's layers.
pub(crate) async fn share_layers(tx: &Tx, version: &VersionRecord) -> Result<(), StoreError> {
    for layer in &version.settings.layers {
        if let Ok((name, _)) = LayerName::parse_version(&layer.arn) {
            share(tx, Owner { account: &name.account, region: &name.region }, &layer.code).await?;
        }
    }
    Ok(())
}

/// Counts one use less of everything that a version is made of.
pub(crate) async fn release_all(
    tx: &Tx,
    owner: Owner<'_>,
    version: &VersionRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    release(tx, owner, &version.code, now).await?;
    release_layers(tx, version, now).await
}

/// Counts one use less of a version's layers.
pub(crate) async fn release_layers(
    tx: &Tx,
    version: &VersionRecord,
    now: Timestamp,
) -> Result<(), StoreError> {
    for layer in &version.settings.layers {
        if let Ok((name, _)) = LayerName::parse_version(&layer.arn) {
            let owner = Owner { account: &name.account, region: &name.region };
            release(tx, owner, &layer.code, now).await?;
        }
    }
    Ok(())
}

/// Begins to remove packages that nothing uses.
pub(crate) fn register(cloud: &Arc<Cloud>, packages: &Packages) {
    let (weak, packages) = (Arc::downgrade(cloud), packages.clone());
    cloud.parts().work.register(KIND, 1, move |lease| {
        let (cloud, packages) = (weak.upgrade(), packages.clone());
        async move {
            match cloud {
                Some(cloud) => discard(&cloud, &packages, &lease).await,
                None => Outcome::Retry { after: PAUSE },
            }
        }
    });
}

async fn discard(cloud: &Arc<Cloud>, packages: &Packages, lease: &Lease) -> Outcome {
    let text = |name: &str| lease.payload.get(name).and_then(|v| v.as_str()).unwrap_or_default();
    let owner = (text("account").parse::<AccountId>(), text("region").parse::<Region>());
    let (Ok(account), Ok(region)) = owner else {
        tracing::error!(job = %lease.key, "a package without an owner");
        return Outcome::Done;
    };
    let Ok(id) = lease.key.to_string().try_into() else {
        tracing::error!(job = %lease.key, "no blob's id");
        return Outcome::Done;
    };
    let cx = cloud.context(Principal::service("lambda.amazonaws.com"));
    let owner = Owner { account: &account, region: &region };
    // The same package may have come back since, with a blob of its own and this very folder.
    let key = store::code(&account, &region, text("sha256"));
    let back = cx.store().snapshot().get_record::<CodeRecord>(&key).await;
    let forgotten = match back {
        Ok(Some(_)) => Ok(()),
        Ok(None) => packages.forget(owner, text("sha256")).await.map_err(|why| why.to_string()),
        Err(why) => Err(why.to_string()),
    };
    let deleted = cx.blobs().delete(&id).await.map_err(|why| why.to_string());
    match forgotten.and(deleted.map(drop)) {
        Ok(()) => Outcome::Done,
        Err(why) => {
            tracing::warn!(job = %lease.key, why, "a package is removed later");
            Outcome::Retry { after: PAUSE }
        }
    }
}
