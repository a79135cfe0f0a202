//! The order of things for a request to a REST API: stage, path and method, resource policy and
//! authorizer, validation, integration, answer, access log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cumulet_auth::policy::Document;
use cumulet_base::{Arn, Body};
use cumulet_service::{Cx, Principal};
use cumulet_store::Read as _;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Response};
use serde_json::{Value, json};

use super::access_log::{self, Group, Variables};
use super::deployed::Deployed;
use super::gateway_response::{self, Refusal};
use super::host::Place;
use super::incoming::{self, At, Incoming};
use super::invoke::{self, Failure};
use super::jwt::Issuers;
use super::lambda_authorizer::{self, Asked, Remembered};
use super::log_role::Writers;
use super::mapping::Source;
use super::rest_event::{self, Found};
use super::routing::{self, Pattern, RouteKey, Values};
use super::{access, answer, cognito, mock, rest_answer, validation};
use crate::error::Error;
use crate::rest::account;
use crate::rest::integration::OF_CALLER;
use crate::rest::keys::Keys;
use crate::rest::model::{
    ApiRecord, AuthorizerRecord, GatewayResponseRecord, IntegrationRecord, MethodRecord,
    ModelRecord, ResourceRecord, Snapshot, StageRecord, ValidatorRecord,
};
use crate::store::Apis;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Serving {
    issuers: Arc<Issuers>,
    compiled: Deployed<Compiled>,
    remembered: Remembered,
    writers: Writers,
}

/// A deployment, ready to serve.
#[derive(Debug)]
pub(crate) struct Compiled {
    paths: Vec<RouteKey>,
    /// In the order of the paths.
    resources: Vec<ResourceRecord>,
    authorizers: HashMap<String, AuthorizerRecord>,
    pub(crate) validators: HashMap<String, ValidatorRecord>,
    pub(crate) models: HashMap<String, ModelRecord>,
    responses: HashMap<String, GatewayResponseRecord>,
    binary: Vec<String>,
    policy: Option<Arc<Document>>,
}

impl Compiled {
    fn new(cx: &Cx, api: &str, snapshot: Snapshot) -> Result<Self, Error> {
        let known = snapshot.resources.into_iter().filter_map(|resource| {
            Some((RouteKey::Path(None, Pattern::parse(&resource.path)?), resource))
        });
        let (paths, resources) = known.unzip();
        let policy = access::compile(snapshot.policy.as_deref(), cx, api);
        let responses = snapshot.gateway_responses.into_iter();
        Ok(Self {
            paths,
            resources,
            authorizers: snapshot.authorizers.into_iter().map(|a| (a.id.clone(), a)).collect(),
            validators: snapshot.validators.into_iter().map(|v| (v.id.clone(), v)).collect(),
            models: snapshot.models.into_iter().map(|m| (m.name.clone(), m)).collect(),
            responses: responses.map(|r| (r.response_type.clone(), r)).collect(),
            binary: snapshot.binary_media_types,
            policy: policy.map_err(Error::Broken)?,
        })
    }
}

impl Serving {
    pub(crate) fn new(issuers: Arc<Issuers>) -> Self {
        let (compiled, remembered) = (Deployed::default(), Remembered::default());
        Self { issuers, compiled, remembered, writers: Writers::default() }
    }
}

/// A request on its way, and what is found out about it.
struct Visit<'a> {
    serving: &'a Serving,
    cx: &'a Cx,
    compiled: &'a Compiled,
    incoming: &'a Incoming,
    /// Why the request's signature, if it has one, is not believed.
    distrust: Option<Refusal>,
    found: Found,
    /// What is known of the integration: milliseconds, and the status that it answered.
    latency: Option<u128>,
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
    let served = match stage_of(cx, &keys, place, request.uri().path()).await {
        Ok(Some(served)) => served,
        Ok(None) => return forbidden(),
        Err(error) => return broken(&error),
    };
    let id = served.stage.deployment_id.clone();
    let load = async || {
        let snapshot = keys.deployed(&cx.store().snapshot(), &id).await?;
        Compiled::new(cx, &keys.api, snapshot)
    };
    match serving.compiled.get(&keys.api, &id, load).await {
        Ok(compiled) => serve_stage(serving, cx, &keys, &compiled, served, request).await,
        Err(error) => broken(&error),
    }
}

/// A host that leads to no stage.
fn forbidden() -> Response<Body> {
    let mut response = answer::message(403, "Forbidden");
    let kind = HeaderValue::from_static("ForbiddenException");
    response.headers_mut().insert("x-amzn-errortype", kind);
    response
}

fn broken(error: &Error) -> Response<Body> {
    tracing::error!(%error, "a request to an API failed");
    answer::message(500, "Internal server error")
}

/// The stage that a request is for.
struct Served {
    api: ApiRecord,
    stage: StageRecord,
    /// Within the stage.
    path: String,
}

async fn stage_of(
    cx: &Cx,
    keys: &Keys,
    place: &Place,
    path: &str,
) -> Result<Option<Served>, Error> {
    let snapshot = cx.store().snapshot();
    let api = keys.load(&snapshot).await?;
    if api.disable_execute_api_endpoint == Some(true) {
        return Ok(None);
    }
    let (name, path) = if let Some(name) = &place.stage {
        (name.as_str(), path.to_owned())
    } else {
        let below = path.strip_prefix('/').unwrap_or(path);
        let (name, rest) = below.split_once('/').unwrap_or((below, ""));
        (name, format!("/{rest}"))
    };
    let stage = snapshot.get_record::<StageRecord>(&keys.key::<StageRecord>(name)).await?;
    Ok(stage.map(|stage| Served { api, stage, path }))
}

async fn serve_stage(
    serving: &Serving,
    cx: &Cx,
    keys: &Keys,
    compiled: &Compiled,
    served: Served,
    request: Request<Body>,
) -> Response<Body> {
    let Served { api, stage, path } = served;
    let begun = Instant::now();
    let distrust = request.extensions().get::<cumulet_service::Distrust>().map(|distrust| {
        Refusal::new("INVALID_SIGNATURE", distrust.error.clone(), distrust.message.clone())
    });
    let at = At {
        api: &api.id,
        stage: &stage.stage_name,
        raw_path: format!("/{}{path}", stage.stage_name),
        path,
        variables: stage.variables.clone().unwrap_or_default(),
    };
    let Ok(mut incoming) = incoming::receive(cx, at, request).await else {
        let refusal = Refusal::too_large();
        return answer::message(refusal.status, &refusal.message);
    };
    incoming.request_id = cx.ids().uuid();
    let found = Found { deployment_id: stage.deployment_id.clone(), ..Found::default() };
    let mut visit =
        Visit { serving, cx, compiled, incoming: &incoming, distrust, found, latency: None };
    let (mut response, refusal) = match visit.respond().await {
        Ok(response) => (response, None),
        Err(refusal) => {
            let context = visit.variables(Some(&refusal));
            let source = Source { incoming: &incoming, context: &context };
            (gateway_response::answer(&refusal, &compiled.responses, &source), Some(refusal))
        }
    };
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    };
    put("x-amzn-requestid", &incoming.request_id);
    put("x-amz-apigw-id", &incoming.extended_request_id);
    if let (None, Some(trace)) = (&refusal, incoming.header("x-amzn-trace-id")) {
        put("x-amzn-trace-id", trace);
    }
    visit.log(keys, &stage, &response, refusal.as_ref(), begun).await;
    response
}

impl Visit<'_> {
    async fn respond(&mut self) -> Result<Response<Body>, Refusal> {
        let compiled = self.compiled;
        // A slash at the end is no part of its own.
        let path = self.incoming.path.strip_suffix('/').unwrap_or(&self.incoming.path);
        let path = if path.is_empty() { "/" } else { path };
        let method = self.incoming.method.as_str();
        let selected = routing::select(&compiled.paths, method, path, Values::AsSent);
        let selected = selected.and_then(|(at, p)| Some((compiled.resources.get(at)?, p)));
        let (resource, parameters) = selected.ok_or_else(Refusal::missing_token)?;
        let own = resource.resource_methods.get(method);
        let method = own.or_else(|| resource.resource_methods.get("ANY"));
        let method = method.ok_or_else(Refusal::missing_token)?;
        self.found.resource_id.clone_from(&resource.id);
        self.found.resource_path.clone_from(&resource.path);
        self.found.parameters = parameters;
        self.authorize(method).await?;
        validation::check(method, compiled, self.incoming, &self.found.parameters)?;
        let integration = method.method_integration.as_ref();
        let integration = integration.ok_or_else(Refusal::configuration)?;
        match integration.kind.as_str() {
            "MOCK" => {
                let context = self.variables(None);
                let source = Source { incoming: self.incoming, context: &context };
                mock::answer(integration, self.incoming, &source)
            }
            "AWS_PROXY" => self.call(integration, &resource.path).await,
            _ => Err(Refusal::configuration()),
        }
    }

    /// The method as policies name it: `<api>/<stage>/<METHOD>/<path>`.
    fn arn(&self, path: &str) -> Arn {
        let Incoming { api, stage, method, .. } = self.incoming;
        let named = format!("{api}/{stage}/{method}{path}");
        Arn::new("execute-api", self.cx.region(), self.cx.account(), &named)
    }

    async fn authorize(&mut self, method: &MethodRecord) -> Result<(), Refusal> {
        let arn = self.arn(&self.incoming.path);
        let policy = self.compiled.policy.as_ref();
        if method.authorization_type == "AWS_IAM" {
            if let Some(distrust) = self.distrust.take() {
                return Err(distrust);
            }
            if *self.cx.principal() == Principal::Anonymous {
                return Err(Refusal::missing_token());
            }
            let leave = access::may_invoke(self.cx, arn, policy.cloned()).await;
            leave.map_err(|error| refused(&error))?;
            self.found.signer = Some(self.cx.principal().clone());
            return Ok(());
        }
        if method.authorization_type == "NONE" {
            return self.policy_lets_in(arn).await;
        }
        let authorizer = method.authorizer_id.as_ref();
        let authorizer = authorizer.and_then(|id| self.compiled.authorizers.get(id));
        let authorizer = authorizer.ok_or_else(Refusal::configuration)?;
        if method.authorization_type == "COGNITO_USER_POOLS" {
            let scopes = method.authorization_scopes.as_deref().unwrap_or_default();
            let issuers = &self.serving.issuers;
            let claims =
                cognito::authorize(self.cx, issuers, authorizer, scopes, self.incoming).await?;
            let claims = json!({ "claims": cognito::as_texts(&claims) });
            self.found.authorizer = claims.as_object().cloned();
            return self.policy_lets_in(arn).await;
        }
        if method.authorization_type != "CUSTOM" {
            // Nothing that cannot be checked lets anybody in.
            return Err(Refusal::configuration());
        }
        let context = self.variables(None);
        let asked = Asked {
            authorizer,
            source: &Source { incoming: self.incoming, context: &context },
            method: &arn,
            event: rest_event::event(self.incoming, &self.found, &self.compiled.binary),
            policy: policy.map(Arc::as_ref),
        };
        let remembered = &self.serving.remembered;
        let said = lambda_authorizer::authorize(self.cx, remembered, asked).await?;
        self.found.authorizer = Some(said.context.clone());
        Ok(())
    }

    async fn policy_lets_in(&self, method: Arn) -> Result<(), Refusal> {
        let leave = access::policy_lets_in(self.cx, method, self.compiled.policy.as_ref()).await;
        leave.map_err(|error| refused(&error))
    }

    async fn call(
        &mut self,
        integration: &IntegrationRecord,
        path: &str,
    ) -> Result<Response<Body>, Refusal> {
        let uri = integration.uri.as_deref().unwrap_or_default();
        let uri = invoke::with_variables(uri, &self.incoming.stage_variables);
        let function = invoke::function_of(&uri).ok_or_else(Refusal::configuration)?;
        let event = rest_event::event(self.incoming, &self.found, &self.compiled.binary);
        let timeout = Duration::from_millis(integration.timeout_in_millis.unwrap_or(29_000));
        let begun = Instant::now();
        let result = if integration.credentials.as_deref() == Some(OF_CALLER) {
            invoke::as_caller(self.cx, function, &event, timeout).await
        } else {
            invoke::invoke(self.cx, function, &self.arn(path), &event, timeout).await
        };
        self.latency = Some(begun.elapsed().as_millis());
        let accept = self.incoming.header("accept");
        match result.map(|payload| rest_answer::read(&payload, &self.compiled.binary, accept)) {
            Ok(Some(response)) => Ok(response),
            Ok(None) => {
                tracing::warn!(function, "a function's answer is malformed");
                Err(Refusal::malformed())
            }
            Err(Failure::Timeout) => Err(Refusal::timeout()),
            Err(Failure::Failed(error)) => {
                tracing::warn!(function, %error, "a function failed");
                Err(Refusal::malformed())
            }
            Err(Failure::Refused(why)) => {
                tracing::warn!(function, why, "a function cannot be invoked");
                Err(Refusal::configuration())
            }
        }
    }

    /// Values of `$context.…` that do not depend on the answer.
    fn variables(&self, refusal: Option<&Refusal>) -> Variables {
        let mut variables = access_log::variables(self.incoming, 0, 0, 0);
        let mut put = |name: &'static str, value: String| variables.insert(name.into(), value);
        if !self.found.resource_path.is_empty() {
            put("resourcePath", self.found.resource_path.clone());
            put("resourceId", self.found.resource_id.clone());
        }
        put("deploymentId", self.found.deployment_id.clone());
        if let Some(signer) = &self.found.signer {
            put("identity.userArn", signer.arn());
            put("identity.user", signer.user_id());
            put("identity.caller", signer.user_id());
        }
        if let Some(refusal) = refusal {
            put("error.message", refusal.message.clone());
            put("error.messageString", refusal.message_string());
            put("error.responseType", refusal.kind.to_owned());
        }
        if let Some(latency) = self.latency {
            put("integrationLatency", latency.to_string());
            put("integration.latency", latency.to_string());
        }
        for (name, value) in self.found.authorizer.iter().flatten() {
            let claims = value.as_object().into_iter().flatten();
            let mut put = |name: String, value: &Value| {
                let value = value.as_str().unwrap_or_default().to_owned();
                variables.insert(format!("authorizer.{name}").into(), value);
            };
            claims.for_each(|(claim, value)| put(format!("{name}.{claim}"), value));
            if value.is_string() {
                put(name.clone(), value);
            }
        }
        variables
    }

    async fn log(
        &self,
        keys: &Keys,
        stage: &StageRecord,
        response: &Response<Body>,
        refusal: Option<&Refusal>,
        begun: Instant,
    ) {
        let settings = stage.access_log_settings.clone().unwrap_or_default();
        let group = settings.destination_arn.and_then(|arn| Group::named(self.cx, &arn));
        let (Some(group), Some(format)) = (group, settings.format) else { return };
        let role = match account::log_role(&self.cx.store().snapshot(), &keys.apis).await {
            Ok(Some(role)) => role,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "an access log has no line of a request"),
        };
        let stream = format!("{}/{}", self.incoming.api, stage.stage_name);
        let leave = self.serving.writers.leave(self.cx, &role, &group, &stream).await;
        let Some(makes_group) = leave else { return };
        let mut variables = self.variables(refusal);
        let mut put = |name: &'static str, value: String| variables.insert(name.into(), value);
        put("status", response.status().as_u16().to_string());
        put("responseLength", response.body().len().unwrap_or(0).to_string());
        put("responseLatency", begun.elapsed().as_millis().to_string());
        let line = access_log::fill(&format, &variables);
        access_log::write(self.cx, group, stream, line, makes_group);
    }
}

fn refused(error: &cumulet_service::Error) -> Refusal {
    if error.status < 500 {
        Refusal::denied(error.message.clone())
    } else {
        tracing::error!(%error, "leave to invoke a method cannot be decided");
        Refusal::configuration()
    }
}
