//! A cloud in this process with a function that tells what it received.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cumulet_api_apigatewayv2::ops::*;
use cumulet_api_apigatewayv2::types::*;
use cumulet_api_iam::ops::{CreateRole, CreateRoleRequest};
use cumulet_api_lambda::ops::{InvocationRequest, InvocationResponse, Invoke};
use cumulet_auth::jwt::{Signer, generate_rsa};
use cumulet_auth::policy;
use cumulet_base::{AccountId, Body, Limits, ManualClock, RandomIds, Timestamp};
use cumulet_iam::Iam;
use cumulet_service::{
    Access, Authorizer, BoxFuture, Changed, Cloud, Credentials, Cx, Desired, Found, Handle,
    LogLine, Parts, Principal, Result, Service, Site, Sites, Telemetry, operations,
};
use cumulet_shape::{Operation, ServiceMeta};
use cumulet_store::{Blobs, Options, Sealer, Store};
use cumulet_sts::Sts;
use cumulet_work::Work;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::{HttpApis, RestApis, Stages};

mod rest;
mod sam;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";
const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A";
/// 2026-11-21T00:00:00Z, in seconds.
const NOW: i64 = 1_795_219_200;

/// Everything is allowed, but for what a policy must allow itself.
struct Leave;

impl Authorizer for Leave {
    fn authorize<'a>(&'a self, cx: &'a Cx, access: &'a Access) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(document) = access.policy.as_deref().filter(|_| access.policy_required) else {
                return Ok(());
            };
            let request = policy::Request {
                principal: policy::Principal::ANONYMOUS,
                action: access.action.0,
                resource: access.resource.as_str(),
                resource_account: access.owner.as_str(),
                now: cx.now(),
                context: &policy::Keys::default(),
            };
            let resource = Some(policy::ResourcePolicy { document, required: true });
            let policies = policy::Policies { resource, ..policy::Policies::default() };
            match policy::evaluate(&request, &policies) {
                policy::Decision::Allow(_) => Ok(()),
                policy::Decision::Deny(denial) => {
                    Err(cumulet_service::Error::access_denied(denial.message(&request)))
                }
            }
        })
    }
}

impl Credentials for Leave {
    fn find<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Found>> {
        Box::pin(async { Ok(Found::UnknownKey) })
    }
}

/// Stands for Lambda and for Logs: keeps who invoked and what was logged.
#[derive(Default)]
struct Neighbours {
    invoked: Mutex<Vec<(Principal, Value)>>,
    lines: Mutex<Vec<LogLine>>,
}

impl Handle<Invoke> for Neighbours {
    async fn access(&self, _: &Cx, _: &InvocationRequest) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn handle(&self, cx: &Cx, input: InvocationRequest) -> Result<InvocationResponse> {
        let event: Value = serde_json::from_slice(&input.payload.unwrap()).unwrap();
        self.invoked.lock().unwrap().push((cx.principal().clone(), event.clone()));
        if let Some(method) = event.get("methodArn") {
            return Ok(authorizer(method, &event));
        }
        let path = event.get("rawPath").or(event.get("path")).and_then(Value::as_str).unwrap();
        let (function_error, payload) = match path {
            "/fail" => (Some("Unhandled".to_owned()), json!({ "errorMessage": "no" })),
            "/bad" => (None, json!({ "statusCode": "x" })),
            "/slow" => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                (None, json!({}))
            }
            _ => (None, json!({ "statusCode": 201, "headers": { "x-a": "b" }, "body": "made" })),
        };
        let payload = Some(payload.to_string().into());
        Ok(InvocationResponse { function_error, payload, ..InvocationResponse::default() })
    }
}

/// What an authorizer's function answers to a token or a query's `who`.
fn authorizer(method: &Value, event: &Value) -> InvocationResponse {
    let who = event.get("authorizationToken").or(event.pointer("/queryStringParameters/who"));
    let effect = match who.and_then(Value::as_str) {
        Some("allow") => "Allow",
        Some("deny") => "Deny",
        Some("malformed") => "Perhaps",
        other => {
            let words = if other == Some("unauthorized") { "Unauthorized" } else { "no" };
            return InvocationResponse {
                function_error: Some("Unhandled".to_owned()),
                payload: Some(json!({ "errorMessage": words }).to_string().into()),
                ..InvocationResponse::default()
            };
        }
    };
    let statement = json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": method });
    let answer = json!({
        "principalId": "u1", "context": { "number": 1 },
        "policyDocument": { "Version": "2012-10-17", "Statement": [statement] }
    });
    let payload = Some(answer.to_string().into());
    InvocationResponse { payload, ..InvocationResponse::default() }
}

impl Service for Neighbours {
    fn meta(&self) -> &'static ServiceMeta {
        &cumulet_api_lambda::SERVICE
    }

    operations![Invoke];

    fn telemetry(self: Arc<Self>) -> Option<Arc<dyn Telemetry>> {
        Some(self)
    }
}

impl Telemetry for Neighbours {
    fn emit(&self, line: LogLine) {
        self.lines.lock().unwrap().push(line);
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// An issuer that publishes one key.
#[derive(Clone)]
struct Pool(String);

impl Sites for Pool {
    fn find(&self, _: &str, path: &str) -> Option<(Arc<dyn Site>, usize)> {
        let published = path == "/us-east-1_A/.well-known/jwks.json";
        published.then(|| (Arc::new(self.clone()) as Arc<dyn Site>, 0))
    }
}

impl Site for Pool {
    fn serve(&self, _: Cx, _: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async { Response::new(Body::from(self.0.clone())) })
    }
}

struct Fixture {
    cloud: Arc<Cloud>,
    neighbours: Arc<Neighbours>,
    stages: Arc<Stages>,
    signer: Signer,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store"), Options::default()).await.unwrap();
        let blobs = Blobs::open(&folder.path().join("blobs"), 0).await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(NOW)));
        let neighbours = Arc::new(Neighbours::default());
        let (signer, keys) = signer();
        let parts = Parts {
            work: Work::new(store.clone(), clock.clone()),
            store,
            blobs,
            sealer: Arc::new(Sealer::new(&[1; 32])),
            clock,
            ids: Arc::new(RandomIds),
            limits: Limits::default(),
            account: AccountId::DEFAULT,
            region: "us-east-1".parse().unwrap(),
            authorizer: Arc::new(Leave),
            credentials: Arc::new(Leave),
        };
        let services: Vec<Arc<dyn Service>> = vec![
            neighbours.clone(),
            Arc::new(HttpApis),
            Arc::new(RestApis),
            Arc::new(Iam),
            Arc::new(Sts),
        ];
        let cloud = Cloud::new(parts, services);
        let stages = Stages::new(vec![Arc::new(Pool(keys))]);
        Self { cloud, neighbours, stages, signer, _folder: folder }
    }

    fn cx(&self) -> Cx {
        let account = AccountId::DEFAULT.as_str().to_owned();
        self.cloud.context(Principal::Root { account })
    }

    /// A role that `trusted` may assume.
    async fn role(&self, name: &str, trusted: &Value) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole" }
            ]
        });
        let input = CreateRoleRequest {
            role_name: name.to_owned(),
            assume_role_policy_document: trust.to_string(),
            ..CreateRoleRequest::default()
        };
        self.call::<CreateRole>(input).await.unwrap().role.arn
    }

    async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.cx().call::<O>(input).await
    }

    /// Status, body and headers of what `METHOD path` on an API's host answers.
    async fn http(
        &self,
        api: &str,
        line: &str,
        headers: &[(&str, &str)],
    ) -> (u16, String, http::HeaderMap) {
        let (method, path) = line.split_once(' ').unwrap();
        let host = format!("{api}.execute-api.us-east-1.localhost");
        let mut request = Request::builder().method(method).uri(path).header("host", &host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (site, _) = self.stages.find(&host, path).unwrap();
        let response = site.serve(self.cx(), request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect(1 << 20).await.unwrap();
        (parts.status.as_u16(), String::from_utf8(body.to_vec()).unwrap(), parts.headers)
    }

    async fn quick_api(&self, cors: Option<Cors>) -> String {
        let request = CreateApiRequest {
            name: "a".into(),
            protocol_type: ProtocolType::Http,
            target: Some(FUNCTION.into()),
            cors_configuration: cors,
            ..CreateApiRequest::default()
        };
        self.call::<CreateApi>(request).await.unwrap().api_id.unwrap()
    }

    async fn add_route(&self, api: &str, key: &str) -> Result<CreateRouteResult> {
        let parts = self.call::<GetIntegrations>(GetIntegrationsRequest {
            api_id: api.into(),
            ..GetIntegrationsRequest::default()
        });
        let integration = parts.await?.items.unwrap().remove(0).integration_id.unwrap();
        self.call::<CreateRoute>(CreateRouteRequest {
            api_id: api.into(),
            route_key: key.into(),
            target: Some(format!("integrations/{integration}")),
            ..CreateRouteRequest::default()
        })
        .await
    }

    fn token(&self, claims: &Value) -> String {
        self.signer.sign(claims.as_object().unwrap()).unwrap()
    }
}

fn signer() -> (Signer, String) {
    let signer = Signer::from_pkcs8(generate_rsa().unwrap().as_bytes()).unwrap();
    let keys = json!({ "keys": [signer.jwk()] }).to_string();
    (signer, keys)
}

#[tokio::test]
async fn quick_create_serves_at_once() {
    let fixture = Fixture::new().await;
    let api = fixture.quick_api(None).await;
    let (status, body, headers) = fixture.http(&api, "GET /pets?x=1", &[]).await;
    assert_eq!((status, body.as_str(), &headers["x-a"]), (201, "made", &"b".parse().unwrap()));
    assert_eq!(headers["apigw-requestid"].len(), 16);
    let (principal, event) = fixture.neighbours.invoked.lock().unwrap().pop().unwrap();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "$default");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1" }));
    let arn = format!("arn:aws:execute-api:us-east-1:000000000000:{api}/$default/$default");
    let account: AccountId = "000000000000".parse().unwrap();
    let expected =
        Principal::service_for("apigateway.amazonaws.com", &account, &arn.parse().unwrap());
    assert_eq!(principal, expected);
}

#[tokio::test]
async fn what_goes_wrong_is_answered_as_aws_does() {
    let fixture = Fixture::new().await;
    let api = fixture.quick_api(None).await;
    let parts = GetIntegrationsRequest { api_id: api.clone(), ..GetIntegrationsRequest::default() };
    let parts = fixture.call::<GetIntegrations>(parts).await.unwrap();
    let impatient = UpdateIntegrationRequest {
        api_id: api.clone(),
        integration_id: parts.items.unwrap().remove(0).integration_id.unwrap(),
        timeout_in_millis: Some(50),
        ..UpdateIntegrationRequest::default()
    };
    fixture.call::<UpdateIntegration>(impatient).await.unwrap();
    let cases = [
        ("GET /fail", 500, r#"{"message":"Internal Server Error"}"#),
        ("GET /bad", 500, r#"{"message":"Internal Server Error"}"#),
        ("GET /slow", 503, r#"{"message":"Service Unavailable"}"#),
    ];
    for (line, status, message) in cases {
        let (found, body, _) = fixture.http(&api, line, &[]).await;
        assert_eq!((found, body.as_str()), (status, message), "{line}");
    }
    let (status, body, _) = fixture.http("none", "GET /", &[]).await;
    assert_eq!((status, body.as_str()), (403, r#"{"message":"Forbidden"}"#));
}

#[tokio::test]
async fn routes_are_served_when_they_are_deployed() {
    let fixture = Fixture::new().await;
    let api = fixture
        .call::<CreateApi>(CreateApiRequest {
            name: "a".into(),
            protocol_type: ProtocolType::Http,
            ..CreateApiRequest::default()
        })
        .await
        .unwrap()
        .api_id
        .unwrap();
    let integration = CreateIntegrationRequest {
        api_id: api.clone(),
        integration_type: IntegrationType::AwsProxy,
        integration_uri: Some(FUNCTION.into()),
        ..CreateIntegrationRequest::default()
    };
    let made = fixture.call::<CreateIntegration>(integration).await.unwrap();
    assert_eq!(made.payload_format_version.as_deref(), Some("1.0"));
    fixture.add_route(&api, "GET /pets/{id}").await.unwrap();
    let stage = CreateStageRequest {
        api_id: api.clone(),
        stage_name: "prod".into(),
        stage_variables: Some(BTreeMap::from([("a".into(), "b".into())])),
        ..CreateStageRequest::default()
    };
    fixture.call::<CreateStage>(stage).await.unwrap();
    assert_eq!(fixture.http(&api, "GET /prod/pets/1", &[]).await.0, 404);
    let deploy = CreateDeploymentRequest {
        api_id: api.clone(),
        stage_name: Some("prod".into()),
        ..CreateDeploymentRequest::default()
    };
    let first = fixture.call::<CreateDeployment>(deploy).await.unwrap().deployment_id.unwrap();
    assert_eq!(fixture.http(&api, "GET /prod/pets/1", &[]).await.0, 201);
    assert_eq!(fixture.http(&api, "GET /pets/1", &[]).await.0, 404);
    let event = fixture.neighbours.invoked.lock().unwrap().pop().unwrap().1;
    assert_eq!(event["pathParameters"], json!({ "id": "1" }));
    assert_eq!(event["stageVariables"], json!({ "a": "b" }));
    assert_eq!(event["path"], "/prod/pets/1");
    // A change waits for its deployment; a stage that deploys by itself has it at once.
    fixture.add_route(&api, "GET /new").await.unwrap();
    assert_eq!(fixture.http(&api, "GET /prod/new", &[]).await.0, 404);
    let auto = UpdateStageRequest {
        api_id: api.clone(),
        stage_name: "prod".into(),
        auto_deploy: Some(true),
        ..UpdateStageRequest::default()
    };
    fixture.call::<UpdateStage>(auto).await.unwrap();
    assert_eq!(fixture.http(&api, "GET /prod/new", &[]).await.0, 201);
    fixture.add_route(&api, "GET /newer").await.unwrap();
    assert_eq!(fixture.http(&api, "GET /prod/newer", &[]).await.0, 201);
    // The first was made by hand and stays; of those made by themselves only the last does.
    let all = GetDeploymentsRequest { api_id: api.clone(), ..GetDeploymentsRequest::default() };
    let all = fixture.call::<GetDeployments>(all).await.unwrap().items.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().any(|d| d.deployment_id.as_ref() == Some(&first)));
    let refused = fixture.add_route(&api, "GET /new").await.unwrap_err();
    assert_eq!((refused.code.as_ref(), refused.status), ("ConflictException", 409));
}

#[tokio::test]
async fn cors_answers_by_itself() {
    let fixture = Fixture::new().await;
    let cors = Cors {
        allow_origins: Some(vec!["https://a.test".into()]),
        allow_methods: Some(vec!["GET".into()]),
        ..Cors::default()
    };
    let api = fixture.quick_api(Some(cors)).await;
    let asked = [("origin", "https://a.test"), ("access-control-request-method", "GET")];
    let (status, body, headers) = fixture.http(&api, "OPTIONS /x", &asked).await;
    assert_eq!((status, body.as_str()), (204, ""));
    assert_eq!(headers["access-control-allow-methods"], "GET");
    assert!(fixture.neighbours.invoked.lock().unwrap().is_empty());
    let (_, _, headers) = fixture.http(&api, "GET /x", &asked[..1]).await;
    assert_eq!(headers["access-control-allow-origin"], "https://a.test");
}

#[tokio::test]
async fn tokens_open_routes() {
    let fixture = Fixture::new().await;
    let api = fixture.quick_api(None).await;
    let authorizer = CreateAuthorizerRequest {
        api_id: api.clone(),
        name: "pool".into(),
        authorizer_type: AuthorizerType::Jwt,
        identity_source: vec!["$request.header.Authorization".into()],
        jwt_configuration: Some(JWTConfiguration {
            issuer: Some(ISSUER.into()),
            audience: Some(vec!["client".into()]),
        }),
        ..CreateAuthorizerRequest::default()
    };
    let authorizer = fixture.call::<CreateAuthorizer>(authorizer).await.unwrap();
    let route = fixture.add_route(&api, "GET /mine").await.unwrap();
    fixture
        .call::<UpdateRoute>(UpdateRouteRequest {
            api_id: api.clone(),
            route_id: route.route_id.unwrap(),
            authorization_type: Some(AuthorizationType::Jwt),
            authorizer_id: authorizer.authorizer_id,
            authorization_scopes: Some(vec!["read".into()]),
            ..UpdateRouteRequest::default()
        })
        .await
        .unwrap();
    let claims = |issuer: &str, client: &str, scope: &str, exp: i64| json!({ "iss": issuer, "client_id": client, "scope": scope, "exp": exp, "groups": ["a", "b"] });
    let cases = [
        (claims(ISSUER, "client", "write read", NOW + 60), 201, ""),
        (claims(ISSUER, "client", "write", NOW + 60), 403, "insufficient_scope"),
        (claims(ISSUER, "other", "read", NOW + 60), 401, "invalid audience"),
        (claims("https://x.test", "client", "read", NOW + 60), 401, "invalid issuer"),
        (claims(ISSUER, "client", "read", NOW - 1), 401, "has expired"),
    ];
    for (claims, expected, why) in cases {
        let token = format!("Bearer {}", fixture.token(&claims));
        let (status, _, headers) =
            fixture.http(&api, "GET /mine", &[("authorization", &token)]).await;
        assert_eq!(status, expected, "{claims}");
        let challenge = headers.get("www-authenticate").map(|value| value.to_str().unwrap());
        assert!(challenge.unwrap_or_default().contains(why), "{challenge:?}");
    }
    let invoked = fixture.neighbours.invoked.lock().unwrap().pop().unwrap().1;
    let jwt = &invoked["requestContext"]["authorizer"]["jwt"];
    assert_eq!(jwt["scopes"], json!(["read"]));
    assert_eq!(jwt["claims"]["groups"], "[a b]");
    let (status, body, headers) = fixture.http(&api, "GET /mine", &[]).await;
    assert_eq!((status, body.as_str()), (401, r#"{"message":"Unauthorized"}"#));
    assert_eq!(headers["www-authenticate"], "Bearer");
    assert_eq!(fixture.http(&api, "GET /free", &[]).await.0, 201);
}

#[tokio::test]
async fn access_logs_go_to_their_group() {
    let fixture = Fixture::new().await;
    let api = fixture.quick_api(None).await;
    let log = |format: &str| UpdateStageRequest {
        api_id: api.clone(),
        stage_name: "$default".into(),
        access_log_settings: Some(AccessLogSettings {
            destination_arn: Some("arn:aws:logs:us-east-1:000000000000:log-group:g:*".into()),
            format: Some(format.into()),
        }),
        ..UpdateStageRequest::default()
    };
    fixture
        .call::<UpdateStage>(log("$context.httpMethod $context.routeKey $context.status"))
        .await
        .unwrap();
    fixture.http(&api, "PUT /x", &[]).await;
    let line = fixture.neighbours.lines.lock().unwrap().pop().unwrap();
    assert_eq!((line.group.as_str(), line.message.as_str()), ("g", "PUT $default 201"));
}

#[tokio::test]
async fn an_api_is_removed_with_all_its_parts() {
    let fixture = Fixture::new().await;
    let api = fixture.quick_api(None).await;
    let tag = TagResourceRequest {
        resource_arn: format!("arn:aws:apigateway:us-east-1::/apis/{api}"),
        tags: Some(BTreeMap::from([("k".into(), "v".into())])),
    };
    fixture.call::<TagResource>(tag).await.unwrap();
    let get = || GetApiRequest { api_id: api.clone() };
    let found = fixture.call::<GetApi>(get()).await.unwrap();
    assert_eq!(found.tags.unwrap()["k"], "v");
    assert!(found.api_endpoint.unwrap().contains(&api));
    fixture.call::<DeleteApi>(DeleteApiRequest { api_id: api.clone() }).await.unwrap();
    let gone = fixture.call::<GetApi>(get()).await.unwrap_err();
    assert_eq!((gone.code.as_ref(), gone.status), ("NotFoundException", 404));
    assert_eq!(gone.message, format!("Invalid API identifier specified {api}"));
    assert_eq!(fixture.http(&api, "GET /", &[]).await.0, 403);
}

/// As SAM writes it for an HttpApi.
fn document(path: &str) -> Value {
    let uri = format!(
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
    );
    let integration = json!({ "type": "aws_proxy", "httpMethod": "POST", "payloadFormatVersion": "2.0", "uri": uri });
    json!({
        "openapi": "3.0.1",
        "info": { "title": "app", "version": "1.0" },
        "paths": {
            path: { "get": {
                "x-amazon-apigateway-integration": integration,
                "security": [{ "Pool": [] }],
                "responses": {}
            } },
            "/free": { "x-amazon-apigateway-any-method": {
                "x-amazon-apigateway-integration": integration, "responses": {}
            } }
        },
        "components": { "securitySchemes": { "Pool": {
            "type": "oauth2",
            "x-amazon-apigateway-authorizer": {
                "type": "jwt",
                "identitySource": "$request.header.Authorization",
                "jwtConfiguration": { "issuer": ISSUER, "audience": ["client"] }
            }
        } } },
        "tags": [{ "name": "httpapi:createdBy", "x-amazon-apigateway-tag-value": "SAM" }]
    })
}

#[tokio::test]
async fn a_stack_makes_changes_and_removes_an_api() {
    let fixture = Fixture::new().await;
    let cx = fixture.cx();
    let kind = |name: &str| fixture.cloud.registry().resource(name).unwrap();
    let (apis, stages) = (kind("AWS::ApiGatewayV2::Api"), kind("AWS::ApiGatewayV2::Stage"));
    let tags = [("stack".to_owned(), "s".to_owned())];
    let properties = |value: Value| value.as_object().cloned().unwrap();
    let before = properties(json!({ "Body": document("/mine"), "FailOnWarnings": true }));
    let desired = |properties| Desired { name: "s-api", properties, tags: &tags };
    let api = apis.create(&cx, desired(&before)).await.unwrap();
    let id = api.physical_id.as_str();
    assert_eq!(api.attributes["ApiId"], id);
    let stage = properties(json!({ "ApiId": id, "StageName": "$default", "AutoDeploy": "true" }));
    assert_eq!(stages.create(&cx, desired(&stage)).await.unwrap().physical_id, "$default");
    assert_eq!(fixture.http(id, "GET /mine", &[]).await.0, 401);
    assert_eq!(fixture.http(id, "PUT /free", &[]).await.0, 201);
    let after = properties(json!({ "Body": document("/yours"), "Description": "two" }));
    let changed = Changed { physical_id: id, before: &before, after: desired(&after) };
    apis.update(&cx, changed).await.unwrap();
    assert_eq!(fixture.http(id, "GET /mine", &[]).await.0, 404);
    assert_eq!(fixture.http(id, "GET /yours", &[]).await.0, 401);
    let shown = fixture.call::<GetApi>(GetApiRequest { api_id: id.into() }).await.unwrap();
    assert_eq!((shown.name.as_deref(), shown.description.as_deref()), (Some("app"), Some("two")));
    assert_eq!(shown.tags.unwrap().len(), 2);
    for _ in 0..2 {
        stages.remove(&cx, "$default", &stage).await.unwrap();
        apis.remove(&cx, id, &after).await.unwrap();
    }
    assert_eq!(fixture.http(id, "GET /free", &[]).await.0, 403);
}
