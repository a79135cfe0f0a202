//! `AWS::DynamoDB::Table`.
//!
//! Makes and changes a table by operations as whoever owns the stack. A change looks at what the
//! table is and not at what it was to be, so that it may be begun again after a crash. Ref: the
//! name. Attributes: Arn, StreamArn.
//! Name, key and local indexes need a new table. (So does another type of a key attribute that is
//! there: that cannot be told from the property's name, and UpdateTable refuses it.) Several global
//! indexes are made one after the other, where AWS refuses more than one an update.

use std::collections::BTreeSet;
use std::time::Duration;

use cumulet_api_dynamodb::ops::{
    CreateTable, CreateTableInput, DeleteResourcePolicy, DeleteResourcePolicyInput, DeleteTable,
    DeleteTableInput, DescribeContinuousBackups, DescribeContinuousBackupsInput, DescribeTable,
    DescribeTableInput, DescribeTimeToLive, DescribeTimeToLiveInput, GetResourcePolicy,
    GetResourcePolicyInput, ListTagsOfResource, ListTagsOfResourceInput, PutResourcePolicy,
    PutResourcePolicyInput, TagResource, TagResourceInput, UntagResource, UntagResourceInput,
    UpdateContinuousBackups, UpdateContinuousBackupsInput, UpdateTable, UpdateTableInput,
    UpdateTimeToLive, UpdateTimeToLiveInput,
};
use cumulet_api_dynamodb::types::{
    BillingMode, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction,
    GlobalSecondaryIndex, GlobalSecondaryIndexDescription, GlobalSecondaryIndexUpdate,
    KeySchemaElement, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus,
    ProvisionedThroughput, ProvisionedThroughputDescription, StreamSpecification, TableClass,
    TableDescription, TableStatus, Tag, TimeToLiveSpecification, TimeToLiveStatus,
    UpdateGlobalSecondaryIndexAction,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Error, Resource, Result};
use serde_json::{Map, Value};

use super::properties::{Properties, Recovery, TimeToLive};

/// How often a table under change is looked at, and how often at most.
const PAUSE: Duration = Duration::from_millis(100);
const LOOKS: u32 = 36_000;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Table;

impl Resource for Table {
    fn type_name(&self) -> &'static str {
        "AWS::DynamoDB::Table"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(
            property,
            "TableName" | "KeySchema" | "LocalSecondaryIndexes" | "ImportSourceSpecification"
        )
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(update(cx, changed.physical_id, changed.after))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(delete(cx, physical_id))
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties::read(desired.properties)?;
    let name = properties.table_name.as_deref().unwrap_or(desired.name);
    let tags = properties.tags(desired.tags);
    let input = CreateTableInput {
        tags: Some(tags.clone()).filter(|tags| !tags.is_empty()),
        ..properties.input(name)?
    };
    cx.make_once::<CreateTable>(input).await?;
    let table = ready(cx, name).await?;
    set_time_to_live(cx, name, properties.time_to_live_specification.as_ref()).await?;
    let recovery = properties.point_in_time_recovery_specification.as_ref();
    if recovery.is_some_and(|wanted| wanted.enabled == Some(true)) {
        set_recovery(cx, name, recovery).await?;
    }
    Ok(actual(&table))
}

async fn update(cx: &Cx, name: &str, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties::read(desired.properties)?;
    let wanted = properties.input(name)?;
    // Indexes that go go first: they need no capacity of their own any more.
    for step in [removed, settings, added] {
        let table = ready(cx, name).await?;
        for input in step(&table, &wanted) {
            cx.call::<UpdateTable>(input).await?;
            ready(cx, name).await?;
        }
    }
    let table = ready(cx, name).await?;
    for stream in streams(&table, wanted.stream_specification) {
        let stream_specification = Some(stream);
        let table_name = name.to_owned();
        let input = UpdateTableInput { table_name, stream_specification, ..Default::default() };
        cx.call::<UpdateTable>(input).await?;
    }
    set_time_to_live(cx, name, properties.time_to_live_specification.as_ref()).await?;
    set_recovery(cx, name, properties.point_in_time_recovery_specification.as_ref()).await?;
    let table = ready(cx, name).await?;
    set_policy(cx, &table, properties.resource_policy()).await?;
    set_tags(cx, &table, properties.tags(desired.tags)).await?;
    Ok(actual(&table))
}

async fn delete(cx: &Cx, name: &str) -> Result<()> {
    let gone = |error: &Error| error.code == "ResourceNotFoundException";
    let input = || DeleteTableInput { table_name: name.to_owned() };
    match cx.call::<DeleteTable>(input()).await {
        Err(error) if error.code == "ResourceInUseException" => {
            ready(cx, name).await?;
            cx.call::<DeleteTable>(input()).await.map(drop)
        }
        Err(error) if gone(&error) => Ok(()),
        other => other.map(drop),
    }
}

/// The table once it is ACTIVE.
async fn ready(cx: &Cx, name: &str) -> Result<TableDescription> {
    for _ in 0..LOOKS {
        let input = DescribeTableInput { table_name: name.to_owned() };
        let table = cx.call::<DescribeTable>(input).await?.table.unwrap_or_default();
        if table.table_status == Some(TableStatus::Active) {
            return Ok(table);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::unavailable(format!("the table {name} does not become ACTIVE")))
}

fn actual(table: &TableDescription) -> Actual {
    let mut attributes = Map::new();
    let pairs = [("Arn", &table.table_arn), ("StreamArn", &table.latest_stream_arn)];
    for (name, value) in pairs {
        attributes.extend(value.clone().map(|value| (name.to_owned(), Value::String(value))));
    }
    Actual { physical_id: table.table_name.clone().unwrap_or_default(), attributes }
}

/// The call that changes capacity and settings, where any is not as it should be.
fn settings(table: &TableDescription, wanted: &CreateTableInput) -> Vec<UpdateTableInput> {
    let summary = table.billing_mode_summary.as_ref().and_then(|summary| summary.billing_mode);
    let mode = summary.unwrap_or(BillingMode::Provisioned);
    let switch = wanted.billing_mode.filter(|wanted| *wanted != mode);
    let throughput = wanted.provisioned_throughput.clone();
    let units = throughput.filter(|units| !same(units, table.provisioned_throughput.as_ref()));
    let class = table.table_class_summary.as_ref().and_then(|summary| summary.table_class);
    let class = class.unwrap_or(TableClass::Standard);
    let protected = wanted.deletion_protection_enabled.unwrap_or(false);
    let key = table.sse_description.as_ref().and_then(|sse| sse.kms_master_key_arn.clone());
    let sse = wanted.sse_specification.clone().unwrap_or_default();
    let encrypted = sse.enabled == Some(true);
    // The description has the ARN of what may be named by its id or alias.
    let other = |id: &String| !key.iter().any(|arn| arn == id || arn.ends_with(id.as_str()));
    let encryption =
        encrypted != key.is_some() || sse.kms_master_key_id.as_ref().is_some_and(other);
    let (caps, now) = (wanted.on_demand_throughput.clone(), table.on_demand_throughput.clone());
    let caps = caps.filter(|caps| {
        let now = now.unwrap_or_default();
        (caps.max_read_request_units, caps.max_write_request_units)
            != (now.max_read_request_units, now.max_write_request_units)
    });
    let index_units = index_units(table, wanted);
    let input = UpdateTableInput {
        table_name: wanted.table_name.clone(),
        billing_mode: switch,
        provisioned_throughput: units,
        on_demand_throughput: caps,
        table_class: wanted.table_class.or(Some(TableClass::Standard)).filter(|one| *one != class),
        deletion_protection_enabled: Some(protected)
            .filter(|one| Some(*one) != table.deletion_protection_enabled),
        sse_specification: encryption.then_some(sse),
        global_secondary_index_updates: Some(index_units).filter(|list| !list.is_empty()),
        ..UpdateTableInput::default()
    };
    let any = input.billing_mode.is_some()
        || input.provisioned_throughput.is_some()
        || input.on_demand_throughput.is_some()
        || input.table_class.is_some()
        || input.deletion_protection_enabled.is_some()
        || input.sse_specification.is_some()
        || input.global_secondary_index_updates.is_some();
    Vec::from_iter(any.then_some(input))
}

fn same(units: &ProvisionedThroughput, now: Option<&ProvisionedThroughputDescription>) -> bool {
    now.is_some_and(|now| {
        now.read_capacity_units == Some(units.read_capacity_units)
            && now.write_capacity_units == Some(units.write_capacity_units)
    })
}

/// New capacity of the global indexes that stay: of all, where the table gets some too.
fn index_units(
    table: &TableDescription,
    wanted: &CreateTableInput,
) -> Vec<GlobalSecondaryIndexUpdate> {
    let change = |index: &GlobalSecondaryIndexDescription| {
        let one = wanted.global_secondary_indexes.iter().flatten();
        let one = one.into_iter().find(|one| is_same_index(one, index))?;
        let units = one.provisioned_throughput.clone()?;
        if same(&units, index.provisioned_throughput.as_ref()) {
            return None;
        }
        let update = UpdateGlobalSecondaryIndexAction {
            index_name: one.index_name.clone(),
            provisioned_throughput: Some(units),
            ..Default::default()
        };
        Some(GlobalSecondaryIndexUpdate { update: Some(update), ..Default::default() })
    };
    table.global_secondary_indexes.iter().flatten().filter_map(change).collect()
}

/// The calls that remove the global indexes that are not wanted, or not as they are.
fn removed(table: &TableDescription, wanted: &CreateTableInput) -> Vec<UpdateTableInput> {
    let want = wanted.global_secondary_indexes.as_deref().unwrap_or_default();
    let goes = |index: &&GlobalSecondaryIndexDescription| {
        !want.iter().any(|one| is_same_index(one, index))
    };
    let gone = table.global_secondary_indexes.iter().flatten().filter(goes);
    let delete = |index_name| GlobalSecondaryIndexUpdate {
        delete: Some(DeleteGlobalSecondaryIndexAction { index_name }),
        ..Default::default()
    };
    let names = gone.filter_map(|index| index.index_name.clone());
    names.map(|name| index_call(wanted, delete(name))).collect()
}

/// The calls that make the global indexes that are not there.
fn added(table: &TableDescription, wanted: &CreateTableInput) -> Vec<UpdateTableInput> {
    let have = table.global_secondary_indexes.as_deref().unwrap_or_default();
    let want = wanted.global_secondary_indexes.iter().flatten();
    let new = want.filter(|one| !have.iter().any(|index| is_same_index(one, index)));
    let create = |one: &GlobalSecondaryIndex| GlobalSecondaryIndexUpdate {
        create: Some(CreateGlobalSecondaryIndexAction {
            index_name: one.index_name.clone(),
            key_schema: one.key_schema.clone(),
            projection: one.projection.clone(),
            provisioned_throughput: one.provisioned_throughput.clone(),
            on_demand_throughput: one.on_demand_throughput.clone(),
            warm_throughput: None,
        }),
        ..Default::default()
    };
    new.map(|one| index_call(wanted, create(one))).collect()
}

fn index_call(wanted: &CreateTableInput, update: GlobalSecondaryIndexUpdate) -> UpdateTableInput {
    // An index that comes needs the types of its own keys and no others.
    let keys = update.create.iter().flat_map(|create| &create.key_schema);
    let keys: BTreeSet<&str> = keys.map(|element| element.attribute_name.as_str()).collect();
    let defined = wanted.attribute_definitions.iter().flatten();
    let defined: Vec<_> =
        defined.filter(|one| keys.contains(one.attribute_name.as_str())).cloned().collect();
    UpdateTableInput {
        table_name: wanted.table_name.clone(),
        attribute_definitions: Some(defined).filter(|list| !list.is_empty()),
        global_secondary_index_updates: Some(vec![update]),
        ..UpdateTableInput::default()
    }
}

fn is_same_index(one: &GlobalSecondaryIndex, index: &GlobalSecondaryIndexDescription) -> bool {
    let keys = |list: &[KeySchemaElement]| -> Vec<_> {
        list.iter().map(|element| (element.attribute_name.clone(), element.key_type)).collect()
    };
    let projection = index.projection.as_ref();
    index.index_name.as_ref() == Some(&one.index_name)
        && index.key_schema.as_deref().map(keys) == Some(keys(&one.key_schema))
        && projection.is_some_and(|projection| {
            projection.projection_type == one.projection.projection_type
                && projection.non_key_attributes == one.projection.non_key_attributes
        })
}

/// The stream's changes: another view needs it off, then on.
fn streams(
    table: &TableDescription,
    wanted: Option<StreamSpecification>,
) -> Vec<StreamSpecification> {
    let now = table.stream_specification.as_ref().and_then(|stream| stream.stream_view_type);
    let view = wanted.as_ref().and_then(|stream| stream.stream_view_type);
    if now == view {
        return Vec::new();
    }
    let off = now.map(|_| StreamSpecification { stream_enabled: false, stream_view_type: None });
    off.into_iter().chain(wanted).collect()
}

async fn set_time_to_live(cx: &Cx, name: &str, wanted: Option<&TimeToLive>) -> Result<()> {
    let input = DescribeTimeToLiveInput { table_name: name.to_owned() };
    let now = cx.call::<DescribeTimeToLive>(input).await?.time_to_live_description;
    let now = now.unwrap_or_default();
    let now =
        now.attribute_name.filter(|_| now.time_to_live_status == Some(TimeToLiveStatus::Enabled));
    let wanted = wanted.filter(|wanted| wanted.enabled == Some(true));
    let wanted = wanted.and_then(|wanted| wanted.attribute_name.clone());
    if now == wanted {
        return Ok(());
    }
    let off = now.map(|attribute_name| TimeToLiveSpecification { enabled: false, attribute_name });
    let on = wanted.map(|attribute_name| TimeToLiveSpecification { enabled: true, attribute_name });
    for time_to_live_specification in off.into_iter().chain(on) {
        let table_name = name.to_owned();
        let input = UpdateTimeToLiveInput { table_name, time_to_live_specification };
        cx.call::<UpdateTimeToLive>(input).await?;
    }
    Ok(())
}

/// Switches point-in-time recovery on or off, or changes its period. What is as it should be is not
/// asked for: whoever owns the stack may not have leave for it.
async fn set_recovery(cx: &Cx, name: &str, wanted: Option<&Recovery>) -> Result<()> {
    let input = DescribeContinuousBackupsInput { table_name: name.to_owned() };
    let now = cx.call::<DescribeContinuousBackups>(input).await?.continuous_backups_description;
    let now = now.and_then(|now| now.point_in_time_recovery_description).unwrap_or_default();
    let is_on = now.point_in_time_recovery_status == Some(PointInTimeRecoveryStatus::Enabled);
    let on = wanted.is_some_and(|wanted| wanted.enabled == Some(true));
    let days = wanted.and_then(|wanted| wanted.days).filter(|_| on);
    let days = days.map(|days| i32::try_from(days).unwrap_or(i32::MAX));
    let same_days = days.is_none_or(|days| now.recovery_period_in_days == Some(days));
    if is_on == on && same_days {
        return Ok(());
    }
    let input = UpdateContinuousBackupsInput {
        table_name: name.to_owned(),
        point_in_time_recovery_specification: PointInTimeRecoverySpecification {
            point_in_time_recovery_enabled: on,
            recovery_period_in_days: days,
        },
    };
    cx.call::<UpdateContinuousBackups>(input).await.map(drop)
}

async fn set_policy(cx: &Cx, table: &TableDescription, wanted: Option<&Value>) -> Result<()> {
    let resource_arn = table.table_arn.clone().unwrap_or_default();
    let input = GetResourcePolicyInput { resource_arn: resource_arn.clone() };
    let now = match cx.call::<GetResourcePolicy>(input).await {
        Ok(answer) => answer.policy,
        Err(error) if error.code == "PolicyNotFoundException" => None,
        Err(error) => return Err(error),
    };
    let same = |text: &String| serde_json::from_str::<Value>(text).ok().as_ref() == wanted;
    match wanted {
        _ if now.as_ref().is_some_and(same) => Ok(()),
        Some(wanted) => {
            let policy = wanted.to_string();
            let input = PutResourcePolicyInput { resource_arn, policy, ..Default::default() };
            cx.call::<PutResourcePolicy>(input).await.map(drop)
        }
        None if now.is_some() => {
            let input = DeleteResourcePolicyInput { resource_arn, ..Default::default() };
            cx.call::<DeleteResourcePolicy>(input).await.map(drop)
        }
        None => Ok(()),
    }
}

async fn tags_of(cx: &Cx, arn: &str) -> Result<Vec<Tag>> {
    let input = ListTagsOfResourceInput { resource_arn: arn.to_owned(), next_token: None };
    Ok(cx.call::<ListTagsOfResource>(input).await?.tags.unwrap_or_default())
}

async fn set_tags(cx: &Cx, table: &TableDescription, wanted: Vec<Tag>) -> Result<()> {
    let arn = table.table_arn.clone().unwrap_or_default();
    let now = tags_of(cx, &arn).await?;
    let gone = now.iter().filter(|tag| !wanted.iter().any(|one| one.key == tag.key));
    let gone: Vec<String> = gone.map(|tag| tag.key.clone()).collect();
    let is_new = |tag: &Tag| !now.iter().any(|one| one.key == tag.key && one.value == tag.value);
    let tags: Vec<Tag> = wanted.into_iter().filter(is_new).collect();
    if !gone.is_empty() {
        let input = UntagResourceInput { resource_arn: arn.clone(), tag_keys: gone };
        cx.call::<UntagResource>(input).await?;
    }
    if !tags.is_empty() {
        cx.call::<TagResource>(TagResourceInput { resource_arn: arn, tags }).await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
