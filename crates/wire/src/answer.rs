//! Success, spelled in the caller's protocol.

use base64::Engine as _;
use bytes::Bytes;
use cumulet_base::{Body, Ids, Timestamp};
use cumulet_shape::{
    AnyShape, Kind, Location, Member, OperationMeta, Protocol, Schema, ServiceMeta, Structure,
    TimeFormat, Writer,
};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, SERVER};
use http::{HeaderMap, Response, StatusCode};

use crate::json::JsonWriter;
use crate::time;
use crate::xml::{XmlWriter, escape};

/// The response that carries `output`.
pub fn answer(
    protocol: Protocol,
    operation: &'static OperationMeta,
    mut output: Box<dyn AnyShape>,
    request_id: &str,
) -> Response<Body> {
    let stream = output.take_stream_any();
    let mut response = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let mut writer = JsonWriter::with_capacity(512);
            output.write_any(&mut writer);
            let kind = if protocol == Protocol::AwsJson10 {
                "application/x-amz-json-1.0"
            } else {
                "application/x-amz-json-1.1"
            };
            with_body(kind, writer.into_bytes().into())
        }
        Protocol::Query => {
            with_body("text/xml", query(operation, output.as_ref(), request_id).into())
        }
        Protocol::RestJson | Protocol::RestXml | Protocol::RpcV2Cbor => {
            rest(protocol, operation, output.as_ref(), stream)
        }
    };
    set_request_id(response.headers_mut(), operation.service.name, request_id);
    if operation.service.signing_name == "dynamodb" {
        checksum(&mut response);
    }
    response
}

/// A request's id as the service's clients know it, from the one that every request has: DynamoDB's
/// are 52 digits and capital letters, all others UUIDs.
pub fn request_id(service: &ServiceMeta, ids: &dyn Ids, uuid: String) -> String {
    if service.signing_name == "dynamodb" {
        ids.text(52, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    } else {
        uuid
    }
}

/// The request id, in the header that the service's clients look at. S3 has two, and names its
/// server ("Common Response Headers" of its API reference).
pub(crate) fn set_request_id(headers: &mut HeaderMap, service: &str, request_id: &str) {
    let name = if service == "s3" { "x-amz-request-id" } else { "x-amzn-requestid" };
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static(name), value.clone());
        if service == "s3" {
            headers.insert(HeaderName::from_static("x-amz-id-2"), value);
            headers.insert(SERVER, HeaderValue::from_static("AmazonS3"));
        }
    }
}

/// DynamoDB's clients check a CRC-32 of the body and retry when it differs.
pub(crate) fn checksum(response: &mut Response<Body>) {
    if let Some(whole) = response.body().whole() {
        let crc = crc32fast::hash(whole);
        response.headers_mut().insert(HeaderName::from_static("x-amz-crc32"), crc.into());
    }
}

pub(crate) fn with_body(content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn query(operation: &'static OperationMeta, output: &dyn AnyShape, request_id: &str) -> String {
    let mut text = String::from("<");
    text.push_str(operation.name);
    text.push_str("Response");
    if let Some(uri) = operation.service.xmlns {
        text.push_str(" xmlns=\"");
        escape(&mut text, uri);
        text.push('"');
    }
    text.push('>');
    if let Some(root) = operation.output_root {
        let mut writer = XmlWriter::new(root);
        output.write_any(&mut writer);
        text.push_str(&writer.into_string());
    }
    text.push_str("<ResponseMetadata><RequestId>");
    escape(&mut text, request_id);
    text.push_str("</RequestId></ResponseMetadata></");
    text.push_str(operation.name);
    text.push_str("Response>");
    text
}

fn rest(
    protocol: Protocol,
    operation: &'static OperationMeta,
    output: &dyn AnyShape,
    stream: Option<Body>,
) -> Response<Body> {
    let structure = (operation.output)();
    let mut head = HeadWriter {
        headers: HeaderMap::new(),
        status: operation.status,
        payload: None,
        place: None,
        list: None,
        xml: protocol == Protocol::RestXml,
    };
    output.write_any(&mut head);
    let HeadWriter { headers, mut status, payload, .. } = head;
    // A part of a representation has a status of its own (RFC 9110 section 15.3.7).
    if status == 200 && headers.contains_key(CONTENT_RANGE) {
        status = 206;
    }
    let has_payload = structure.members.iter().any(|m| m.at == Location::Payload);
    let in_body = structure.members.iter().any(|m| m.at == Location::Body);
    let (content_type, body) = if let Some(stream) = stream {
        (Some("application/octet-stream"), stream)
    } else if has_payload {
        payload.map_or((None, Body::empty()), |(kind, payload)| match payload {
            // A blob to the model; what functions return is JSON.
            Payload::Bytes(bytes) if operation.service.name == "lambda" => {
                (Some("application/json"), Body::from(bytes))
            }
            Payload::Bytes(bytes) => (Some(kind), Body::from(bytes)),
            Payload::Root(root) => (Some(kind), document(operation, &root)),
        })
    } else if protocol == Protocol::RestXml {
        match operation.output_root.or(in_body.then_some(structure.name)) {
            Some(root) if in_body => {
                let mut writer = XmlWriter::body_only(root);
                output.write_any(&mut writer);
                let text = writer.into_string();
                (Some("application/xml"), document(operation, unwrapped(&text, root)))
            }
            _ => (None, Body::empty()),
        }
    } else if in_body || status != 204 {
        let mut writer = JsonWriter::body_only();
        output.write_any(&mut writer);
        (Some("application/json"), Body::from(writer.into_bytes()))
    } else {
        (None, Body::empty())
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    *response.headers_mut() = headers;
    if let Some(kind) = content_type.filter(|_| status != 204 && status != 304) {
        let headers = response.headers_mut();
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    }
    response
}

/// S3's GetBucketLocation: where the only member is called as the root, it is the root (Smithy's
/// trait `s3UnwrappedXmlOutput`).
fn unwrapped<'a>(text: &'a str, root: &str) -> &'a str {
    let inner = text
        .strip_prefix('<')
        .and_then(|t| t.strip_prefix(root))
        .and_then(|t| t.strip_prefix('>'))
        .and_then(|t| t.strip_suffix(&format!("</{root}>")));
    inner.filter(|t| t.starts_with(&format!("<{root}>"))).unwrap_or(text)
}

/// An XML document with its declaration, and the service's namespace on a root that has none.
fn document(operation: &'static OperationMeta, root: &str) -> Body {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let start = root.split('>').next().unwrap_or_default();
    match (operation.service.xmlns, root.find(['>', ' ', '/'])) {
        (Some(uri), Some(end)) if !start.contains(" xmlns=") => {
            let (name, rest) = root.split_at(end);
            text.push_str(name);
            text.push_str(" xmlns=\"");
            escape(&mut text, uri);
            text.push('"');
            text.push_str(rest);
        }
        _ => text.push_str(root),
    }
    Body::from(text)
}

/// Takes the members that stand in the head, and the payload.
struct HeadWriter {
    headers: HeaderMap,
    status: u16,
    payload: Option<(&'static str, Payload)>,
    /// Where the value that comes next belongs.
    place: Option<Place>,
    /// The items of a header's list.
    list: Option<Vec<String>>,
    xml: bool,
}

/// What the body is made of.
enum Payload {
    Bytes(Bytes),
    /// The root element of an XML document.
    Root(String),
}

#[derive(Clone)]
enum Place {
    Header(String),
    /// A map of headers with this prefix.
    Headers(&'static str),
    Status,
    Payload(&'static Member),
}

impl HeadWriter {
    fn text(&mut self, schema: Schema, text: &str) {
        if let Some(list) = &mut self.list {
            // A text with a comma or quote must be quoted (Smithy, "httpHeader serialization").
            let quote = matches!(schema.kind, Kind::String) && text.contains(['"', ',']);
            list.push(if quote { format!("{text:?}") } else { text.to_owned() });
            return;
        }
        match &self.place {
            Some(Place::Header(name)) => self.header(&name.clone(), text),
            Some(Place::Status) => self.status = text.parse().unwrap_or(self.status),
            Some(Place::Payload(_)) => {
                let bytes = Bytes::copy_from_slice(text.as_bytes());
                self.payload = Some(("text/plain", Payload::Bytes(bytes)));
            }
            Some(Place::Headers(_)) | None => {}
        }
    }

    fn header(&mut self, name: &str, text: &str) {
        // Non-ASCII values go out as the bytes they are; control characters cannot.
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(text.as_bytes())) {
            self.headers.insert(name, value);
        }
    }

    /// Encodes a payload by handing it to the body's own writer.
    fn delegate(&mut self, member: &'static Member, write: &mut dyn FnMut(&mut dyn Writer)) {
        self.payload = Some(if self.xml {
            let mut writer = XmlWriter::payload(member.wire);
            write(&mut writer);
            ("application/xml", Payload::Root(writer.into_string()))
        } else {
            let mut writer = JsonWriter::default();
            write(&mut writer);
            ("application/json", Payload::Bytes(writer.into_bytes().into()))
        });
    }
}

impl Writer for HeadWriter {
    fn structure(
        &mut self,
        structure: &'static Structure,
        schema: Schema,
        members: &mut dyn FnMut(&mut dyn Writer),
    ) {
        match self.place.take() {
            Some(Place::Payload(member)) => {
                self.delegate(member, &mut |w| w.structure(structure, schema, members));
            }
            _ => members(self),
        }
    }

    fn member(&mut self, member: &'static Member) -> bool {
        self.place = match member.at {
            Location::Header => Some(Place::Header(member.wire.to_owned())),
            Location::Headers => Some(Place::Headers(member.wire)),
            Location::Status => Some(Place::Status),
            Location::Payload => Some(Place::Payload(member)),
            Location::Body | Location::Uri | Location::Query | Location::Queries => None,
        };
        self.place.is_some()
    }

    fn list(&mut self, schema: Schema, len: usize, items: &mut dyn FnMut(&mut dyn Writer)) {
        match self.place.clone() {
            Some(Place::Payload(member)) => {
                self.delegate(member, &mut |w| w.list(schema, len, items));
            }
            Some(Place::Header(name)) => {
                self.list = Some(Vec::new());
                items(self);
                let list = self.list.take().unwrap_or_default();
                self.header(&name, &list.join(", "));
            }
            _ => {}
        }
    }

    fn map(&mut self, schema: Schema, len: usize, entries: &mut dyn FnMut(&mut dyn Writer)) {
        match self.place.clone() {
            Some(Place::Payload(member)) => {
                self.delegate(member, &mut |w| w.map(schema, len, entries));
            }
            Some(Place::Headers(prefix)) => {
                entries(&mut PrefixWriter { head: self, prefix });
            }
            _ => {}
        }
    }

    fn key(&mut self, _: &str) {}

    fn boolean(&mut self, schema: Schema, value: bool) {
        self.text(schema, if value { "true" } else { "false" });
    }

    fn integer(&mut self, schema: Schema, value: i64) {
        self.text(schema, &value.to_string());
    }

    fn float(&mut self, schema: Schema, value: f64) {
        self.text(schema, &value.to_string());
    }

    fn string(&mut self, schema: Schema, value: &str) {
        self.text(schema, value);
    }

    fn blob(&mut self, schema: Schema, value: &[u8]) {
        if matches!(self.place, Some(Place::Payload(_))) {
            let bytes = Bytes::copy_from_slice(value);
            self.payload = Some(("application/octet-stream", Payload::Bytes(bytes)));
        } else {
            self.text(schema, &base64::engine::general_purpose::STANDARD.encode(value));
        }
    }

    fn timestamp(&mut self, schema: Schema, value: Timestamp) {
        let format = schema.rules.time.unwrap_or(TimeFormat::Http);
        self.text(schema, &time::format(value, format));
    }

    fn document(&mut self, schema: Schema, value: &serde_json::Value) {
        if let Some(Place::Payload(member)) = self.place {
            self.delegate(member, &mut |w| w.document(schema, value));
        } else {
            self.text(schema, &value.to_string());
        }
    }
}

/// Writes a map of texts as headers.
struct PrefixWriter<'h> {
    head: &'h mut HeadWriter,
    prefix: &'static str,
}

impl Writer for PrefixWriter<'_> {
    fn key(&mut self, key: &str) {
        self.head.place = Some(Place::Header(format!("{}{key}", self.prefix)));
    }
    fn string(&mut self, schema: Schema, value: &str) {
        self.head.text(schema, value);
    }
    fn structure(&mut self, _: &'static Structure, _: Schema, _: &mut dyn FnMut(&mut dyn Writer)) {}
    fn member(&mut self, _: &'static Member) -> bool {
        false
    }
    fn list(&mut self, _: Schema, _: usize, _: &mut dyn FnMut(&mut dyn Writer)) {}
    fn map(&mut self, _: Schema, _: usize, _: &mut dyn FnMut(&mut dyn Writer)) {}
    fn boolean(&mut self, schema: Schema, value: bool) {
        self.head.boolean(schema, value);
    }
    fn integer(&mut self, schema: Schema, value: i64) {
        self.head.integer(schema, value);
    }
    fn float(&mut self, schema: Schema, value: f64) {
        self.head.float(schema, value);
    }
    fn blob(&mut self, _: Schema, _: &[u8]) {}
    fn timestamp(&mut self, schema: Schema, value: Timestamp) {
        self.head.timestamp(schema, value);
    }
    fn document(&mut self, _: Schema, _: &serde_json::Value) {}
}
