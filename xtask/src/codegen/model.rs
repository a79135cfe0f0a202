//! AWS's API models as botocore ships them, as far as the generator reads them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A `service-2.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    pub(crate) metadata: Metadata,
    /// Operations by name.
    pub(crate) operations: BTreeMap<String, Operation>,
    /// Shapes by name.
    pub(crate) shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) api_version: String,
    pub(crate) endpoint_prefix: String,
    pub(crate) signing_name: Option<String>,
    pub(crate) protocol: String,
    #[serde(default)]
    pub(crate) protocols: Vec<String>,
    pub(crate) json_version: Option<String>,
    pub(crate) target_prefix: Option<String>,
    pub(crate) xml_namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) http: Http,
    pub(crate) input: Option<Top>,
    pub(crate) output: Option<Top>,
    pub(crate) authtype: Option<String>,
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(default)]
    pub(crate) auth: Vec<String>,
    #[serde(default)]
    pub(crate) errors: Vec<Ref>,
    pub(crate) http_checksum: Option<Checksum>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checksum {
    #[serde(default)]
    pub(crate) request_checksum_required: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Http {
    pub(crate) method: String,
    pub(crate) request_uri: String,
    pub(crate) response_code: Option<u16>,
}

/// An operation's input or output.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Top {
    pub(crate) shape: String,
    pub(crate) location_name: Option<String>,
    pub(crate) result_wrapper: Option<String>,
    pub(crate) xml_namespace: Option<Xmlns>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Xmlns {
    Uri(String),
    Full { uri: String, prefix: Option<String> },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Members in the model's order: name to [`Ref`].
    pub(crate) members: Map<String, Value>,
    pub(crate) required: Vec<String>,
    pub(crate) member: Option<Ref>,
    pub(crate) key: Option<Ref>,
    pub(crate) value: Option<Ref>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) pattern: Option<String>,
    #[serde(rename = "enum")]
    pub(crate) values: Vec<String>,
    pub(crate) sensitive: bool,
    pub(crate) payload: Option<String>,
    pub(crate) flattened: bool,
    pub(crate) streaming: bool,
    pub(crate) exception: bool,
    pub(crate) fault: bool,
    pub(crate) error: Option<ErrorTrait>,
    pub(crate) timestamp_format: Option<String>,
    pub(crate) document: bool,
    pub(crate) eventstream: bool,
    pub(crate) xml_namespace: Option<Xmlns>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ErrorTrait {
    pub(crate) code: Option<String>,
    pub(crate) http_status_code: Option<u16>,
    pub(crate) sender_fault: bool,
}

/// The use of a shape.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Ref {
    pub(crate) shape: String,
    pub(crate) location: Option<String>,
    pub(crate) location_name: Option<String>,
    pub(crate) streaming: bool,
    pub(crate) flattened: bool,
    pub(crate) xml_attribute: bool,
    pub(crate) xml_namespace: Option<Xmlns>,
    pub(crate) timestamp_format: Option<String>,
    pub(crate) idempotency_token: bool,
}

impl Model {
    /// The shape called `name`.
    pub(crate) fn shape(&self, name: &str) -> Result<&Shape, String> {
        self.shapes.get(name).ok_or_else(|| format!("the model has no shape {name}"))
    }
}

impl Shape {
    /// The members in order.
    pub(crate) fn members(&self) -> Result<Vec<(&str, Ref)>, String> {
        let parse = |(name, value): (&'_ String, &Value)| {
            let member = Ref::deserialize(value).map_err(|e| format!("member {name}: {e}"))?;
            Ok((name.clone(), member))
        };
        let parsed: Result<Vec<(String, Ref)>, String> = self.members.iter().map(parse).collect();
        let names = self.members.keys().map(String::as_str);
        Ok(names.zip(parsed?.into_iter().map(|(_, member)| member)).collect())
    }
}
