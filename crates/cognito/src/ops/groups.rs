//! What operations on groups share.

use cumulet_api_cognito_idp::types::GroupType;
use cumulet_base::Timestamp;
use cumulet_service::Result;
use cumulet_store::Tx;

use super::page;
use crate::model::Group;
use crate::pool::{Place, Pool};
use crate::store;

/// A group as the API shows it.
pub(super) fn shown(pool: &Pool, group: Group) -> GroupType {
    GroupType {
        group_name: Some(group.name),
        user_pool_id: Some(pool.place.id.clone()),
        description: group.description,
        role_arn: group.role,
        precedence: group.precedence,
        last_modified_date: Some(Timestamp::from_millis(group.modified)),
        creation_date: Some(Timestamp::from_millis(group.created)),
    }
}

/// Takes the member of this entry out of a group.
pub(super) async fn leave(tx: &Tx, place: &Place, group: &str, entry: &[u8]) -> Result<()> {
    let sub = page::last_text(entry).unwrap_or_default();
    if let Some(mut user) = store::user(tx, place, &sub).await? {
        user.groups.retain(|name| name != group);
        tx.put_record(store::user_key(place, &sub), &user);
    }
    tx.delete(entry.to_vec());
    Ok(())
}
