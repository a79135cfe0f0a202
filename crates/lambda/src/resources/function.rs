//! AWS::Lambda::Function.
//!
//! `Ref` gives the name, `Fn::GetAtt` the ARN. `Code.ZipFile` is source text, which becomes
//! `index.js` or `index.py` ("AWS::Lambda::Function Code"); the module `cfn-response`, which AWS
//! adds to such functions, is not here yet.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use bytes::Bytes;
use cumulet_api_lambda::ops::{
    CreateFunction, CreateFunctionRequest, DeleteFunction, DeleteFunctionConcurrency,
    DeleteFunctionConcurrencyRequest, DeleteFunctionRequest, GetFunction, GetFunctionRequest,
    PutFunctionConcurrency, PutFunctionConcurrencyRequest, TagResource, TagResourceRequest,
    UntagResource, UntagResourceRequest, UpdateFunctionCode, UpdateFunctionCodeRequest,
    UpdateFunctionConfiguration, UpdateFunctionConfigurationRequest,
};
use cumulet_api_lambda::types::{
    ApplicationLogLevel, Architecture, DeadLetterConfig, Environment, EphemeralStorage,
    FunctionCode, FunctionConfiguration, LogFormat, LoggingConfig, PackageType, Runtime,
    SystemLogLevel, TracingConfig, TracingMode, VpcConfig,
};
use cumulet_service::{
    Actual, BoxFuture, Changed, Cx, Desired, Error as ServiceError, Made, Resource, Result,
};
use serde_json::{Map, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::properties::Properties;
use super::unless_gone;
use crate::error::Error;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Function;

impl Resource for Function {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::Function"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "FunctionName" | "PackageType")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(update(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        let input =
            DeleteFunctionRequest { function_name: physical_id.to_owned(), qualifier: None };
        Box::pin(async move { unless_gone(cx.call::<DeleteFunction>(input).await) })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let name = properties.text("FunctionName")?.unwrap_or_else(|| short(desired.name));
    let settings = settings(properties, &name)?;
    let input = CreateFunctionRequest {
        function_name: name.clone(),
        code: code(properties)?,
        package_type: properties.one_of("PackageType", PackageType::from_wire)?,
        architectures: architectures(properties)?,
        tags: Some(tags(properties, desired.tags)?),
        runtime: settings.runtime,
        role: settings.role.unwrap_or_default(),
        handler: settings.handler,
        description: settings.description,
        timeout: settings.timeout,
        memory_size: settings.memory_size,
        environment: settings.environment,
        layers: settings.layers,
        ephemeral_storage: settings.ephemeral_storage,
        tracing_config: settings.tracing_config,
        logging_config: settings.logging_config,
        vpc_config: settings.vpc_config,
        dead_letter_config: settings.dead_letter_config,
        kms_key_arn: settings.kms_key_arn,
        ..CreateFunctionRequest::default()
    };
    let made = match cx.make_once::<CreateFunction>(input).await? {
        Made::Now(made) => made,
        Made::Before(function_name) => {
            let input = GetFunctionRequest { function_name, qualifier: None };
            cx.call::<GetFunction>(input).await?.configuration.unwrap_or_default()
        }
    };
    reserve(cx, properties, &name).await?;
    Ok(actual(&name, &made))
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let properties = Properties(changed.after.properties);
    let name = changed.physical_id;
    let differs = |property: &str| changed.before.get(property) != properties.0.get(property);
    let before = tags(Properties(changed.before), &[])?;
    let after = tags(properties, changed.after.tags)?;
    let settings = blanks(settings(properties, name)?);
    let mut made = cx.call::<UpdateFunctionConfiguration>(settings).await?;
    if differs("Code") || differs("Architectures") {
        made = change_code(cx, properties, name).await?;
    }
    reserve(cx, properties, name).await?;
    let arn = made.function_arn.clone().unwrap_or_default();
    let gone: Vec<String> = before.into_keys().filter(|key| !after.contains_key(key)).collect();
    if !gone.is_empty() {
        let input = UntagResourceRequest { resource: arn.clone(), tag_keys: gone };
        cx.call::<UntagResource>(input).await?;
    }
    if !after.is_empty() {
        cx.call::<TagResource>(TagResourceRequest { resource: arn, tags: after }).await?;
    }
    Ok(actual(name, &made))
}

async fn change_code(
    cx: &Cx,
    properties: Properties<'_>,
    name: &str,
) -> Result<FunctionConfiguration> {
    let code = code(properties)?;
    let input = UpdateFunctionCodeRequest {
        function_name: name.to_owned(),
        zip_file: code.zip_file,
        s3_bucket: code.s3_bucket,
        s3_key: code.s3_key,
        s3_object_version: code.s3_object_version,
        image_uri: code.image_uri,
        architectures: architectures(properties)?,
        ..UpdateFunctionCodeRequest::default()
    };
    cx.call::<UpdateFunctionCode>(input).await
}

async fn reserve(cx: &Cx, properties: Properties<'_>, name: &str) -> Result<()> {
    let function_name = name.to_owned();
    if let Some(reserved_concurrent_executions) =
        properties.integer("ReservedConcurrentExecutions")?
    {
        let input = PutFunctionConcurrencyRequest { function_name, reserved_concurrent_executions };
        return cx.call::<PutFunctionConcurrency>(input).await.map(drop);
    }
    let asked = GetFunctionRequest { function_name: function_name.clone(), qualifier: None };
    if cx.call::<GetFunction>(asked).await?.concurrency.is_some() {
        let input = DeleteFunctionConcurrencyRequest { function_name };
        cx.call::<DeleteFunctionConcurrency>(input).await?;
    }
    Ok(())
}

fn actual(name: &str, made: &FunctionConfiguration) -> Actual {
    let mut attributes = Map::new();
    let arn = made.function_arn.clone().unwrap_or_default();
    attributes.insert("Arn".to_owned(), Value::String(arn));
    Actual { physical_id: name.to_owned(), attributes }
}

/// A function's name has at most 64 characters; the random end of the name stays.
fn short(name: &str) -> String {
    match name.rsplit_once('-') {
        Some((start, end)) if name.len() > 64 && end.len() < 63 => {
            let kept: String = start.chars().take(63 - end.len()).collect();
            format!("{kept}-{end}")
        }
        _ => name.chars().take(64).collect(),
    }
}

/// Settings that a template no longer has go back to what they are without it.
fn blanks(settings: UpdateFunctionConfigurationRequest) -> UpdateFunctionConfigurationRequest {
    UpdateFunctionConfigurationRequest {
        description: settings.description.or_else(|| Some(String::new())),
        timeout: settings.timeout.or(Some(3)),
        memory_size: settings.memory_size.or(Some(128)),
        environment: settings.environment.or_else(|| Some(Environment::default())),
        layers: settings.layers.or_else(|| Some(Vec::new())),
        ephemeral_storage: settings.ephemeral_storage.or(Some(EphemeralStorage { size: 512 })),
        ..settings
    }
}

fn settings(properties: Properties<'_>, name: &str) -> Result<UpdateFunctionConfigurationRequest> {
    let environment = properties.part("Environment")?;
    let environment = environment.map(|part| part.texts_by_name("Variables")).transpose()?;
    let storage =
        properties.part("EphemeralStorage")?.map(|part| part.integer("Size")).transpose()?;
    let mode = |part: Properties<'_>| part.one_of("Mode", TracingMode::from_wire);
    let tracing = properties.part("TracingConfig")?.map(mode).transpose()?;
    let subnets = properties.part("VpcConfig")?.map(|part| part.texts("SubnetIds")).transpose()?;
    let letters = properties.part("DeadLetterConfig")?;
    let letters = letters.map(|part| part.text("TargetArn")).transpose()?;
    let logging = properties.part("LoggingConfig")?.map(logging).transpose()?;
    Ok(UpdateFunctionConfigurationRequest {
        function_name: name.to_owned(),
        role: Some(properties.needed("Role")?),
        handler: properties.text("Handler")?,
        description: properties.text("Description")?,
        timeout: properties.integer("Timeout")?,
        memory_size: properties.integer("MemorySize")?,
        runtime: properties.one_of("Runtime", Runtime::from_wire)?,
        environment: environment.map(|variables| Environment { variables }),
        layers: properties.texts("Layers")?,
        ephemeral_storage: storage.flatten().map(|size| EphemeralStorage { size }),
        tracing_config: tracing.map(|mode| TracingConfig { mode }),
        vpc_config: subnets.map(|subnet_ids| VpcConfig { subnet_ids, ..VpcConfig::default() }),
        dead_letter_config: letters.map(|target_arn| DeadLetterConfig { target_arn }),
        logging_config: logging,
        kms_key_arn: properties.text("KmsKeyArn")?,
        ..UpdateFunctionConfigurationRequest::default()
    })
}

fn logging(part: Properties<'_>) -> Result<LoggingConfig, Error> {
    Ok(LoggingConfig {
        log_format: part.one_of("LogFormat", LogFormat::from_wire)?,
        application_log_level: part
            .one_of("ApplicationLogLevel", ApplicationLogLevel::from_wire)?,
        system_log_level: part.one_of("SystemLogLevel", SystemLogLevel::from_wire)?,
        log_group: part.text("LogGroup")?,
    })
}

fn architectures(properties: Properties<'_>) -> Result<Option<Vec<Architecture>>> {
    let Some(texts) = properties.texts("Architectures")? else { return Ok(None) };
    let known = texts.iter().map(|text| {
        Architecture::from_wire(text)
            .ok_or_else(|| Error::Invalid(format!("{text} is no architecture of Lambda.")).into())
    });
    known.collect::<Result<_>>().map(Some)
}

/// The resource's own tags over the stack's.
pub(super) fn tags(
    properties: Properties<'_>,
    of_stack: &[(String, String)],
) -> Result<BTreeMap<String, String>> {
    // Tags with the prefix aws: are not the caller's to set.
    let own = of_stack.iter().filter(|(key, _)| !key.starts_with("aws:"));
    let mut tags: BTreeMap<String, String> = own.cloned().collect();
    for tag in properties.parts("Tags")? {
        tags.insert(tag.needed("Key")?, tag.text("Value")?.unwrap_or_default());
    }
    Ok(tags)
}

fn code(properties: Properties<'_>) -> Result<FunctionCode> {
    let missing = || Error::Invalid("The property Code is required.".to_owned());
    let code = properties.part("Code")?.ok_or_else(missing)?;
    let runtime = properties.text("Runtime")?.unwrap_or_default();
    let inline = code.text("ZipFile")?.map(|text| inline(&text, &runtime)).transpose()?;
    Ok(FunctionCode {
        zip_file: inline,
        s3_bucket: code.text("S3Bucket")?,
        s3_key: code.text("S3Key")?,
        s3_object_version: code.text("S3ObjectVersion")?,
        image_uri: code.text("ImageUri")?,
        ..FunctionCode::default()
    })
}

/// A package of one source file, the same bytes for the same text.
fn inline(text: &str, runtime: &str) -> Result<Bytes> {
    let file = match runtime {
        node if node.starts_with("nodejs") => "index.js",
        python if python.starts_with("python") => "index.py",
        other => {
            return Err(Error::Invalid(format!(
                "Code.ZipFile is for Node.js and Python; the runtime is {other:?}."
            ))
            .into());
        }
    };
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(file, options).map_err(ServiceError::internal)?;
    zip.write_all(text.as_bytes()).map_err(ServiceError::internal)?;
    Ok(zip.finish().map_err(ServiceError::internal)?.into_inner().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_text_becomes_a_package() {
        let zip = inline("x = 1", "python3.12").unwrap();
        assert_eq!(zip, inline("x = 1", "python3.12").unwrap());
        let folder = tempfile::tempdir().unwrap();
        let limits = cumulet_sandbox::PackageLimits::default();
        cumulet_sandbox::unpack(Cursor::new(&zip), folder.path(), limits).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join("index.py")).unwrap(), "x = 1");
        assert!(inline("x", "provided.al2023").is_err());
    }

    #[test]
    fn long_names_keep_their_random_end() {
        let name = format!("{}-AbC123", "s".repeat(80));
        let short = short(&name);
        assert!(short.len() == 64 && short.ends_with("-AbC123"), "{short}");
    }
}
