//! Errors on their way out.

use cumulet_auth::sigv4::Family;
use cumulet_base::Body;
use cumulet_service::{Error, Origin};
use cumulet_shape::{Protocol, ServiceMeta};
use cumulet_wire::{Failure, Unroutable};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

/// Characters of an unknown operation's name that are repeated to the caller.
const NAME: usize = 128;

/// The family of error spellings that a caller understands.
pub(crate) fn family(protocol: Protocol, service: &'static ServiceMeta) -> Family {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor => Family::Json,
        Protocol::RestJson => Family::RestJson,
        Protocol::RestXml if service.name == "s3" => Family::S3,
        Protocol::RestXml | Protocol::Query => Family::Query,
    }
}

/// `error` in the caller's protocol. What only the owner may know goes to the log.
pub(crate) fn error(
    protocol: Protocol,
    service: &'static ServiceMeta,
    request_id: &str,
    path: &str,
    error: &Error,
) -> Response<Body> {
    if error.fault {
        let cause = error.cause.as_deref().unwrap_or_default();
        tracing::error!(request_id, service = service.name, code = %error.code, cause, "failed");
    }
    let namespace = match error.origin {
        Origin::Model => service.error_namespace,
        Origin::Validate => Some("com.amazon.coral.validate"),
        Origin::Framework | Origin::Signature => Some("com.amazon.coral.service"),
    };
    let failure = Failure {
        code: &error.code,
        status: error.status,
        fault: error.fault,
        message: &error.message,
        namespace,
        message_member: error.message_member,
        detail: error.detail.as_deref(),
        framework: matches!(error.origin, Origin::Framework | Origin::Validate),
        request_id,
        elements: &error.elements,
        headers: &error.headers,
        resource: path,
    };
    cumulet_wire::failure(protocol, service, &failure)
}

/// The answer to a request that names no operation.
pub(crate) fn unroutable(
    why: Unroutable,
    request_id: &str,
    path: &str,
    json_target: bool,
) -> Response<Body> {
    match why {
        Unroutable::NoOperation(service, protocol) => {
            error(protocol, service, request_id, path, &unknown(service, protocol))
        }
        // As AWS's JSON services answer a foreign content type (dynalite's records).
        Unroutable::ContentType => plain(404, "<UnknownOperationException/>\n"),
        Unroutable::NoService if json_target => {
            let body = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
            let mut response = plain(400, body);
            let kind = HeaderValue::from_static("application/x-amz-json-1.0");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        Unroutable::NoService => {
            plain(404, "Nothing of this cloud is here: the request names no service of it.\n")
        }
    }
}

/// What services of this protocol say of an operation that they do not have.
fn unknown(service: &'static ServiceMeta, protocol: Protocol) -> Error {
    match protocol {
        // As callers of Lambda and API Gateway have met it: with no operation, there is no action
        // that could be allowed.
        Protocol::RestJson => {
            Error::access_denied("Unable to determine service/operation name to be authorized")
        }
        Protocol::RestXml if service.name == "s3" => {
            Error::unknown_operation("The specified method is not allowed against this resource.")
        }
        _ => Error::unknown_operation(""),
    }
}

/// The answer to a form that names no operation: `action` is what it names instead.
pub(crate) fn form(
    why: Unroutable,
    (action, version): (Option<&str>, Option<&str>),
    request_id: &str,
    path: &str,
) -> Response<Body> {
    let Unroutable::NoOperation(service, protocol) = why else {
        return unroutable(why, request_id, path, false);
    };
    let refused = if let Some(action) = action {
        let name: String = action.chars().take(NAME).collect();
        let version: String = version.unwrap_or(service.version).chars().take(NAME).collect();
        Error::unknown_operation(format!("Could not find operation {name} for version {version}"))
    } else {
        let words = "The request is missing an action or a required parameter.";
        Error::custom("MissingAction", 400, words)
    };
    error(protocol, service, request_id, path, &refused)
}

/// A few words for a person.
pub(crate) fn plain(status: u16, words: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(words));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
