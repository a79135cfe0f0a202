//! The record of a table that is restored: what its source was, and what the request overrides.
//!
//! It gets the source's keys, indexes, capacity and encryption; not its stream, time to live,
//! point-in-time recovery, tags, protection, policy or class, as at AWS. (Texts: AWS's, as far as
//! they are known.)

use std::collections::BTreeMap;

use cumulet_api_dynamodb::types::{
    BillingMode, GlobalSecondaryIndex, LocalSecondaryIndex, OnDemandThroughput,
    ProvisionedThroughput, SSESpecification,
};
use cumulet_base::Timestamp;

use crate::error::Error;
use crate::model::{
    Billing, Class, IndexRecord, IndexState, KeyRecord, ProjectionRecord, TableRecord, Throughput,
};
use crate::ops::table_rules;

type Checked<T> = Result<T, Error>;

/// What a request wants otherwise than the source was.
#[derive(Debug, Default)]
pub(crate) struct Overrides<'a> {
    pub(crate) billing: Option<BillingMode>,
    pub(crate) globals: Option<&'a [GlobalSecondaryIndex]>,
    pub(crate) locals: Option<&'a [LocalSecondaryIndex]>,
    pub(crate) throughput: Option<&'a ProvisionedThroughput>,
    pub(crate) on_demand: Option<&'a OnDemandThroughput>,
    pub(crate) encryption: Option<&'a SSESpecification>,
}

/// The record of the table that is made. It is not yet said from what.
pub(crate) fn target(
    source: &TableRecord,
    overrides: &Overrides<'_>,
    name: &str,
    id: String,
    now: Timestamp,
) -> Checked<TableRecord> {
    let (billing, throughput) = capacity(source, overrides)?;
    let indexes = indexes(source, overrides, billing)?;
    table_rules::check_indexes(&indexes)?;
    let keys = std::iter::once(&source.key).chain(indexes.iter().map(|index| &index.key));
    let used: Vec<&String> = keys.flat_map(table_rules::names).collect();
    let attributes = source.attributes.iter().filter(|(name, _)| used.contains(&name));
    let attributes = attributes.cloned().collect();
    Ok(TableRecord {
        name: name.to_owned(),
        id,
        created: now.millis(),
        attributes,
        key: source.key.clone(),
        indexes,
        billing,
        on_demand_since: (billing == Billing::OnDemand).then(|| now.millis()),
        throughput,
        on_demand: match overrides.on_demand {
            Some(caps) => Some(table_rules::on_demand(caps)),
            None => source.on_demand.filter(|_| billing == Billing::OnDemand),
        },
        class: Class::Standard,
        deletion_protection: false,
        tags: BTreeMap::new(),
        stream: None,
        latest_stream: None,
        ttl: None,
        kms_key: match overrides.encryption {
            Some(encryption) => table_rules::kms_key(encryption),
            None => source.kms_key.clone(),
        },
        policy: None,
        counts_collections: true,
        recovery: None,
        copies: Vec::new(),
        restoring: None,
    })
}

fn capacity(source: &TableRecord, overrides: &Overrides<'_>) -> Checked<(Billing, Throughput)> {
    let billing = match overrides.billing {
        Some(BillingMode::PayPerRequest) => Billing::OnDemand,
        Some(BillingMode::Provisioned) => Billing::Provisioned,
        None => source.billing,
    };
    let refused = |text: &str| Err(Error::Validation(text.to_owned()));
    match (billing, overrides.throughput) {
        (Billing::OnDemand, Some(_)) => {
            refused("Cannot override ProvisionedThroughput unless BillingMode is PROVISIONED")
        }
        (Billing::Provisioned, _) if overrides.on_demand.is_some() => {
            refused("Cannot override OnDemandThroughput unless BillingMode is PAY_PER_REQUEST")
        }
        (Billing::OnDemand, None) => Ok((billing, Throughput::default())),
        (Billing::Provisioned, Some(units)) => {
            table_rules::check_bounds(units, "")?;
            Ok((billing, table_rules::provisioned(units)))
        }
        (Billing::Provisioned, None) if source.billing == Billing::OnDemand => refused(
            "Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED",
        ),
        (Billing::Provisioned, None) => Ok((billing, fresh(source.throughput))),
    }
}

/// The same units; how they came to be is another table's history.
fn fresh(throughput: Throughput) -> Throughput {
    let Throughput { read, write, .. } = throughput;
    Throughput { read, write, ..Throughput::default() }
}

fn indexes(
    source: &TableRecord,
    overrides: &Overrides<'_>,
    billing: Billing,
) -> Checked<Vec<IndexRecord>> {
    let kept = || source.indexes.iter().filter(|index| index.state != IndexState::Deleting);
    let mut indexes = Vec::new();
    match overrides.locals {
        None => indexes.extend(kept().filter(|index| index.local).cloned()),
        Some(locals) => {
            for index in locals {
                let key = table_rules::key(&index.key_schema)?;
                let projection = table_rules::projection(&index.projection)?;
                let known = known(source, true, &index.index_name, &key, &projection)?;
                indexes.push(IndexRecord { name: index.index_name.clone(), ..known.clone() });
            }
        }
    }
    match overrides.globals {
        None => indexes.extend(kept().filter(|index| !index.local).cloned()),
        Some(globals) => {
            for index in globals {
                indexes.push(global(source, index, billing)?);
            }
        }
    }
    for index in &mut indexes {
        index.state = IndexState::Active;
        index.throughput = fresh(index.throughput);
        match billing {
            Billing::OnDemand => index.throughput = Throughput::default(),
            Billing::Provisioned => index.on_demand = None,
        }
        if billing == Billing::Provisioned && !index.local && index.throughput.read == 0 {
            return Err(no_units(&index.name));
        }
    }
    Ok(indexes)
}

fn no_units(index: &str) -> Error {
    Error::Validation(format!("Must specify provisioned throughput for index {index}"))
}

fn global(
    source: &TableRecord,
    index: &GlobalSecondaryIndex,
    billing: Billing,
) -> Checked<IndexRecord> {
    let key = table_rules::key(&index.key_schema)?;
    let projection = table_rules::projection(&index.projection)?;
    let known = known(source, false, &index.index_name, &key, &projection)?;
    let throughput = match (billing, &index.provisioned_throughput) {
        (Billing::OnDemand, None) => Throughput::default(),
        (Billing::OnDemand, Some(_)) => {
            return Err(Error::Validation(format!(
                "Cannot override ProvisionedThroughput for index {} unless BillingMode is \
                 PROVISIONED",
                index.index_name
            )));
        }
        (Billing::Provisioned, Some(units)) => {
            table_rules::check_bounds(units, &format!(" for index {}", index.index_name))?;
            table_rules::provisioned(units)
        }
        (Billing::Provisioned, None) => return Err(no_units(&index.index_name)),
    };
    Ok(IndexRecord {
        name: index.index_name.clone(),
        throughput,
        on_demand: index.on_demand_throughput.as_ref().map(table_rules::on_demand),
        ..known.clone()
    })
}

/// The source's index with that key and projection, whatever its name. There are no others to be
/// had.
fn known<'s>(
    source: &'s TableRecord,
    local: bool,
    name: &str,
    key: &KeyRecord,
    projection: &ProjectionRecord,
) -> Checked<&'s IndexRecord> {
    let same = |index: &&IndexRecord| {
        index.local == local
            && index.state != IndexState::Deleting
            && index.key == *key
            && is_same(&index.projection, projection)
    };
    source.indexes.iter().find(same).ok_or_else(|| {
        Error::Validation(format!(
            "Index {name} does not match a secondary index that existed in the source table and \
             cannot be created during the restore operation"
        ))
    })
}

/// The order of included attributes means nothing.
fn is_same(one: &ProjectionRecord, other: &ProjectionRecord) -> bool {
    match (one, other) {
        (ProjectionRecord::Include(one), ProjectionRecord::Include(other)) => {
            let sorted = |names: &[String]| {
                let mut names = names.to_vec();
                names.sort();
                names
            };
            sorted(one) == sorted(other)
        }
        (one, other) => one == other,
    }
}
