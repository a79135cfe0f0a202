//! Publishing: `$LATEST` becomes a numbered version that never changes.

use cumulet_base::Timestamp;
use cumulet_service::{Cx, Result};
use cumulet_store::{Read as _, Tx};

use crate::code;
use crate::model::{FunctionRecord, VersionRecord};
use crate::name::FunctionName;
use crate::package::Owner;

/// Publishes `$LATEST` within a transaction. Where nothing has changed since the last version, that
/// one is the answer.
pub(crate) async fn publish(
    tx: &Tx,
    cx: &Cx,
    name: &FunctionName,
    function: &mut FunctionRecord,
    description: Option<&str>,
    now: Timestamp,
) -> Result<VersionRecord> {
    if let Some(number) = function.published
        && let Some(version) = tx.get_record(&name.versions().u64(number)).await?
    {
        return Ok(version);
    }
    let number = function.next_version;
    let version = VersionRecord {
        number,
        description: description.unwrap_or(&function.latest.description).to_owned(),
        modified: now.millis(),
        revision: cx.ids().uuid(),
        ..function.latest.clone()
    };
    let owner = Owner { account: &name.account, region: &name.region };
    code::share_all(tx, owner, &version).await?;
    tx.put_record(name.versions().u64(number), &version);
    function.next_version = number + 1;
    function.published = Some(number);
    Ok(version)
}
