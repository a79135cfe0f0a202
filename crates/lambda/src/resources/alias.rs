//! AWS::Lambda::Alias.
//!
//! `Ref` gives the alias's ARN.

use std::collections::BTreeMap;

use cumulet_api_lambda::ops::{
    CreateAlias, CreateAliasRequest, DeleteAlias, DeleteAliasRequest, UpdateAlias,
    UpdateAliasRequest,
};
use cumulet_api_lambda::types::{AliasConfiguration, AliasRoutingConfiguration};
use cumulet_service::{Actual, BoxFuture, Changed, Cx, Desired, Made, Resource, Result};
use serde_json::{Map, Value};

use super::properties::Properties;
use super::unless_gone;

/// The resource type.
#[derive(Debug)]
pub(crate) struct Alias;

impl Resource for Alias {
    fn type_name(&self) -> &'static str {
        "AWS::Lambda::Alias"
    }

    fn replaces(&self, property: &str) -> bool {
        matches!(property, "FunctionName" | "Name")
    }

    fn create<'a>(&'a self, cx: &'a Cx, desired: Desired<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(create(cx, desired))
    }

    fn update<'a>(&'a self, cx: &'a Cx, changed: Changed<'a>) -> BoxFuture<'a, Result<Actual>> {
        Box::pin(update(cx, changed))
    }

    fn delete<'a>(&'a self, cx: &'a Cx, physical_id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (function, alias) = physical_id.rsplit_once(':').unwrap_or((physical_id, ""));
            let input =
                DeleteAliasRequest { function_name: function.to_owned(), name: alias.to_owned() };
            unless_gone(cx.call::<DeleteAlias>(input).await)
        })
    }
}

async fn create(cx: &Cx, desired: Desired<'_>) -> Result<Actual> {
    let properties = Properties(desired.properties);
    let input = CreateAliasRequest {
        function_name: properties.needed("FunctionName")?,
        name: properties.needed("Name")?,
        function_version: properties.needed("FunctionVersion")?,
        description: properties.text("Description")?,
        routing_config: Some(routing(properties)?),
    };
    let made = match cx.make_once::<CreateAlias>(input).await? {
        Made::Now(made) => made,
        Made::Before(arn) => {
            AliasConfiguration { alias_arn: Some(arn), ..AliasConfiguration::default() }
        }
    };
    Ok(actual(made))
}

async fn update(cx: &Cx, changed: Changed<'_>) -> Result<Actual> {
    let properties = Properties(changed.after.properties);
    let input = UpdateAliasRequest {
        function_name: properties.needed("FunctionName")?,
        name: properties.needed("Name")?,
        function_version: Some(properties.needed("FunctionVersion")?),
        description: Some(properties.text("Description")?.unwrap_or_default()),
        routing_config: Some(routing(properties)?),
        revision_id: None,
    };
    Ok(actual(cx.call::<UpdateAlias>(input).await?))
}

fn actual(made: AliasConfiguration) -> Actual {
    let arn = made.alias_arn.unwrap_or_default();
    let mut attributes = Map::new();
    attributes.insert("AliasArn".to_owned(), Value::String(arn.clone()));
    Actual { physical_id: arn, attributes }
}

/// Here a list of versions with weights, in the API a map.
fn routing(properties: Properties<'_>) -> Result<AliasRoutingConfiguration> {
    let mut weights = BTreeMap::new();
    if let Some(routing) = properties.part("RoutingConfig")? {
        for part in routing.parts("AdditionalVersionWeights")? {
            let weight = part.number("FunctionWeight")?.unwrap_or_default();
            weights.insert(part.needed("FunctionVersion")?, weight);
        }
    }
    Ok(AliasRoutingConfiguration { additional_version_weights: Some(weights) })
}
