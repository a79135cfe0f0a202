//! The rules of a table's definition, in the order in which AWS checks them.

use std::collections::BTreeMap;

use cumulet_api_dynamodb::ops::CreateTableInput;
use cumulet_api_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    LocalSecondaryIndex, OnDemandThroughput, Projection, ProjectionType, ProvisionedThroughput,
    SSESpecification, ScalarAttributeType, StreamSpecification, TableClass, Tag,
};
use cumulet_base::Timestamp;

use crate::error::Error;
use crate::model::{
    Billing, Class, IndexRecord, IndexState, KeyRecord, OnDemand, ProjectionRecord, Scalar,
    StreamRecord, TableRecord, Throughput,
};

type Result<T> = std::result::Result<T, Error>;

/// Global and local indexes of a table, and attributes that INCLUDE names, at most.
pub(crate) const GLOBALS: usize = 20;
const LOCALS: usize = 5;
const INCLUDED: usize = 20;
const INCLUDED_IN_ALL: usize = 100;
pub(crate) const TAGS: usize = 50;

/// Units of throughput, at most; accounts have lower limits.
const UNITS: i64 = 1_000_000_000_000;

/// The record of a new table. (The order of checks: dynalite's record of what AWS answers.)
pub(crate) fn record(
    input: &CreateTableInput,
    name: &str,
    id: String,
    now: Timestamp,
) -> Result<TableRecord> {
    let elements = input.key_schema.as_deref().unwrap_or_default();
    let (billing, throughput) =
        capacity(input.billing_mode, input.provisioned_throughput.as_ref())?;
    let definitions = input.attribute_definitions.as_deref().unwrap_or_default();
    let attributes = attributes(definitions)?;
    check_table_key_defined(&attributes, elements)?;
    let key = key(elements)?;
    let locals = input.local_secondary_indexes.as_deref();
    let globals = input.global_secondary_indexes.as_deref();
    if locals.is_none() && globals.is_none() {
        check_definitions_used(&attributes, &key, &[])?;
    }
    let mut indexes = local_indexes(locals, &key, &attributes)?;
    indexes.extend(global_indexes(globals, billing, &attributes)?);
    check_indexes(&indexes)?;
    check_definitions_used(&attributes, &key, &indexes)?;
    Ok(TableRecord {
        name: name.to_owned(),
        id,
        created: now.millis(),
        attributes,
        key,
        indexes,
        billing,
        on_demand_since: (billing == Billing::OnDemand).then(|| now.millis()),
        throughput,
        on_demand: input.on_demand_throughput.as_ref().map(on_demand),
        class: class(input.table_class),
        deletion_protection: input.deletion_protection_enabled.unwrap_or(false),
        tags: tags(input.tags.as_deref().unwrap_or_default())?,
        stream: stream(input.stream_specification.as_ref(), now)?,
        latest_stream: None,
        ttl: None,
        kms_key: input.sse_specification.as_ref().and_then(kms_key),
        policy: None,
        counts_collections: true,
        recovery: None,
        copies: Vec::new(),
        restoring: None,
    })
}

/// The types of key attributes, each once.
pub(crate) fn attributes(definitions: &[AttributeDefinition]) -> Result<Vec<(String, Scalar)>> {
    let mut seen = Vec::new();
    for definition in definitions {
        let scalar = match definition.attribute_type {
            ScalarAttributeType::S => Scalar::S,
            ScalarAttributeType::N => Scalar::N,
            ScalarAttributeType::B => Scalar::B,
        };
        if seen.iter().any(|(name, _)| *name == definition.attribute_name) {
            return Err(Error::Parameter(format!(
                "Cannot define multiple AttributeDefinitions with the same name: {}",
                definition.attribute_name
            )));
        }
        seen.push((definition.attribute_name.clone(), scalar));
    }
    Ok(seen)
}

/// HASH, then perhaps RANGE.
pub(crate) fn key(elements: &[KeySchemaElement]) -> Result<KeyRecord> {
    let invalid = |why: &str| Err(Error::Validation(format!("Invalid KeySchema: {why}")));
    match elements {
        [] => Err(Error::Validation(
            "1 validation error detected: Value null at 'keySchema' failed to satisfy constraint: \
             Member must not be null"
                .to_owned(),
        )),
        [hash, ..] if hash.key_type != KeyType::Hash => {
            invalid("The first KeySchemaElement is not a HASH key type")
        }
        [_, range, ..] if range.key_type != KeyType::Range => {
            invalid("The second KeySchemaElement is not a RANGE key type")
        }
        [hash, range] if hash.attribute_name == range.attribute_name => invalid(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        [hash] => Ok(KeyRecord { hash: hash.attribute_name.clone(), range: None }),
        [hash, range] => Ok(KeyRecord {
            hash: hash.attribute_name.clone(),
            range: Some(range.attribute_name.clone()),
        }),
        _ => invalid("A key has at most one HASH and one RANGE attribute"),
    }
}

/// Billing mode and units of a table.
pub(crate) fn capacity(
    mode: Option<BillingMode>,
    throughput: Option<&ProvisionedThroughput>,
) -> Result<(Billing, Throughput)> {
    match (mode, throughput) {
        (Some(BillingMode::PayPerRequest), None) => Ok((Billing::OnDemand, Throughput::default())),
        (Some(BillingMode::PayPerRequest), Some(_)) => Err(Error::Parameter(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode \
             is PAY_PER_REQUEST"
                .to_owned(),
        )),
        (_, None) => Err(Error::Parameter(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is \
             PROVISIONED"
                .to_owned(),
        )),
        (_, Some(units)) => {
            check_bounds(units, "")?;
            Ok((Billing::Provisioned, provisioned(units)))
        }
    }
}

/// Refuses more units than there can be. `whose`: " for index i", or nothing for the table.
pub(crate) fn check_bounds(units: &ProvisionedThroughput, whose: &str) -> Result<()> {
    let given = [
        ("ReadCapacityUnits", units.read_capacity_units),
        ("WriteCapacityUnits", units.write_capacity_units),
    ];
    match given.iter().find(|(_, units)| *units > UNITS) {
        None => Ok(()),
        Some((name, units)) => Err(Error::Validation(format!(
            "Given value {units} for {name} is out of bounds{whose}"
        ))),
    }
}

pub(crate) fn provisioned(units: &ProvisionedThroughput) -> Throughput {
    Throughput {
        read: units.read_capacity_units,
        write: units.write_capacity_units,
        ..Throughput::default()
    }
}

pub(crate) fn on_demand(caps: &OnDemandThroughput) -> OnDemand {
    // -1 takes a cap away.
    let cap = |units: Option<i64>| units.filter(|units| *units >= 0);
    OnDemand { read: cap(caps.max_read_request_units), write: cap(caps.max_write_request_units) }
}

pub(crate) fn class(class: Option<TableClass>) -> Class {
    match class {
        Some(TableClass::StandardInfrequentAccess) => Class::InfrequentAccess,
        Some(TableClass::Standard) | None => Class::Standard,
    }
}

/// The key that encrypts a table, where it is not AWS's own.
pub(crate) fn kms_key(sse: &SSESpecification) -> Option<String> {
    let managed = || "alias/aws/dynamodb".to_owned();
    let key = sse.kms_master_key_id.clone();
    (sse.enabled == Some(true)).then(|| key.unwrap_or_else(managed))
}

pub(crate) fn stream(
    specification: Option<&StreamSpecification>,
    now: Timestamp,
) -> Result<Option<StreamRecord>> {
    match specification {
        Some(StreamSpecification { stream_enabled: true, stream_view_type: Some(view) }) => {
            Ok(Some(StreamRecord { view: view.as_str().to_owned(), label: now.millis() }))
        }
        Some(StreamSpecification { stream_enabled: true, stream_view_type: None }) => {
            Err(Error::Parameter("StreamViewType is required if stream is enabled".to_owned()))
        }
        Some(StreamSpecification { stream_enabled: false, stream_view_type: Some(_) }) => Err(
            Error::Parameter("StreamViewType cannot be specified if stream is disabled".to_owned()),
        ),
        Some(_) | None => Ok(None),
    }
}

/// Tags by key.
pub(crate) fn tags(tags: &[Tag]) -> Result<BTreeMap<String, String>> {
    if tags.len() > TAGS {
        return Err(Error::Validation("Too many tags: at most 50 tags per resource".to_owned()));
    }
    let mut map = BTreeMap::new();
    for tag in tags {
        if map.insert(tag.key.clone(), tag.value.clone()).is_some() {
            return Err(Error::Validation(format!("Duplicate tag key: {}", tag.key)));
        }
    }
    Ok(map)
}

pub(crate) fn projection(projection: &Projection) -> Result<ProjectionRecord> {
    let names = projection.non_key_attributes.as_ref();
    let kind = projection
        .projection_type
        .ok_or_else(|| Error::Parameter("Unknown ProjectionType: null".to_owned()))?;
    match (kind, names) {
        (ProjectionType::Include, Some(names)) => Ok(ProjectionRecord::Include(names.clone())),
        (ProjectionType::Include, None) => Err(Error::Parameter(
            "ProjectionType is INCLUDE, but NonKeyAttributes is not specified".to_owned(),
        )),
        (kind, Some(_)) => Err(Error::Parameter(format!(
            "ProjectionType is {kind}, but NonKeyAttributes is specified"
        ))),
        (ProjectionType::All, None) => Ok(ProjectionRecord::All),
        (ProjectionType::KeysOnly, None) => Ok(ProjectionRecord::KeysOnly),
    }
}

fn local_indexes(
    indexes: Option<&[LocalSecondaryIndex]>,
    table: &KeyRecord,
    attributes: &[(String, Scalar)],
) -> Result<Vec<IndexRecord>> {
    let Some(indexes) = indexes else { return Ok(Vec::new()) };
    if indexes.is_empty() {
        return Err(Error::Parameter("List of LocalSecondaryIndexes is empty".to_owned()));
    }
    if table.range.is_none() {
        return Err(Error::Parameter(
            "Table KeySchema does not have a range key, which is required when specifying a \
             LocalSecondaryIndex"
                .to_owned(),
        ));
    }
    let local = |index: &LocalSecondaryIndex| {
        check_defined(attributes, &index.key_schema)?;
        local_index(index, table)
    };
    let records: Vec<IndexRecord> = indexes.iter().map(local).collect::<Result<_>>()?;
    if records.len() > LOCALS {
        return Err(Error::Parameter(format!(
            "Number of LocalSecondaryIndexes exceeds per-table limit of {LOCALS}"
        )));
    }
    Ok(records)
}

fn local_index(index: &LocalSecondaryIndex, table: &KeyRecord) -> Result<IndexRecord> {
    let name = &index.index_name;
    let key = key(&index.key_schema)?;
    if key.hash != table.hash {
        return Err(Error::Parameter(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for \
             index: {name}. index hash key: {}, table hash key: {}",
            key.hash, table.hash
        )));
    }
    if key.range.is_none() {
        return Err(Error::Parameter(format!(
            "Index KeySchema does not have a range key for index: {name}"
        )));
    }
    Ok(IndexRecord {
        name: name.clone(),
        local: true,
        key,
        projection: projection(&index.projection)?,
        throughput: Throughput::default(),
        on_demand: None,
        state: IndexState::Active,
    })
}

fn global_indexes(
    indexes: Option<&[GlobalSecondaryIndex]>,
    billing: Billing,
    attributes: &[(String, Scalar)],
) -> Result<Vec<IndexRecord>> {
    let Some(indexes) = indexes else { return Ok(Vec::new()) };
    if indexes.is_empty() {
        return Err(Error::Parameter("List of GlobalSecondaryIndexes is empty".to_owned()));
    }
    let global = |index: &GlobalSecondaryIndex| {
        check_defined(attributes, &index.key_schema)?;
        global_index(index, billing)
    };
    let records: Vec<IndexRecord> = indexes.iter().map(global).collect::<Result<_>>()?;
    if records.len() > GLOBALS {
        return Err(Error::Parameter(format!(
            "GlobalSecondaryIndex count exceeds the per-table limit of {GLOBALS}"
        )));
    }
    Ok(records)
}

/// A global index, of CreateTable or UpdateTable.
pub(crate) fn global_index(index: &GlobalSecondaryIndex, billing: Billing) -> Result<IndexRecord> {
    let name = &index.index_name;
    let throughput = match (billing, index.provisioned_throughput.as_ref()) {
        (Billing::OnDemand, None) => Throughput::default(),
        (Billing::Provisioned, Some(units)) => {
            check_bounds(units, &format!(" for index {name}"))?;
            provisioned(units)
        }
        (Billing::OnDemand, Some(_)) => {
            return Err(Error::Parameter(format!(
                "ProvisionedThroughput should not be specified for index: {name} when BillingMode \
                 is PAY_PER_REQUEST"
            )));
        }
        (Billing::Provisioned, None) => {
            return Err(Error::Parameter(format!(
                "ProvisionedThroughput must be specified for index: {name}"
            )));
        }
    };
    Ok(IndexRecord {
        name: name.clone(),
        local: false,
        key: key(&index.key_schema)?,
        projection: projection(&index.projection)?,
        throughput,
        on_demand: index.on_demand_throughput.as_ref().map(on_demand),
        state: IndexState::Active,
    })
}

pub(crate) fn names(key: &KeyRecord) -> impl Iterator<Item = &String> + Clone {
    std::iter::once(&key.hash).chain(&key.range)
}

fn listed<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Every attribute of the table's key has a type.
fn check_table_key_defined(
    attributes: &[(String, Scalar)],
    elements: &[KeySchemaElement],
) -> Result<()> {
    let defined = |name: &String| attributes.iter().any(|(attribute, _)| attribute == name);
    match elements {
        [hash, range, ..]
            if !defined(&hash.attribute_name)
                || !defined(&range.attribute_name)
                || (hash.attribute_name == range.attribute_name && attributes.len() == 1) =>
        {
            Err(Error::Validation(
                "Invalid KeySchema: Some index key attribute have no definition".to_owned(),
            ))
        }
        [_, _, ..] => Ok(()),
        elements => check_defined(attributes, elements),
    }
}

/// Every attribute of an index's key has a type.
fn check_defined(attributes: &[(String, Scalar)], elements: &[KeySchemaElement]) -> Result<()> {
    check_names_defined(attributes, elements.iter().map(|element| &element.attribute_name))
}

/// Every key attribute of a table that is there, and of its indexes, has a type.
pub(crate) fn check_keys_defined(
    attributes: &[(String, Scalar)],
    key: &KeyRecord,
    indexes: &[IndexRecord],
) -> Result<()> {
    let mut keys = std::iter::once(key).chain(indexes.iter().map(|index| &index.key));
    keys.try_for_each(|key| check_names_defined(attributes, names(key)))
}

fn check_names_defined<'n>(
    attributes: &[(String, Scalar)],
    mut keys: impl Iterator<Item = &'n String> + Clone,
) -> Result<()> {
    let all = keys.clone();
    if keys.all(|name| attributes.iter().any(|(attribute, _)| attribute == name)) {
        return Ok(());
    }
    Err(Error::Parameter(format!(
        "Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], \
         AttributeDefinitions: [{}]",
        listed(all),
        listed(attributes.iter().map(|(name, _)| name))
    )))
}

/// Names once, included attributes within their limits.
pub(crate) fn check_indexes(indexes: &[IndexRecord]) -> Result<()> {
    for (at, index) in indexes.iter().enumerate() {
        if indexes.iter().take(at).any(|earlier| earlier.name == index.name) {
            return Err(Error::Parameter(format!("Duplicate index name: {}", index.name)));
        }
    }
    let included = indexes.iter().map(|index| match &index.projection {
        ProjectionRecord::Include(names) => names.len(),
        ProjectionRecord::All | ProjectionRecord::KeysOnly => 0,
    });
    let (mut most, mut total) = (0, 0);
    for count in included {
        most = most.max(count);
        total += count;
    }
    if most > INCLUDED || total > INCLUDED_IN_ALL {
        return Err(Error::Parameter(format!(
            "Number of attributes in all NonKeyAttributes lists exceeds the limit of \
             {INCLUDED_IN_ALL} per table and {INCLUDED} per index"
        )));
    }
    Ok(())
}

/// Every typed attribute is one of a key.
fn check_definitions_used(
    attributes: &[(String, Scalar)],
    key: &KeyRecord,
    indexes: &[IndexRecord],
) -> Result<()> {
    let used = |name: &String| {
        names(key).any(|n| n == name) || indexes.iter().any(|i| names(&i.key).any(|n| n == name))
    };
    if attributes.iter().all(|(name, _)| used(name)) {
        return Ok(());
    }
    if indexes.is_empty() {
        return Err(Error::Parameter(
            "Number of attributes in KeySchema does not exactly match number of attributes \
             defined in AttributeDefinitions"
                .to_owned(),
        ));
    }
    let mut keys: Vec<&String> =
        names(key).chain(indexes.iter().flat_map(|index| names(&index.key))).collect();
    keys.dedup();
    Err(Error::Parameter(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        listed(attributes.iter().map(|(name, _)| name)),
        listed(keys.into_iter())
    )))
}
