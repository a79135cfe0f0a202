//! What a table's items were: each image can be read and lies where its item did; the seconds of
//! the table's clock follow their versions.

use cumulet_store::{Direction, Read as _, Snapshot, StoreError};

use super::table::whole;
use super::{Place, Verified};
use crate::history::{self, Clock, second_of};
use crate::store;
use crate::tables::{Table, TableName};

/// Looks at every image and every second of a table.
pub(super) async fn verify(
    snapshot: &Snapshot,
    (account, region, name): &Place,
    table: &Table,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let keys = store::images(account, region, &table.record.id);
    let mut scan = snapshot.scan(keys.within(&[]), Direction::Forward);
    while let Some((key, stored)) = scan.next().await? {
        let position = history::split(&keys.position(&key)).map(|(position, _)| position);
        let agrees = position.is_ok_and(|position| {
            stored.is_empty()
                || whole(stored).is_some_and(|item| {
                    table.schema.position(&item).is_some_and(|of_item| of_item == position)
                })
        });
        if !agrees {
            verified.fault(format_args!(
                "table {name}: what an item was cannot be read (key {})",
                key.escape_ascii()
            ));
        }
    }
    let place = TableName { account: account.clone(), region: region.clone(), name: name.clone() };
    let clock = Clock::of(&place, &table.record.id);
    let mut scan = snapshot.scan(clock.seconds().prefix(), Direction::Forward);
    let mut before = 0;
    while let Some((key, stored)) = scan.next().await? {
        let (second, version) = (second_of(&key), history::version(&stored));
        match (second, version) {
            (Ok(_), Ok(version)) if version >= before => before = version,
            _ => verified.fault(format_args!(
                "table {name}: a second that does not follow the one before it (key {})",
                key.escape_ascii()
            )),
        }
    }
    Ok(())
}
