//! What CreateFunction and UpdateFunctionConfiguration ask for, checked.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cumulet_api_lambda::ops::{CreateFunctionRequest, UpdateFunctionConfigurationRequest};
use cumulet_api_lambda::types::{
    DeadLetterConfig, Environment, EphemeralStorage, LogFormat, LoggingConfig, TracingConfig,
    TracingMode, VpcConfig,
};
use cumulet_base::Arn;
use cumulet_service::{Cx, Error as ServiceError, Result};
use cumulet_store::Sealer;

use crate::destination;
use crate::error::Error;
use crate::model::{LayerUse, Logging, Settings};
use crate::name::LayerName;
use crate::package::MAX_UNZIPPED;
use crate::runtimes::Runtimes;

/// Bytes of the environment variables as JSON ("Lambda quotas": 4 KB).
const MAX_ENVIRONMENT: usize = 4096;
const MAX_TIMEOUT: i32 = 900;
const MAX_MEMORY: i32 = 10_240;
const MAX_LAYERS: usize = 5;
const PURPOSE: &str = "lambda/environment";

/// "Reserved environment variables" in the developer guide.
const RESERVED: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// What a request sets; what it leaves out stays.
pub(crate) struct Wanted<'a> {
    operation: &'static str,
    runtime: Option<&'static str>,
    role: Option<&'a str>,
    handler: Option<&'a str>,
    timeout: Option<i32>,
    memory: Option<i32>,
    environment: Option<&'a Environment>,
    layers: Option<&'a [String]>,
    storage: Option<&'a EphemeralStorage>,
    tracing: Option<&'a TracingConfig>,
    logging: Option<&'a LoggingConfig>,
    vpc: Option<&'a VpcConfig>,
    dead_letters: Option<&'a DeadLetterConfig>,
    /// What is AWS's but not yet this cloud's, and whether it was asked for.
    missing: Vec<(bool, &'static str)>,
}

impl<'a> From<&'a CreateFunctionRequest> for Wanted<'a> {
    fn from(input: &'a CreateFunctionRequest) -> Self {
        Self {
            operation: "CreateFunction",
            runtime: input.runtime.map(cumulet_api_lambda::types::Runtime::as_str),
            role: Some(&input.role),
            handler: input.handler.as_deref(),
            timeout: input.timeout,
            memory: input.memory_size,
            environment: input.environment.as_ref(),
            layers: input.layers.as_deref(),
            storage: input.ephemeral_storage.as_ref(),
            tracing: input.tracing_config.as_ref(),
            logging: input.logging_config.as_ref(),
            vpc: input.vpc_config.as_ref(),
            dead_letters: input.dead_letter_config.as_ref(),
            missing: vec![
                (input.kms_key_arn.as_ref().is_some_and(|arn| !arn.is_empty()), "KMSKeyArn"),
                (
                    input.file_system_configs.as_ref().is_some_and(|f| !f.is_empty()),
                    "FileSystemConfigs",
                ),
                (input.image_config.is_some(), "ImageConfig"),
                (input.code_signing_config_arn.is_some(), "CodeSigningConfigArn"),
                (snap_start(input.snap_start.as_ref()), "SnapStart"),
                (input.tenancy_config.is_some(), "TenancyConfig"),
                (input.capacity_provider_config.is_some(), "CapacityProviderConfig"),
                (input.durable_config.is_some(), "DurableConfig"),
                (input.runtime_config.is_some(), "RuntimeConfig"),
                (input.accelerator_config.is_some(), "AcceleratorConfig"),
                (input.publish_to.is_some(), "PublishTo"),
            ],
        }
    }
}

impl<'a> From<&'a UpdateFunctionConfigurationRequest> for Wanted<'a> {
    fn from(input: &'a UpdateFunctionConfigurationRequest) -> Self {
        Self {
            operation: "UpdateFunctionConfiguration",
            runtime: input.runtime.map(cumulet_api_lambda::types::Runtime::as_str),
            role: input.role.as_deref(),
            handler: input.handler.as_deref(),
            timeout: input.timeout,
            memory: input.memory_size,
            environment: input.environment.as_ref(),
            layers: input.layers.as_deref(),
            storage: input.ephemeral_storage.as_ref(),
            tracing: input.tracing_config.as_ref(),
            logging: input.logging_config.as_ref(),
            vpc: input.vpc_config.as_ref(),
            dead_letters: input.dead_letter_config.as_ref(),
            missing: vec![
                (input.kms_key_arn.as_ref().is_some_and(|arn| !arn.is_empty()), "KMSKeyArn"),
                (
                    input.file_system_configs.as_ref().is_some_and(|f| !f.is_empty()),
                    "FileSystemConfigs",
                ),
                (input.image_config.is_some(), "ImageConfig"),
                (snap_start(input.snap_start.as_ref()), "SnapStart"),
                (input.capacity_provider_config.is_some(), "CapacityProviderConfig"),
                (input.durable_config.is_some(), "DurableConfig"),
                (input.runtime_config.is_some(), "RuntimeConfig"),
                (input.accelerator_config.is_some(), "AcceleratorConfig"),
            ],
        }
    }
}

fn snap_start(wanted: Option<&cumulet_api_lambda::types::SnapStart>) -> bool {
    let on = wanted.and_then(|snap| snap.apply_on);
    on.is_some_and(|on| on.as_str() != "None")
}

impl Wanted<'_> {
    /// Sets what is asked for in `settings`, all but layers, which have to be looked up. The
    /// environment is sealed for the function with that id.
    pub(crate) fn apply(
        &self,
        settings: &mut Settings,
        runtimes: &Runtimes,
        sealer: &Sealer,
        function_id: &str,
    ) -> Result<()> {
        self.refuse_missing()?;
        if let Some(runtime) = self.runtime {
            runtimes.select(runtime)?;
            runtime.clone_into(&mut settings.runtime);
        }
        if let Some(role) = self.role {
            role.clone_into(&mut settings.role);
        }
        if let Some(handler) = self.handler {
            handler.clone_into(&mut settings.handler);
        }
        if let Some(timeout) = self.timeout {
            settings.timeout = at_most("timeout", timeout, MAX_TIMEOUT)?;
        }
        if let Some(memory) = self.memory {
            settings.memory = at_most("memorySize", memory, MAX_MEMORY)?;
        }
        if let Some(storage) = self.storage {
            settings.storage = at_most("ephemeralStorage.size", storage.size, MAX_MEMORY)?;
        }
        if let Some(tracing) = self.tracing {
            settings.traced = tracing.mode == Some(TracingMode::Active);
        }
        if let Some(logging) = self.logging {
            settings.logging = logging_of(logging)?;
        }
        if let Some(environment) = self.environment {
            let empty = BTreeMap::new();
            let variables = environment.variables.as_ref().unwrap_or(&empty);
            settings.environment = seal(sealer, function_id, variables)?;
        }
        Ok(())
    }

    fn refuse_missing(&self) -> Result<()> {
        let filled = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|l| !l.is_empty());
        let vpc = self.vpc.is_some_and(|vpc| filled(&vpc.subnet_ids));
        refuse_dead_letters(self.dead_letters)?;
        let further = [(vpc, "VpcConfig")];
        match self.missing.iter().chain(&further).find(|(asked, _)| *asked) {
            Some((_, what)) => Err(ServiceError::not_implemented(
                "lambda",
                &format!("{} with {what}", self.operation),
            )),
            None => Ok(()),
        }
    }

    /// The layers that are asked for.
    pub(crate) fn layer_arns(&self) -> Option<&[String]> {
        self.layers
    }
}

/// A dead-letter queue is a queue or a topic, and there are none of either here.
fn refuse_dead_letters(wanted: Option<&DeadLetterConfig>) -> Result<()> {
    let arn = wanted.and_then(|letters| letters.target_arn.as_deref()).unwrap_or_default();
    if arn.is_empty() {
        return Ok(());
    }
    match arn.parse::<Arn>() {
        Ok(arn) if matches!(arn.service(), "sqs" | "sns") => {
            Err(destination::not_here(&arn, "a dead-letter queue"))
        }
        // (AWS's own text is not documented.)
        _ => Err(Error::Invalid(format!(
            "The dead-letter queue {arn} is neither an SQS queue nor an SNS topic."
        ))
        .into()),
    }
}

/// Looks layers up.
pub(crate) async fn layers(cx: &Cx, arns: &[String]) -> Result<Vec<LayerUse>> {
    if arns.len() > MAX_LAYERS {
        return Err(
            Error::Invalid(format!("Cannot reference more than {MAX_LAYERS} layers.")).into()
        );
    }
    let snapshot = cx.store().snapshot();
    let mut found: Vec<LayerUse> = Vec::with_capacity(arns.len());
    for arn in arns {
        let (layer, number) = LayerName::parse_version(arn)?;
        if layer.region != *cx.region() {
            return Err(Error::Invalid(format!(
                "Layer version {arn} is not in the function's region, {}.",
                cx.region()
            ))
            .into());
        }
        if found
            .iter()
            .any(|one| LayerName::parse_version(&one.arn).is_ok_and(|(other, _)| other == layer))
        {
            return Err(Error::Invalid(format!(
                "Two different versions of the same layer are not allowed to be referenced in \
                 the same function. {} is named twice.",
                layer.arn()
            ))
            .into());
        }
        let version = layer.load_version(&snapshot, number).await.map_err(|error| {
            if error.status == 404 {
                Error::Invalid(format!("Layer version {arn} does not exist.")).into()
            } else {
                error
            }
        })?;
        found.push(LayerUse { arn: arn.clone(), code: version.code });
    }
    Ok(found)
}

/// Refuses a function whose files and layers together are too large.
pub(crate) fn check_size(code: u64, layers: &[LayerUse]) -> Result<(), Error> {
    let all = layers.iter().fold(code, |sum, layer| sum.saturating_add(layer.code.unzipped));
    if all <= MAX_UNZIPPED {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "Function code combined with layers exceeds the maximum allowed size of {MAX_UNZIPPED} \
         bytes. The actual size is {all} bytes."
    )))
}

fn at_most(member: &str, value: i32, max: i32) -> Result<u32, Error> {
    let fits = u32::try_from(value).ok().filter(|_| value <= max);
    fits.ok_or_else(|| {
        Error::Constraint(format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must have value \
             less than or equal to {max}"
        ))
    })
}

fn logging_of(wanted: &LoggingConfig) -> Result<Logging, Error> {
    let json = wanted.log_format == Some(LogFormat::Json);
    let levels = wanted.application_log_level.is_some() || wanted.system_log_level.is_some();
    if levels && !json {
        return Err(Error::Invalid(
            "ApplicationLogLevel and SystemLogLevel need LogFormat JSON.".to_owned(),
        ));
    }
    let level = |set: Option<&'static str>| json.then(|| set.unwrap_or("INFO").to_owned());
    Ok(Logging {
        json,
        application_level: level(
            wanted
                .application_log_level
                .map(cumulet_api_lambda::types::ApplicationLogLevel::as_str),
        ),
        system_level: level(
            wanted.system_log_level.map(cumulet_api_lambda::types::SystemLogLevel::as_str),
        ),
        group: wanted.log_group.clone(),
    })
}

/// Seals environment variables; `None` where there are none.
fn seal(
    sealer: &Sealer,
    function_id: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Option<String>> {
    if variables.is_empty() {
        return Ok(None);
    }
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(Error::Invalid(format!(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided contains reserved keys that are currently not supported \
             for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        ))
        .into());
    }
    let text = serde_json::to_vec(variables).map_err(ServiceError::internal)?;
    if text.len() > MAX_ENVIRONMENT {
        // AWS repeats the variables in its message; here they are secret.
        return Err(Error::Invalid(
            "Lambda was unable to configure your environment variables because the environment \
             variables you have provided exceeded the 4KB limit."
                .to_owned(),
        )
        .into());
    }
    let sealed = sealer.seal(PURPOSE, function_id.as_bytes(), &text);
    Ok(Some(STANDARD.encode(sealed.map_err(ServiceError::internal)?)))
}

/// The environment variables of a version.
pub(crate) fn environment(
    sealer: &Sealer,
    function_id: &str,
    settings: &Settings,
) -> Result<BTreeMap<String, String>> {
    let Some(sealed) = &settings.environment else { return Ok(BTreeMap::new()) };
    let sealed = STANDARD.decode(sealed).map_err(ServiceError::internal)?;
    let text = sealer.open_sealed(PURPOSE, function_id.as_bytes(), &sealed);
    serde_json::from_slice(&text.map_err(ServiceError::internal)?).map_err(ServiceError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn variables_are_sealed_for_one_function() {
        let sealer = Sealer::new(&[7; 32]);
        let wanted = variables(&[("TABLE", "orders"), ("TOKEN", "hush")]);
        let sealed = seal(&sealer, "id-1", &wanted).unwrap().unwrap();
        assert!(!sealed.contains("hush"));
        let settings = Settings { environment: Some(sealed), ..blank() };
        assert_eq!(environment(&sealer, "id-1", &settings).unwrap(), wanted);
        assert!(environment(&sealer, "id-2", &settings).is_err());
        assert!(environment(&sealer, "id-1", &blank()).unwrap().is_empty());
    }

    #[test]
    fn reserved_and_too_large_environments_are_refused() {
        let sealer = Sealer::new(&[7; 32]);
        let refused = seal(&sealer, "id", &variables(&[("AWS_REGION", "x"), ("A", "b")]));
        assert!(refused.unwrap_err().message.ends_with("in this request: AWS_REGION"));
        let large = variables(&[("SECRET", &"s".repeat(5000))]);
        let refused = seal(&sealer, "id", &large).unwrap_err();
        assert!(refused.message.ends_with("4KB limit.") && !refused.message.contains("sss"));
    }

    #[test]
    fn dead_letter_queues_are_refused_by_name() {
        let refuse = |arn: &str| {
            refuse_dead_letters(Some(&DeadLetterConfig { target_arn: Some(arn.to_owned()) }))
        };
        assert!(refuse("").is_ok());
        let queue = refuse("arn:aws:sqs:eu-west-1:123456789012:q").unwrap_err();
        assert!(queue.status == 501 && queue.message.contains("sqs:SendMessage"), "{queue}");
        let topic = refuse("arn:aws:sns:eu-west-1:123456789012:t").unwrap_err();
        assert!(topic.status == 501 && topic.message.contains("sns:Publish"), "{topic}");
        assert_eq!(refuse("arn:aws:s3:::b").unwrap_err().status, 400);
    }

    #[test]
    fn limits_that_are_tighter_than_the_model() {
        assert_eq!(at_most("timeout", 900, MAX_TIMEOUT), Ok(900));
        let refused = at_most("timeout", 901, MAX_TIMEOUT).unwrap_err().to_string();
        assert!(refused.contains("Value '901' at 'timeout'"), "{refused}");
    }

    fn blank() -> Settings {
        crate::testing::settings()
    }
}
