//! A table as DescribeTable and its kin show it.

use cumulet_api_dynamodb::types::{
    ArchivalSummary, AttributeDefinition, BillingMode, BillingModeSummary,
    GlobalSecondaryIndexDescription, GlobalSecondaryIndexWarmThroughputDescription, IndexStatus,
    KeySchemaElement, KeyType, LocalSecondaryIndexDescription, OnDemandThroughput, Projection,
    ProjectionType, ProvisionedThroughputDescription, RestoreSummary, SSEDescription, SSEStatus,
    SSEType, ScalarAttributeType, StreamSpecification, StreamViewType, TableClass,
    TableClassSummary, TableDescription, TableStatus, TableWarmThroughputDescription,
};
use cumulet_base::{Arn, Timestamp};

use crate::model::{
    Billing, Class, IndexRecord, IndexState, KeyRecord, OnDemand, ProjectionRecord, Scalar,
    TableRecord, Throughput,
};
use crate::tables::Table;

/// Items and their bytes, in a table or an index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) items: i64,
    pub(crate) bytes: i64,
}

/// Units a second that a new table on demand takes at once (developer guide, "Warm throughput").
const WARM: (i64, i64) = (12_000, 4_000);

/// The table. `counts`: of the table, then of each index.
pub(crate) fn table(table: &Table, status: TableStatus, counts: &[Count]) -> TableDescription {
    let record = &table.record;
    let count = |at: usize| counts.get(at).copied().unwrap_or_default();
    let indexes = || record.indexes.iter().enumerate().map(|(at, index)| (index, count(at + 1)));
    let globals: Vec<_> = indexes()
        .filter(|(index, _)| !index.local)
        .map(|(index, count)| global(table, index, count, status))
        .collect();
    let locals: Vec<_> = indexes()
        .filter(|(index, _)| index.local)
        .map(|(index, count)| local(table, index, count))
        .collect();
    let some = |list: bool| list.then_some(());
    // AWS names it still when it is off.
    let latest = record.stream.as_ref().map(|stream| stream.label).or(record.latest_stream);
    TableDescription {
        attribute_definitions: Some(record.attributes.iter().map(definition).collect()),
        table_name: Some(record.name.clone()),
        key_schema: Some(key_schema(&record.key)),
        table_status: Some(status),
        creation_date_time: Some(Timestamp::from_millis(record.created)),
        provisioned_throughput: Some(throughput(record.throughput)),
        table_size_bytes: Some(count(0).bytes),
        item_count: Some(count(0).items),
        table_arn: Some(table.arn.to_string()),
        table_id: Some(record.id.clone()),
        billing_mode_summary: billing(record),
        global_secondary_indexes: some(!globals.is_empty()).map(|()| globals),
        local_secondary_indexes: some(!locals.is_empty()).map(|()| locals),
        stream_specification: record.stream.as_ref().map(|stream| StreamSpecification {
            stream_enabled: true,
            stream_view_type: StreamViewType::from_wire(&stream.view),
        }),
        latest_stream_label: latest.map(stream_label),
        latest_stream_arn: latest
            .map(|label| format!("{}/stream/{}", table.arn, stream_label(label))),
        sse_description: record.kms_key.as_ref().map(|key| encryption(&table.arn, key)),
        restore_summary: record.restoring.as_ref().map(|restoring| RestoreSummary {
            source_backup_arn: restoring.backup.clone(),
            source_table_arn: Some(restoring.table.clone()),
            restore_date_time: Timestamp::from_millis(restoring.at),
            restore_in_progress: true,
        }),
        table_class_summary: (record.class != Class::Standard).then(|| TableClassSummary {
            table_class: Some(TableClass::StandardInfrequentAccess),
            ..TableClassSummary::default()
        }),
        deletion_protection_enabled: Some(record.deletion_protection),
        on_demand_throughput: record.on_demand.map(on_demand),
        warm_throughput: Some(warm(record)),
        archival_summary: None::<ArchivalSummary>,
        ..TableDescription::default()
    }
}

/// How a table is encrypted with a customer's key.
pub(crate) fn encryption(table: &Arn, key: &str) -> SSEDescription {
    SSEDescription {
        status: Some(SSEStatus::Enabled),
        sse_type: Some(SSEType::Kms),
        kms_master_key_arn: Some(key_arn(table, key)),
        ..SSEDescription::default()
    }
}

/// A key as an ARN. AWS names the key that an alias leads to; there are no keys here to know it by.
fn key_arn(table: &Arn, key: &str) -> String {
    if key.starts_with("arn:") {
        return key.to_owned();
    }
    let kind = if key.starts_with("alias/") { "" } else { "key/" };
    let (region, account) = (table.region(), table.account());
    format!("arn:aws:kms:{region}:{account}:{kind}{key}")
}

fn definition((name, scalar): &(String, Scalar)) -> AttributeDefinition {
    AttributeDefinition {
        attribute_name: name.clone(),
        attribute_type: match scalar {
            Scalar::S => ScalarAttributeType::S,
            Scalar::N => ScalarAttributeType::N,
            Scalar::B => ScalarAttributeType::B,
        },
    }
}

pub(crate) fn key_schema(key: &KeyRecord) -> Vec<KeySchemaElement> {
    let element =
        |name: &String, key_type| KeySchemaElement { attribute_name: name.clone(), key_type };
    let hash = element(&key.hash, KeyType::Hash);
    let range = key.range.as_ref().map(|name| element(name, KeyType::Range));
    std::iter::once(hash).chain(range).collect()
}

/// Zeros on demand, as AWS has it.
fn throughput(throughput: Throughput) -> ProvisionedThroughputDescription {
    ProvisionedThroughputDescription {
        last_increase_date_time: throughput.increased.map(Timestamp::from_millis),
        last_decrease_date_time: throughput.decreased.map(Timestamp::from_millis),
        number_of_decreases_today: Some(throughput.decreases_today),
        read_capacity_units: Some(throughput.read),
        write_capacity_units: Some(throughput.write),
    }
}

fn billing(record: &TableRecord) -> Option<BillingModeSummary> {
    // It appears with the first switch to on-demand and stays after one back.
    record.on_demand_since.map(|since| BillingModeSummary {
        billing_mode: Some(match record.billing {
            Billing::OnDemand => BillingMode::PayPerRequest,
            Billing::Provisioned => BillingMode::Provisioned,
        }),
        last_update_to_pay_per_request_date_time: Some(Timestamp::from_millis(since)),
    })
}

pub(crate) fn on_demand(caps: OnDemand) -> OnDemandThroughput {
    OnDemandThroughput { max_read_request_units: caps.read, max_write_request_units: caps.write }
}

fn warm(record: &TableRecord) -> TableWarmThroughputDescription {
    let (read, write) = warm_units(record, record.throughput);
    TableWarmThroughputDescription {
        read_units_per_second: Some(read),
        write_units_per_second: Some(write),
        status: Some(TableStatus::Active),
    }
}

fn warm_units(record: &TableRecord, throughput: Throughput) -> (i64, i64) {
    match record.billing {
        Billing::OnDemand => WARM,
        Billing::Provisioned => (throughput.read, throughput.write),
    }
}

pub(crate) fn projection(projection: &ProjectionRecord) -> Projection {
    let (kind, names) = match projection {
        ProjectionRecord::All => (ProjectionType::All, None),
        ProjectionRecord::KeysOnly => (ProjectionType::KeysOnly, None),
        ProjectionRecord::Include(names) => (ProjectionType::Include, Some(names.clone())),
    };
    Projection { projection_type: Some(kind), non_key_attributes: names }
}

fn global(
    table: &Table,
    index: &IndexRecord,
    count: Count,
    status: TableStatus,
) -> GlobalSecondaryIndexDescription {
    let (read, write) = warm_units(&table.record, index.throughput);
    GlobalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.key)),
        projection: Some(projection(&index.projection)),
        index_status: Some(match (index.state, status) {
            (IndexState::Backfilling, _) | (_, TableStatus::Creating) => IndexStatus::Creating,
            (IndexState::Deleting, _) | (_, TableStatus::Deleting) => IndexStatus::Deleting,
            (IndexState::Active, _) => IndexStatus::Active,
        }),
        backfilling: (index.state == IndexState::Backfilling).then_some(true),
        provisioned_throughput: Some(throughput(index.throughput)),
        index_size_bytes: Some(count.bytes),
        item_count: Some(count.items),
        index_arn: Some(table.index_arn(&index.name)),
        on_demand_throughput: index.on_demand.map(on_demand),
        warm_throughput: Some(GlobalSecondaryIndexWarmThroughputDescription {
            read_units_per_second: Some(read),
            write_units_per_second: Some(write),
            status: Some(IndexStatus::Active),
        }),
    }
}

fn local(table: &Table, index: &IndexRecord, count: Count) -> LocalSecondaryIndexDescription {
    LocalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.key)),
        projection: Some(projection(&index.projection)),
        index_size_bytes: Some(count.bytes),
        item_count: Some(count.items),
        index_arn: Some(table.index_arn(&index.name)),
    }
}

/// `2015-05-20T20:51:10.252`
pub(crate) fn stream_label(millis: i64) -> String {
    let iso = Timestamp::from_millis(millis).iso8601(true);
    iso.trim_end_matches('Z').to_owned()
}
