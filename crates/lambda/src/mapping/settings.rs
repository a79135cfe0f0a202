//! What requests ask of a mapping, checked.
//!
//! "Lambda parameters for Amazon DynamoDB event source mappings" in the developer guide, and
//! CreateEventSourceMapping in the API reference.

use cumulet_api_lambda::ops::{CreateEventSourceMappingRequest, UpdateEventSourceMappingRequest};
use cumulet_api_lambda::types::{DestinationConfig, EventSourcePosition, FilterCriteria};
use cumulet_base::Arn;
use cumulet_service::{Error as ServiceError, Result};

use super::Start;
use super::model::MappingSettings;
use crate::destination::{self, Destination, Purpose};
use crate::error::Error;
use crate::pattern::Pattern;

/// Filters of one mapping ("a maximum of five filters").
const MAX_FILTERS: usize = 5;
/// Seconds: no younger records are given up.
const MIN_AGE: i32 = 60;

/// What a request sets; what it leaves out stays.
pub(crate) struct Wanted<'a> {
    operation: &'static str,
    batch: Option<i32>,
    window: Option<i32>,
    lanes: Option<i32>,
    bisect: Option<bool>,
    retries: Option<i32>,
    max_age: Option<i32>,
    filters: Option<&'a FilterCriteria>,
    partial: Option<bool>,
    destinations: Option<&'a DestinationConfig>,
    /// What is AWS's but not yet this cloud's, and whether it was asked for.
    missing: Vec<(bool, &'static str)>,
    /// What only other sources have, and whether it was asked for.
    foreign: Vec<(bool, &'static str)>,
}

fn filled(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

impl<'a> From<&'a CreateEventSourceMappingRequest> for Wanted<'a> {
    fn from(input: &'a CreateEventSourceMappingRequest) -> Self {
        let metrics = input.metrics_config.as_ref().and_then(|config| config.metrics.as_ref());
        Self {
            operation: "CreateEventSourceMapping",
            batch: input.batch_size,
            window: input.maximum_batching_window_in_seconds,
            lanes: input.parallelization_factor,
            bisect: input.bisect_batch_on_function_error,
            retries: input.maximum_retry_attempts,
            max_age: input.maximum_record_age_in_seconds,
            filters: input.filter_criteria.as_ref(),
            partial: input.function_response_types.as_ref().map(|types| !types.is_empty()),
            destinations: input.destination_config.as_ref(),
            missing: vec![
                (
                    input.tumbling_window_in_seconds.is_some_and(|s| s > 0),
                    "TumblingWindowInSeconds",
                ),
                (filled(input.kms_key_arn.as_ref()), "KMSKeyArn"),
                (metrics.is_some_and(|metrics| !metrics.is_empty()), "MetricsConfig"),
                (input.logging_config.is_some(), "LoggingConfig"),
            ],
            foreign: vec![
                (input.topics.is_some(), "Topics"),
                (input.queues.is_some(), "Queues"),
                (input.source_access_configurations.is_some(), "SourceAccessConfigurations"),
                (input.scaling_config.is_some(), "ScalingConfig"),
                (input.provisioned_poller_config.is_some(), "ProvisionedPollerConfig"),
                (
                    input.amazon_managed_kafka_event_source_config.is_some(),
                    "AmazonManagedKafkaEventSourceConfig",
                ),
                (
                    input.self_managed_kafka_event_source_config.is_some(),
                    "SelfManagedKafkaEventSourceConfig",
                ),
                (input.document_db_event_source_config.is_some(), "DocumentDBEventSourceConfig"),
            ],
        }
    }
}

impl<'a> From<&'a UpdateEventSourceMappingRequest> for Wanted<'a> {
    fn from(input: &'a UpdateEventSourceMappingRequest) -> Self {
        let metrics = input.metrics_config.as_ref().and_then(|config| config.metrics.as_ref());
        Self {
            operation: "UpdateEventSourceMapping",
            batch: input.batch_size,
            window: input.maximum_batching_window_in_seconds,
            lanes: input.parallelization_factor,
            bisect: input.bisect_batch_on_function_error,
            retries: input.maximum_retry_attempts,
            max_age: input.maximum_record_age_in_seconds,
            filters: input.filter_criteria.as_ref(),
            partial: input.function_response_types.as_ref().map(|types| !types.is_empty()),
            destinations: input.destination_config.as_ref(),
            missing: vec![
                (
                    input.tumbling_window_in_seconds.is_some_and(|s| s > 0),
                    "TumblingWindowInSeconds",
                ),
                (filled(input.kms_key_arn.as_ref()), "KMSKeyArn"),
                (metrics.is_some_and(|metrics| !metrics.is_empty()), "MetricsConfig"),
                (input.logging_config.is_some(), "LoggingConfig"),
            ],
            foreign: vec![
                (input.source_access_configurations.is_some(), "SourceAccessConfigurations"),
                (input.scaling_config.is_some(), "ScalingConfig"),
                (input.provisioned_poller_config.is_some(), "ProvisionedPollerConfig"),
                (
                    input.amazon_managed_kafka_event_source_config.is_some(),
                    "AmazonManagedKafkaEventSourceConfig",
                ),
                (
                    input.self_managed_kafka_event_source_config.is_some(),
                    "SelfManagedKafkaEventSourceConfig",
                ),
                (input.document_db_event_source_config.is_some(), "DocumentDBEventSourceConfig"),
            ],
        }
    }
}

impl Wanted<'_> {
    /// Sets what is asked for.
    pub(crate) fn apply(&self, settings: &mut MappingSettings) -> Result<()> {
        self.refuse()?;
        // The model has checked their bounds.
        let set = |to: &mut u32, wanted: Option<i32>| {
            if let Some(wanted) = wanted.and_then(|n| u32::try_from(n).ok()) {
                *to = wanted;
            }
        };
        set(&mut settings.batch, self.batch);
        set(&mut settings.window, self.window);
        set(&mut settings.lanes, self.lanes);
        settings.bisect = self.bisect.unwrap_or(settings.bisect);
        settings.partial = self.partial.unwrap_or(settings.partial);
        if let Some(retries) = self.retries {
            settings.retries = u32::try_from(retries).ok();
        }
        if let Some(age) = self.max_age {
            settings.max_age = max_age(age)?;
        }
        if let Some(criteria) = self.filters {
            settings.filters = filters(criteria)?;
        }
        if let Some(config) = self.destinations {
            settings.on_failure = on_failure(config)?;
        }
        Ok(())
    }

    fn refuse(&self) -> Result<()> {
        if let Some((_, what)) = self.foreign.iter().find(|(asked, _)| *asked) {
            return Err(Error::Invalid(format!(
                "{what} is not a setting of DynamoDB streams as an event source."
            ))
            .into());
        }
        match self.missing.iter().find(|(asked, _)| *asked) {
            Some((_, what)) => {
                let what = format!("{} with {what}", self.operation);
                Err(ServiceError::not_implemented("lambda", &what))
            }
            None => Ok(()),
        }
    }
}

fn max_age(seconds: i32) -> Result<Option<u32>, Error> {
    match seconds {
        -1 => Ok(None),
        MIN_AGE.. => Ok(u32::try_from(seconds).ok()),
        // (The API reference has the bounds; AWS's own text is not documented.)
        _ => Err(Error::Invalid(format!(
            "MaximumRecordAgeInSeconds is -1 or at least {MIN_AGE}, not {seconds}."
        ))),
    }
}

fn filters(criteria: &FilterCriteria) -> Result<Vec<String>, Error> {
    let filters = criteria.filters.as_deref().unwrap_or_default();
    if filters.len() > MAX_FILTERS {
        return Err(Error::Invalid(format!("A mapping has at most {MAX_FILTERS} filters.")));
    }
    let pattern = |filter: &cumulet_api_lambda::types::Filter| {
        let text = filter.pattern.clone().unwrap_or_default();
        match Pattern::parse(&text) {
            Ok(_) => Ok(text),
            Err(why) => Err(Error::Invalid(format!("Invalid filter pattern definition. {why}"))),
        }
    };
    filters.iter().map(pattern).collect()
}

fn on_failure(config: &DestinationConfig) -> Result<Option<String>> {
    let (success, failure) = destination::asked(Some(config));
    if success.is_some() {
        return Err(Error::Invalid(
            "An event source mapping has a destination for failures only.".to_owned(),
        )
        .into());
    }
    let Some(arn) = failure else { return Ok(None) };
    Destination::parse(arn, Purpose::Discarded)?;
    Ok(Some(arn.to_owned()))
}

/// The stream that a request names. Refuses what is no stream of DynamoDB's, other sources by the
/// name of the service that is not here.
pub(crate) fn source(input: &CreateEventSourceMappingRequest) -> Result<Arn> {
    let Some(text) = &input.event_source_arn else {
        if input.self_managed_event_source.is_some() {
            let what = "CreateEventSourceMapping with SelfManagedEventSource (Apache Kafka)";
            return Err(ServiceError::not_implemented("lambda", what));
        }
        return Err(Error::Invalid("Unrecognized event source.".to_owned()).into());
    };
    let invalid = || Error::Invalid(format!("Unrecognized event source: {text}."));
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let elsewhere = match arn.service() {
        "dynamodb" if arn.resource().contains("/stream/") => return Ok(arn),
        "sqs" => "ReceiveMessage",
        "kinesis" => "GetRecords",
        "kafka" => "GetBootstrapBrokers",
        "mq" => "DescribeBroker",
        "rds" => "DescribeDBClusters",
        _ => return Err(invalid().into()),
    };
    let operation = format!("{elsewhere}, which {arn} as an event source needs");
    Err(ServiceError::not_implemented(arn.service(), &operation))
}

/// Where a mapping of the stream begins.
pub(crate) fn start(input: &CreateEventSourceMappingRequest, source: &Arn) -> Result<Start, Error> {
    match input.starting_position {
        Some(EventSourcePosition::TrimHorizon) => Ok(Start::TrimHorizon),
        Some(EventSourcePosition::Latest) => Ok(Start::Latest),
        Some(EventSourcePosition::AtTimestamp) => {
            Err(Error::Invalid(format!("Unsupported starting position for arn type: {source}")))
        }
        None => Err(Error::Invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy \
             constraint: Member must not be null."
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cumulet_api_lambda::types::{Filter, FunctionResponseType, OnFailure, ScalingConfig};

    const STREAM: &str =
        "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-01-01T00:00:00.000";

    fn applied(input: &CreateEventSourceMappingRequest) -> Result<MappingSettings> {
        let mut settings = MappingSettings::default();
        Wanted::from(input).apply(&mut settings).map(|()| settings)
    }

    fn refused(input: &CreateEventSourceMappingRequest) -> (u16, String) {
        let error = applied(input).unwrap_err();
        (error.status, error.message)
    }

    fn blank() -> CreateEventSourceMappingRequest {
        CreateEventSourceMappingRequest::default()
    }

    #[test]
    fn what_is_asked_for_is_set_and_the_rest_stays() {
        assert_eq!(applied(&blank()).unwrap(), MappingSettings::default());
        let pattern = r#"{"eventName":["INSERT"]}"#.to_owned();
        let to = |arn: &str| DestinationConfig {
            on_failure: Some(OnFailure { destination: Some(arn.to_owned()) }),
            ..DestinationConfig::default()
        };
        let input = CreateEventSourceMappingRequest {
            batch_size: Some(7),
            maximum_batching_window_in_seconds: Some(2),
            parallelization_factor: Some(3),
            bisect_batch_on_function_error: Some(true),
            maximum_retry_attempts: Some(0),
            maximum_record_age_in_seconds: Some(60),
            filter_criteria: Some(FilterCriteria {
                filters: Some(vec![Filter { pattern: Some(pattern.clone()) }]),
            }),
            function_response_types: Some(vec![FunctionResponseType::ReportBatchItemFailures]),
            destination_config: Some(to("arn:aws:s3:::letters")),
            ..blank()
        };
        let mut settings = applied(&input).unwrap();
        let wanted = MappingSettings {
            batch: 7,
            window: 2,
            lanes: 3,
            bisect: true,
            retries: Some(0),
            max_age: Some(60),
            filters: vec![pattern],
            partial: true,
            on_failure: Some("arn:aws:s3:::letters".to_owned()),
        };
        assert_eq!(settings, wanted);
        // Back to the defaults, where there is a way to say so.
        let update = UpdateEventSourceMappingRequest {
            maximum_retry_attempts: Some(-1),
            maximum_record_age_in_seconds: Some(-1),
            filter_criteria: Some(FilterCriteria::default()),
            function_response_types: Some(Vec::new()),
            destination_config: Some(to("")),
            ..UpdateEventSourceMappingRequest::default()
        };
        Wanted::from(&update).apply(&mut settings).unwrap();
        let defaults = MappingSettings::default();
        let kept = MappingSettings { batch: 7, window: 2, lanes: 3, bisect: true, ..defaults };
        assert_eq!(settings, kept);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let age =
            CreateEventSourceMappingRequest { maximum_record_age_in_seconds: Some(5), ..blank() };
        assert_eq!(refused(&age).0, 400);
        let filter = |pattern: &str| Filter { pattern: Some(pattern.to_owned()) };
        let filters = |filters: Vec<Filter>| CreateEventSourceMappingRequest {
            filter_criteria: Some(FilterCriteria { filters: Some(filters) }),
            ..blank()
        };
        let (status, text) = refused(&filters(vec![filter(r#"{"a":"b"}"#)]));
        assert!(status == 400 && text.starts_with("Invalid filter pattern definition."), "{text}");
        assert_eq!(refused(&filters(vec![filter(r#"{"a":["b"]}"#); 6])).0, 400);
        let scaling = CreateEventSourceMappingRequest {
            scaling_config: Some(ScalingConfig::default()),
            ..blank()
        };
        assert!(refused(&scaling).1.starts_with("ScalingConfig"));
        let window =
            CreateEventSourceMappingRequest { tumbling_window_in_seconds: Some(30), ..blank() };
        let (status, text) = refused(&window);
        assert!(status == 501 && text.contains("with TumblingWindowInSeconds"), "{text}");
    }

    #[test]
    fn sources_and_where_they_begin() {
        let from = |arn: &str| CreateEventSourceMappingRequest {
            event_source_arn: Some(arn.to_owned()),
            ..blank()
        };
        let arn = source(&from(STREAM)).unwrap();
        assert_eq!(arn.as_str(), STREAM);
        let queue = source(&from("arn:aws:sqs:eu-west-1:123456789012:q")).unwrap_err();
        assert!(queue.status == 501 && queue.message.contains("sqs:ReceiveMessage"), "{queue}");
        for wrong in ["arn:aws:s3:::b", "arn:aws:dynamodb:eu-west-1:123456789012:table/t"] {
            assert_eq!(source(&from(wrong)).unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!(source(&blank()).unwrap_err().status, 400);
        let begin = |position| {
            start(&CreateEventSourceMappingRequest { starting_position: position, ..blank() }, &arn)
        };
        assert_eq!(begin(Some(EventSourcePosition::Latest)), Ok(Start::Latest));
        assert!(begin(Some(EventSourcePosition::AtTimestamp)).is_err() && begin(None).is_err());
    }
}
