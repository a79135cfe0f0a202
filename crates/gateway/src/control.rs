//! The control plane: a request that names an operation.

use std::str::FromStr as _;
use std::sync::Arc;

use bytes::Bytes;
use cumulet_auth::sigv4::{self, Claim, Family, Form as SignatureForm, Head, SignatureError};
use cumulet_base::{Body, Limits, Region};
use cumulet_net::raw_target;
use cumulet_service::{Cx, Error, Principal, RequestInfo, Result, Signed};
use cumulet_shape::{AuthKind, Kind, Location, OperationMeta, Protocol, ServiceMeta};
use cumulet_wire::{Form, Message, Routed, Unroutable};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response};

use crate::verify::{Known, collect};
use crate::{Gateway, authority, bare_host, cors, refuse, text};

/// Characters of a foreign authorization that are repeated to who sent it.
const SHOWN: usize = 200;
const JSON: &str = "application/json";
const SDK_ALGORITHM: &str = "x-amz-sdk-checksum-algorithm";

/// An operation that a request names, and how its caller speaks.
struct Target {
    service: &'static ServiceMeta,
    protocol: Protocol,
    name: String,
    labels: Vec<(&'static str, String)>,
    /// The query protocol's parameters, where they had to be read to find the operation.
    form: Option<Form>,
}

impl Gateway {
    /// Answers a control-plane request.
    pub(crate) async fn control(
        &self,
        info: RequestInfo,
        request: Request<Body>,
    ) -> Response<Body> {
        let target = raw_target(&request).into_owned();
        let host = authority(&request);
        let (mut parts, body) = request.into_parts();
        let h2 = parts.uri.authority().map(ToString::to_string);
        let authority = h2.as_deref();
        let head =
            Head { method: &parts.method, target: &target, headers: &parts.headers, authority };
        let claim = sigv4::parse(&head);
        let mut scope = claim.as_ref().ok().and_then(Option::as_ref).map(|c| c.service.as_str());
        // The signature covers the target as it was sent; routes know buckets in the path only.
        if let Some(uri) = path_style(&parts, host.as_deref(), scope) {
            parts.uri = uri;
            scope = Some("s3");
        }
        if cors::is_preflight(&parts) {
            return self.preflight(&parts, scope, info).await;
        }
        let (found, body) = match self.find(&parts, scope, body, &info.id).await {
            Ok(found) => found,
            Err(response) => return with_id(response, &info.id),
        };
        let (service, protocol) = (found.service, found.protocol);
        let id = cumulet_wire::request_id(service, self.cloud.parts().ids.as_ref(), info.id);
        let info = Arc::new(RequestInfo { id, signed: signed(&claim, &parts), ..info });
        let asked = cors::Asked::of(&parts, &found.labels);
        let mut response = match self.run(&head, &parts, claim, found, body, &info).await {
            Ok(response) => response,
            Err(error) => refuse::error(protocol, service, &info.id, parts.uri.path(), &error),
        };
        in_kind(service, &parts, &mut response);
        if let Some(asked) = asked
            && let Ok(headers) = self.cors(service, &asked, &info).await
        {
            response.headers_mut().extend(headers);
        }
        response
    }

    /// Finds the operation; for forms that takes the body, which comes back whole.
    async fn find(
        &self,
        parts: &Parts,
        scope: Option<&str>,
        body: Body,
        id: &str,
    ) -> std::result::Result<(Target, Body), Response<Body>> {
        let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
        let lost = |why| {
            let json = parts.headers.contains_key("x-amz-target");
            refuse::unroutable(why, id, path, json)
        };
        let routed = self.router.route(&parts.method, path, query, &parts.headers, scope);
        match routed.map_err(lost)? {
            Routed::Operation { service, name, protocol, labels } => {
                Ok((Target { service, protocol, name, labels, form: None }, body))
            }
            Routed::Form => {
                let limit = self.cloud.parts().limits.form;
                let whole = body.collect(limit).await;
                // Whose form it is, the signature says already.
                let broken = |why: &Error| match self.router.form(None, None, scope) {
                    Err(Unroutable::NoOperation(service, protocol)) => {
                        refuse::error(protocol, service, id, path, why)
                    }
                    _ => refuse::plain(400, "The form cannot be read.\n"),
                };
                let whole = whole.map_err(|why| broken(&Error::body(&why, Family::Query)))?;
                let form = Form::parse(query, &whole).map_err(|_| broken(&unreadable_form()))?;
                let asked = (form.get("Action"), form.get("Version"));
                let routed = self.router.form(asked.0, asked.1, scope);
                let routed = routed.map_err(|why| refuse::form(why, asked, id, path))?;
                let Routed::Operation { service, name, protocol, labels } = routed else {
                    return Err(refuse::plain(400, "The form names no operation.\n"));
                };
                let target = Target { service, protocol, name, labels, form: Some(form) };
                Ok((target, Body::from(whole)))
            }
        }
    }

    async fn run(
        &self,
        head: &Head<'_>,
        parts: &Parts,
        claim: std::result::Result<Option<Claim>, SignatureError>,
        target: Target,
        body: Body,
        info: &Arc<RequestInfo>,
    ) -> Result<Response<Body>> {
        let Target { service, protocol, name, labels, form } = target;
        let family = refuse::family(protocol, service);
        let endpoint = self.cloud.registry().endpoint(service, &name)?;
        let meta = endpoint.meta();
        let refused = |e: &SignatureError| Error::signature(e.describe(family));
        let claim = match (meta.auth, claim) {
            (_, Ok(claim)) => claim,
            // Who needs no signature is not refused for a broken one.
            (AuthKind::None, Err(_)) => None,
            (AuthKind::SigV4, Err(error)) => return Err(refused(&error)),
        };
        let known = match &claim {
            Some(claim) => self.verify(head, claim, meta, family, body).await?,
            None if service.name == "s3" && parts.headers.contains_key(AUTHORIZATION) => {
                return Err(unsupported_authorization(&parts.headers));
            }
            // S3's callers may be nobody: a bucket's policy decides.
            None if meta.auth == AuthKind::None || service.name == "s3" => {
                Self::unsigned(head, meta, family, body)?
            }
            None => return Err(refused(&SignatureError::Unsigned)),
        };
        let Known { principal, body } = known;
        let (body, stream) = if streams(meta) {
            (Bytes::new(), Some(body))
        } else {
            (collect(body, body_limit(&self.cloud.parts().limits, meta), family).await?, None)
        };
        let announced = announced_checksum(meta, &parts.headers);
        let mut message = Message {
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: announced.as_ref().unwrap_or(&parts.headers),
            labels,
            body,
            stream,
            form,
        };
        let depth = self.cloud.parts().limits.nesting;
        let call = {
            let mut reader = cumulet_wire::read(protocol, &mut message, depth)
                .map_err(|why| Error::unreadable(&why))?;
            endpoint.decode(reader.as_mut())?
        };
        let region = claim.and_then(|claim| Region::from_str(&claim.region).ok());
        let region = region.unwrap_or_else(|| self.cloud.parts().region.clone());
        let account = principal.account().unwrap_or_else(|| self.cloud.parts().account.clone());
        let cx = Cx::new(Arc::clone(&self.cloud), principal, account, region, Arc::clone(info));
        let nobody = service.name == "s3" && matches!(cx.principal(), Principal::Anonymous);
        let output = call.run(cx).await;
        let output = output.map_err(|error| if nobody { unexplained(error) } else { error })?;
        Ok(cumulet_wire::answer(protocol, meta, output, &info.id))
    }
}

/// S3 knows its own kinds of authorization only.
fn unsupported_authorization(headers: &HeaderMap) -> Error {
    let given = text(headers, AUTHORIZATION).unwrap_or_default().chars().take(SHOWN).collect();
    let elements = vec![("ArgumentName", "Authorization".to_owned()), ("ArgumentValue", given)];
    let error = Error::custom("InvalidArgument", 400, "Unsupported Authorization Type");
    Error { elements, ..error }
}

/// S3 gives reasons to callers of the bucket's own account, not to nobody ("Access denied (403
/// Forbidden) errors" of its user guide).
fn unexplained(error: Error) -> Error {
    match error.code.as_ref() {
        "AccessDeniedException" => Error { message: "Access Denied".to_owned(), ..error },
        _ => error,
    }
}

/// A form that is none ("Common Errors" of the query services' API references).
fn unreadable_form() -> Error {
    Error::custom("MalformedQueryString", 404, "The query string contains a syntax error.")
}

/// DynamoDB answers `application/json` in kind (as dynalite has recorded it).
fn in_kind(service: &'static ServiceMeta, parts: &Parts, response: &mut Response<Body>) {
    let kind = text(&parts.headers, CONTENT_TYPE).unwrap_or_default();
    if service.signing_name == "dynamodb" && kind.split(';').next().map(str::trim) == Some(JSON) {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    }
}

/// The headers with `x-amz-sdk-checksum-algorithm`, where only `x-amz-trailer` says which checksum
/// an upload ends with: either is enough.
fn announced_checksum(meta: &'static OperationMeta, headers: &HeaderMap) -> Option<HeaderMap> {
    let trailer = headers.get("x-amz-trailer").filter(|_| streams(meta))?.to_str().ok()?;
    let algorithm = trailer.trim().strip_prefix("x-amz-checksum-")?.to_ascii_uppercase();
    if headers.contains_key(SDK_ALGORITHM) {
        return None;
    }
    let mut headers = headers.clone();
    headers.insert(SDK_ALGORITHM, algorithm.parse().ok()?);
    Some(headers)
}

/// What policies may ask of a signature. Who reads it does so behind its verification.
fn signed(
    claim: &std::result::Result<Option<Claim>, SignatureError>,
    parts: &Parts,
) -> Option<Signed> {
    let claim = claim.as_ref().ok()?.as_ref()?;
    let content_sha256 = parts.headers.get("x-amz-content-sha256");
    Some(Signed {
        algorithm: claim.algorithm.as_str(),
        presigned: matches!(claim.form, SignatureForm::Presigned { .. }),
        at: claim.date,
        content_sha256: content_sha256.and_then(|it| it.to_str().ok()).map(str::to_owned),
    })
}

/// The target in path style, where the host names a bucket of S3.
fn path_style(parts: &Parts, host: Option<&str>, scope: Option<&str>) -> Option<http::Uri> {
    if scope.is_some_and(|scope| scope != "s3") {
        return None;
    }
    let host = bare_host(host?);
    let bucket = cumulet_wire::bucket_of_host(&host)?;
    // `sts.localhost` is no bucket: forms are other services'.
    if scope.is_none() && parts.method == Method::POST {
        return None;
    }
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    format!("/{bucket}{target}").parse().ok()
}

/// Bytes that an operation's body may have.
fn body_limit(limits: &Limits, meta: &'static OperationMeta) -> usize {
    match (meta.service.name, meta.name) {
        ("lambda", "CreateFunction" | "UpdateFunctionCode" | "PublishLayerVersion") => {
            limits.package
        }
        _ => limits.body,
    }
}

/// Whether an operation's input is the body as it comes.
pub(crate) fn streams(meta: &'static OperationMeta) -> bool {
    let mut members = (meta.input)().members.iter();
    members.any(|m| m.at == Location::Payload && matches!(m.schema.kind, Kind::Stream))
}

fn with_id(mut response: Response<Body>, id: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().entry("x-amzn-requestid").or_insert(value);
    }
    response
}
