//! A CloudFormation resource on its way into the result.

use crate::intrinsics::{get_att, reference};
use crate::node::{Dict, Node, Text, dict};

/// Attributes that a SAM resource hands to what it becomes.
const HANDED_ON: [&str; 5] =
    ["DeletionPolicy", "UpdatePolicy", "Condition", "UpdateReplacePolicy", "Metadata"];

/// Attributes that a SAM resource hands to everything that is generated for it.
const PASSED_THROUGH: [&str; 3] = ["Condition", "DeletionPolicy", "UpdateReplacePolicy"];

/// A resource to be written.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) id: Text,
    pub(crate) kind: &'static str,
    /// A string, a list of strings, or null.
    pub(crate) depends_on: Node,
    pub(crate) attributes: Dict,
    pub(crate) properties: Dict,
}

impl Resource {
    pub(crate) fn new(id: impl Into<Text>, kind: &'static str, attributes: &Dict) -> Self {
        Self {
            id: id.into(),
            kind,
            depends_on: Node::Null,
            attributes: attributes.clone(),
            properties: Dict::default(),
        }
    }

    /// Sets a property; null leaves it out.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Node>) {
        let value = value.into();
        if value.is_null() {
            self.properties.remove(name);
        } else {
            self.properties.insert(name, value);
        }
    }

    /// The same, to be chained.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Node>) -> Self {
        self.set(name, value);
        self
    }

    #[must_use]
    pub(crate) fn after(mut self, depends_on: impl Into<Node>) -> Self {
        self.depends_on = depends_on.into();
        self
    }

    /// `Ref`.
    pub(crate) fn reference(&self) -> Node {
        reference(&self.id)
    }

    /// The ARN: of some types `Ref` gives it, of the others an attribute.
    pub(crate) fn arn(&self) -> Node {
        match self.kind {
            "AWS::Lambda::Alias"
            | "AWS::Lambda::Version"
            | "AWS::SNS::Topic"
            | "AWS::StepFunctions::StateMachine"
            | "AWS::StepFunctions::StateMachineVersion"
            | "AWS::StepFunctions::StateMachineAlias" => self.reference(),
            _ => get_att(&self.id, "Arn"),
        }
    }

    pub(crate) fn passed_through(&self) -> Dict {
        passed_through(&self.attributes)
    }

    /// The entry under `Resources`.
    pub(crate) fn to_node(&self) -> Node {
        let mut result = Dict::default();
        result.insert("Type", self.kind);
        if self.depends_on.truthy() {
            result.insert("DependsOn", self.depends_on.clone());
        }
        for (key, value) in self.attributes.iter() {
            result.insert(key, value.clone());
        }
        result.insert("Properties", self.properties.clone());
        result.into()
    }

    /// Puts the author's tags in the place of those it has, in the form that its type wants.
    pub(crate) fn assign_tags(&mut self, tags: &Node) {
        match tag_form(self.kind) {
            Some(TagForm::List) => self.set("Tags", tag_list(tags)),
            Some(TagForm::Map) => self.set("Tags", tags.clone()),
            None => {}
        }
    }
}

enum TagForm {
    List,
    Map,
}

fn tag_form(kind: &str) -> Option<TagForm> {
    match kind {
        "AWS::Lambda::Function"
        | "AWS::IAM::Role"
        | "AWS::ApiGateway::RestApi"
        | "AWS::ApiGateway::Stage"
        | "AWS::ApiGateway::DomainName"
        | "AWS::ApiGateway::DomainNameV2"
        | "AWS::ApiGateway::DomainNameAccessAssociation"
        | "AWS::ApiGateway::UsagePlan"
        | "AWS::ApiGateway::ApiKey"
        | "AWS::SQS::Queue"
        | "AWS::SNS::Topic"
        | "AWS::S3::Bucket"
        | "AWS::IoT::TopicRule"
        | "AWS::StepFunctions::StateMachine"
        | "AWS::Lambda::CapacityProvider" => Some(TagForm::List),
        "AWS::ApiGatewayV2::Stage" | "AWS::ApiGatewayV2::DomainName" | "AWS::ApiGatewayV2::Api" => {
            Some(TagForm::Map)
        }
        _ => None,
    }
}

/// `[{"Key": …, "Value": …}, …]`; an absent value is empty.
pub(crate) fn tag_list(tags: &Node) -> Vec<Node> {
    let Some(tags) = tags.as_map() else { return Vec::new() };
    tags.iter()
        .map(|(key, value)| {
            let value = if value.is_null() { Node::from("") } else { value.clone() };
            dict! { "Key" => key, "Value" => value }
        })
        .collect()
}

/// A tag list that begins with the tag by which SAM's own resources are known.
pub(crate) fn tag_list_of_sam(key: &str, tags: &Node) -> Vec<Node> {
    let mut list = vec![dict! { "Key" => key, "Value" => "SAM" }];
    list.extend(tag_list(tags));
    list
}

/// Gives all of them the author's tags, where the author asks for it.
pub(crate) fn propagate_tags(resources: &mut [Resource], tags: &Node, propagate: bool) {
    if propagate && tags.truthy() {
        for resource in resources {
            resource.assign_tags(tags);
        }
    }
}

/// The attributes of a SAM resource that its CloudFormation resource takes over.
pub(crate) fn handed_on(resource: &Node) -> Dict {
    pick(resource, &HANDED_ON)
}

/// Those of them that everything generated takes over.
pub(crate) fn passed_through(attributes: &Dict) -> Dict {
    let mut result = Dict::default();
    for name in PASSED_THROUGH {
        if let Some(value) = attributes.get(name) {
            result.insert(name, value.clone());
        }
    }
    result
}

fn pick(resource: &Node, names: &[&str]) -> Dict {
    let mut result = Dict::default();
    if let Some(dict) = resource.as_map() {
        for name in names {
            if let Some(value) = dict.get(name) {
                result.insert(*name, value.clone());
            }
        }
    }
    result
}
