//! Which service and operation a request's head names.
//!
//! Order: `X-Amz-Target`, the path of Smithy RPC v2, then by the service in the signature's scope:
//! the query protocol's form, the REST protocols' paths. Without a scope every service is looked
//! at, S3 last, since its paths match anything.

use std::collections::HashMap;

use cumulet_shape::{Protocol, Route, ServiceMeta};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use crate::text::{pairs, percent_decode};

/// What a request's head says.
#[derive(Debug)]
pub enum Routed {
    /// An operation. The labels are those of the path, decoded.
    Operation {
        /// Its service.
        service: &'static ServiceMeta,
        /// Its name.
        name: String,
        /// How the caller speaks.
        protocol: Protocol,
        /// The path's labels, decoded.
        labels: Vec<(&'static str, String)>,
    },
    /// A form: the operation stands in its body. [`Router::form`] goes on.
    Form,
}

/// Why a request names no operation.
#[derive(Debug, Clone, Copy)]
pub enum Unroutable {
    /// The target's prefix, the path or the form names no service.
    NoService,
    /// The service is known and has no such operation.
    NoOperation(&'static ServiceMeta, Protocol),
    /// The content type is not the protocol's: 404 in AWS's JSON services.
    ContentType,
}

/// Knows every operation of every service's model.
#[derive(Debug)]
pub struct Router {
    services: Vec<&'static ServiceMeta>,
    by_target: HashMap<&'static str, &'static ServiceMeta>,
    rest: Vec<(&'static ServiceMeta, Protocol, Vec<Pattern>)>,
}

/// A REST operation's method, path and literal query.
#[derive(Debug)]
struct Pattern {
    route: &'static Route,
    segments: Vec<Segment>,
    query: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    Label(&'static str),
    Greedy(&'static str),
}

impl Router {
    /// A router of these services.
    pub fn new(services: Vec<&'static ServiceMeta>) -> Self {
        let by_target = services.iter().filter_map(|s| Some((s.target_prefix?, *s))).collect();
        let mut rest: Vec<_> = services
            .iter()
            .filter_map(|service| {
                let rest = |p: &&Protocol| matches!(p, Protocol::RestJson | Protocol::RestXml);
                let protocol = *service.protocols.iter().find(rest)?;
                Some((*service, protocol, service.routes.iter().map(Pattern::new).collect()))
            })
            .collect();
        rest.sort_by_key(|(service, ..)| service.name == "s3");
        Self { services, by_target, rest }
    }

    /// Finds the operation. `scope`: the service that the signature names.
    pub fn route(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        scope: Option<&str>,
    ) -> Result<Routed, Unroutable> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
        if let Some(target) = headers.get("x-amz-target").and_then(|v| v.to_str().ok()) {
            return self.target(method, target, content_type);
        }
        let form = content_type.starts_with("application/x-www-form-urlencoded");
        let speaks_query =
            |scope: &str| self.signed_by(scope).any(|s| s.protocols.contains(&Protocol::Query));
        let action = query.split('&').any(|part| part.starts_with("Action="));
        if (form && *method == Method::POST || action) && scope.is_none_or(speaks_query) {
            return Ok(Routed::Form);
        }
        self.path(method, path, query, headers, scope)
    }

    fn signed_by(&self, scope: &str) -> impl Iterator<Item = &'static ServiceMeta> {
        self.services.iter().copied().filter(move |service| service.signing_name == scope)
    }

    fn target(
        &self,
        method: &Method,
        target: &str,
        content_type: &str,
    ) -> Result<Routed, Unroutable> {
        let (prefix, name) = target.split_once('.').ok_or(Unroutable::NoService)?;
        let service = *self.by_target.get(prefix).ok_or(Unroutable::NoService)?;
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let protocol = match essence {
            "application/x-amz-json-1.0" => Protocol::AwsJson10,
            "application/x-amz-json-1.1" => Protocol::AwsJson11,
            "application/json" => service.protocols.first().copied().unwrap_or(Protocol::AwsJson11),
            _ => return Err(Unroutable::ContentType),
        };
        if *method != Method::POST {
            return Err(Unroutable::ContentType);
        }
        Ok(Routed::Operation { service, name: name.to_owned(), protocol, labels: Vec::new() })
    }

    /// Goes on from [`Routed::Form`] with the form's `Action` and `Version`.
    pub fn form(
        &self,
        action: Option<&str>,
        version: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Routed, Unroutable> {
        let speaks = |s: &&ServiceMeta| s.protocols.contains(&Protocol::Query);
        let mut candidates: Vec<&'static ServiceMeta> = match scope {
            Some(scope) => self.signed_by(scope).filter(|s| speaks(s)).collect(),
            None => self.services.iter().copied().filter(|s| speaks(s)).collect(),
        };
        if candidates.len() > 1 {
            candidates.retain(|s| Some(s.version) == version);
        }
        let service = candidates.first().copied().ok_or(Unroutable::NoService)?;
        let known = action.filter(|name| service.routes.iter().any(|r| r.name == *name));
        let name = known.ok_or(Unroutable::NoOperation(service, Protocol::Query))?.to_owned();
        Ok(Routed::Operation { service, name, protocol: Protocol::Query, labels: Vec::new() })
    }

    fn path(
        &self,
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        scope: Option<&str>,
    ) -> Result<Routed, Unroutable> {
        let mut known = None;
        for (service, protocol, patterns) in &self.rest {
            if scope.is_some_and(|scope| service.signing_name != scope) {
                continue;
            }
            known = Some(Unroutable::NoOperation(service, *protocol));
            let matching = patterns.iter().filter(|p| p.matches(method, path, query, headers));
            // Of equals the first: `ListBuckets` comes before `ListDirectoryBuckets`.
            let Some(best) = matching.rev().max_by(|a, b| a.rank(b)) else { continue };
            let labels = best.labels(path).ok_or(Unroutable::NoService)?;
            let name = best.route.name.to_owned();
            return Ok(Routed::Operation { service, name, protocol: *protocol, labels });
        }
        Err(known.filter(|_| scope.is_some()).unwrap_or(Unroutable::NoService))
    }
}

impl Pattern {
    fn new(route: &'static Route) -> Self {
        let (path, query) = route.uri.split_once('?').unwrap_or((route.uri, ""));
        let segment =
            |text: &'static str| match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
                Some(label) => match label.strip_suffix('+') {
                    Some(label) => Segment::Greedy(label),
                    None => Segment::Label(label),
                },
                None => Segment::Literal(text),
            };
        let path = path.strip_prefix('/').unwrap_or(path);
        Self {
            route,
            segments: path.split('/').filter(|s| !s.is_empty()).map(segment).collect(),
            query: query
                .split('&')
                .filter(|part| !part.is_empty())
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .collect(),
        }
    }

    fn matches(&self, method: &Method, path: &str, query: &str, headers: &HeaderMap) -> bool {
        method.as_str() == self.route.method
            && self.labels(path).is_some()
            && self.query.iter().all(|(name, value)| {
                // S3's headers may stand in the query, and are as good as that in the head.
                let header = name.starts_with("x-amz-") && headers.contains_key(*name);
                header
                    || pairs(query, false)
                        .flatten()
                        .any(|(n, v)| n == *name && (value.is_empty() || v == *value))
            })
    }

    /// More query literals win, then the path that is more literal: literal, label, greedy.
    fn rank(&self, other: &Self) -> std::cmp::Ordering {
        let worth = |segment: &Segment| match segment {
            Segment::Literal(_) => 2,
            Segment::Label(_) => 1,
            Segment::Greedy(_) => 0,
        };
        let path = |p: &Self| p.segments.iter().map(worth).collect::<Vec<u8>>();
        self.query.len().cmp(&other.query.len()).then_with(|| path(self).cmp(&path(other)))
    }

    /// The labels, decoded, where the path is of this pattern.
    fn labels(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let mut rest = Some(path.strip_prefix('/').unwrap_or(path));
        let mut labels = Vec::new();
        for segment in &self.segments {
            let here = rest.filter(|rest| !rest.is_empty())?;
            if let Segment::Greedy(name) = segment {
                labels.push((*name, percent_decode(here, false).ok()?));
                rest = None;
                continue;
            }
            let (part, behind) = match here.split_once('/') {
                Some((part, behind)) => (part, Some(behind)),
                None => (here, None),
            };
            match segment {
                Segment::Label(name) if !part.is_empty() => {
                    labels.push((*name, percent_decode(part, false).ok()?));
                }
                Segment::Literal(text) if *text == part => {}
                _ => return None,
            }
            rest = behind;
        }
        // One slash at the end changes nothing.
        rest.is_none_or(str::is_empty).then_some(labels)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const fn route(name: &'static str, method: &'static str, uri: &'static str) -> Route {
        Route { name, method, uri }
    }

    const fn service(
        name: &'static str,
        protocols: &'static [Protocol],
        target: Option<&'static str>,
        routes: &'static [Route],
    ) -> ServiceMeta {
        ServiceMeta {
            name,
            signing_name: name,
            endpoint_prefix: name,
            protocols,
            target_prefix: target,
            version: "2020-01-01",
            xmlns: None,
            error_namespace: None,
            routes,
        }
    }

    static TABLES: ServiceMeta =
        service("tables", &[Protocol::AwsJson10], Some("Tables_1"), &[route("Put", "POST", "/")]);
    static USERS: ServiceMeta =
        service("users", &[Protocol::Query], None, &[route("Create", "POST", "/")]);
    static CODE: ServiceMeta = service(
        "code",
        &[Protocol::RestJson],
        None,
        &[
            route("Get", "GET", "/2015/functions/{Name}"),
            route("List", "GET", "/2015/functions"),
            route("Config", "GET", "/2015/functions/{Name}/configuration"),
            route("Special", "GET", "/2015/functions/all"),
        ],
    );
    static OBJECTS: ServiceMeta = service(
        "s3",
        &[Protocol::RestXml],
        None,
        &[
            route("ListBuckets", "GET", "/"),
            route("ListObjects", "GET", "/{Bucket}"),
            route("ListObjectsV2", "GET", "/{Bucket}?list-type=2"),
            route("GetAcl", "GET", "/{Bucket}?acl"),
            route("GetObject", "GET", "/{Bucket}/{Key+}"),
            route("GetObjectAcl", "GET", "/{Bucket}/{Key+}?acl"),
            route("ListParts", "GET", "/{Bucket}/{Key+}?uploadId"),
            route("PutObject", "PUT", "/{Bucket}/{Key+}"),
            route("CopyObject", "PUT", "/{Bucket}/{Key+}?x-amz-copy-source"),
            route("UploadPart", "PUT", "/{Bucket}/{Key+}?partNumber&uploadId"),
            route(
                "UploadPartCopy",
                "PUT",
                "/{Bucket}/{Key+}?x-amz-copy-source&partNumber&uploadId",
            ),
            route("ListDirectoryBuckets", "GET", "/"),
        ],
    );

    fn find(target: &str, headers: &[(&'static str, &str)], scope: Option<&str>) -> String {
        let router = Router::new(vec![&OBJECTS, &TABLES, &USERS, &CODE]);
        let (method, target) = target.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        match router.route(&method.parse().unwrap(), path, query, &map, scope) {
            Ok(Routed::Form) => "form".to_owned(),
            Ok(Routed::Operation { name, labels, .. }) => format!("{name} {labels:?}"),
            Err(Unroutable::NoOperation(service, _)) => format!("nothing of {}", service.name),
            Err(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn rest_paths() {
        for (target, expect) in [
            ("GET /2015/functions/f", r#"Get [("Name", "f")]"#),
            ("GET /2015/functions/", "List []"),
            ("GET /2015/functions/all", "Special []"),
            ("GET /2015/functions/arn%3Aaws/configuration", r#"Config [("Name", "arn:aws")]"#),
            ("GET /", "ListBuckets []"),
            ("GET /b", r#"ListObjects [("Bucket", "b")]"#),
            ("GET /b?acl", r#"GetAcl [("Bucket", "b")]"#),
            ("GET /b?acl=", r#"GetAcl [("Bucket", "b")]"#),
            ("GET /b?list-type=2&prefix=a%2F", r#"ListObjectsV2 [("Bucket", "b")]"#),
            ("GET /b?list-type=1", r#"ListObjects [("Bucket", "b")]"#),
            ("GET /b/k/%20/+", r#"GetObject [("Bucket", "b"), ("Key", "k/ /+")]"#),
            ("GET /b//k", r#"GetObject [("Bucket", "b"), ("Key", "/k")]"#),
            ("GET /b/k/?acl", r#"GetObjectAcl [("Bucket", "b"), ("Key", "k/")]"#),
            ("PATCH /b/k", "NoService"),
        ] {
            assert_eq!(find(target, &[], None), expect, "{target}");
        }
        let copy = [("x-amz-copy-source", "c/d")];
        for (target, headers, expect) in [
            ("GET /b/k?uploadId=u", &[][..], "ListParts"),
            ("PUT /b/k", &[], "PutObject"),
            ("PUT /b/k", &copy, "CopyObject"),
            ("PUT /b/k?x-amz-copy-source=c%2Fd", &[], "CopyObject"),
            ("PUT /b/k?uploadId=u&partNumber=1", &[], "UploadPart"),
            ("PUT /b/k?uploadId=u&partNumber=1", &copy, "UploadPartCopy"),
        ] {
            let found = find(target, headers, None);
            assert_eq!(found.split(' ').next(), Some(expect), "{target}");
        }
        assert_eq!(find("PATCH /b/k", &[], Some("s3")), "nothing of s3");
        assert_eq!(find("GET /b/k", &[], Some("code")), "nothing of code");
    }

    #[test]
    fn targets_and_forms() {
        let json = ("content-type", "application/x-amz-json-1.0");
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(find("POST /", &[("x-amz-target", "Tables_1.Put"), json], None), "Put []");
        assert_eq!(find("POST /", &[("x-amz-target", "Nobody.Put"), json], None), "NoService");
        assert_eq!(find("POST /", &[("x-amz-target", "Tables_1.Put")], None), "ContentType");
        assert_eq!(find("POST /", &[form], Some("users")), "form");
        assert_eq!(find("GET /?Action=Create", &[], Some("users")), "form");
        assert_eq!(find("POST /b/k", &[form], Some("s3")), "nothing of s3");
        let router = Router::new(vec![&USERS]);
        assert!(router.form(Some("Create"), Some("2020-01-01"), None).is_ok());
        assert!(router.form(Some("Other"), None, None).is_err());
    }

    #[test]
    fn any_target_is_routed_or_refused() {
        let router = Router::new(vec![&OBJECTS, &TABLES, &USERS, &CODE]);
        bolero::check!().with_type::<(String, String)>().with_iterations(5_000).for_each(
            |(path, query)| {
                let _ = router.route(&Method::GET, path, query, &HeaderMap::new(), None);
            },
        );
    }
}
