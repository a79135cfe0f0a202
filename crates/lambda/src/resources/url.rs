//! AWS::Lambda::Url.
//!
//! `Ref` gives the ARN of the function or alias.

use cumulet_api_lambda::ops::{
    CreateFunctionUrlConfig, CreateFunctionUrlConfigRequest, DeleteFunctionUrlConfig,
    DeleteFunctionUrlConfigRequest, GetFunctionUrlConfig, GetFunctionUrlConfigRequest,
    UpdateFunctionUrlConfig, UpdateFunctionUrlConfigRequest,
};
use cumulet_api_lambda::types::{Cors, FunctionUrlAuthType, InvokeMode};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Made, Resource, Result};
use serde_json::{Map, Value};

use super::properties::Properties;
use super::unless_gone;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Url;

impl Resource for Url {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::Url"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "TargetFunctionArn" | "Qualifier")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(update(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let input = DeleteFunctionUrlConfigRequest {
                function_name: physical_id.to_owned(),
                qualifier: None,
            };
            unless_gone(cx.call::<DeleteFunctionUrlConfig>(input).await)
        })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let input = CreateFunctionUrlConfigRequest {
        function_name: properties.needed("TargetFunctionArn")?,
        qualifier: properties.text("Qualifier")?,
        auth_type: auth(properties)?.unwrap_or_default(),
        cors: cors(properties)?,
        invoke_mode: properties.one_of("InvokeMode", InvokeMode::from_wire)?,
    };
    match cx.make_once::<CreateFunctionUrlConfig>(input).await? {
        Made::Now(made) => Ok(actual(made.function_arn, made.function_url)),
        Made::Before(arn) => {
            let input = GetFunctionUrlConfigRequest { function_name: arn, qualifier: None };
            let made = cx.call::<GetFunctionUrlConfig>(input).await?;
            Ok(actual(made.function_arn, made.function_url))
        }
    }
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let properties = Properties(changed.after.properties);
    let mode = properties.one_of("InvokeMode", InvokeMode::from_wire)?;
    let input = UpdateFunctionUrlConfigRequest {
        function_name: properties.needed("TargetFunctionArn")?,
        qualifier: properties.text("Qualifier")?,
        auth_type: auth(properties)?,
        cors: Some(cors(properties)?.unwrap_or_default()),
        invoke_mode: mode.or(Some(InvokeMode::Buffered)),
    };
    let made = cx.call::<UpdateFunctionUrlConfig>(input).await?;
    Ok(actual(made.function_arn, made.function_url))
}

fn actual(arn: String, url: String) -> Actual {
    let mut attributes = Map::new();
    attributes.insert("FunctionArn".to_owned(), Value::String(arn.clone()));
    attributes.insert("FunctionUrl".to_owned(), Value::String(url));
    Actual { physical_id: arn, attributes }
}

fn auth(properties: Properties<'_>) -> Result<Option<FunctionUrlAuthType>> {
    Ok(properties.one_of("AuthType", FunctionUrlAuthType::from_wire)?)
}

fn cors(properties: Properties<'_>) -> Result<Option<Cors>> {
    let Some(cors) = properties.part("Cors")? else { return Ok(None) };
    Ok(Some(Cors {
        allow_credentials: cors.boolean("AllowCredentials")?,
        allow_headers: cors.texts("AllowHeaders")?,
        allow_methods: cors.texts("AllowMethods")?,
        allow_origins: cors.texts("AllowOrigins")?,
        expose_headers: cors.texts("ExposeHeaders")?,
        max_age: cors.integer("MaxAge")?,
    }))
}
