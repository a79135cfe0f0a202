//! Records as answers show them.

use cumulet_api_lambda::types::{
    AliasConfiguration, AliasRoutingConfiguration, ApplicationLogLevel, Architecture,
    EnvironmentError, EnvironmentResponse, EphemeralStorage, FunctionConfiguration,
    LastUpdateStatus, Layer, LogFormat, LoggingConfig, PackageType, Runtime, SnapStartApplyOn,
    SnapStartOptimizationStatus, SnapStartResponse, State, StateReasonCode, SystemLogLevel,
    TracingConfigResponse, TracingMode,
};
use cumulet_base::Timestamp;
use cumulet_service::Cx;

use crate::model::{AliasRecord, FunctionRecord, Settings, VersionRecord};
use crate::name::FunctionName;
use crate::resolve::version_text;
use crate::settings;

/// How far a function is, as an answer says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Ready.
    Done,
    /// It was made by this very request. It can be used at once, but clients expect to wait.
    Creating,
    /// It was changed by this very request.
    Updating,
}

/// Lambda's own form of a moment: `2026-11-21T01:02:03.456+0000`.
pub(crate) fn moment(millis: i64) -> String {
    Timestamp::from_millis(millis).iso8601(true).replace('Z', "+0000")
}

/// The log group that a version writes to.
pub(crate) fn log_group(name: &str, settings: &Settings) -> String {
    settings.logging.group.clone().unwrap_or_else(|| format!("/aws/lambda/{name}"))
}

/// A version; its ARN has the qualifier that the request named, if any.
pub(crate) fn version(
    cx: &Cx,
    name: &FunctionName,
    function: &FunctionRecord,
    version: &VersionRecord,
    progress: Progress,
) -> FunctionConfiguration {
    let settings = &version.settings;
    let creating = progress == Progress::Creating;
    FunctionConfiguration {
        function_name: Some(function.name.clone()),
        function_arn: Some(name.named_arn().as_str().to_owned()),
        runtime: Runtime::from_wire(&settings.runtime),
        role: Some(settings.role.clone()),
        handler: Some(settings.handler.clone()),
        code_size: i64::try_from(version.code.size).ok(),
        description: Some(version.description.clone()),
        timeout: i32::try_from(settings.timeout).ok(),
        memory_size: i32::try_from(settings.memory).ok(),
        last_modified: Some(moment(version.modified)),
        code_sha256: Some(version.code.sha256.clone()),
        version: Some(version_text(version.number)),
        environment: environment(cx, function, settings),
        tracing_config: Some(TracingConfigResponse {
            mode: Some(if settings.traced {
                TracingMode::Active
            } else {
                TracingMode::PassThrough
            }),
        }),
        revision_id: Some(version.revision.clone()),
        layers: layers(settings),
        state: Some(if creating { State::Pending } else { State::Active }),
        state_reason: creating.then(|| "The function is being created.".to_owned()),
        state_reason_code: creating.then_some(StateReasonCode::Creating),
        last_update_status: match progress {
            Progress::Creating => None,
            Progress::Updating => Some(LastUpdateStatus::InProgress),
            Progress::Done => Some(LastUpdateStatus::Successful),
        },
        package_type: Some(PackageType::Zip),
        architectures: Architecture::from_wire(&settings.architecture).map(|one| vec![one]),
        ephemeral_storage: i32::try_from(settings.storage)
            .ok()
            .map(|size| EphemeralStorage { size }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some(SnapStartApplyOn::None),
            optimization_status: Some(SnapStartOptimizationStatus::Off),
        }),
        logging_config: Some(logging(&function.name, settings)),
        ..FunctionConfiguration::default()
    }
}

fn environment(
    cx: &Cx,
    function: &FunctionRecord,
    settings: &Settings,
) -> Option<EnvironmentResponse> {
    settings.environment.as_ref()?;
    Some(match settings::environment(cx.sealer(), &function.id, settings) {
        Ok(variables) => EnvironmentResponse { variables: Some(variables), error: None },
        Err(error) => {
            tracing::error!(function = function.name, %error, "a sealed environment does not open");
            let error_code = Some("InternalError".to_owned());
            let message = Some("The environment variables cannot be decrypted.".to_owned());
            let error = Some(EnvironmentError { error_code, message });
            EnvironmentResponse { variables: None, error }
        }
    })
}

fn layers(settings: &Settings) -> Option<Vec<Layer>> {
    let one = |layer: &crate::model::LayerUse| Layer {
        arn: Some(layer.arn.clone()),
        code_size: i64::try_from(layer.code.size).ok(),
        ..Layer::default()
    };
    (!settings.layers.is_empty()).then(|| settings.layers.iter().map(one).collect())
}

fn logging(name: &str, settings: &Settings) -> LoggingConfig {
    let logging = &settings.logging;
    let application = logging.application_level.as_deref();
    let system = logging.system_level.as_deref();
    LoggingConfig {
        log_format: Some(if logging.json { LogFormat::Json } else { LogFormat::Text }),
        application_log_level: application.and_then(ApplicationLogLevel::from_wire),
        system_log_level: system.and_then(SystemLogLevel::from_wire),
        log_group: Some(log_group(name, settings)),
    }
}

/// An alias.
pub(crate) fn alias(name: &FunctionName, alias: &AliasRecord) -> AliasConfiguration {
    let weights = alias.weights.iter().map(|(number, weight)| (version_text(*number), *weight));
    let weights: std::collections::BTreeMap<_, _> = weights.collect();
    AliasConfiguration {
        alias_arn: Some(name.arn_of(&alias.name).as_str().to_owned()),
        name: Some(alias.name.clone()),
        function_version: Some(version_text(alias.version)),
        description: Some(alias.description.clone()),
        routing_config: (!weights.is_empty())
            .then_some(AliasRoutingConfiguration { additional_version_weights: Some(weights) }),
        revision_id: Some(alias.revision.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_an_offset_without_a_colon() {
        assert_eq!(moment(1_795_222_923_456), "2026-11-21T01:02:03.456+0000");
    }
}
