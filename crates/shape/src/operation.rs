//! What the gateway knows of a service, its operations and its exceptions. Generated code fills it.

use crate::{Shape, Structure};

/// An operation of a service.
pub trait Operation: Send + Sync + 'static {
    /// What a caller sends.
    type Input: Shape;
    /// What he gets.
    type Output: Shape;
    /// Name, route and kin.
    const META: &'static OperationMeta;
}

/// All that a codec and the gateway need to know of an operation.
#[derive(Debug)]
pub struct OperationMeta {
    /// The name in the model: `PutItem`.
    pub name: &'static str,
    /// The service it belongs to.
    pub service: &'static ServiceMeta,
    /// The HTTP method (REST protocols; `POST` for the others).
    pub method: &'static str,
    /// The path and literal query, with labels: `/{Bucket}/{Key+}?acl`.
    pub uri: &'static str,
    /// The status of success.
    pub status: u16,
    /// Who may call.
    pub auth: AuthKind,
    /// The input's shape.
    pub input: fn() -> &'static Structure,
    /// The output's shape.
    pub output: fn() -> &'static Structure,
    /// restXml: the root element of the request's body and its namespace.
    pub input_root: Option<(&'static str, Option<&'static str>)>,
    /// query: the element around the result; restXml: the root element of the response's body.
    pub output_root: Option<&'static str>,
    /// The request's body must carry a checksum (`httpChecksumRequired`).
    pub checksum_required: bool,
}

/// How an operation's caller shows who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthKind {
    /// A signature; nobody else may call.
    SigV4,
    /// None: the operation itself looks at what it is given (a password, a token).
    None,
}

/// The wire protocols of AWS's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// JSON bodies, the operation in `X-Amz-Target`, version 1.0.
    AwsJson10,
    /// The same, version 1.1.
    AwsJson11,
    /// Forms in, XML out.
    Query,
    /// HTTP bindings with JSON bodies.
    RestJson,
    /// HTTP bindings with XML bodies.
    RestXml,
    /// Smithy's RPC v2 over CBOR.
    RpcV2Cbor,
}

/// A service as its clients see it.
#[derive(Debug)]
pub struct ServiceMeta {
    /// The short name, as the AWS CLI has it: `dynamodb`, `cognito-idp`.
    pub name: &'static str,
    /// The service in a signature's scope and in ARNs' and actions' prefixes where those agree.
    pub signing_name: &'static str,
    /// The first label of its host: `dynamodb`, `monitoring`.
    pub endpoint_prefix: &'static str,
    /// Every protocol it speaks, the model's preference first.
    pub protocols: &'static [Protocol],
    /// The part of `X-Amz-Target` before the dot.
    pub target_prefix: Option<&'static str>,
    /// The API's version: `2012-08-10`.
    pub version: &'static str,
    /// The XML namespace of its answers.
    pub xmlns: Option<&'static str>,
    /// The namespace of exceptions in awsJson 1.0's `__type`: `com.amazonaws.dynamodb.v20120810`.
    pub error_namespace: Option<&'static str>,
    /// Every operation of the model, so that one that is not there can be named.
    pub routes: &'static [Route],
}

/// An operation's name and place, whether it is there or not.
#[derive(Debug)]
pub struct Route {
    /// The name in the model.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path and literal query, with labels.
    pub uri: &'static str,
}

/// An exception of a service's model.
pub trait Exception: Shape {
    /// Name and status.
    const META: &'static ExceptionMeta;
}

/// How an exception is answered.
#[derive(Debug)]
pub struct ExceptionMeta {
    /// The name in the model, and on the wire unless [`Self::code`] says otherwise.
    pub name: &'static str,
    /// The code on the wire where it is not the name (query protocol: `NoSuchEntity`).
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the service is at fault, not the caller.
    pub fault: bool,
    /// The member that carries the message, as the model spells it.
    pub message_member: &'static str,
}
