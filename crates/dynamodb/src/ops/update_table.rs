//! UpdateTable: changes a table's capacity, its global indexes and its settings.
//!
//! Promises: settings are durable and at work with the answer. A new index is kept by all writes
//! from then on and read once the items that were there are in it (CREATING, then ACTIVE); one that
//! is removed is no longer read, and its space is given back in the background. Both outlive a
//! crash.
//! Refuses: what breaks the rules of CreateTable, two indexes made or removed at a time, other
//! changes while one is, capacity that is so already, a stream that is on, or off, already. AWS's
//! limits on how often capacity may change are not enforced. Not here: replicas, witnesses, warm
//! throughput and vector indexes (501).

use std::collections::BTreeSet;

use cumulet_api_dynamodb::ops::{UpdateTable, UpdateTableInput, UpdateTableOutput};
use cumulet_api_dynamodb::types::{
    BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, ProvisionedThroughput, StreamSpecification, TableStatus,
    UpdateGlobalSecondaryIndexAction,
};
use cumulet_base::Timestamp;
use cumulet_service::{Access, Cx, Error as ServiceError, Handle, Result};
use cumulet_work::Job;

use crate::DynamoDb;
use crate::backfill;
use crate::describe;
use crate::error::Error;
use crate::model::{Billing, IndexRecord, IndexState, TableRecord, Throughput};
use crate::ops::table_rules;
use crate::tables::TableName;

type Checked<T> = std::result::Result<T, Error>;

impl Handle<UpdateTable> for DynamoDb {
    async fn access(&self, cx: &Cx, input: &UpdateTableInput) -> Result<Vec<Access>> {
        let name = TableName::parse(cx, &input.table_name)?;
        Ok(vec![self.on_table(cx, "dynamodb:UpdateTable", &name).await?])
    }

    async fn handle(&self, cx: &Cx, input: UpdateTableInput) -> Result<UpdateTableOutput> {
        let name = TableName::parse(cx, &input.table_name)?;
        check_present(&input)?;
        let now = cx.now();
        let table = self.change(cx, &name, |record| apply(record, &input, &name, now)).await?;
        let counts = self.counts.of(cx, &table).await?;
        let description = describe::table(&table, TableStatus::Updating, &counts);
        Ok(UpdateTableOutput { table_description: Some(description) })
    }
}

fn check_present(input: &UpdateTableInput) -> Result<()> {
    let missing = [
        ("ReplicaUpdates", input.replica_updates.is_some()),
        ("GlobalTableWitnessUpdates", input.global_table_witness_updates.is_some()),
        ("MultiRegionConsistency", input.multi_region_consistency.is_some()),
        (
            "GlobalTableSettingsReplicationMode",
            input.global_table_settings_replication_mode.is_some(),
        ),
        ("DisassociationProtectionEnabled", input.disassociation_protection_enabled.is_some()),
        ("WarmThroughput", input.warm_throughput.is_some()),
        ("VectorIndexUpdates", input.vector_index_updates.is_some()),
    ];
    if let Some((name, _)) = missing.iter().find(|(_, present)| *present) {
        let what = format!("UpdateTable with {name}");
        return Err(ServiceError::not_implemented("dynamodb", &what));
    }
    let something = input.billing_mode.is_some()
        || input.provisioned_throughput.is_some()
        || input.global_secondary_index_updates.as_ref().is_some_and(|list| !list.is_empty())
        || input.stream_specification.is_some()
        || input.sse_specification.is_some()
        || input.table_class.is_some()
        || input.deletion_protection_enabled.is_some()
        || input.on_demand_throughput.is_some();
    if something {
        return Ok(check_updates(input)?);
    }
    Err(Error::Validation(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, \
         GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"
            .to_owned(),
    )
    .into())
}

/// Refuses what is wrong with the parameters whatever the table is.
fn check_updates(input: &UpdateTableInput) -> Checked<()> {
    if let Some(units) = &input.provisioned_throughput {
        table_rules::check_bounds(units, "")?;
    }
    let mut seen = BTreeSet::new();
    for update in input.global_secondary_index_updates.iter().flatten() {
        let name = match (&update.update, &update.create, &update.delete) {
            (Some(update), None, None) => &update.index_name,
            (None, Some(create), None) => &create.index_name,
            (None, None, Some(delete)) => &delete.index_name,
            _ => return Err(not_one_update()),
        };
        if !seen.insert(name) {
            return Err(Error::Parameter(format!(
                "Only one global secondary index update per index is allowed simultaneously. \
                 Index: {name}"
            )));
        }
        let units = update.update.as_ref().and_then(|one| one.provisioned_throughput.as_ref());
        if let Some(units) = units {
            table_rules::check_bounds(units, &format!(" for index {name}"))?;
        }
    }
    Ok(())
}

fn not_one_update() -> Error {
    Error::Parameter(
        "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
         GlobalSecondaryIndexUpdate.Delete must not be null"
            .to_owned(),
    )
}

/// Changes the record; the jobs that bring indexes to their new state.
fn apply(
    record: &mut TableRecord,
    input: &UpdateTableInput,
    name: &TableName,
    now: Timestamp,
) -> Checked<Vec<Job>> {
    let updates = input.global_secondary_index_updates.as_deref().unwrap_or_default();
    let online = updates.iter().filter(|update| update.update.is_none()).count();
    let busy = record.indexes.iter().find(|index| index.state != IndexState::Active);
    if let Some(busy) = busy {
        // An index that is being made may be given up.
        let gives_up = matches!(updates, [GlobalSecondaryIndexUpdate { delete: Some(one), .. }]
            if one.index_name == busy.name && busy.state == IndexState::Backfilling);
        if !gives_up {
            return Err(if online > 0 {
                Error::one_online_index()
            } else {
                Error::TableUpdating(record.name.clone())
            });
        }
    }
    if online > 1 {
        return Err(Error::one_online_index());
    }
    apply_billing(record, input, now)?;
    if let Some(caps) = &input.on_demand_throughput {
        record.on_demand = Some(table_rules::on_demand(caps));
    }
    if let Some(specification) = &input.stream_specification {
        apply_stream(record, specification, now)?;
    }
    if let Some(sse) = &input.sse_specification {
        record.kms_key = table_rules::kms_key(sse);
    }
    if input.table_class.is_some() {
        record.class = table_rules::class(input.table_class);
    }
    if let Some(protected) = input.deletion_protection_enabled {
        record.deletion_protection = protected;
    }
    let mut jobs = Vec::new();
    for update in updates {
        if let Some(index) = apply_index(record, input, update, now)? {
            jobs.push(backfill::job(name, &record.id, &index, now));
        }
    }
    if record.billing == Billing::Provisioned
        && let Some(index) = record.indexes.iter().find(|i| !i.local && i.throughput.read == 0)
    {
        return Err(Error::Parameter(format!(
            "ProvisionedThroughput must be specified for index: {}",
            index.name
        )));
    }
    Ok(jobs)
}

fn apply_billing(
    record: &mut TableRecord,
    input: &UpdateTableInput,
    now: Timestamp,
) -> Checked<()> {
    let mode = input.billing_mode.unwrap_or(match record.billing {
        Billing::OnDemand => BillingMode::PayPerRequest,
        Billing::Provisioned => BillingMode::Provisioned,
    });
    let units = input.provisioned_throughput.as_ref();
    match (mode, units, record.billing) {
        (BillingMode::PayPerRequest, None, Billing::Provisioned) => {
            record.billing = Billing::OnDemand;
            record.on_demand_since = Some(now.millis());
            record.throughput = Throughput::default();
            for index in &mut record.indexes {
                index.throughput = Throughput::default();
            }
        }
        (BillingMode::Provisioned, None, Billing::Provisioned)
        | (BillingMode::PayPerRequest, None, Billing::OnDemand) => {}
        (_, units, _) => {
            let (billing, _) = table_rules::capacity(Some(mode), units)?;
            if let Some(units) = units {
                set_units(&mut record.throughput, units, "table", now)?;
            }
            record.billing = billing;
        }
    }
    Ok(())
}

/// Refuses units that are so already.
fn set_units(
    throughput: &mut Throughput,
    units: &ProvisionedThroughput,
    what: &str,
    now: Timestamp,
) -> Checked<()> {
    let (read, write) = (units.read_capacity_units, units.write_capacity_units);
    if (throughput.read, throughput.write) == (read, write) {
        return Err(Error::Validation(format!(
            "The provisioned throughput for the {what} will not change. The requested value equals \
             the current value. Current ReadCapacityUnits provisioned for the {what}: {read}. \
             Requested ReadCapacityUnits: {read}. Current WriteCapacityUnits provisioned for the \
             {what}: {write}. Requested WriteCapacityUnits: {write}. Refer to the Amazon DynamoDB \
             Developer Guide for current limits and how to request higher limits."
        )));
    }
    if read > throughput.read || write > throughput.write {
        throughput.increased = Some(now.millis());
    }
    if read < throughput.read || write < throughput.write {
        let day = |millis: i64| millis.div_euclid(86_400_000);
        let today = throughput.decreased.is_some_and(|at| day(at) == day(now.millis()));
        throughput.decreases_today = if today { throughput.decreases_today + 1 } else { 1 };
        throughput.decreased = Some(now.millis());
    }
    (throughput.read, throughput.write) = (read, write);
    Ok(())
}

fn apply_stream(
    record: &mut TableRecord,
    specification: &StreamSpecification,
    now: Timestamp,
) -> Checked<()> {
    let stream = table_rules::stream(Some(specification), now)?;
    match (&record.stream, &stream) {
        (Some(_), Some(_)) => Err(Error::Validation(format!(
            "Table already has an enabled stream: TableName: {}",
            record.name
        ))),
        (None, None) => Err(Error::Validation(format!(
            "Table has no stream to disable: TableName: {}",
            record.name
        ))),
        _ => {
            record.stream = stream;
            Ok(())
        }
    }
}

/// Changes, adds or marks for removal an index: its name where a job must follow.
fn apply_index(
    record: &mut TableRecord,
    input: &UpdateTableInput,
    update: &GlobalSecondaryIndexUpdate,
    now: Timestamp,
) -> Checked<Option<String>> {
    match (&update.update, &update.create, &update.delete) {
        (Some(update), None, None) => {
            let index = global(record, &update.index_name)?;
            change_index(index, update, now).map(|()| None)
        }
        (None, Some(create), None) => {
            add_index(record, input, create)?;
            Ok(Some(create.index_name.clone()))
        }
        (None, None, Some(delete)) => {
            global(record, &delete.index_name)?.state = IndexState::Deleting;
            Ok(Some(delete.index_name.clone()))
        }
        _ => Err(not_one_update()),
    }
}

fn global<'r>(record: &'r mut TableRecord, name: &str) -> Checked<&'r mut IndexRecord> {
    let mut indexes = record.indexes.iter_mut();
    indexes
        .find(|index| index.name == name && !index.local)
        .ok_or_else(|| Error::NoIndex(name.to_owned()))
}

fn change_index(
    index: &mut IndexRecord,
    update: &UpdateGlobalSecondaryIndexAction,
    now: Timestamp,
) -> Checked<()> {
    if let Some(units) = &update.provisioned_throughput {
        let what = format!("index {}", index.name);
        set_units(&mut index.throughput, units, &what, now)?;
    }
    if let Some(caps) = &update.on_demand_throughput {
        index.on_demand = Some(table_rules::on_demand(caps));
    }
    Ok(())
}

fn add_index(
    record: &mut TableRecord,
    input: &UpdateTableInput,
    create: &CreateGlobalSecondaryIndexAction,
) -> Checked<()> {
    if record.indexes.iter().any(|index| index.name == create.index_name) {
        return Err(Error::Validation(format!(
            "Attempting to create an index which already exists: {}",
            create.index_name
        )));
    }
    if record.indexes.iter().filter(|index| !index.local).count() >= table_rules::GLOBALS {
        return Err(Error::Parameter(format!(
            "GlobalSecondaryIndex count exceeds the per-table limit of {}",
            table_rules::GLOBALS
        )));
    }
    let index = GlobalSecondaryIndex {
        index_name: create.index_name.clone(),
        key_schema: create.key_schema.clone(),
        projection: create.projection.clone(),
        provisioned_throughput: create.provisioned_throughput.clone(),
        on_demand_throughput: create.on_demand_throughput.clone(),
        warm_throughput: None,
    };
    let mut index = table_rules::global_index(&index, record.billing)?;
    index.state = IndexState::Backfilling;
    let defined = input.attribute_definitions.as_deref().unwrap_or_default();
    for (name, kind) in table_rules::attributes(defined)? {
        let known = record.attributes.iter().find(|(attribute, _)| *attribute == name);
        match known {
            Some((_, known)) if *known != kind => {
                return Err(Error::Parameter(format!(
                    "Attribute {name} is already defined with another type"
                )));
            }
            Some(_) => {}
            None if table_rules::names(&index.key).any(|key| *key == name) => {
                record.attributes.push((name, kind));
            }
            None => {
                return Err(Error::Parameter(format!(
                    "Some AttributeDefinitions are not used. AttributeDefinitions: [{name}]"
                )));
            }
        }
    }
    record.indexes.push(index);
    table_rules::check_keys_defined(&record.attributes, &record.key, &record.indexes)?;
    table_rules::check_indexes(&record.indexes)
}
