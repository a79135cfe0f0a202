//! Errors, spelled in the caller's protocol.

use std::borrow::Cow;

use cumulet_base::Body;
use cumulet_shape::{AnyShape, Member, Protocol, Schema, ServiceMeta, Structure, Writer};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::answer::{checksum, set_request_id, with_body};
use crate::json::JsonWriter;
use crate::xml::{XmlWriter, escape};

/// The namespace of errors that are raised before it is known whose they are (as users of SES and
/// SNS have seen them).
const NO_ACTION: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// S3's only words for XML that it cannot read, whatever is wrong with it.
const MALFORMED: &str =
    "The XML you provided was not well-formed or did not validate against our published schema";

/// An error as the codecs see it.
#[derive(Debug)]
pub struct Failure<'a> {
    /// The code, as JSON protocols spell it.
    pub code: &'a str,
    /// The HTTP status that JSON protocols give it.
    pub status: u16,
    /// Whether this cloud is at fault.
    pub fault: bool,
    /// What a person reads.
    pub message: &'a str,
    /// awsJson 1.0: what stands before the code in `__type`.
    pub namespace: Option<&'a str>,
    /// The member that carries the message.
    pub message_member: &'static str,
    /// The exception's other members.
    pub detail: Option<&'a dyn AnyShape>,
    /// The code is the framework's (authentication, decoding …), which each protocol spells its own
    /// way.
    pub framework: bool,
    /// The request's id.
    pub request_id: &'a str,
    /// S3: more elements.
    pub elements: &'a [(&'static str, String)],
    /// More headers of the answer.
    pub headers: &'a [(&'static str, String)],
    /// S3: what the request was about.
    pub resource: &'a str,
}

/// The response that carries `failure`.
pub fn failure(
    protocol: Protocol,
    service: &'static ServiceMeta,
    failure: &Failure<'_>,
) -> Response<Body> {
    let mut response = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let kind = if protocol == Protocol::AwsJson10 {
                "application/x-amz-json-1.0"
            } else {
                "application/x-amz-json-1.1"
            };
            let name = match failure.namespace.filter(|_| protocol == Protocol::AwsJson10) {
                Some(namespace) => format!("{namespace}#{}", failure.code),
                None => failure.code.to_owned(),
            };
            let mut response = with_body(kind, json_body(failure, Some(&name)).into());
            *response.status_mut() = status(failure.status);
            response
        }
        Protocol::RestJson | Protocol::RpcV2Cbor => {
            let mut response = with_body("application/json", json_body(failure, None).into());
            // What JSON-RPC services answer with 400, REST services answer with 403.
            let denied = failure.framework && failure.code.contains("Denied");
            *response.status_mut() = status(if denied { 403 } else { failure.status });
            if let Ok(value) = HeaderValue::from_str(failure.code) {
                response.headers_mut().insert(HeaderName::from_static("x-amzn-errortype"), value);
            }
            response
        }
        Protocol::Query | Protocol::RestXml => {
            let s3 = service.name == "s3";
            let (code, number) = xml_code(failure, s3);
            let text =
                if s3 { s3_error(failure, &code) } else { error_response(failure, &code, service) };
            let kind = if protocol == Protocol::Query { "text/xml" } else { "application/xml" };
            let mut response = with_body(kind, text.into());
            *response.status_mut() = status(number);
            response
        }
    };
    set_request_id(response.headers_mut(), service.name, failure.request_id);
    if service.name == "cognito-idp" {
        describe(&mut response, failure);
    }
    for (name, value) in failure.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    // "Not modified" has no body (RFC 9110 section 15.4.5).
    if response.status() == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
    }
    if service.signing_name == "dynamodb" {
        checksum(&mut response);
    }
    response
}

/// Cognito tells its errors in headers, too, which its browser clients read. The colon ends the
/// name: what may stand behind it is the older spelling's address.
fn describe(response: &mut Response<Body>, failure: &Failure<'_>) {
    let headers = [
        ("x-amzn-errortype", format!("{}:", failure.code)),
        ("x-amzn-errormessage", failure.message.to_owned()),
    ];
    for (name, value) in headers {
        // A message of other scripts stands in the body alone.
        if let Ok(value) = HeaderValue::from_str(&value)
            && !value.is_empty()
        {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// How the XML protocols spell the framework's errors.
///
/// Sources: "Common Errors" of the IAM and CloudFormation API references, "Error responses" of
/// S3's.
fn xml_code<'a>(failure: &Failure<'a>, s3: bool) -> (Cow<'a, str>, u16) {
    if !failure.framework {
        return (Cow::Borrowed(failure.code), failure.status);
    }
    let (code, status) = match failure.code {
        "AccessDeniedException" => ("AccessDenied", 403),
        "ValidationException" if s3 => ("InvalidArgument", 400),
        "ValidationException" => ("ValidationError", 400),
        "SerializationException" if s3 => ("MalformedXML", 400),
        "SerializationException" => ("MalformedInput", 400),
        "UnknownOperationException" if s3 => ("MethodNotAllowed", 405),
        "UnknownOperationException" => ("InvalidAction", 400),
        "NotImplementedException" if s3 => ("NotImplemented", 501),
        "InternalServerError" if s3 => ("InternalError", 500),
        "InternalServerError" => ("InternalFailure", 500),
        _ => (failure.code, failure.status),
    };
    (Cow::Borrowed(code), status)
}

fn json_body(failure: &Failure<'_>, name: Option<&str>) -> Vec<u8> {
    let mut writer = JsonWriter::body_only();
    writer.object(&mut |w| {
        if let Some(name) = name {
            w.pair("__type", name);
        }
        // Broken JSON and unknown operations carry no message at all.
        if !failure.message.is_empty() {
            w.pair(failure.message_member, failure.message);
        }
        if let Some(detail) = failure.detail {
            detail.write_any(&mut Members(w));
        }
    });
    writer.into_bytes()
}

/// Writes a structure's members without the braces around them, and without its message.
struct Members<'w>(&'w mut JsonWriter);

impl Writer for Members<'_> {
    fn structure(
        &mut self,
        structure: &'static Structure,
        _: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    ) {
        let _ = structure;
        members(self.0);
    }
    fn member(&mut self, _: &'static Member) -> bool {
        false
    }
    fn list(&mut self, _: Schema, _: usize, _: &mut dyn FnMut(&mut dyn Writer)) {}
    fn map(&mut self, _: Schema, _: usize, _: &mut dyn FnMut(&mut dyn Writer)) {}
    fn key(&mut self, _: &str) {}
    fn boolean(&mut self, _: Schema, _: bool) {}
    fn integer(&mut self, _: Schema, _: i64) {}
    fn float(&mut self, _: Schema, _: f64) {}
    fn string(&mut self, _: Schema, _: &str) {}
    fn blob(&mut self, _: Schema, _: &[u8]) {}
    fn timestamp(&mut self, _: Schema, _: cumulet_base::Timestamp) {}
    fn document(&mut self, _: Schema, _: &serde_json::Value) {}
}

fn element(text: &mut String, name: &str, value: &str) {
    text.push('<');
    text.push_str(name);
    text.push('>');
    escape(text, value);
    text.push_str("</");
    text.push_str(name);
    text.push('>');
}

fn error_response(failure: &Failure<'_>, code: &str, service: &ServiceMeta) -> String {
    let mut text = String::from("<ErrorResponse");
    let namespace = match code {
        "InvalidAction" | "MissingAction" => Some(NO_ACTION),
        _ => service.xmlns,
    };
    if let Some(uri) = namespace {
        text.push_str(" xmlns=\"");
        escape(&mut text, uri);
        text.push('"');
    }
    text.push_str("><Error>");
    element(&mut text, "Type", if failure.fault { "Receiver" } else { "Sender" });
    element(&mut text, "Code", code);
    element(&mut text, "Message", failure.message);
    text.push_str("</Error>");
    element(&mut text, "RequestId", failure.request_id);
    text.push_str("</ErrorResponse>");
    text
}

/// S3's errors stand bare, without namespace; the members of `detail` follow the message.
fn s3_error(failure: &Failure<'_>, code: &str) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    element(&mut text, "Code", code);
    let message =
        if failure.framework && code == "MalformedXML" { MALFORMED } else { failure.message };
    element(&mut text, "Message", message);
    if let Some(detail) = failure.detail {
        let mut writer = XmlWriter::body_only("Detail");
        detail.write_any(&mut writer);
        let inner = writer.into_string();
        let members = inner.strip_prefix("<Detail>").and_then(|t| t.strip_suffix("</Detail>"));
        text.push_str(members.unwrap_or_default());
    }
    for (name, value) in failure.elements {
        element(&mut text, name, value);
    }
    element(&mut text, "Resource", failure.resource);
    element(&mut text, "RequestId", failure.request_id);
    element(&mut text, "HostId", failure.request_id);
    text.push_str("</Error>");
    text
}
