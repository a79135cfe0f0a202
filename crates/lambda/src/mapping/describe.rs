//! Mappings as answers show them.

use cumulet_api_lambda::types::{
    DestinationConfig, EventSourceMappingConfiguration, EventSourcePosition, Filter,
    FilterCriteria, FunctionResponseType, OnFailure,
};
use cumulet_base::Timestamp;

use super::model::LaneRecord;
use super::{MappingName, MappingRecord, Start};

/// How far a mapping is, as an answer says it. Each step is done when the answer is given; clients
/// expect to wait, and see the end of it when they ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Done,
    Creating,
    Updating,
    Enabling,
    Disabling,
    Deleting,
}

/// A mapping and its lanes, as far as they have begun.
pub(crate) fn describe(
    name: &MappingName,
    record: &MappingRecord,
    lanes: &[LaneRecord],
    progress: Progress,
) -> EventSourceMappingConfiguration {
    let settings = &record.settings;
    let number = |n: u32| i32::try_from(n).ok();
    let filter = |pattern: &String| Filter { pattern: Some(pattern.clone()) };
    let filters: Vec<Filter> = settings.filters.iter().map(filter).collect();
    EventSourceMappingConfiguration {
        uuid: Some(record.uuid.clone()),
        starting_position: Some(match record.start {
            Start::TrimHorizon => EventSourcePosition::TrimHorizon,
            Start::Latest => EventSourcePosition::Latest,
        }),
        batch_size: number(settings.batch),
        maximum_batching_window_in_seconds: number(settings.window),
        parallelization_factor: number(settings.lanes),
        event_source_arn: Some(record.source.clone()),
        filter_criteria: (!filters.is_empty()).then_some(FilterCriteria { filters: Some(filters) }),
        function_arn: Some(record.function_name(name).named_arn().as_str().to_owned()),
        last_modified: Some(Timestamp::from_millis(record.modified)),
        last_processing_result: Some(result(lanes)),
        state: Some(state(record.enabled, progress).to_owned()),
        state_transition_reason: Some("User action".to_owned()),
        destination_config: Some(DestinationConfig {
            on_success: None,
            on_failure: Some(OnFailure { destination: settings.on_failure.clone() }),
        }),
        maximum_record_age_in_seconds: settings.max_age.map_or(Some(-1), number),
        bisect_batch_on_function_error: Some(settings.bisect),
        maximum_retry_attempts: settings.retries.map_or(Some(-1), number),
        tumbling_window_in_seconds: Some(0),
        function_response_types: Some(if settings.partial {
            vec![FunctionResponseType::ReportBatchItemFailures]
        } else {
            Vec::new()
        }),
        event_source_mapping_arn: Some(name.arn().as_str().to_owned()),
        ..EventSourceMappingConfiguration::default()
    }
}

fn state(enabled: bool, progress: Progress) -> &'static str {
    match progress {
        Progress::Creating => "Creating",
        Progress::Updating => "Updating",
        Progress::Enabling => "Enabling",
        Progress::Disabling => "Disabling",
        Progress::Deleting => "Deleting",
        Progress::Done if enabled => "Enabled",
        Progress::Done => "Disabled",
    }
}

/// What the lanes met last: trouble first.
fn result(lanes: &[LaneRecord]) -> String {
    let results = || lanes.iter().filter_map(|lane| lane.result.as_ref());
    let trouble = results().find(|result| result.starts_with("PROBLEM"));
    let result = trouble.or_else(|| results().next()).cloned();
    result.unwrap_or_else(|| "No records processed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_in_one_lane_is_the_mappings() {
        let lane = |result: Option<&str>| LaneRecord {
            result: result.map(str::to_owned),
            ..LaneRecord::default()
        };
        assert_eq!(result(&[]), "No records processed");
        assert_eq!(result(&[lane(None), lane(Some("OK"))]), "OK");
        let trouble = "PROBLEM: Function call failed";
        assert_eq!(result(&[lane(Some("OK")), lane(Some(trouble))]), trouble);
    }

    #[test]
    fn states_are_named_as_aws_does() {
        assert_eq!(state(true, Progress::Creating), "Creating");
        assert_eq!(state(false, Progress::Done), "Disabled");
        assert_eq!(state(true, Progress::Done), "Enabled");
    }
}
