//! ListBackups: an account's backups in a region, oldest first.
//!
//! Promises: what is durable now, also of tables that are gone; those of users unless another type
//! is asked for. The lower bound of time is in the range, the upper one is not.
//! Refuses: bounds in the wrong order, a start that is no backup's ARN here. (It need not be there
//! any more.)

use cumulet_api_dynamodb::ops::{ListBackups, ListBackupsInput, ListBackupsOutput};
use cumulet_api_dynamodb::types::BackupTypeFilter;
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Range, Read as _};

use crate::DynamoDb;
use crate::backups::{self, BackupName, BackupRecord, Kind};
use crate::error::Error;
use crate::store;
use crate::tables::TableName;

/// Backups of an answer, at most and where nothing is said.
const PAGE: usize = 100;

impl Handle<ListBackups> for DynamoDb {
    async fn access(&self, cx: &Cx, _: &ListBackupsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::any(cx, "dynamodb:ListBackups")])
    }

    async fn handle(&self, cx: &Cx, input: ListBackupsInput) -> Result<ListBackupsOutput> {
        let table = input.table_name.as_deref().map(|name| TableName::parse(cx, name));
        let table = table.transpose()?;
        let wanted = |record: &BackupRecord| {
            has_type(record, input.backup_type)
                && table.as_ref().is_none_or(|table| table.name == record.table.name)
        };
        let limit = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE);
        let mut scan = cx.store().snapshot().scan(range(cx, &input)?, Direction::Forward);
        let (mut found, mut more) = (Vec::new(), false);
        while let Some((key, record)) = scan.next_record::<BackupRecord>().await? {
            if !wanted(&record) {
                continue;
            }
            more = found.len() == limit;
            if more {
                break;
            }
            let name = BackupName::of_key(&key, &record);
            found.extend(name.map(|name| backups::summary(&name, &record)));
        }
        let last = found.last().and_then(|last| last.backup_arn.clone()).filter(|_| more);
        Ok(ListBackupsOutput { backup_summaries: Some(found), last_evaluated_backup_arn: last })
    }
}

/// Where backups of the range of time lie that come after the start: their ids begin with their
/// times.
fn range(cx: &Cx, input: &ListBackupsInput) -> Result<Range> {
    let all = store::backups(cx.account(), cx.region());
    let at = |bound: Timestamp| all.clone().text(&format!("{:014}", bound.millis().max(0)));
    let (from, to) = (input.time_range_lower_bound, input.time_range_upper_bound);
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        let text = "Time range lower bound must be less than or equal to upper bound";
        return Err(Error::Validation(text.to_owned()).into());
    }
    let mut range = all.prefix();
    if let Some(from) = from {
        range = range.starting_at(&at(from));
    }
    if let Some(to) = to {
        range = range.before(&at(to));
    }
    if let Some(start) = &input.exclusive_start_backup_arn {
        let start = BackupName::parse(start)?;
        if start.region != *cx.region() {
            // AWS's words begin otherwise; how is not known.
            let text = format!("The region of {start} does not match the region of the request");
            return Err(Error::Validation(text).into());
        }
        let key = start.key();
        let begins = from.is_none_or(|from| key > at(from));
        range = if begins { range.after(&key) } else { range };
    }
    Ok(range)
}

fn has_type(record: &BackupRecord, wanted: Option<BackupTypeFilter>) -> bool {
    match wanted.unwrap_or(BackupTypeFilter::User) {
        BackupTypeFilter::User => record.kind == Kind::User,
        BackupTypeFilter::System => record.kind != Kind::User,
        // Another service's, which is not here.
        BackupTypeFilter::AwsBackup => false,
        BackupTypeFilter::All => true,
    }
}
