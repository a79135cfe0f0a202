//! DescribeLogGroups: lists groups in the order of their names.
//!
//! Promises: pages of at most 50; narrowed by prefix, part of the name, class or names.
//! Refuses: prefix together with pattern, names together with either, foreign tokens.
//! Not here: groups of linked accounts, which there are none of.

use cumulet_api_logs::ops::{
    DescribeLogGroups, DescribeLogGroupsRequest, DescribeLogGroupsResponse,
};
use cumulet_api_logs::types::{LogGroup, LogGroupClass};
use cumulet_base::Arn;
use cumulet_service::{Access, Cx, Handle, Result};
use cumulet_store::{Direction, Read as _, Snapshot};

use crate::Logs;
use crate::error::Error;
use crate::group::GroupName;
use crate::model::GroupRecord;
use crate::store;

/// Groups of a page, at most and where the request names no limit.
const PAGE: usize = 50;
/// Groups that one request looks at; then its page ends, short or empty.
const EXAMINED: usize = 10_000;

impl Handle<DescribeLogGroups> for Logs {
    async fn access(&self, cx: &Cx, _: &DescribeLogGroupsRequest) -> Result<Vec<Access>> {
        // No group's name, as AWS's denials of it show: `log-group::log-stream:`.
        let arn = Arn::new("logs", cx.region(), cx.account(), "log-group::log-stream:");
        Ok(vec![Access::on(cx, "logs:DescribeLogGroups", arn)])
    }

    async fn handle(
        &self,
        cx: &Cx,
        input: DescribeLogGroupsRequest,
    ) -> Result<DescribeLogGroupsResponse> {
        check(&input)?;
        let snapshot = cx.store().snapshot();
        if let Some(identifiers) = &input.log_group_identifiers {
            return named(cx, &snapshot, identifiers).await;
        }
        let groups = || store::groups(cx.account(), cx.region());
        let mut range = match &input.log_group_name_prefix {
            Some(prefix) => store::beginning(groups(), prefix),
            None => groups().prefix(),
        };
        if let Some(token) = &input.next_token {
            range = range.after(&groups().text(token));
        }
        let page = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE).min(PAGE);
        let mut log_groups = Vec::new();
        let mut scan = snapshot.scan(range, Direction::Forward);
        let (mut examined, mut last, mut next_token) = (0, None, None);
        while let Some((key, record)) = scan.next_record::<GroupRecord>().await? {
            if log_groups.len() == page || examined == EXAMINED {
                next_token = last;
                break;
            }
            examined += 1;
            let name = GroupName::own(cx, &store::last_text(&key)?);
            last = Some(name.name.clone());
            if matches(&input, &name.name, &record) {
                log_groups.push(describe(&snapshot, &name, &record).await?);
            }
        }
        Ok(DescribeLogGroupsResponse { log_groups: Some(log_groups), next_token })
    }
}

fn check(input: &DescribeLogGroupsRequest) -> Result<(), Error> {
    let (prefix, pattern) = (&input.log_group_name_prefix, &input.log_group_name_pattern);
    if prefix.is_some() && pattern.is_some() {
        // API reference: "mutually exclusive".
        return Err(Error::parameter(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let others = prefix.is_some() || pattern.is_some() || input.log_group_class.is_some();
    if input.log_group_identifiers.is_some() && others {
        return Err(Error::parameter("logGroupIdentifiers excludes all other filters."));
    }
    Ok(())
}

fn matches(input: &DescribeLogGroupsRequest, name: &str, record: &GroupRecord) -> bool {
    let pattern = input.log_group_name_pattern.as_deref();
    let class = LogGroupClass::from_wire(&record.class).unwrap_or_default();
    pattern.is_none_or(|part| name.contains(part))
        && input.log_group_class.is_none_or(|wanted| match wanted {
            // API reference: either of the two stands for both.
            LogGroupClass::InfrequentAccess | LogGroupClass::Essentials => {
                matches!(class, LogGroupClass::InfrequentAccess | LogGroupClass::Essentials)
            }
            wanted => class == wanted,
        })
}

async fn named(
    cx: &Cx,
    snapshot: &Snapshot,
    identifiers: &[String],
) -> Result<DescribeLogGroupsResponse> {
    let mut log_groups = Vec::new();
    for identifier in identifiers {
        let name = GroupName::identified(cx, identifier)?;
        if name.account != *cx.account() || name.region != *cx.region() {
            return Err(Error::parameter("Only log groups of this account and region.").into());
        }
        if let Some(record) = name.find(snapshot).await? {
            log_groups.push(describe(snapshot, &name, &record).await?);
        }
    }
    Ok(DescribeLogGroupsResponse { log_groups: Some(log_groups), next_token: None })
}

async fn describe(snapshot: &Snapshot, name: &GroupName, record: &GroupRecord) -> Result<LogGroup> {
    let size = name.keys(record).size(snapshot).await?;
    let arn = name.arn();
    Ok(LogGroup {
        log_group_name: Some(name.name.clone()),
        creation_time: Some(record.created),
        retention_in_days: record.retention.map(i32::from),
        metric_filter_count: Some(0),
        arn: Some(format!("{arn}:*")),
        log_group_arn: Some(arn.to_string()),
        stored_bytes: Some(i64::try_from(size).unwrap_or(i64::MAX)),
        log_group_class: Some(LogGroupClass::from_wire(&record.class).unwrap_or_default()),
        deletion_protection_enabled: Some(record.deletion_protection),
        ..LogGroup::default()
    })
}
