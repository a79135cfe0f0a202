//! A backup as DescribeBackup and its kin show it.

use cumulet_api_dynamodb::types::{
    BackupDescription, BackupDetails, BackupStatus, BackupSummary, BackupType, BillingMode,
    GlobalSecondaryIndexInfo, LocalSecondaryIndexInfo, ProvisionedThroughput, SourceTableDetails,
    SourceTableFeatureDetails, StreamSpecification, StreamViewType, TimeToLiveDescription,
    TimeToLiveStatus,
};
use cumulet_base::Timestamp;

use super::{BackupName, BackupRecord, Kind, State};
use crate::describe;
use crate::model::{Billing, IndexState, TableRecord, Throughput};

/// What CreateBackup answers, and part of the other answers.
pub(crate) fn details(name: &BackupName, record: &BackupRecord) -> BackupDetails {
    BackupDetails {
        backup_arn: name.to_string(),
        backup_name: record.name.clone(),
        backup_size_bytes: Some(count(record.bytes)),
        backup_status: status(record),
        backup_type: kind(record),
        backup_creation_date_time: Timestamp::from_millis(record.created),
        backup_expiry_date_time: expiry(record),
    }
}

/// One of ListBackups.
pub(crate) fn summary(name: &BackupName, record: &BackupRecord) -> BackupSummary {
    BackupSummary {
        table_name: Some(name.table.clone()),
        table_id: Some(record.table.id.clone()),
        table_arn: Some(name.table().arn().to_string()),
        backup_arn: Some(name.to_string()),
        backup_name: Some(record.name.clone()),
        backup_creation_date_time: Some(Timestamp::from_millis(record.created)),
        backup_expiry_date_time: expiry(record),
        backup_status: Some(status(record)),
        backup_type: Some(kind(record)),
        backup_size_bytes: Some(count(record.bytes)),
    }
}

/// All of it.
pub(crate) fn description(name: &BackupName, record: &BackupRecord) -> BackupDescription {
    let table = &record.table;
    BackupDescription {
        backup_details: Some(details(name, record)),
        source_table_details: Some(SourceTableDetails {
            table_name: table.name.clone(),
            table_id: table.id.clone(),
            table_arn: Some(name.table().arn().to_string()),
            table_size_bytes: Some(count(record.bytes)),
            key_schema: describe::key_schema(&table.key),
            table_creation_date_time: Timestamp::from_millis(table.created),
            provisioned_throughput: throughput(table.throughput),
            on_demand_throughput: table.on_demand.map(describe::on_demand),
            item_count: Some(count(record.items)),
            billing_mode: Some(match table.billing {
                Billing::OnDemand => BillingMode::PayPerRequest,
                Billing::Provisioned => BillingMode::Provisioned,
            }),
        }),
        // AWS shows none of a system backup.
        source_table_feature_details: Some(match record.kind {
            Kind::User => features(name, table),
            Kind::System { .. } => SourceTableFeatureDetails::default(),
        }),
    }
}

/// What is on, and only that.
fn features(name: &BackupName, table: &TableRecord) -> SourceTableFeatureDetails {
    let kept = || table.indexes.iter().filter(|index| index.state != IndexState::Deleting);
    let globals: Vec<_> = kept()
        .filter(|index| !index.local)
        .map(|index| GlobalSecondaryIndexInfo {
            index_name: Some(index.name.clone()),
            key_schema: Some(describe::key_schema(&index.key)),
            projection: Some(describe::projection(&index.projection)),
            provisioned_throughput: Some(throughput(index.throughput)),
            on_demand_throughput: index.on_demand.map(describe::on_demand),
        })
        .collect();
    let locals: Vec<_> = kept()
        .filter(|index| index.local)
        .map(|index| LocalSecondaryIndexInfo {
            index_name: Some(index.name.clone()),
            key_schema: Some(describe::key_schema(&index.key)),
            projection: Some(describe::projection(&index.projection)),
        })
        .collect();
    let ttl = table.ttl.as_ref().filter(|ttl| ttl.enabled);
    SourceTableFeatureDetails {
        local_secondary_indexes: Some(locals).filter(|list| !list.is_empty()),
        global_secondary_indexes: Some(globals).filter(|list| !list.is_empty()),
        stream_description: table.stream.as_ref().map(|stream| StreamSpecification {
            stream_enabled: true,
            stream_view_type: StreamViewType::from_wire(&stream.view),
        }),
        time_to_live_description: ttl.map(|ttl| TimeToLiveDescription {
            time_to_live_status: Some(TimeToLiveStatus::Enabled),
            attribute_name: Some(ttl.attribute.clone()),
        }),
        sse_description: table
            .kms_key
            .as_ref()
            .map(|key| describe::encryption(&name.table().arn(), key)),
        vector_indexes: None,
    }
}

fn throughput(throughput: Throughput) -> ProvisionedThroughput {
    ProvisionedThroughput {
        read_capacity_units: throughput.read,
        write_capacity_units: throughput.write,
    }
}

fn status(record: &BackupRecord) -> BackupStatus {
    match record.state {
        State::Creating { .. } => BackupStatus::Creating,
        State::Available => BackupStatus::Available,
    }
}

fn kind(record: &BackupRecord) -> BackupType {
    match record.kind {
        Kind::User => BackupType::User,
        Kind::System { .. } => BackupType::System,
    }
}

fn expiry(record: &BackupRecord) -> Option<Timestamp> {
    match record.kind {
        Kind::User => None,
        Kind::System { expires } => Some(Timestamp::from_millis(expires)),
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
