//! Stored records, with the members that AWS's API gives them.

use std::collections::BTreeMap;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The path of the stage that is served at the host's root.
pub(crate) const DEFAULT_STAGE: &str = "$default";

/// An API.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ApiRecord {
    pub(crate) api_id: String,
    pub(crate) name: String,
    pub(crate) protocol_type: String,
    pub(crate) route_selection_expression: Option<String>,
    pub(crate) api_key_selection_expression: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) version: Option<String>,
    /// ISO 8601, as are all moments here.
    pub(crate) created_date: String,
    pub(crate) cors_configuration: Option<Cors>,
    pub(crate) disable_execute_api_endpoint: Option<bool>,
    pub(crate) ip_address_type: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Which pages may read an API's answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Cors {
    pub(crate) allow_credentials: Option<bool>,
    pub(crate) allow_headers: Option<Vec<String>>,
    pub(crate) allow_methods: Option<Vec<String>>,
    pub(crate) allow_origins: Option<Vec<String>>,
    pub(crate) expose_headers: Option<Vec<String>>,
    pub(crate) max_age: Option<i32>,
}

/// A route.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RouteRecord {
    pub(crate) route_id: String,
    pub(crate) route_key: String,
    /// `integrations/<id>`.
    pub(crate) target: Option<String>,
    pub(crate) authorization_type: Option<String>,
    pub(crate) authorizer_id: Option<String>,
    pub(crate) authorization_scopes: Option<Vec<String>>,
    pub(crate) operation_name: Option<String>,
    pub(crate) api_key_required: Option<bool>,
    pub(crate) api_gateway_managed: Option<bool>,
}

/// An integration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IntegrationRecord {
    pub(crate) integration_id: String,
    pub(crate) integration_type: String,
    pub(crate) integration_uri: Option<String>,
    pub(crate) integration_method: Option<String>,
    pub(crate) payload_format_version: Option<String>,
    pub(crate) timeout_in_millis: Option<u64>,
    pub(crate) connection_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) api_gateway_managed: Option<bool>,
}

/// An authorizer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthorizerRecord {
    pub(crate) authorizer_id: String,
    pub(crate) name: String,
    pub(crate) authorizer_type: String,
    pub(crate) identity_source: Option<Vec<String>>,
    pub(crate) jwt_configuration: Option<Jwt>,
    pub(crate) authorizer_uri: Option<String>,
    pub(crate) authorizer_payload_format_version: Option<String>,
    pub(crate) authorizer_result_ttl_in_seconds: Option<i32>,
    pub(crate) enable_simple_responses: Option<bool>,
}

/// Whose tokens an authorizer takes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Jwt {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<Vec<String>>,
}

/// A stage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StageRecord {
    pub(crate) stage_name: String,
    pub(crate) auto_deploy: Option<bool>,
    pub(crate) deployment_id: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) created_date: String,
    pub(crate) last_updated_date: String,
    pub(crate) last_deployment_status_message: Option<String>,
    pub(crate) stage_variables: Option<BTreeMap<String, String>>,
    pub(crate) access_log_settings: Option<AccessLog>,
    pub(crate) default_route_settings: Option<Value>,
    pub(crate) route_settings: Option<Value>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) api_gateway_managed: Option<bool>,
}

/// Where a stage writes what it served, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AccessLog {
    pub(crate) destination_arn: Option<String>,
    pub(crate) format: Option<String>,
}

/// A deployment: what the API was when it was made, never changed after.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeploymentRecord {
    pub(crate) deployment_id: String,
    pub(crate) deployment_status: String,
    pub(crate) description: Option<String>,
    pub(crate) auto_deployed: Option<bool>,
    pub(crate) created_date: String,
    /// Not among the API's members, so it is never shown.
    pub(crate) routes: Vec<RouteRecord>,
    pub(crate) integrations: Vec<IntegrationRecord>,
    pub(crate) authorizers: Vec<AuthorizerRecord>,
}

impl Record for ApiRecord {
    const VERSION: u16 = 1;
}
impl Record for RouteRecord {
    const VERSION: u16 = 1;
}
impl Record for IntegrationRecord {
    const VERSION: u16 = 1;
}
impl Record for AuthorizerRecord {
    const VERSION: u16 = 1;
}
impl Record for StageRecord {
    const VERSION: u16 = 1;
}
impl Record for DeploymentRecord {
    const VERSION: u16 = 1;
}
