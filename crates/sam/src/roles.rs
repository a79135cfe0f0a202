//! Execution roles and the policies that SAM writes into them.

use crate::fault::Fault;
use crate::intrinsics::{is_if, is_no_value};
use crate::node::{Dict, Node, dict, list};
use crate::policies::{self, Kind};
use crate::resource::Resource;
use crate::state::State;

/// What a role is made of.
#[derive(Debug)]
pub(crate) struct Role<'a> {
    /// Logical id of the resource that takes it on; the role's is this and `Role`.
    pub(crate) owner: &'a str,
    pub(crate) attributes: &'a Dict,
    pub(crate) assume: Node,
    pub(crate) policies: &'a Node,
    pub(crate) managed: Vec<Node>,
    pub(crate) documents: Vec<Node>,
    pub(crate) path: &'a Node,
    pub(crate) boundary: &'a Node,
    pub(crate) tags: Vec<Node>,
}

impl Role<'_> {
    pub(crate) fn build(self, state: &State<'_>) -> Result<Resource, Fault> {
        let id = format!("{}Role", self.owner);
        let arn = |name: &str| match state.context.managed_policies.get(name) {
            Some(arn) => Node::from(arn.as_str()),
            None => name.into(),
        };
        let mut managed = self.managed;
        let mut documents = self.documents;
        for (at, entry) in policies::entries(self.policies).into_iter().enumerate() {
            match policies::kind(&entry, false)? {
                Kind::Statement => {
                    let wrap = |document: &Node| {
                        dict! {
                            "PolicyName" => format!("{id}Policy{at}"),
                            "PolicyDocument" => document.clone(),
                        }
                    };
                    documents.push(in_branches(&entry, &|branch| {
                        (!is_no_value(branch)).then(|| wrap(branch))
                    }));
                }
                Kind::Managed => {
                    let entry = in_branches(&entry, &|branch| branch.as_str().map(arn));
                    if !managed.contains(&entry) {
                        managed.push(entry);
                    }
                }
                Kind::Template | Kind::Unknown => {
                    return Err(Fault::resource(
                        self.owner,
                        format!("Policy at index {at} in the 'Policies' property is not valid"),
                    ));
                }
            }
        }
        let mut role = Resource::new(id, "AWS::IAM::Role", self.attributes)
            .with("AssumeRolePolicyDocument", self.assume)
            .with("ManagedPolicyArns", managed)
            .with("Path", self.path)
            .with("PermissionsBoundary", self.boundary)
            .with("Tags", self.tags);
        if !documents.is_empty() {
            role.set("Policies", documents);
        }
        Ok(role)
    }
}

/// Converts the entry, or the branches of an `Fn::If`; what is not convertible stays.
fn in_branches(entry: &Node, convert: &dyn Fn(&Node) -> Option<Node>) -> Node {
    if !is_if(entry) {
        return convert(entry).unwrap_or_else(|| entry.clone());
    }
    let mut entry = entry.clone();
    if let Some(Node::List(items)) = entry.as_map_mut().and_then(|dict| dict.get_mut("Fn::If")) {
        for branch in items.iter_mut().skip(1) {
            if let Some(converted) = convert(branch) {
                *branch = converted;
            }
        }
    }
    entry
}

/// A trust policy for one service.
pub(crate) fn assumed_by(service: &str) -> Node {
    dict! {
        "Version" => "2012-10-17",
        "Statement" => list![dict! {
            "Action" => list!["sts:AssumeRole"],
            "Effect" => "Allow",
            "Principal" => dict! { "Service" => list![service] },
        }],
    }
}

fn named(name: String, statements: Vec<Node>) -> Node {
    dict! {
        "PolicyName" => name,
        "PolicyDocument" => dict! { "Statement" => statements },
    }
}

pub(crate) fn allow(action: impl Into<Node>, resource: impl Into<Node>) -> Node {
    dict! { "Action" => action.into(), "Effect" => "Allow", "Resource" => resource.into() }
}

pub(crate) fn dead_letter_queue(action: &str, resource: &Node) -> Node {
    dict! {
        "PolicyName" => "DeadLetterQueuePolicy",
        "PolicyDocument" => dict! {
            "Version" => "2012-10-17",
            "Statement" => list![allow(action, resource)],
        },
    }
}

pub(crate) fn send_to_queue(queue: &Node, id: &str) -> Node {
    named(format!("{id}SQSPolicy"), vec![allow("sqs:SendMessage", queue)])
}

pub(crate) fn publish_to_topic(topic: &Node, id: &str) -> Node {
    named(format!("{id}SNSPolicy"), vec![allow("sns:publish", topic)])
}

pub(crate) fn write_to_bucket(bucket: &Node, id: &str) -> Node {
    let objects = dict! { "Fn::Join" => list!["/", list![bucket, "*"]] };
    let statements = vec![allow("s3:PutObject", objects), allow("s3:ListBucket", bucket)];
    named(format!("{id}S3Policy"), statements)
}

pub(crate) fn put_events(bus: &Node, id: &str) -> Node {
    named(format!("{id}EventBridgePolicy"), vec![allow("events:PutEvents", bus)])
}

pub(crate) fn invoke_function(function: &Node, id: &str) -> Node {
    named(format!("{id}LambdaPolicy"), vec![allow("lambda:InvokeFunction", function)])
}

pub(crate) fn start_execution(machine: &Node, id: &str) -> Node {
    named(format!("{id}StartExecutionPolicy"), vec![allow("states:StartExecution", machine)])
}
