//! Stored records, with the members that AWS's API gives them.

use std::collections::BTreeMap;

use cumulet_store::Record;
use serde::{Deserialize, Serialize};

type Texts = BTreeMap<String, String>;
type Truths = BTreeMap<String, bool>;

/// An API.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ApiRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Seconds since the epoch, as are all moments here.
    pub(crate) created_date: i64,
    pub(crate) version: Option<String>,
    pub(crate) warnings: Option<Vec<String>>,
    pub(crate) binary_media_types: Option<Vec<String>>,
    pub(crate) minimum_compression_size: Option<i32>,
    pub(crate) api_key_source: Option<String>,
    pub(crate) endpoint_configuration: Endpoint,
    pub(crate) policy: Option<String>,
    pub(crate) tags: Texts,
    pub(crate) disable_execute_api_endpoint: Option<bool>,
    pub(crate) root_resource_id: String,
    pub(crate) security_policy: Option<String>,
    pub(crate) endpoint_access_mode: Option<String>,
}

/// Where an API is offered. A cloud of one place has one kind of endpoint: it is kept and shown.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Endpoint {
    pub(crate) types: Vec<String>,
    pub(crate) ip_address_type: Option<String>,
    pub(crate) vpc_endpoint_ids: Option<Vec<String>>,
}

/// A resource with its methods.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ResourceRecord {
    pub(crate) id: String,
    pub(crate) parent_id: Option<String>,
    pub(crate) path_part: Option<String>,
    /// Of the whole path; derived from the parts above.
    pub(crate) path: String,
    /// By `GET` … or `ANY`.
    pub(crate) resource_methods: BTreeMap<String, MethodRecord>,
}

/// A method.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MethodRecord {
    pub(crate) http_method: String,
    pub(crate) authorization_type: String,
    pub(crate) authorizer_id: Option<String>,
    pub(crate) api_key_required: bool,
    pub(crate) request_validator_id: Option<String>,
    pub(crate) operation_name: Option<String>,
    /// `method.request.header.X`, and whether it is required.
    pub(crate) request_parameters: Option<Truths>,
    /// Models by media type.
    pub(crate) request_models: Option<Texts>,
    /// By status.
    pub(crate) method_responses: Option<BTreeMap<String, MethodResponse>>,
    pub(crate) method_integration: Option<IntegrationRecord>,
    pub(crate) authorization_scopes: Option<Vec<String>>,
}

/// What a method may answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct MethodResponse {
    pub(crate) status_code: String,
    pub(crate) response_parameters: Option<Truths>,
    pub(crate) response_models: Option<Texts>,
}

/// What stands behind a method.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IntegrationRecord {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) http_method: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) connection_type: Option<String>,
    pub(crate) connection_id: Option<String>,
    pub(crate) credentials: Option<String>,
    pub(crate) request_parameters: Option<Texts>,
    /// By media type.
    pub(crate) request_templates: Option<Texts>,
    pub(crate) passthrough_behavior: Option<String>,
    pub(crate) content_handling: Option<String>,
    pub(crate) timeout_in_millis: Option<u64>,
    pub(crate) cache_namespace: Option<String>,
    pub(crate) cache_key_parameters: Option<Vec<String>>,
    /// By the method response's status.
    pub(crate) integration_responses: Option<BTreeMap<String, IntegrationResponse>>,
    pub(crate) response_transfer_mode: Option<String>,
}

/// How an integration's answer becomes the method's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct IntegrationResponse {
    pub(crate) status_code: String,
    pub(crate) selection_pattern: Option<String>,
    /// `method.response.header.X`, and where its value comes from.
    pub(crate) response_parameters: Option<Texts>,
    /// By media type.
    pub(crate) response_templates: Option<Texts>,
    pub(crate) content_handling: Option<String>,
}

/// An authorizer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AuthorizerRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(rename = "providerARNs")]
    pub(crate) provider_arns: Option<Vec<String>>,
    pub(crate) auth_type: Option<String>,
    pub(crate) authorizer_uri: Option<String>,
    pub(crate) authorizer_credentials: Option<String>,
    pub(crate) identity_source: Option<String>,
    pub(crate) identity_validation_expression: Option<String>,
    pub(crate) authorizer_result_ttl_in_seconds: Option<i32>,
}

/// A request validator.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ValidatorRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) validate_request_body: bool,
    pub(crate) validate_request_parameters: bool,
}

/// A model: a JSON schema with a name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ModelRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) content_type: String,
}

/// What an API answers by itself in one kind of case.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct GatewayResponseRecord {
    pub(crate) response_type: String,
    pub(crate) status_code: Option<String>,
    pub(crate) response_parameters: Texts,
    pub(crate) response_templates: Texts,
    pub(crate) default_response: bool,
}

/// A stage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct StageRecord {
    pub(crate) deployment_id: String,
    pub(crate) client_certificate_id: Option<String>,
    pub(crate) stage_name: String,
    pub(crate) description: Option<String>,
    pub(crate) cache_cluster_enabled: bool,
    pub(crate) cache_cluster_size: Option<String>,
    pub(crate) cache_cluster_status: Option<String>,
    /// By `*/*` or `<path>/<method>`.
    pub(crate) method_settings: BTreeMap<String, serde_json::Value>,
    pub(crate) variables: Option<Texts>,
    pub(crate) documentation_version: Option<String>,
    pub(crate) access_log_settings: Option<AccessLog>,
    pub(crate) tracing_enabled: bool,
    pub(crate) tags: Texts,
    pub(crate) created_date: i64,
    pub(crate) last_updated_date: i64,
}

/// Where a stage writes what it served, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AccessLog {
    pub(crate) destination_arn: Option<String>,
    pub(crate) format: Option<String>,
}

/// A deployment. What it serves lies beside it, as a [`Snapshot`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeploymentRecord {
    pub(crate) id: String,
    pub(crate) description: Option<String>,
    pub(crate) created_date: i64,
}

/// What an API was when a deployment of it was made: never changed after.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Snapshot {
    pub(crate) resources: Vec<ResourceRecord>,
    pub(crate) authorizers: Vec<AuthorizerRecord>,
    pub(crate) validators: Vec<ValidatorRecord>,
    pub(crate) models: Vec<ModelRecord>,
    pub(crate) gateway_responses: Vec<GatewayResponseRecord>,
    pub(crate) binary_media_types: Vec<String>,
    /// "Changes to a resource policy take effect when the API is deployed."
    pub(crate) policy: Option<String>,
}

/// What an account has beside its APIs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AccountRecord {
    pub(crate) cloudwatch_role_arn: Option<String>,
}

impl Record for ApiRecord {
    const VERSION: u16 = 1;
}
impl Record for ResourceRecord {
    const VERSION: u16 = 1;
}
impl Record for AuthorizerRecord {
    const VERSION: u16 = 1;
}
impl Record for ValidatorRecord {
    const VERSION: u16 = 1;
}
impl Record for ModelRecord {
    const VERSION: u16 = 1;
}
impl Record for GatewayResponseRecord {
    const VERSION: u16 = 1;
}
impl Record for StageRecord {
    const VERSION: u16 = 1;
}
impl Record for DeploymentRecord {
    const VERSION: u16 = 1;
}
impl Record for Snapshot {
    const VERSION: u16 = 1;
}
impl Record for AccountRecord {
    const VERSION: u16 = 1;
}
