//! REST APIs: imported, deployed and served.

use std::collections::BTreeMap;

use cumulet_api_apigateway::ops::{
    CreateDeployment, CreateDeploymentRequest, GetAuthorizer, GetAuthorizerRequest, GetAuthorizers,
    GetAuthorizersRequest, GetMethod, GetMethodRequest, GetResources, GetResourcesRequest,
    GetRestApis, GetRestApisRequest, GetStage, GetStageRequest, ImportRestApi,
    ImportRestApiRequest, PutRestApi, PutRestApiRequest, UpdateAccount, UpdateAccountRequest,
    UpdateStage, UpdateStageRequest,
};
use cumulet_api_apigateway::types::{Method, Op, PatchOperation, PutMode, RestApi};
use cumulet_base::{AccountId, Body};
use cumulet_service::{Changed, Desired, Distrust, Principal, Result, Sites as _};
use http::Request;
use serde_json::{Value, json};

use super::{FUNCTION, Fixture, ISSUER, NOW};

fn uri() -> String {
    format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations")
}

const POOL: &str = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_A";

/// As SAM writes it for an Api with a Cognito authorizer and CORS.
pub(super) fn document(paths: &Value) -> Value {
    json!({
        "swagger": "2.0",
        "info": { "title": "items", "version": "1.0" },
        "paths": paths,
        "securityDefinitions": {
            "Pool": {
                "type": "apiKey", "name": "Authorization", "in": "header",
                "x-amazon-apigateway-authtype": "cognito_user_pools",
                "x-amazon-apigateway-authorizer": {
                    "type": "cognito_user_pools", "providerARNs": [POOL]
                }
            },
            "AWS_IAM": {
                "type": "apiKey", "name": "Authorization", "in": "header",
                "x-amazon-apigateway-authtype": "awsSigv4"
            }
        }
    })
}

fn proxy(security: &str) -> Value {
    let security = match security {
        "" => json!([{ "NONE": [] }]),
        name => json!([{ name: [] }]),
    };
    json!({
        "responses": {},
        "security": security,
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy", "httpMethod": "POST", "uri": uri()
        }
    })
}

fn preflight() -> Value {
    let origin = "method.response.header.Access-Control-Allow-Origin";
    json!({
        "summary": "CORS support", "consumes": ["application/json"],
        "responses": { "200": { "headers": { "Access-Control-Allow-Origin": { "type": "string" } } } },
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": { "application/json": "{\n  \"statusCode\" : 200\n}\n" },
            "responses": { "default": {
                "statusCode": "200",
                "responseParameters": { origin: "'*'" },
                "responseTemplates": { "application/json": "{}\n" }
            } }
        }
    })
}

impl Fixture {
    async fn import(&self, document: &Value) -> Result<RestApi> {
        let body = document.to_string().into();
        let input = ImportRestApiRequest { body, ..ImportRestApiRequest::default() };
        self.call::<ImportRestApi>(input).await
    }

    async fn deploy(&self, api: &str) -> String {
        let input = CreateDeploymentRequest {
            rest_api_id: api.into(),
            stage_name: Some("prod".into()),
            ..CreateDeploymentRequest::default()
        };
        self.call::<CreateDeployment>(input).await.unwrap().id.unwrap()
    }

    /// An API of these paths, served as `prod`.
    async fn rest(&self, paths: &Value) -> String {
        let api = self.import(&document(paths)).await.unwrap().id.unwrap();
        self.deploy(&api).await;
        api
    }

    fn event(&self) -> Value {
        self.neighbours.invoked.lock().unwrap().pop().unwrap().1
    }
}

#[tokio::test]
async fn a_document_is_served_when_it_is_deployed() {
    let fixture = Fixture::new().await;
    let paths = json!({
        "/notes": { "get": proxy("Pool"), "options": preflight() },
        "/notes/{id}": { "get": proxy("Pool"), "x-amazon-apigateway-any-method": proxy("") },
        "/open/{proxy+}": { "x-amazon-apigateway-any-method": proxy("") }
    });
    let api = fixture.import(&document(&paths)).await.unwrap().id.unwrap();
    assert_eq!(fixture.http(&api, "GET /prod/open/x", &[]).await.0, 403);
    let deployment = fixture.deploy(&api).await;
    let (status, body, headers) = fixture.http(&api, "PUT /prod/notes/7%20?a=1", &[]).await;
    assert_eq!((status, body.as_str(), &headers["x-a"]), (201, "made", &"b".parse().unwrap()));
    assert_eq!(headers["content-type"], "application/json");
    let (principal, event) = fixture.neighbours.invoked.lock().unwrap().pop().unwrap();
    let source = format!("arn:aws:execute-api:us-east-1:000000000000:{api}/prod/PUT/notes/{{id}}");
    let account: AccountId = "000000000000".parse().unwrap();
    let expected =
        Principal::service_for("apigateway.amazonaws.com", &account, &source.parse().unwrap());
    assert_eq!(principal, expected);
    assert_eq!(event["pathParameters"], json!({ "id": "7%20" }));
    assert_eq!(event["requestContext"]["deploymentId"], deployment);
    assert_eq!(event["requestContext"]["path"], "/prod/notes/7%20");
    let (status, body, headers) = fixture.http(&api, "OPTIONS /prod/notes", &[]).await;
    assert_eq!((status, body.as_str()), (200, "{}\n"));
    assert_eq!(headers["access-control-allow-origin"], "*");
    fixture.http(&api, "GET /prod/open/a/b/", &[]).await;
    let event = fixture.event();
    assert_eq!(
        (&event["resource"], &event["path"]),
        (&json!("/open/{proxy+}"), &json!("/open/a/b/"))
    );
    for line in ["GET /prod/none", "POST /prod/notes", "GET /prod/open", "GET /prod"] {
        let (status, body, headers) = fixture.http(&api, line, &[]).await;
        assert_eq!((status, body.as_str()), (403, r#"{"message":"Missing Authentication Token"}"#));
        assert_eq!(headers["x-amzn-errortype"], "MissingAuthenticationTokenException");
    }
}

#[tokio::test]
async fn tokens_of_a_pool_open_methods() {
    let fixture = Fixture::new().await;
    let api = fixture.rest(&json!({ "/mine": { "get": proxy("Pool") } })).await;
    let claims = |token_use: &str, issuer: &str, exp: i64| {
        json!({
            "iss": issuer, "sub": "u1", "token_use": token_use, "aud": "client", "exp": exp,
            "cognito:groups": ["a", "b"]
        })
    };
    let unauthorized = r#"{"message":"Unauthorized"}"#;
    let expired = r#"{"message":"The incoming token has expired"}"#;
    let cases = [
        (claims("id", ISSUER, NOW + 60), 201, "made"),
        (claims("access", ISSUER, NOW + 60), 401, unauthorized),
        (
            claims("id", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_B", NOW + 60),
            401,
            unauthorized,
        ),
        (claims("id", ISSUER, NOW - 1), 401, expired),
    ];
    for (claims, expected, message) in cases {
        let token = format!("Bearer {}", fixture.token(&claims));
        let asked = [("authorization", token.as_str())];
        let (status, body, headers) = fixture.http(&api, "GET /prod/mine", &asked).await;
        assert_eq!((status, body.as_str()), (expected, message), "{claims}");
        let kind = headers.get("x-amzn-errortype").map(|kind| kind.to_str().unwrap());
        assert_eq!(kind, (expected == 401).then_some("UnauthorizedException"));
    }
    let event = fixture.event();
    assert_eq!(event["requestContext"]["authorizer"]["claims"]["cognito:groups"], "a,b");
    let (status, body, _) = fixture.http(&api, "GET /prod/mine", &[]).await;
    assert_eq!((status, body.as_str()), (401, unauthorized));
}

#[tokio::test]
async fn what_functions_do_wrong_is_answered_as_aws_does() {
    let fixture = Fixture::new().await;
    let mut slow = proxy("");
    slow["x-amazon-apigateway-integration"]["timeoutInMillis"] = json!(50);
    let api = fixture
        .rest(&json!({
            "/fail": { "get": proxy("") }, "/bad": { "get": proxy("") }, "/slow": { "get": slow }
        }))
        .await;
    let cases = [
        ("GET /prod/fail", 502, r#"{"message": "Internal server error"}"#),
        ("GET /prod/bad", 502, r#"{"message": "Internal server error"}"#),
        ("GET /prod/slow", 504, r#"{"message": "Endpoint request timed out"}"#),
        ("GET /none/slow", 403, r#"{"message":"Forbidden"}"#),
        ("GET /", 403, r#"{"message":"Forbidden"}"#),
    ];
    for (line, status, message) in cases {
        let (found, body, headers) = fixture.http(&api, line, &[]).await;
        assert_eq!((found, body.as_str()), (status, message), "{line}");
        assert!(headers.contains_key("x-amzn-errortype"));
    }
}

#[tokio::test]
async fn methods_for_signers_are_never_open() {
    let fixture = Fixture::new().await;
    let api = fixture.rest(&json!({ "/signed": { "get": proxy("AWS_IAM") } })).await;
    let (status, body, _) = fixture.http(&api, "GET /prod/signed", &[]).await;
    // The fixture's root signs; nobody does not.
    assert_eq!((status, body.as_str()), (201, "made"));
    let identity = fixture.event()["requestContext"]["identity"].clone();
    assert_eq!(identity["userArn"], "arn:aws:iam::000000000000:root");
    let (status, body) = fixture.anonymous(&api, "/prod/signed", None).await;
    assert_eq!((status, body.as_str()), (403, r#"{"message":"Missing Authentication Token"}"#));
    let distrust = Distrust { error: "InvalidSignatureException".into(), message: "no".into() };
    let (status, body) = fixture.anonymous(&api, "/prod/signed", Some(distrust)).await;
    assert_eq!((status, body.as_str()), (403, r#"{"message":"no"}"#));
    assert!(fixture.neighbours.invoked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn functions_say_who_may_come_in() {
    let fixture = Fixture::new().await;
    let scheme = |kind: &str, more: Value| {
        let mut authorizer = json!({ "type": kind, "authorizerUri": uri() });
        authorizer.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        json!({
            "type": "apiKey", "name": "X-Token", "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": authorizer
        })
    };
    let mut document = document(&json!({
        "/token": { "get": proxy("Token") }, "/other": { "get": proxy("Token") },
        "/request": { "get": proxy("Request") }
    }));
    document["securityDefinitions"]["Token"] =
        scheme("token", json!({ "identityValidationExpression": "[a-z]+" }));
    document["securityDefinitions"]["Request"] = scheme(
        "request",
        json!({
            "identitySource": "method.request.querystring.who", "authorizerResultTtlInSeconds": 0
        }),
    );
    let api = fixture.import(&document).await.unwrap().id.unwrap();
    fixture.deploy(&api).await;
    let denied = r#"{"Message":"User is not authorized to access this resource"}"#;
    let explicit =
        r#"{"Message":"User is not authorized to access this resource with an explicit deny"}"#;
    let cases = [
        ("GET /prod/token", "allow", 201, "made"),
        // The same policy, which says nothing of another method.
        ("GET /prod/other", "allow", 403, denied),
        ("GET /prod/token", "deny", 403, explicit),
        ("GET /prod/token", "unauthorized", 401, r#"{"message":"Unauthorized"}"#),
        ("GET /prod/token", "fail", 500, r#"{"message":null}"#),
        ("GET /prod/token", "malformed", 500, r#"{"message":null}"#),
        ("GET /prod/token", "NOT FITTING", 401, r#"{"message":"Unauthorized"}"#),
        ("GET /prod/token", "", 401, r#"{"message":"Unauthorized"}"#),
        ("GET /prod/request?who=allow", "", 201, "made"),
        ("GET /prod/request", "", 500, r#"{"message":null}"#),
    ];
    for (line, token, status, message) in cases {
        let (found, body, _) = fixture.http(&api, line, &[("x-token", token)]).await;
        assert_eq!((found, body.as_str()), (status, message), "{line} {token}");
    }
    let invoked = fixture.neighbours.invoked.lock().unwrap();
    let asked: Vec<_> =
        invoked.iter().filter(|(_, event)| event["methodArn"].is_string()).collect();
    // Twice asked for the same token, the function was called once.
    assert_eq!(asked.len(), 7);
    let (principal, event) = asked[0];
    let Principal::Service { source_arn, .. } = principal else { panic!("{principal:?}") };
    assert!(source_arn.as_ref().unwrap().contains(&format!("{api}/authorizers/")));
    let expected = json!({
        "type": "TOKEN", "authorizationToken": "allow",
        "methodArn": format!("arn:aws:execute-api:us-east-1:000000000000:{api}/prod/GET/token")
    });
    assert_eq!(*event, expected);
    let served = invoked.iter().find(|(_, event)| event["path"] == "/token").unwrap();
    let context = json!({ "principalId": "u1", "number": "1" });
    assert_eq!(served.1["requestContext"]["authorizer"], context);
}

impl Fixture {
    /// What a request without a believed signature is answered.
    async fn anonymous(&self, api: &str, path: &str, distrust: Option<Distrust>) -> (u16, String) {
        let host = format!("{api}.execute-api.us-east-1.localhost");
        let mut request = Request::get(path).header("host", &host).body(Body::empty()).unwrap();
        if let Some(distrust) = distrust {
            request.extensions_mut().insert(distrust);
        }
        let (site, _) = self.stages.find(&host, path).unwrap();
        let cx = self.cloud.context(Principal::Anonymous);
        let response = site.serve(cx, request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect(1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn a_resource_policy_lets_in_whom_it_says() {
    let fixture = Fixture::new().await;
    let mut document = document(&json!({ "/a": { "get": proxy("") }, "/b": { "get": proxy("") } }));
    document["x-amazon-apigateway-policy"] = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke",
            "Resource": "execute-api:/*/GET/a"
        }]
    });
    let api = fixture.import(&document).await.unwrap().id.unwrap();
    fixture.deploy(&api).await;
    assert_eq!(fixture.http(&api, "GET /prod/a", &[]).await.0, 201);
    let (status, body, headers) = fixture.http(&api, "GET /prod/b", &[]).await;
    assert_eq!(
        (status, &headers["x-amzn-errortype"]),
        (403, &"AccessDeniedException".parse().unwrap())
    );
    assert!(body.contains("is not authorized to perform: execute-api:Invoke"), "{body}");
}

#[tokio::test]
async fn requests_are_validated() {
    let fixture = Fixture::new().await;
    let mut method = proxy("");
    method["parameters"] = json!([
        { "name": "q", "in": "query", "required": true, "type": "string" },
        { "name": "X-Of", "in": "header", "required": true, "type": "string" },
        { "name": "free", "in": "query", "type": "string" },
        { "in": "body", "name": "n", "schema": { "$ref": "#/definitions/Note" } }
    ]);
    method["x-amazon-apigateway-request-validator"] = json!("all");
    let mut document = document(&json!({ "/n": { "post": method } }));
    document["definitions"] = json!({ "Note": { "type": "object", "required": ["text"] } });
    document["x-amazon-apigateway-request-validators"] =
        json!({ "all": { "validateRequestBody": true, "validateRequestParameters": "true" } });
    let api = fixture.import(&document).await.unwrap().id.unwrap();
    fixture.deploy(&api).await;
    let (status, body, _) = fixture.http(&api, "POST /prod/n?q=", &[]).await;
    let missing = r#"{"message":"Missing required request parameters: [X-Of, q]"}"#;
    assert_eq!((status, body.as_str()), (400, missing));
    let (status, body, _) = fixture.http(&api, "POST /prod/n?q=1", &[("x-of", "1")]).await;
    assert_eq!((status, body.as_str()), (400, r#"{"message":"Invalid request body"}"#));
}

#[tokio::test]
async fn documents_come_in_over_what_is_there() {
    let fixture = Fixture::new().await;
    let paths = json!({ "/a/b": { "get": proxy("Pool") }, "/c": { "get": proxy("") } });
    let api = fixture.import(&document(&paths)).await.unwrap();
    let (id, root) = (api.id.unwrap(), api.root_resource_id.unwrap());
    let put = async |mode: PutMode, paths: Value| {
        let input = PutRestApiRequest {
            rest_api_id: id.clone(),
            mode: Some(mode),
            body: document(&paths).to_string().into(),
            ..PutRestApiRequest::default()
        };
        fixture.call::<PutRestApi>(input).await.unwrap();
    };
    let resources = async || {
        let input =
            GetResourcesRequest { rest_api_id: id.clone(), ..GetResourcesRequest::default() };
        let all = fixture.call::<GetResources>(input).await.unwrap().items.unwrap();
        let all = all.into_iter().map(|one| (one.path.unwrap(), one.id.unwrap()));
        all.collect::<BTreeMap<_, _>>()
    };
    let before = resources().await;
    assert_eq!(before.keys().collect::<Vec<_>>(), ["/", "/a", "/a/b", "/c"]);
    assert_eq!(before["/"], root);
    put(PutMode::Merge, json!({ "/d": { "get": proxy("") } })).await;
    let merged = resources().await;
    assert_eq!(merged.len(), 5);
    put(PutMode::Overwrite, json!({ "/a": { "get": proxy("Pool") } })).await;
    let after = resources().await;
    assert_eq!(after.keys().collect::<Vec<_>>(), ["/", "/a"]);
    assert_eq!((&after["/"], &after["/a"]), (&before["/"], &before["/a"]));
    let input =
        GetAuthorizersRequest { rest_api_id: id.clone(), ..GetAuthorizersRequest::default() };
    let authorizers = fixture.call::<GetAuthorizers>(input).await.unwrap().items.unwrap();
    assert_eq!(authorizers.len(), 1);
    let method = GetMethodRequest {
        rest_api_id: id.clone(),
        resource_id: after["/a"].clone(),
        http_method: "GET".into(),
    };
    let method = fixture.call::<GetMethod>(method).await.unwrap();
    assert_eq!(method.authorizer_id, authorizers[0].id);
    assert_eq!(method.method_integration.unwrap().cache_namespace.as_ref(), Some(&after["/a"]));
}

#[tokio::test]
async fn documents_that_cannot_be_served_are_refused() {
    let fixture = Fixture::new().await;
    let with = |integration: Value| {
        document(&json!({ "/a": { "get": { "x-amazon-apigateway-integration": integration } } }))
    };
    let cases = [
        (json!({ "openapi": "2.0" }), 400),
        (json!({}), 400),
        (document(&json!({ "/a b": { "get": proxy("") } })), 400),
        (document(&json!({ "/{a+}/b": { "get": proxy("") } })), 400),
        (document(&json!({ "/a": { "get": proxy("Nobody") } })), 400),
        (with(json!({ "type": "none" })), 400),
        (with(json!({ "type": "aws_proxy", "uri": "arn:aws:none" })), 400),
        (with(json!({ "type": "http", "uri": "https://a.test/", "httpMethod": "GET" })), 501),
        (with(json!({ "type": "mock", "requestTemplates": { "application/json": "{}" } })), 400),
        (
            with(json!({ "type": "mock", "requestTemplates": { "application/json": "$input" } })),
            501,
        ),
        (with(json!({ "type": "aws_proxy", "uri": uri(), "timeoutInMillis": 30_000 })), 400),
        (
            with(
                json!({ "type": "aws_proxy", "uri": uri(), "credentials": "arn:aws:iam::1:role/r" }),
            ),
            501,
        ),
    ];
    for (document, status) in cases {
        let error = fixture.import(&document).await.unwrap_err();
        assert_eq!(error.status, status, "{document}: {error}");
    }
    let apis = fixture.call::<GetRestApis>(GetRestApisRequest::default()).await.unwrap();
    assert!(apis.items.unwrap().is_empty());
}

#[tokio::test]
async fn a_stack_makes_an_api_by_hand() {
    let fixture = Fixture::new().await;
    let cx = fixture.cx();
    let tags = [("stack".to_owned(), "s".to_owned())];
    let make = async |kind: &str, properties: Value| {
        let kind = fixture.cloud.registry().resource(&format!("AWS::ApiGateway::{kind}")).unwrap();
        let properties = properties.as_object().cloned().unwrap();
        let desired = Desired { name: "s-made", properties: &properties, tags: &tags };
        let made = kind.create(&cx, desired).await.unwrap();
        (kind, properties, made)
    };
    let (apis, api_properties, api) = make(
        "RestApi",
        json!({
            "Name": "hand", "BinaryMediaTypes": ["image~1png"],
            "EndpointConfiguration": { "Types": ["REGIONAL"] }
        }),
    )
    .await;
    let id = api.physical_id.clone();
    let root = api.attributes["RootResourceId"].clone();
    let (_, _, resource) =
        make("Resource", json!({ "RestApiId": id, "ParentId": root, "PathPart": "pets" })).await;
    let (authorizers, had, authorizer) = make(
        "Authorizer",
        json!({
            "RestApiId": id, "Name": "pool", "Type": "COGNITO_USER_POOLS", "ProviderARNs": [POOL],
            "IdentitySource": "method.request.header.Authorization"
        }),
    )
    .await;
    make("Model", json!({ "RestApiId": id, "Schema": { "type": "object" } })).await;
    make("RequestValidator", json!({ "RestApiId": id, "ValidateRequestBody": "true" })).await;
    let role = fixture.role("logs", &json!("*")).await;
    make("Account", json!({ "CloudWatchRoleArn": role })).await;
    make(
        "GatewayResponse",
        json!({
            "RestApiId": id, "ResponseType": "UNAUTHORIZED", "StatusCode": 418
        }),
    )
    .await;
    let (methods, method_properties, method) = make(
        "Method",
        json!({
            "RestApiId": id, "ResourceId": resource.physical_id, "HttpMethod": "GET",
            "AuthorizationType": "COGNITO_USER_POOLS", "AuthorizerId": authorizer.physical_id,
            "RequestParameters": { "method.request.querystring.q": "false" },
            "MethodResponses": [{ "StatusCode": 200 }],
            "Integration": { "Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri() }
        }),
    )
    .await;
    let (deployments, deployed, deployment) =
        make("Deployment", json!({ "RestApiId": id, "StageName": "Stage" })).await;
    let (stages, stage_properties, stage) = make(
        "Stage",
        json!({
            "RestApiId": id, "StageName": "prod", "DeploymentId": deployment.physical_id,
            "Variables": { "a": "1", "b": "2" },
            "AccessLogSetting": {
                "DestinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:g",
                "Format": "$context.requestId $context.status $context.error.message"
            },
            "MethodSettings": [{ "HttpMethod": "*", "ResourcePath": "/*", "LoggingLevel": "INFO" }]
        }),
    )
    .await;
    assert_eq!(fixture.http(&id, "GET /prod/pets", &[]).await.0, 418);
    let line = fixture.neighbours.lines.lock().unwrap().pop().unwrap();
    assert!(line.message.ends_with(" 418 Unauthorized"), "{line:?}");

    // A stage's variables and settings change in place, an authorizer's pools too.
    let after = json!({
        "RestApiId": id, "StageName": "prod", "DeploymentId": deployment.physical_id,
        "Variables": { "b": "3" }, "Description": "d"
    });
    let after = after.as_object().cloned().unwrap();
    let desired = Desired { name: "s-made", properties: &after, tags: &tags };
    let changed =
        Changed { physical_id: &stage.physical_id, before: &stage_properties, after: desired };
    stages.update(&cx, changed).await.unwrap();
    let input = GetStageRequest { rest_api_id: id.clone(), stage_name: "prod".into() };
    let shown = fixture.call::<GetStage>(input).await.unwrap();
    assert_eq!(shown.variables.unwrap(), BTreeMap::from([("b".into(), "3".into())]));
    assert_eq!(shown.description.as_deref(), Some("d"));
    let mut has = had.clone();
    let other = POOL.replace("_A", "_B");
    has.insert("ProviderARNs".into(), json!([other]));
    let desired = Desired { name: "s-made", properties: &has, tags: &tags };
    let changed = Changed { physical_id: &authorizer.physical_id, before: &had, after: desired };
    authorizers.update(&cx, changed).await.unwrap();
    let input = GetAuthorizerRequest {
        rest_api_id: id.clone(),
        authorizer_id: authorizer.physical_id.clone(),
    };
    let shown = fixture.call::<GetAuthorizer>(input).await.unwrap();
    assert_eq!(shown.provider_ar_ns, Some(vec![other]));

    // Each goes as often as it is told to; a deployment with the stage that came with it.
    for _ in 0..2 {
        stages.remove(&cx, "prod", &after).await.unwrap();
        deployments.remove(&cx, &deployment.physical_id, &deployed).await.unwrap();
        methods.remove(&cx, &method.physical_id, &method_properties).await.unwrap();
        authorizers.remove(&cx, &authorizer.physical_id, &has).await.unwrap();
        apis.remove(&cx, &id, &api_properties).await.unwrap();
    }
    assert_eq!(fixture.http(&id, "GET /prod/pets", &[]).await.0, 403);
}

fn patched(path: &str, value: &str) -> Vec<PatchOperation> {
    let (path, value) = (Some(path.to_owned()), Some(value.to_owned()));
    vec![PatchOperation { op: Some(Op::Replace), path, value, from: None }]
}

#[tokio::test]
async fn logs_are_written_as_the_accounts_role() {
    let fixture = Fixture::new().await;
    let api = fixture.rest(&json!({ "/a": { "get": proxy("") } })).await;
    let stage = async |path: &str, value: &str| {
        let input = UpdateStageRequest {
            rest_api_id: api.clone(),
            stage_name: "prod".to_owned(),
            patch_operations: Some(patched(path, value)),
        };
        fixture.call::<UpdateStage>(input).await
    };
    let account = async |role: &str| {
        let patch_operations = Some(patched("/cloudwatchRoleArn", role));
        fixture.call::<UpdateAccount>(UpdateAccountRequest { patch_operations }).await
    };
    let group = "arn:aws:logs:us-east-1:000000000000:log-group:g";
    let format = "/accessLogSettings/format";
    stage(format, "$context.requestId $context.status").await.unwrap();
    let missing = "CloudWatch Logs role ARN must be set in account settings to enable logging";
    for (path, value) in
        [("/accessLogSettings/destinationArn", group), ("/*/*/logging/loglevel", "INFO")]
    {
        let refused = stage(path, value).await.unwrap_err();
        assert_eq!(
            (refused.code.as_ref(), refused.message.as_str()),
            ("BadRequestException", missing)
        );
    }
    // What writes nothing needs nobody.
    stage("/*/*/logging/loglevel", "OFF").await.unwrap();

    let distrusts = fixture.role("distrusts", &json!({ "Service": "lambda.amazonaws.com" })).await;
    for role in [distrusts.as_str(), "arn:aws:iam::000000000000:role/none"] {
        let refused = account(role).await.unwrap_err();
        assert_eq!(refused.code, "BadRequestException");
        assert!(refused.message.starts_with("The role ARN does not have required permissions"));
    }
    let role = fixture.role("logs", &json!("*")).await;
    account(&role).await.unwrap();
    stage("/accessLogSettings/destinationArn", group).await.unwrap();
    let count = || fixture.neighbours.lines.lock().unwrap().len();
    assert_eq!(fixture.http(&api, "GET /prod/a", &[]).await.0, 201);
    assert_eq!(count(), 1);
    // Without a role again, requests are served and leave no line; so they do in other ways.
    account("").await.unwrap();
    assert_eq!(fixture.http(&api, "GET /prod/a", &[]).await.0, 201);
    assert_eq!(count(), 1);
    stage("/description", "d").await.unwrap();
    assert_eq!(stage(format, "$context.requestId").await.unwrap_err().message, missing);
}

/// Any document is imported or refused, and what is imported can be shown.
#[test]
fn any_document_can_be_read() {
    let ids = cumulet_base::SeededIds::new(1);
    let words = ["get", "x-amazon-apigateway-integration", "paths", "security", "parameters"];
    bolero::check!().with_type::<Vec<(u8, u8, String)>>().with_iterations(3_000).for_each(|told| {
        let mut document = document(&json!({ "/a/{b}": { "get": proxy("Pool") } }));
        for (place, kind, text) in told {
            let value = match kind % 5 {
                0 => json!(text),
                1 => json!([text]),
                2 => json!({ text: { words[usize::from(*place) % words.len()]: text } }),
                3 => json!(kind),
                _ => Value::Null,
            };
            let at = match place % 6 {
                0 => document.get_mut("paths"),
                1 => document.pointer_mut("/paths/~1a~1{b}"),
                2 => document.pointer_mut("/paths/~1a~1{b}/get"),
                3 => document.pointer_mut("/paths/~1a~1{b}/get/x-amazon-apigateway-integration"),
                4 => document.pointer_mut("/securityDefinitions/Pool"),
                _ => Some(&mut document),
            };
            if let Some(members) = at.and_then(Value::as_object_mut) {
                let word = words[usize::from(*kind) % words.len()].to_owned();
                let name = if text.len() % 2 == 0 { word } else { text.clone() };
                members.insert(name, value);
            }
        }
        let read = crate::rest::openapi::read(document.to_string().as_bytes(), "", &ids);
        for method in read.iter().flat_map(|read| read.methods.values()).flat_map(BTreeMap::values)
        {
            let shown: Result<Method> = crate::carry::shape(method);
            assert!(shown.is_ok());
        }
    });
}
