//! CORS of a REST API: an OPTIONS method with a mock integration on every path.

use super::paths::INTEGRATION;
use super::rest::{RestEditor, allowed_methods, application_json};
use crate::fault::Fault;
use crate::node::{Dict, Node, dict, python};

/// What the `Cors` property says.
#[derive(Debug, Clone)]
pub(crate) struct Cors {
    pub(crate) origin: Node,
    pub(crate) headers: Node,
    pub(crate) methods: Node,
    pub(crate) max_age: Node,
    pub(crate) credentials: Node,
}

impl RestEditor {
    /// Adds OPTIONS to a path that has none.
    pub(crate) fn add_cors(&mut self, path: &str, cors: &Cors) -> Result<(), Fault> {
        let mut methods = cors.methods.clone();
        self.paths().each_item(path, &mut |item| {
            if item.contains("options") {
                return Ok(());
            }
            if !cors.origin.truthy() {
                return Err(Fault::Template(
                    "Invalid input. Value for AllowedOrigins is required".to_owned(),
                ));
            }
            if !methods.truthy() {
                methods = format!("'{}'", allowed_methods(item)).into();
            }
            item.insert("options", options(cors, &methods));
            Ok(())
        })
    }
}

fn options(cors: &Cors, methods: &Node) -> Node {
    let mut parameters = Dict::python();
    let mut headers = Dict::python();
    let mut add = |name: &str, value: Node, kind: &str| {
        parameters.insert(format!("method.response.header.{name}"), value);
        headers.insert(name, dict! { "type" => kind });
    };
    add("Access-Control-Allow-Origin", cors.origin.clone(), "string");
    if cors.headers.truthy() {
        add("Access-Control-Allow-Headers", cors.headers.clone(), "string");
    }
    if methods.truthy() {
        add("Access-Control-Allow-Methods", methods.clone(), "string");
    }
    if !cors.max_age.is_null() {
        add("Access-Control-Max-Age", cors.max_age.clone(), "integer");
    }
    if cors.credentials == Node::Bool(true) {
        add("Access-Control-Allow-Credentials", "'true'".into(), "string");
    }
    python! {
        "summary" => "CORS support",
        "consumes" => application_json(),
        "produces" => application_json(),
        INTEGRATION => python! {
            "type" => "mock",
            "requestTemplates" =>
                dict! { "application/json" => "{\n  \"statusCode\" : 200\n}\n" },
            "responses" => python! {
                "default" => python! {
                    "statusCode" => "200",
                    "responseParameters" => parameters,
                    "responseTemplates" => dict! { "application/json" => "{}\n" },
                },
            },
        },
        "responses" => python! {
            "200" => python! {
                "description" => "Default response for CORS method",
                "headers" => headers,
            },
        },
    }
}
