//! The properties of `AWS::DynamoDB::Table`, as a template has them, and as parameters of
//! operations.
//!
//! Templates write numbers and truth values as texts too, as CloudFormation's parameters give them.

use cumulet_api_dynamodb::ops::CreateTableInput;
use cumulet_api_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    LocalSecondaryIndex, OnDemandThroughput, Projection, ProjectionType, ProvisionedThroughput,
    SSESpecification, SSEType, ScalarAttributeType, StreamSpecification, StreamViewType,
    TableClass, Tag,
};
use cumulet_service::{Error, Result};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// All properties; those that are only there to be refused by name are plain values.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Properties {
    pub(super) table_name: Option<String>,
    attribute_definitions: Vec<Definition>,
    key_schema: Vec<Element>,
    billing_mode: Option<String>,
    provisioned_throughput: Option<Provisioned>,
    on_demand_throughput: Option<OnDemand>,
    global_secondary_indexes: Vec<Index>,
    local_secondary_indexes: Vec<Index>,
    stream_specification: Option<Stream>,
    #[serde(rename = "SSESpecification")]
    sse_specification: Option<Sse>,
    table_class: Option<String>,
    #[serde(deserialize_with = "boolean")]
    deletion_protection_enabled: Option<bool>,
    tags: Vec<TemplateTag>,
    pub(super) time_to_live_specification: Option<TimeToLive>,
    pub(super) point_in_time_recovery_specification: Option<Recovery>,
    contributor_insights_specification: Option<Value>,
    import_source_specification: Option<Value>,
    kinesis_stream_specification: Option<Value>,
    resource_policy: Option<ResourcePolicy>,
    warm_throughput: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ResourcePolicy {
    policy_document: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Definition {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Element {
    attribute_name: String,
    key_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Provisioned {
    #[serde(deserialize_with = "number")]
    read_capacity_units: i64,
    #[serde(deserialize_with = "number")]
    write_capacity_units: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct OnDemand {
    #[serde(deserialize_with = "some_number")]
    max_read_request_units: Option<i64>,
    #[serde(deserialize_with = "some_number")]
    max_write_request_units: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Index {
    #[serde(rename = "IndexName")]
    name: String,
    key_schema: Vec<Element>,
    projection: Projected,
    provisioned_throughput: Option<Provisioned>,
    on_demand_throughput: Option<OnDemand>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Projected {
    projection_type: Option<String>,
    non_key_attributes: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Stream {
    stream_view_type: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Sse {
    #[serde(rename = "SSEEnabled", deserialize_with = "boolean")]
    enabled: Option<bool>,
    #[serde(rename = "SSEType")]
    kind: Option<String>,
    #[serde(rename = "KMSMasterKeyId")]
    key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TemplateTag {
    key: String,
    value: Value,
}

/// `TimeToLiveSpecification`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TimeToLive {
    pub(super) attribute_name: Option<String>,
    #[serde(deserialize_with = "boolean")]
    pub(super) enabled: Option<bool>,
}

/// `PointInTimeRecoverySpecification`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Recovery {
    #[serde(rename = "PointInTimeRecoveryEnabled", deserialize_with = "boolean")]
    pub(super) enabled: Option<bool>,
    #[serde(rename = "RecoveryPeriodInDays", deserialize_with = "some_number")]
    pub(super) days: Option<i64>,
}

fn number<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<i64, D::Error> {
    some_number(value)?.ok_or_else(|| serde::de::Error::custom("a number is missing"))
}

fn some_number<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<Option<i64>, D::Error> {
    let wrong = |value: &Value| serde::de::Error::custom(format!("{value} is no whole number"));
    match Value::deserialize(value)? {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(|_| wrong(&Value::String(text))),
        value => value.as_i64().map(Some).ok_or_else(|| wrong(&value)),
    }
}

fn boolean<'de, D: Deserializer<'de>>(value: D) -> std::result::Result<Option<bool>, D::Error> {
    match Value::deserialize(value)? {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(value)),
        Value::String(text) if text == "true" => Ok(Some(true)),
        Value::String(text) if text == "false" => Ok(Some(false)),
        value => Err(serde::de::Error::custom(format!("{value} is neither true nor false"))),
    }
}

/// A word of an enumeration, or that it is none.
fn word<T>(property: &str, text: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
    let wrong = || Error::validation(format!("{property}: {text} is not a valid enum value"));
    find(text).ok_or_else(wrong)
}

impl Properties {
    /// Reads properties. Refuses unknown ones and, by name, those that are not here yet.
    pub(super) fn read(properties: &Map<String, Value>) -> Result<Self> {
        let value = Value::Object(properties.clone());
        let read: Self = serde_json::from_value(value)
            .map_err(|why| Error::validation(format!("Properties validation failed: {why}")))?;
        let missing = [
            ("ContributorInsightsSpecification", read.contributor_insights_specification.is_some()),
            ("ImportSourceSpecification", read.import_source_specification.is_some()),
            ("KinesisStreamSpecification", read.kinesis_stream_specification.is_some()),
            ("WarmThroughput", read.warm_throughput.is_some()),
        ];
        match missing.iter().find(|(_, present)| *present) {
            Some((name, _)) => Err(Error::not_implemented(
                "cloudformation",
                &format!("AWS::DynamoDB::Table.{name}"),
            )),
            None => Ok(read),
        }
    }

    /// What CreateTable takes: also what the table should be after an update. Without tags.
    pub(super) fn input(&self, table_name: &str) -> Result<CreateTableInput> {
        let globals =
            self.global_secondary_indexes.iter().map(global).collect::<Result<Vec<_>>>()?;
        let locals = self.local_secondary_indexes.iter().map(local).collect::<Result<Vec<_>>>()?;
        let definitions = self.attribute_definitions.iter().map(definition);
        let mode = self.billing_mode.as_deref();
        let class = self.table_class.as_deref();
        Ok(CreateTableInput {
            table_name: table_name.to_owned(),
            attribute_definitions: Some(definitions.collect::<Result<_>>()?),
            key_schema: Some(elements(&self.key_schema)?),
            // CloudFormation's own default (template reference).
            billing_mode: Some(match mode {
                Some(mode) => word("BillingMode", mode, BillingMode::from_wire)?,
                None => BillingMode::Provisioned,
            }),
            provisioned_throughput: self.provisioned_throughput.as_ref().map(provisioned),
            on_demand_throughput: self.on_demand_throughput.as_ref().map(on_demand),
            global_secondary_indexes: Some(globals).filter(|list| !list.is_empty()),
            local_secondary_indexes: Some(locals).filter(|list| !list.is_empty()),
            stream_specification: self.stream_specification.as_ref().map(stream).transpose()?,
            sse_specification: self.sse_specification.as_ref().map(sse).transpose()?,
            table_class: match class {
                Some(class) => Some(word("TableClass", class, TableClass::from_wire)?),
                None => None,
            },
            deletion_protection_enabled: self.deletion_protection_enabled,
            resource_policy: self.resource_policy().map(Value::to_string),
            ..CreateTableInput::default()
        })
    }

    /// The policy that is attached to the table.
    pub(super) fn resource_policy(&self) -> Option<&Value> {
        self.resource_policy.as_ref().map(|policy| &policy.policy_document)
    }

    /// The table's tags with the stack's; the table's own count.
    pub(super) fn tags(&self, of_stack: &[(String, String)]) -> Vec<Tag> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let own: Vec<Tag> = self
            .tags
            .iter()
            .map(|tag| Tag { key: tag.key.clone(), value: text(&tag.value) })
            .collect();
        let added = of_stack.iter().filter(|(key, _)| !own.iter().any(|tag| tag.key == *key));
        let added: Vec<Tag> =
            added.map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect();
        own.into_iter().chain(added).collect()
    }
}

fn definition(one: &Definition) -> Result<AttributeDefinition> {
    Ok(AttributeDefinition {
        attribute_name: one.attribute_name.clone(),
        attribute_type: word("AttributeType", &one.attribute_type, ScalarAttributeType::from_wire)?,
    })
}

fn elements(list: &[Element]) -> Result<Vec<KeySchemaElement>> {
    let element = |one: &Element| {
        Ok(KeySchemaElement {
            attribute_name: one.attribute_name.clone(),
            key_type: word("KeyType", &one.key_type, KeyType::from_wire)?,
        })
    };
    list.iter().map(element).collect()
}

fn provisioned(units: &Provisioned) -> ProvisionedThroughput {
    ProvisionedThroughput {
        read_capacity_units: units.read_capacity_units,
        write_capacity_units: units.write_capacity_units,
    }
}

fn on_demand(caps: &OnDemand) -> OnDemandThroughput {
    OnDemandThroughput {
        max_read_request_units: caps.max_read_request_units,
        max_write_request_units: caps.max_write_request_units,
    }
}

fn projection(projected: &Projected) -> Result<Projection> {
    let kind = projected.projection_type.as_deref();
    let kind = kind.map(|kind| word("ProjectionType", kind, ProjectionType::from_wire));
    Ok(Projection {
        projection_type: kind.transpose()?,
        non_key_attributes: projected.non_key_attributes.clone(),
    })
}

fn global(index: &Index) -> Result<GlobalSecondaryIndex> {
    Ok(GlobalSecondaryIndex {
        index_name: index.name.clone(),
        key_schema: elements(&index.key_schema)?,
        projection: projection(&index.projection)?,
        provisioned_throughput: index.provisioned_throughput.as_ref().map(provisioned),
        on_demand_throughput: index.on_demand_throughput.as_ref().map(on_demand),
        warm_throughput: None,
    })
}

fn local(index: &Index) -> Result<LocalSecondaryIndex> {
    Ok(LocalSecondaryIndex {
        index_name: index.name.clone(),
        key_schema: elements(&index.key_schema)?,
        projection: projection(&index.projection)?,
    })
}

fn stream(stream: &Stream) -> Result<StreamSpecification> {
    let view = word("StreamViewType", &stream.stream_view_type, StreamViewType::from_wire)?;
    Ok(StreamSpecification { stream_enabled: true, stream_view_type: Some(view) })
}

fn sse(sse: &Sse) -> Result<SSESpecification> {
    let kind = sse.kind.as_deref().map(|kind| word("SSEType", kind, SSEType::from_wire));
    Ok(SSESpecification {
        enabled: sse.enabled,
        sse_type: kind.transpose()?,
        kms_master_key_id: sse.key.clone(),
    })
}
