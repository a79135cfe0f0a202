//! What can be wrong with a SAM template, in AWS's words.

use crate::node::{Dict, Node, Text};

/// One error of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformError {
    /// The logical id of the resource or event; the message where there is none. AWS orders by it.
    pub id: String,
    /// The sentence that AWS answers.
    pub message: String,
}

impl TransformError {
    /// The whole answer: how many errors there are, and each, in the order of their ids.
    pub fn summary(errors: &[Self]) -> String {
        let mut sorted: Vec<_> = errors.iter().collect();
        sorted.sort_by(|a, b| a.id.cmp(&b.id));
        let messages: Vec<_> = sorted.into_iter().map(|error| error.message.as_str()).collect();
        format!(
            "Invalid Serverless Application Specification document. Number of errors found: {}. {}",
            errors.len(),
            messages.join(" ")
        )
    }
}

impl std::fmt::Display for TransformError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TransformError {}

/// Why a step of the transform stopped.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// One resource is wrong; the others are looked at all the same.
    Resource { id: String, message: String },
    /// One event is wrong.
    Event { id: String, message: String },
    /// The structure of the template is wrong, as far as one resource shows it.
    Template(String),
    /// A generated resource would take the id of one that the author wrote.
    Duplicate { id: String, generated: String, kind: String },
    /// The `Globals` section is wrong.
    Globals(String),
    /// The document is wrong: nothing else is looked at.
    Document(Vec<Fault>),
}

impl Fault {
    pub(crate) fn resource(id: &str, message: impl Into<String>) -> Self {
        Self::Resource { id: id.to_owned(), message: message.into() }
    }

    pub(crate) fn event(id: &str, message: impl Into<String>) -> Self {
        Self::Event { id: id.to_owned(), message: message.into() }
    }

    /// A fault of the template's structure that ends the transform.
    pub(crate) fn structure(message: impl Into<String>) -> Self {
        Self::Document(vec![Self::Template(message.into())])
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Resource { id, message } => {
                format!("Resource with id [{id}] is invalid. {message}")
            }
            Self::Event { id, message } => format!("Event with id [{id}] is invalid. {message}"),
            Self::Template(message) => {
                format!("Structure of the SAM template is invalid. {message}")
            }
            Self::Globals(message) => format!("'Globals' section is invalid. {message}"),
            Self::Duplicate { id, generated, kind } => format!(
                "Transforming resource with id [{id}] attempts to create a new resource with id \
                 [{generated}] and type \"{kind}\". A resource with that id already exists within \
                 this template. Please use a different id for that resource."
            ),
            Self::Document(causes) => {
                causes.iter().map(Self::message).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// An event's fault, told as one of the resource that has the event.
    pub(crate) fn of_resource(self, id: &str) -> Self {
        match self {
            Self::Event { .. } => Self::resource(id, self.message()),
            other => other,
        }
    }

    /// The errors to answer, each message once.
    pub(crate) fn into_errors(faults: Vec<Self>) -> Vec<TransformError> {
        let mut errors: Vec<TransformError> = Vec::new();
        for fault in faults {
            if let Self::Document(causes) = fault {
                errors.extend(Self::into_errors(causes));
                continue;
            }
            let message = fault.message();
            let id = match fault {
                Self::Resource { id, .. } | Self::Event { id, .. } | Self::Duplicate { id, .. } => {
                    id
                }
                Self::Globals(_) => "Globals".to_owned(),
                Self::Template(_) | Self::Document(_) => message.clone(),
            };
            if !errors.iter().any(|error| error.message == message) {
                errors.push(TransformError { id, message });
            }
        }
        errors
    }
}

/// Whom an expectation speaks of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of<'a> {
    /// A property of a resource.
    Resource(&'a str),
    /// An attribute of a resource.
    Attribute(&'a str),
    /// A property of an event.
    Event(&'a str),
}

impl Of<'_> {
    fn fault(self, message: String) -> Fault {
        match self {
            Self::Resource(id) | Self::Attribute(id) => Fault::resource(id, message),
            Self::Event(id) => Fault::event(id, message),
        }
    }

    fn wrong(self, key: &str, expected: &str) -> Fault {
        let what = if matches!(self, Self::Attribute(_)) { "Attribute" } else { "Property" };
        self.fault(format!("{what} '{key}' should be a {expected}."))
    }

    pub(crate) fn map<'n>(self, key: &str, node: &'n Node) -> Result<&'n Dict, Fault> {
        node.as_map().ok_or_else(|| self.wrong(key, "map"))
    }

    pub(crate) fn list<'n>(self, key: &str, node: &'n Node) -> Result<&'n [Node], Fault> {
        node.as_list().ok_or_else(|| self.wrong(key, "list"))
    }

    pub(crate) fn string<'n>(self, key: &str, node: &'n Node) -> Result<&'n Text, Fault> {
        node.as_text().ok_or_else(|| self.wrong(key, "string"))
    }

    pub(crate) fn boolean(self, key: &str, node: &Node) -> Result<bool, Fault> {
        node.as_bool().ok_or_else(|| self.wrong(key, "boolean"))
    }

    pub(crate) fn strings<'n>(self, key: &str, node: &'n Node) -> Result<&'n [Node], Fault> {
        let items = self.list(key, node)?;
        for (at, item) in items.iter().enumerate() {
            self.string(&format!("{key}[{at}]"), item)?;
        }
        Ok(items)
    }

    pub(crate) fn present<'n>(self, key: &str, node: &'n Node) -> Result<&'n Node, Fault> {
        node.some().ok_or_else(|| self.fault(format!("Property '{key}' is required.")))
    }

    /// Like [`Of::map`], in other words.
    pub(crate) fn map_or<'n>(self, node: &'n Node, message: &str) -> Result<&'n Dict, Fault> {
        node.as_map().ok_or_else(|| self.fault(message.to_owned()))
    }
}
