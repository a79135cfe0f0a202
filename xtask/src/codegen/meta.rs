//! What a service is, from its model's metadata.

use std::fmt::Write as _;

use super::emit::HEADER;
use super::model::{Model, Operation};
use super::names::literal;

/// The crate's root: its modules, and the service as its clients see it. `xmlns`: the namespace of
/// its XML answers, where the model does not name it.
pub(super) fn lib(name: &str, model: &Model, xmlns: Option<&String>) -> Result<String, String> {
    let meta = &model.metadata;
    let listed = if meta.protocols.is_empty() {
        std::slice::from_ref(&meta.protocol)
    } else {
        meta.protocols.as_slice()
    };
    let protocols: Result<Vec<&str>, String> = listed
        .iter()
        .map(|protocol| match (protocol.as_str(), meta.json_version.as_deref()) {
            ("json", Some("1.0")) => Ok("Protocol::AwsJson10"),
            ("json", _) => Ok("Protocol::AwsJson11"),
            ("query", _) => Ok("Protocol::Query"),
            ("rest-json", _) => Ok("Protocol::RestJson"),
            ("rest-xml", _) => Ok("Protocol::RestXml"),
            ("smithy-rpc-v2-cbor", _) => Ok("Protocol::RpcV2Cbor"),
            (other, _) => Err(format!("unknown protocol {other}")),
        })
        .collect();
    let mut routes = String::new();
    for operation in model.operations.values() {
        let Some(uri) = uri(model, operation)? else { continue };
        let _ = writeln!(
            routes,
            "Route {{ name: {}, method: {}, uri: {} }},",
            literal(&operation.name),
            literal(&operation.http.method),
            literal(&uri)
        );
    }
    let option = |value: Option<&String>| {
        value.map_or("None".to_owned(), |v| format!("Some({})", literal(v)))
    };
    let signing_name = meta.signing_name.as_ref().unwrap_or(&meta.endpoint_prefix);
    // awsJson 1.0's exceptions carry their Smithy namespace: `com.amazonaws.<name>.v<version>`.
    // DynamoDB Streams has that of DynamoDB.
    let namespace = (meta.json_version.as_deref() == Some("1.0"))
        .then(|| format!("com.amazonaws.{signing_name}.v{}", meta.api_version.replace('-', "")));
    Ok(format!(
        "//! The API of `{name}`: shapes, operations, exceptions.\n//!\n\
         {HEADER}\n\
         // The model's names say what there is to say.\n#![allow(missing_docs)]\n\n\
         pub mod errors;\npub mod ops;\npub mod types;\n\n\
         // Every file takes what it needs.\n#[allow(unused_imports)]\nmod prelude {{\n\
         pub(crate) use std::collections::BTreeMap;\n\n\
         pub(crate) use cumulet_shape::{{AuthKind, Bytes, Document, Exception, ExceptionMeta, \
         Operation, OperationMeta, Shape, Streaming, Timestamp}};\n\n\
         pub(crate) use crate::types::*;\n}}\n\n\
         use cumulet_shape::{{Protocol, Route, ServiceMeta}};\n\n\
         /// The service.\n\
         pub static SERVICE: ServiceMeta = ServiceMeta {{\n\
         name: {}, signing_name: {}, endpoint_prefix: {}, protocols: &[{}],\n\
         target_prefix: {}, version: {}, xmlns: {}, error_namespace: {},\n\
         routes: &[\n{routes}],\n}};\n",
        literal(name),
        literal(signing_name),
        literal(&meta.endpoint_prefix),
        protocols?.join(", "),
        option(meta.target_prefix.as_ref()),
        literal(&meta.api_version),
        option(meta.xml_namespace.as_ref().or(xmlns)),
        option(namespace.as_ref()),
    ))
}

/// An operation's path and literal query. S3 has operations of one method and path: what tells them
/// apart are the query parameters and `x-amz-` headers that each requires, which become literals. A
/// deprecated one gives way to its successor.
fn uri(model: &Model, operation: &Operation) -> Result<Option<String>, String> {
    let same = |other: &&Operation| {
        other.name != operation.name
            && other.http.method == operation.http.method
            && other.http.request_uri == operation.http.request_uri
    };
    let uri = operation.http.request_uri.clone();
    // The other protocols have one path for all.
    if uri == "/" || !model.operations.values().any(|other| same(&other)) {
        return Ok(Some(uri));
    }
    if operation.deprecated {
        return Ok(None);
    }
    let Some(top) = &operation.input else { return Ok(Some(uri)) };
    let shape = model.shape(&top.shape)?;
    let mut literals: Vec<String> = Vec::new();
    for (member, r) in shape.members()? {
        let wire = r.location_name.as_deref().unwrap_or(member);
        let tells = match r.location.as_deref() {
            Some("querystring") => true,
            Some("header") => wire.starts_with("x-amz-"),
            _ => false,
        };
        if tells && shape.required.iter().any(|required| required == member) {
            literals.push(wire.to_owned());
        }
    }
    if literals.is_empty() {
        return Ok(Some(uri));
    }
    let mark = if uri.contains('?') { '&' } else { '?' };
    Ok(Some(format!("{uri}{mark}{}", literals.join("&"))))
}
