//! What a connector knows of the resources that it connects.

use crate::intrinsics::{get_att, logical_id, reference};
use crate::node::Node;
use crate::state::State;

/// What a connector knows of one of its ends.
#[derive(Debug)]
pub(super) struct End {
    pub(super) id: Option<String>,
    pub(super) kind: String,
    pub(super) arn: Node,
    pub(super) role: Node,
    pub(super) url: Node,
    pub(super) resource_id: Node,
    pub(super) name: Node,
    pub(super) qualifier: Node,
}

impl End {
    /// `other` is the end across, by which a rule's target is found.
    pub(super) fn read(state: &State<'_>, given: &Node, other: &Node) -> Result<Self, String> {
        let fields = given.as_map().cloned().unwrap_or_default();
        let more = fields.iter().any(|(key, _)| key != "Id" && key != "Qualifier");
        if fields.contains("Id") == more {
            return Err(
                "Must provide 'Id' (with optional 'Qualifier') or a supported combination \
                        of other properties."
                    .to_owned(),
            );
        }
        let kind_of = |node: &Node| {
            let kind = node.at("Type").as_str().filter(|kind| !kind.is_empty());
            kind.map(str::to_owned).ok_or_else(|| "'Type' is missing or not a string.".to_owned())
        };
        if !fields.at("Id").truthy() {
            return Ok(Self {
                id: None,
                kind: transformed(&kind_of(given)?).to_owned(),
                arn: fields.at("Arn").clone(),
                role: fields.at("RoleName").clone(),
                url: fields.at("QueueUrl").clone(),
                resource_id: fields.at("ResourceId").clone(),
                name: fields.at("Name").clone(),
                qualifier: fields.at("Qualifier").clone(),
            });
        }
        let Some(id) = fields.at("Id").as_str() else {
            return Err("'Id' is missing or not a string.".to_owned());
        };
        let resource = state.output.at("Resources").at(id);
        if !resource.truthy() {
            return Err(format!("Unable to find resource with logical ID '{id}'."));
        }
        let kind = kind_of(resource)?;
        let api = matches!(kind.as_str(), "AWS::ApiGatewayV2::Api" | "AWS::ApiGateway::RestApi");
        let qualifier = match fields.get("Qualifier") {
            Some(given) => given.clone(),
            None if api => "*".into(),
            None => Node::Null,
        };
        Ok(Self {
            arn: arn(&kind, id),
            role: role(&kind, resource.at("Properties"), other),
            url: if kind == "AWS::SQS::Queue" { reference(id) } else { Node::Null },
            resource_id: match kind.as_str() {
                "AWS::AppSync::GraphQLApi" => get_att(id, "ApiId"),
                _ if api => reference(id),
                _ => Node::Null,
            },
            name: if kind == "AWS::StepFunctions::StateMachine" {
                get_att(id, "Name")
            } else {
                Node::Null
            },
            qualifier,
            id: Some(id.to_owned()),
            kind,
        })
    }
}

fn transformed(kind: &str) -> &str {
    match kind {
        "AWS::Serverless::Function" => "AWS::Lambda::Function",
        "AWS::Serverless::StateMachine" => "AWS::StepFunctions::StateMachine",
        "AWS::Serverless::Api" => "AWS::ApiGateway::RestApi",
        "AWS::Serverless::HttpApi" => "AWS::ApiGatewayV2::Api",
        "AWS::Serverless::SimpleTable" => "AWS::DynamoDB::Table",
        other => other,
    }
}

fn arn(kind: &str, id: &str) -> Node {
    match kind {
        "AWS::StepFunctions::StateMachine"
        | "AWS::AppSync::GraphQLApi"
        | "AWS::AppSync::DataSource"
        | "AWS::SNS::Topic" => reference(id),
        "AWS::Lambda::Function"
        | "AWS::Events::Rule"
        | "AWS::Events::EventBus"
        | "AWS::SQS::Queue"
        | "AWS::DynamoDB::Table"
        | "AWS::S3::Bucket"
        | "AWS::Location::PlaceIndex"
        | "AWS::ApiGatewayV2::Api"
        | "AWS::ApiGateway::RestApi" => get_att(id, "Arn"),
        _ => Node::Null,
    }
}

/// The name of the role that the resource takes on, where it is one of the template.
fn role(kind: &str, properties: &Node, other: &Node) -> Node {
    let role = match kind {
        "AWS::Lambda::Function" => properties.at("Role"),
        "AWS::StepFunctions::StateMachine" => properties.at("RoleArn"),
        "AWS::AppSync::DataSource" => properties.at("ServiceRoleArn"),
        "AWS::Events::Rule" => {
            let targets = properties.at("Targets").as_list().unwrap_or_default();
            let leads = |target: &&Node| {
                let arn = target.at("Arn");
                let by_id = logical_id(arn).is_some_and(|id| other.at("Id").is(id));
                by_id || (other.at("Arn").truthy() && arn == other.at("Arn"))
            };
            match targets.iter().find(leads) {
                Some(target) => target.at("RoleArn"),
                None => return Node::Null,
            }
        }
        _ => return Node::Null,
    };
    logical_id(role).map_or(Node::Null, reference)
}
