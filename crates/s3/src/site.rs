//! The website endpoint: `<bucket>.s3-website.<region>.<domain>`.
//!
//! It serves GET and HEAD to anybody; the bucket's policy decides, as for any anonymous caller.

use std::sync::Arc;

use cumulet_api_s3::ops::{GetObject, GetObjectOutput, GetObjectRequest};
use cumulet_base::Body;
use cumulet_service::{
    BoxFuture, CrossOrigin, Cx, Error, LOCAL_DOMAIN, Principal, Result, Service as _, Site, Sites,
};
use cumulet_shape::{Operation as _, Protocol};
use cumulet_store::names::{self, Owner};
use cumulet_store::{Key, Snapshot};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION, ORIGIN, RANGE};
use http::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;

use crate::S3;
use crate::error::S3Error;
use crate::model::WebsiteRecord;
use crate::store::{WEBSITE_NAMES, bucket, config};
use crate::website::{WEBSITE, redirect, rule};

/// Finds the websites that buckets are.
#[derive(Debug, Clone)]
pub struct Websites(Arc<S3>);

impl Websites {
    /// The websites of `service`'s buckets.
    pub fn new(service: Arc<S3>) -> Self {
        Self(service)
    }
}

impl Sites for Websites {
    fn find(&self, host: &str, _: &str) -> Option<(Arc<dyn Site>, usize)> {
        let bucket = bucket_of(host)?.to_owned();
        Some((Arc::new(Website { bucket, service: Arc::clone(&self.0) }), 0))
    }

    fn listed_under(&self) -> Vec<Key> {
        vec![names::prefix(WEBSITE_NAMES)]
    }

    fn hosts<'a>(&'a self, read: &'a Snapshot, most: usize) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move {
            let listed = names::list(read, WEBSITE_NAMES, most).await?;
            let host = |(name, owner): (String, Owner)| {
                format!("{name}.s3-website.{}.{LOCAL_DOMAIN}", owner.region)
            };
            Ok(listed.into_iter().map(host).collect())
        })
    }
}

/// The bucket in `<bucket>.s3-website.<region>…` or `<bucket>.s3-website-<region>…`.
fn bucket_of(host: &str) -> Option<&str> {
    let at = host.find(".s3-website.").or_else(|| host.find(".s3-website-"))?;
    host.get(..at).filter(|bucket| !bucket.is_empty())
}

/// One bucket's website.
#[derive(Debug)]
struct Website {
    bucket: String,
    service: Arc<S3>,
}

impl Site for Website {
    fn serve(&self, cx: Cx, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let cx = cx.acting_as(Principal::Anonymous);
            let mut response = match self.answer(&cx, &request).await {
                Ok(response) => response,
                Err(error) => page(&cx, &error),
            };
            self.cross_origin(&cx, &request, &mut response).await;
            response
        })
    }
}

impl Website {
    async fn answer(&self, cx: &Cx, request: &Request<Body>) -> Result<Response<Body>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let words = "The specified method is not allowed against this resource.";
            return Err(Error::custom("MethodNotAllowed", 405, words));
        }
        let bucket = bucket(cx, &self.bucket, None).await?;
        let found = config::<WebsiteRecord>(cx, &bucket.place, WEBSITE).await?;
        let missing = || {
            let message = "The specified bucket does not have a website configuration";
            S3Error::absent("NoSuchWebsiteConfiguration", message, &self.bucket)
        };
        let record = found.ok_or_else(missing)?;
        let endpoint = &cx.request().endpoint;
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        if let Some((host, protocol)) = &record.redirect_all {
            let own = endpoint.split_once("://").map_or("http", |(scheme, _)| scheme);
            let scheme = protocol.as_deref().unwrap_or(own);
            return Ok(moved(301, &format!("{scheme}://{host}{target}")));
        }
        let path = request.uri().path();
        let key = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).decode_utf8();
        let key =
            key.map_err(|_| Error::custom("InvalidURI", 400, "Couldn't parse the specified URI."))?;
        if let Some(rule) = rule(&record, &key, None) {
            let (status, location) = redirect(rule, &key, endpoint);
            return Ok(moved(status, &location));
        }
        match self.object(cx, request, &record, &key).await {
            Ok(response) => Ok(response),
            Err(error) => self.failed(cx, &record, &key, error).await,
        }
    }

    /// The object that a path leads to.
    async fn object(
        &self,
        cx: &Cx,
        request: &Request<Body>,
        record: &WebsiteRecord,
        key: &str,
    ) -> Result<Response<Body>> {
        let index = record.index.as_deref().unwrap_or_default();
        let folder = key.is_empty() || key.ends_with('/');
        let wanted = if folder { format!("{key}{index}") } else { key.to_owned() };
        let header = |name: HeaderName| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let input = GetObjectRequest {
            bucket: self.bucket.clone(),
            key: wanted,
            range: header(RANGE),
            if_none_match: header(IF_NONE_MATCH),
            ..GetObjectRequest::default()
        };
        match cx.call::<GetObject>(input).await {
            Ok(output) => Ok(show(cx, output)),
            Err(error) if !folder && is_missing(&error) => {
                // A folder that was asked for without its slash.
                let key = format!("{key}/{index}");
                let bucket = self.bucket.clone();
                let input = GetObjectRequest { bucket, key, ..GetObjectRequest::default() };
                match cx.call::<GetObject>(input).await {
                    Ok(_) => Ok(moved(302, &format!("{}/", request.uri().path()))),
                    Err(_) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// What is answered instead of an object: a rule's redirect or the error document.
    async fn failed(
        &self,
        cx: &Cx,
        record: &WebsiteRecord,
        key: &str,
        error: Error,
    ) -> Result<Response<Body>> {
        let status = status(&error);
        if let Some(rule) = rule(record, key, Some(status)) {
            let (status, location) = redirect(rule, key, &cx.request().endpoint);
            return Ok(moved(status, &location));
        }
        let document = record.error.clone().filter(|_| (400..500).contains(&status));
        let Some(key) = document else { return Err(error) };
        let bucket = self.bucket.clone();
        let input = GetObjectRequest { bucket, key, ..GetObjectRequest::default() };
        let Ok(output) = cx.call::<GetObject>(input).await else { return Err(error) };
        let mut response = show(cx, output);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
        Ok(response)
    }

    /// Lets pages of other origins see the answer, where the bucket's rules do.
    async fn cross_origin(&self, cx: &Cx, request: &Request<Body>, response: &mut Response<Body>) {
        let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let Some(origin) = origin else { return };
        let labels = [("Bucket", self.bucket.clone())];
        let method = request.method().as_str();
        let asked = CrossOrigin { origin, method, headers: &[], labels: &labels, preflight: false };
        if let Ok(headers) = self.service.cors(cx, &asked).await {
            response.headers_mut().extend(headers);
        }
    }
}

/// An object as the REST endpoint would answer it; one that says to redirect does so here.
fn show(cx: &Cx, output: GetObjectOutput) -> Response<Body> {
    if let Some(location) = &output.website_redirect_location {
        return moved(301, location);
    }
    cumulet_wire::answer(Protocol::RestXml, GetObject::META, Box::new(output), &cx.request().id)
}

fn is_missing(error: &Error) -> bool {
    matches!(status(error), 403 | 404)
}

/// The HTTP status of an error; the framework's refusals carry another protocol's.
fn status(error: &Error) -> u16 {
    if error.code == "AccessDeniedException" { 403 } else { error.status }
}

fn moved(status: u16, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::MOVED_PERMANENTLY);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// An error as a page for a person.
fn page(cx: &Cx, error: &Error) -> Response<Body> {
    let number = status(error);
    let status = StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let id = &cx.request().id;
    let mut body = String::new();
    if status != StatusCode::NOT_MODIFIED {
        let code = if error.code == "AccessDeniedException" { "AccessDenied" } else { &error.code };
        let message = if code == "AccessDenied" { "Access Denied" } else { &error.message };
        let mut items = vec![("Code", code.to_owned()), ("Message", message.to_owned())];
        items.extend(error.elements.iter().cloned());
        items.extend([("RequestId", id.clone()), ("HostId", id.clone())]);
        let items: String = items
            .iter()
            .map(|(name, value)| format!("<li>{name}: {}</li>\n", escape(value)))
            .collect();
        body = format!(
            "<html>\n<head><title>{status}</title></head>\n<body>\n<h1>{status}</h1>\n\
             <ul>\n{items}</ul>\n<hr/>\n</body>\n</html>\n"
        );
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status != StatusCode::NOT_MODIFIED {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    for (name, value) in &error.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (host, expect) in [
            ("b.s3-website.us-east-1.localhost", Some("b")),
            ("www.a.example.s3-website-eu-west-1.amazonaws.com", Some("www.a.example")),
            ("b.s3.us-east-1.amazonaws.com", None),
            ("s3-website.us-east-1.localhost", None),
            (".s3-website.us-east-1.localhost", None),
        ] {
            assert_eq!(bucket_of(host), expect, "{host}");
        }
    }
}
