//! AWS::Lambda::EventSourceMapping.
//!
//! `Ref` gives the UUID.

use cumulet_api_lambda::ops::{
    CreateEventSourceMapping, CreateEventSourceMappingRequest, DeleteEventSourceMapping,
    DeleteEventSourceMappingRequest, GetEventSourceMapping, GetEventSourceMappingRequest,
    TagResource, TagResourceRequest, UntagResource, UntagResourceRequest, UpdateEventSourceMapping,
    UpdateEventSourceMappingRequest,
};
use cumulet_api_lambda::types::{
    DestinationConfig, EventSourceMappingConfiguration, EventSourceMappingMetric,
    EventSourceMappingMetricsConfig, EventSourcePosition, Filter, FilterCriteria,
    FunctionResponseType, OnFailure, ScalingConfig, SelfManagedEventSource,
};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Made, Resource, Result};
use serde_json::{Map, Value};

use super::function::tags;
use super::properties::Properties;
use super::unless_gone;
use crate::error::Error;

/// The resource type.
#[derive(Debug)]
pub(crate) struct EventSourceMapping;

impl Resource for EventSourceMapping {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::EventSourceMapping"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(
            property,
            "EventSourceArn"
                | "StartingPosition"
                | "StartingPositionTimestamp"
                | "SelfManagedEventSource"
                | "AmazonManagedKafkaEventSourceConfig"
                | "SelfManagedKafkaEventSourceConfig"
        )
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(update(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let input = DeleteEventSourceMappingRequest { uuid: physical_id.to_owned() };
            unless_gone(cx.call::<DeleteEventSourceMapping>(input).await)
        })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let asked = Asked::read(properties)?;
    let tags = tags(properties, desired.tags)?;
    let input = CreateEventSourceMappingRequest {
        event_source_arn: properties.text("EventSourceArn")?,
        function_name: properties.needed("FunctionName")?,
        starting_position: properties.one_of("StartingPosition", EventSourcePosition::from_wire)?,
        self_managed_event_source: properties
            .part("SelfManagedEventSource")?
            .map(|_| SelfManagedEventSource::default()),
        topics: properties.texts("Topics")?,
        queues: properties.texts("Queues")?,
        tags: (!tags.is_empty()).then_some(tags),
        enabled: asked.enabled,
        batch_size: asked.batch_size,
        filter_criteria: asked.filter_criteria,
        kms_key_arn: asked.kms_key_arn,
        metrics_config: asked.metrics_config,
        scaling_config: asked.scaling_config,
        maximum_batching_window_in_seconds: asked.window,
        parallelization_factor: asked.parallelization_factor,
        destination_config: asked.destination_config,
        maximum_record_age_in_seconds: asked.maximum_record_age,
        bisect_batch_on_function_error: asked.bisect,
        maximum_retry_attempts: asked.maximum_retry_attempts,
        tumbling_window_in_seconds: asked.tumbling_window,
        function_response_types: asked.function_response_types,
        ..CreateEventSourceMappingRequest::default()
    };
    match cx.make_once::<CreateEventSourceMapping>(input).await? {
        Made::Now(made) => Ok(actual(&made)),
        Made::Before(uuid) => {
            let input = GetEventSourceMappingRequest { uuid };
            Ok(actual(&cx.call::<GetEventSourceMapping>(input).await?))
        }
    }
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let properties = Properties(changed.after.properties);
    let asked = Asked::read(properties)?.or_defaults();
    let input = UpdateEventSourceMappingRequest {
        uuid: changed.physical_id.to_owned(),
        function_name: Some(properties.needed("FunctionName")?),
        enabled: asked.enabled,
        batch_size: asked.batch_size,
        filter_criteria: asked.filter_criteria,
        kms_key_arn: asked.kms_key_arn,
        metrics_config: asked.metrics_config,
        scaling_config: asked.scaling_config,
        maximum_batching_window_in_seconds: asked.window,
        parallelization_factor: asked.parallelization_factor,
        destination_config: asked.destination_config,
        maximum_record_age_in_seconds: asked.maximum_record_age,
        bisect_batch_on_function_error: asked.bisect,
        maximum_retry_attempts: asked.maximum_retry_attempts,
        tumbling_window_in_seconds: asked.tumbling_window,
        function_response_types: asked.function_response_types,
        ..UpdateEventSourceMappingRequest::default()
    };
    let made = cx.call::<UpdateEventSourceMapping>(input).await?;
    let before = tags(Properties(changed.before), &[])?;
    let after = tags(properties, changed.after.tags)?;
    let resource = made.event_source_mapping_arn.clone().unwrap_or_default();
    let tag_keys: Vec<String> = before.into_keys().filter(|key| !after.contains_key(key)).collect();
    if !tag_keys.is_empty() {
        let input = UntagResourceRequest { resource: resource.clone(), tag_keys };
        cx.call::<UntagResource>(input).await?;
    }
    if !after.is_empty() {
        cx.call::<TagResource>(TagResourceRequest { resource, tags: after }).await?;
    }
    Ok(actual(&made))
}

fn actual(made: &EventSourceMappingConfiguration) -> Actual {
    let uuid = made.uuid.clone().unwrap_or_default();
    let arn = made.event_source_mapping_arn.clone().unwrap_or_default();
    let attributes = [("Id", uuid.clone()), ("EventSourceMappingArn", arn)];
    let attributes: Map<String, Value> = attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    Actual { physical_id: uuid, attributes }
}

/// What CreateEventSourceMapping and UpdateEventSourceMapping have in common.
#[derive(Debug, Default)]
struct Asked {
    enabled: Option<bool>,
    batch_size: Option<i32>,
    filter_criteria: Option<FilterCriteria>,
    kms_key_arn: Option<String>,
    metrics_config: Option<EventSourceMappingMetricsConfig>,
    scaling_config: Option<ScalingConfig>,
    window: Option<i32>,
    parallelization_factor: Option<i32>,
    destination_config: Option<DestinationConfig>,
    maximum_record_age: Option<i32>,
    bisect: Option<bool>,
    maximum_retry_attempts: Option<i32>,
    tumbling_window: Option<i32>,
    function_response_types: Option<Vec<FunctionResponseType>>,
}

impl Asked {
    fn read(properties: Properties<'_>) -> Result<Self> {
        Ok(Self {
            enabled: properties.boolean("Enabled")?,
            batch_size: properties.integer("BatchSize")?,
            filter_criteria: filters(properties)?,
            kms_key_arn: properties.text("KmsKeyArn")?,
            metrics_config: metrics(properties)?,
            scaling_config: match properties.part("ScalingConfig")? {
                Some(part) => {
                    Some(ScalingConfig { maximum_concurrency: part.integer("MaximumConcurrency")? })
                }
                None => None,
            },
            window: properties.integer("MaximumBatchingWindowInSeconds")?,
            parallelization_factor: properties.integer("ParallelizationFactor")?,
            destination_config: destinations(properties)?,
            maximum_record_age: properties.integer("MaximumRecordAgeInSeconds")?,
            bisect: properties.boolean("BisectBatchOnFunctionError")?,
            maximum_retry_attempts: properties.integer("MaximumRetryAttempts")?,
            tumbling_window: properties.integer("TumblingWindowInSeconds")?,
            function_response_types: response_types(properties)?,
        })
    }

    /// What the template no longer says goes back to AWS's defaults.
    fn or_defaults(self) -> Self {
        let none = DestinationConfig {
            on_failure: Some(OnFailure { destination: Some(String::new()) }),
            ..DestinationConfig::default()
        };
        Self {
            enabled: self.enabled.or(Some(true)),
            batch_size: self.batch_size.or(Some(100)),
            filter_criteria: self.filter_criteria.or_else(|| Some(FilterCriteria::default())),
            window: self.window.or(Some(0)),
            parallelization_factor: self.parallelization_factor.or(Some(1)),
            destination_config: self.destination_config.or(Some(none)),
            maximum_record_age: self.maximum_record_age.or(Some(-1)),
            bisect: self.bisect.or(Some(false)),
            maximum_retry_attempts: self.maximum_retry_attempts.or(Some(-1)),
            function_response_types: self.function_response_types.or_else(|| Some(Vec::new())),
            ..self
        }
    }
}

fn filters(properties: Properties<'_>) -> Result<Option<FilterCriteria>> {
    let Some(criteria) = properties.part("FilterCriteria")? else { return Ok(None) };
    let filters = criteria.parts("Filters")?.into_iter();
    let filters = filters.map(|filter| Ok(Filter { pattern: filter.text("Pattern")? }));
    Ok(Some(FilterCriteria { filters: Some(filters.collect::<Result<_, Error>>()?) }))
}

fn metrics(properties: Properties<'_>) -> Result<Option<EventSourceMappingMetricsConfig>> {
    let Some(config) = properties.part("MetricsConfig")? else { return Ok(None) };
    let metrics = config.texts("Metrics")?.unwrap_or_default();
    let metrics = metrics.iter().filter_map(|name| EventSourceMappingMetric::from_wire(name));
    Ok(Some(EventSourceMappingMetricsConfig { metrics: Some(metrics.collect()) }))
}

fn destinations(properties: Properties<'_>) -> Result<Option<DestinationConfig>> {
    let Some(config) = properties.part("DestinationConfig")? else { return Ok(None) };
    let to = config.part("OnFailure")?.map(|part| part.text("Destination")).transpose()?;
    let on_failure = to.map(|destination| OnFailure { destination });
    Ok(Some(DestinationConfig { on_failure, ..DestinationConfig::default() }))
}

fn response_types(properties: Properties<'_>) -> Result<Option<Vec<FunctionResponseType>>> {
    let Some(types) = properties.texts("FunctionResponseTypes")? else { return Ok(None) };
    let one = |name: &String| {
        let unknown = || Error::Invalid(format!("{name} is no FunctionResponseType."));
        FunctionResponseType::from_wire(name).ok_or_else(unknown)
    };
    Ok(Some(types.iter().map(one).collect::<Result<_, _>>()?))
}
