//! The order of things for a request to an HTTP API: stage, CORS, route, authorizer, integration,
//! answer, access log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cumulet_base::{Arn, Body};
use cumulet_service::Cx;
use cumulet_store::Read as _;
use http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};

use super::deployed::Deployed;
use super::event::{self, Found};
use super::host::Place;
use super::incoming::{self, At, Incoming};
use super::invoke::{self, Failure};
use super::jwt::{self, Issuers, Refused};
use super::routing::{self, RouteKey, Values};
use super::{access_log, answer, cors};
use crate::error::Error;
use crate::http::model::{
    ApiRecord, AuthorizerRecord, DEFAULT_STAGE, DeploymentRecord, IntegrationRecord, RouteRecord,
    StageRecord,
};
use crate::http::part::Keys;
use crate::store::Apis;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Serving {
    issuers: Arc<Issuers>,
    compiled: Deployed<Compiled>,
}

/// A deployment, ready to route.
#[derive(Debug)]
struct Compiled {
    keys: Vec<RouteKey>,
    /// In the order of the keys.
    routes: Vec<RouteRecord>,
    integrations: HashMap<String, IntegrationRecord>,
    authorizers: HashMap<String, AuthorizerRecord>,
}

impl Compiled {
    fn new(record: DeploymentRecord) -> Self {
        let known = record.routes.into_iter();
        let known = known.filter_map(|route| Some((RouteKey::parse(&route.route_key)?, route)));
        let (keys, routes) = known.unzip();
        let integrations = record.integrations.into_iter();
        let authorizers = record.authorizers.into_iter();
        Self {
            keys,
            routes,
            integrations: integrations.map(|i| (i.integration_id.clone(), i)).collect(),
            authorizers: authorizers.map(|a| (a.authorizer_id.clone(), a)).collect(),
        }
    }
}

impl Serving {
    pub(crate) fn new(issuers: Arc<Issuers>) -> Self {
        Self { issuers, compiled: Deployed::default() }
    }

    async fn compiled(&self, cx: &Cx, keys: &Keys, id: &str) -> Result<Arc<Compiled>, Error> {
        let load = async || {
            let record = keys.part::<DeploymentRecord>(&cx.store().snapshot(), id).await?;
            Ok(Compiled::new(record))
        };
        self.compiled.get(&keys.api, id, load).await
    }
}

/// Answers a request to the API at `place`.
pub(crate) async fn serve(
    serving: &Serving,
    cx: &Cx,
    apis: Apis,
    place: &Place,
    request: Request<Body>,
) -> Response<Body> {
    let keys = Keys { apis, api: place.api.clone() };
    match stage_of(cx, &keys, place, request.uri().path()).await {
        Ok(Some((api, stage, path))) => {
            serve_stage(serving, cx, &keys, (&api, &stage), path, place, request).await
        }
        Ok(None) => answer::message(404, "Not Found"),
        Err(error) => broken(&error),
    }
}

fn broken(error: &Error) -> Response<Body> {
    tracing::error!(%error, "a request to an API failed");
    answer::message(500, "Internal Server Error")
}

/// The API, the stage that the path's first segment names (else `$default`), and the path in it.
async fn stage_of(
    cx: &Cx,
    keys: &Keys,
    place: &Place,
    path: &str,
) -> Result<Option<(ApiRecord, StageRecord, String)>, Error> {
    let snapshot = cx.store().snapshot();
    let api = keys.load(&snapshot).await?;
    if let Some(name) = &place.stage {
        let stage: Option<StageRecord> = snapshot.get_record(&keys.stage(name)).await?;
        return Ok(stage.map(|stage| (api, stage, path.to_owned())));
    }
    let below = path.strip_prefix('/').unwrap_or(path);
    let (first, rest) = below.split_once('/').unwrap_or((below, ""));
    if first != DEFAULT_STAGE
        && let Some(stage) = snapshot.get_record::<StageRecord>(&keys.stage(first)).await?
    {
        return Ok(Some((api, stage, format!("/{rest}"))));
    }
    let stage: Option<StageRecord> = snapshot.get_record(&keys.stage(DEFAULT_STAGE)).await?;
    Ok(stage.map(|stage| (api, stage, path.to_owned())))
}

async fn serve_stage(
    serving: &Serving,
    cx: &Cx,
    keys: &Keys,
    (api, stage): (&ApiRecord, &StageRecord),
    path: String,
    place: &Place,
    request: Request<Body>,
) -> Response<Body> {
    if api.disable_execute_api_endpoint == Some(true) {
        return answer::message(404, "Not Found");
    }
    let begun = Instant::now();
    // With the stage's name, which `$default` has none of.
    let raw_path = match stage.stage_name.as_str() {
        DEFAULT_STAGE => path.clone(),
        name => format!("/{name}{path}"),
    };
    let variables = stage.stage_variables.clone().unwrap_or_default();
    let at = At { api: &place.api, stage: &stage.stage_name, path, raw_path, variables };
    let Ok(mut incoming) = incoming::receive(cx, at, request).await else {
        return answer::message(413, "Request Entity Too Large");
    };
    let asked = incoming.headers.clone();
    let preflight = cors::is_preflight(&incoming.method, &asked);
    let mut found = Found::default();
    let mut response = if preflight && api.cors_configuration.is_some() {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        route(serving, cx, keys, stage, &mut incoming, &mut found).await
    };
    if let Some(cors) = &api.cors_configuration {
        cors::apply(cors, &asked, preflight, response.headers_mut());
    }
    if let Ok(id) = HeaderValue::from_str(&incoming.request_id) {
        response.headers_mut().insert(HeaderName::from_static("apigw-requestid"), id);
    }
    log(cx, stage, &incoming, &found, &response, begun);
    response
}

/// Finds the route, asks its authorizer, and calls its integration.
async fn route(
    serving: &Serving,
    cx: &Cx,
    keys: &Keys,
    stage: &StageRecord,
    incoming: &mut Incoming,
    found: &mut Found,
) -> Response<Body> {
    let Some(deployment) = &stage.deployment_id else { return answer::message(404, "Not Found") };
    let compiled = match serving.compiled(cx, keys, deployment).await {
        Ok(compiled) => compiled,
        Err(error) => return broken(&error),
    };
    let selected =
        routing::select(&compiled.keys, &incoming.method, &incoming.path, Values::Decoded);
    let selected = selected.and_then(|(index, p)| Some((compiled.routes.get(index)?, p)));
    let Some((route, parameters)) = selected else { return answer::message(404, "Not Found") };
    found.route_key.clone_from(&route.route_key);
    found.parameters = parameters;
    match route.authorization_type.as_deref() {
        None | Some("NONE") => {}
        Some("JWT") => {
            let authorizer = route.authorizer_id.as_ref();
            let Some(authorizer) = authorizer.and_then(|id| compiled.authorizers.get(id)) else {
                return answer::message(500, "Internal Server Error");
            };
            match serving.issuers.authorize(cx, incoming, route, authorizer).await {
                Ok(claims) => {
                    found.jwt = Some((jwt::as_texts(&claims), route.authorization_scopes.clone()));
                }
                Err(refused) => return refusal(&refused, route),
            }
        }
        // What a signature's owner may is not asked for HTTP APIs yet, so nobody is let in.
        Some(_) => return answer::message(403, "Forbidden"),
    }
    let integration = route.target.as_deref().and_then(|t| t.strip_prefix("integrations/"));
    match integration.and_then(|id| compiled.integrations.get(id)) {
        Some(integration) => integrate(cx, incoming, found, integration).await,
        None => answer::message(500, "Internal Server Error"),
    }
}

fn refusal(refused: &Refused, route: &RouteRecord) -> Response<Body> {
    let scope = route.authorization_scopes.as_deref().unwrap_or_default().join(" ");
    let (status, words, challenge) = match refused {
        Refused::Missing => (401, "Unauthorized", "Bearer".to_owned()),
        Refused::Invalid(why) => (
            401,
            "Unauthorized",
            format!(r#"Bearer scope="{scope}" error="invalid_token" error_description="{why}""#),
        ),
        Refused::Scope => (
            403,
            "Forbidden",
            format!(
                "Bearer scope=\"{scope}\" error=\"insufficient_scope\" \
                 error_description=\"the token does not have the required scopes\""
            ),
        ),
    };
    let mut response = answer::message(status, words);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

async fn integrate(
    cx: &Cx,
    incoming: &Incoming,
    found: &Found,
    integration: &IntegrationRecord,
) -> Response<Body> {
    let uri = integration.integration_uri.as_deref().unwrap_or_default();
    let uri = invoke::with_variables(uri, &incoming.stage_variables);
    let Some(function) = invoke::function_of(&uri) else {
        return answer::message(500, "Internal Server Error");
    };
    // `<api>/<stage>/<method>/<route's path>`, or `<api>/<stage>/$default`.
    let route = match found.route_key.split_once(' ') {
        Some((_, path)) => format!("{}{path}", incoming.method),
        None => found.route_key.clone(),
    };
    let source = format!("{}/{}/{route}", incoming.api, incoming.stage);
    let source = Arn::new("execute-api", cx.region(), cx.account(), &source);
    let second = integration.payload_format_version.as_deref() == Some("2.0");
    let event = if second { event::v2(incoming, found) } else { event::v1(incoming, found) };
    let timeout = Duration::from_millis(integration.timeout_in_millis.unwrap_or(30_000));
    let result = invoke::invoke(cx, function, &source, &event, timeout).await;
    let read = |payload: &[u8]| {
        if second { answer::v2(payload) } else { answer::v1(payload, "text/plain;charset=UTF-8") }
    };
    match result.map(|payload| read(&payload)) {
        Ok(Some(response)) => response,
        Ok(None) => {
            tracing::warn!(function, "a function's answer is malformed");
            answer::message(500, "Internal Server Error")
        }
        Err(Failure::Timeout) => answer::message(503, "Service Unavailable"),
        Err(Failure::Failed(error)) => {
            tracing::warn!(function, %error, "a function gave no answer");
            answer::message(500, "Internal Server Error")
        }
        Err(Failure::Refused(why)) => {
            tracing::warn!(function, why, "a function cannot be invoked");
            answer::message(500, "Internal Server Error")
        }
    }
}

fn log(
    cx: &Cx,
    stage: &StageRecord,
    incoming: &Incoming,
    found: &Found,
    response: &Response<Body>,
    begun: Instant,
) {
    let settings = stage.access_log_settings.clone().unwrap_or_default();
    let group = settings.destination_arn.and_then(|arn| access_log::Group::named(cx, &arn));
    let (Some(group), Some(format)) = (group, settings.format) else { return };
    let (status, length) = (response.status().as_u16(), response.body().len().unwrap_or(0));
    let millis = begun.elapsed().as_millis();
    let mut variables = access_log::variables(incoming, status, length, millis);
    if !found.route_key.is_empty() {
        variables.insert("routeKey".into(), found.route_key.clone());
    }
    let stream = format!("{}/{}", incoming.api, incoming.stage.trim_start_matches('$'));
    access_log::write(cx, group, stream, access_log::fill(&format, &variables), true);
}
