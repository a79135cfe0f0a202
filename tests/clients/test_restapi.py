"""REST APIs with boto3, and plain HTTP at their hosts; and as SAM writes them."""

import base64
import http.client
import io
import json
import subprocess
import sys
import time
import urllib.parse
import zipfile

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
NODEJS = "nodejs{}.x".format(
    subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    .stdout.removeprefix("v")
    .split(".")[0]
)

# Tells what it received; by its path it also fails, hangs back or answers bytes.
ECHO = """
import json
def handler(event, context):
    kind = (event["pathParameters"] or {}).get("kind")
    if kind == "bytes":
        return {"statusCode": 200, "headers": {"Content-Type": "image/png"},
                "body": "iVBORw==", "isBase64Encoded": True}
    if kind == "malformed":
        return {"message": "no answer"}
    if kind == "fail":
        raise RuntimeError("no")
    return {"statusCode": 201, "body": json.dumps(event),
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}}
"""
NODE = """
exports.handler = async (event) => ({
  statusCode: 200,
  headers: { "X-Runtime": "node" },
  body: JSON.stringify({ id: event.pathParameters.id, stage: event.requestContext.stage }),
});
"""


def ask(cloud, host, path, method="GET", headers=None, body=None):
    address = urllib.parse.urlsplit(cloud.endpoint).netloc
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request(method, path, body, {"Host": host, **(headers or {})})
    response = connection.getresponse()
    return response.status, response.read(), response.headers


def package(name, code):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        files.writestr(name, code)
    return packed.getvalue()


def make_function(cloud, name, runtime, file, code):
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
    role = cloud.client("iam").create_role(
        RoleName=f"{name}-role", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    client = cloud.client("lambda")
    arn = client.create_function(
        FunctionName=name,
        Runtime=runtime,
        Handler="index.handler",
        Role=role,
        Timeout=20,
        Code={"ZipFile": package(file, code)},
    )["FunctionArn"]
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return arn


def may_invoke(cloud, name, api, path="*/*/*"):
    cloud.client("lambda").add_permission(
        FunctionName=name,
        StatementId=f"api-{api}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api}/{path}",
    )


def uri(function):
    return (
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        f"{function}/invocations"
    )


def make_resource(gateway, api, parent, part):
    return gateway.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"]


def make_proxy(gateway, api, resource, method, function, **more):
    where = {"restApiId": api, "resourceId": resource, "httpMethod": method}
    gateway.put_method(**where, **{"authorizationType": "NONE", **more})
    gateway.put_integration(
        **where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri(function)
    )


def root_of(gateway, api):
    resources = gateway.get_resources(restApiId=api)["items"]
    return next(resource["id"] for resource in resources if resource["path"] == "/")


def make_user(cloud, pool, client, name="ann"):
    """A user who has signed in; her tokens."""
    cognito = cloud.client("cognito-idp")
    cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    password = "Correct-Horse-1"
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=name, Password=password, Permanent=True
    )
    return cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )["AuthenticationResult"]


@pytest.fixture(scope="module")
def gateway(cloud):
    return cloud.client("apigateway")


@pytest.fixture(scope="module")
def echo(cloud):
    return make_function(cloud, "rest-echo", PYTHON, "index.py", ECHO)


def test_an_api_made_by_hand_answers(gateway, cloud, echo):
    api = gateway.create_rest_api(name="echo", binaryMediaTypes=["image/png"])
    root, api = api["rootResourceId"], api["id"]
    assert root == root_of(gateway, api)
    things = make_resource(gateway, api, root, "things")
    thing = make_resource(gateway, api, things, "{kind}")
    files = make_resource(gateway, api, root, "files")
    below = make_resource(gateway, api, files, "{proxy+}")
    make_proxy(gateway, api, things, "POST", echo)
    make_proxy(gateway, api, thing, "GET", echo)
    make_proxy(gateway, api, below, "ANY", echo)
    may_invoke(cloud, "rest-echo", api)
    deployment = gateway.create_deployment(
        restApiId=api, stageName="dev", variables={"colour": "blue"}
    )["id"]
    host = f"{api}.execute-api.us-east-1.localhost"

    status, body, headers = ask(
        cloud,
        host,
        "/dev/things?x=1&x=two%20words",
        "POST",
        {"Content-Type": "application/json", "X-Mine": "yes"},
        '{"a": 1}',
    )
    event = json.loads(body)
    assert status == 201
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert headers["Content-Type"] == "application/json"
    assert headers["x-amzn-RequestId"] == event["requestContext"]["requestId"]
    assert headers["x-amz-apigw-id"] == event["requestContext"]["extendedRequestId"]
    assert (event["resource"], event["path"], event["httpMethod"]) == (
        "/things",
        "/things",
        "POST",
    )
    assert event["requestContext"]["path"] == "/dev/things"
    assert event["requestContext"]["deploymentId"] == deployment
    assert event["requestContext"]["resourceId"] == things
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "two words"]}
    assert event["queryStringParameters"] == {"x": "two words"}
    assert event["headers"]["x-mine"] == "yes"
    assert event["stageVariables"] == {"colour": "blue"}
    assert event["pathParameters"] is None
    assert (event["body"], event["isBase64Encoded"]) == ('{"a": 1}', False)
    assert "authorizer" not in event["requestContext"]

    # Variables come as they were sent, greedy ones with their slashes.
    event = json.loads(ask(cloud, host, "/dev/files/a%20b/c", "PUT", {}, b"\x00\xff")[1])
    assert event["pathParameters"] == {"proxy": "a%20b/c"}
    image = {"Content-Type": "image/png"}
    event = json.loads(ask(cloud, host, "/dev/files/x", "PUT", image, b"\x00\xff")[1])
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\x00\xff", True)

    # The same under AWS's name, and by path.
    real = f"{api}.execute-api.us-east-1.amazonaws.com"
    assert ask(cloud, real, "/dev/things/a")[0] == 201
    by_path = f"/restapis/{api}/dev/_user_request_/things/a"
    status, body, _ = ask(cloud, "localhost", by_path)
    assert (status, json.loads(body)["path"]) == (201, "/things/a")

    status, body, headers = ask(cloud, host, "/dev/things/bytes", headers={"Accept": "image/png"})
    assert (status, body, headers["Content-Type"]) == (200, b"\x89PNG", "image/png")

    for path, method, expected, message, kind in [
        ("/dev/none", "GET", 403, '{"message":"Missing Authentication Token"}', "Missing"),
        ("/dev/things", "GET", 403, '{"message":"Missing Authentication Token"}', "Missing"),
        ("/none/things", "POST", 403, '{"message":"Forbidden"}', "Forbidden"),
        ("/dev/things/malformed", "GET", 502, '{"message": "Internal server error"}', "Internal"),
        ("/dev/things/fail", "GET", 502, '{"message": "Internal server error"}', "Internal"),
    ]:
        status, body, headers = ask(cloud, host, path, method)
        assert (status, body.decode()) == (expected, message), path
        assert headers["x-amzn-ErrorType"].startswith(kind)


def test_node_functions_stand_behind_apis_too(gateway, cloud):
    node = make_function(cloud, "rest-node", NODEJS, "index.js", NODE)
    api = gateway.create_rest_api(name="node")["id"]
    item = make_resource(gateway, api, root_of(gateway, api), "{id}")
    make_proxy(gateway, api, item, "GET", node)
    gateway.create_deployment(restApiId=api, stageName="prod")
    host = f"{api}.execute-api.us-east-1.localhost"
    # Nobody has let API Gateway invoke it yet.
    status, body, _ = ask(cloud, host, "/prod/7")
    assert (status, body.decode()) == (500, '{"message": "Internal server error"}')
    may_invoke(cloud, "rest-node", api, "prod/GET/*")
    status, body, headers = ask(cloud, host, "/prod/7")
    assert (status, json.loads(body)) == (200, {"id": "7", "stage": "prod"})
    assert headers["X-Runtime"] == "node"


def test_a_user_pools_tokens_open_methods(gateway, cloud, echo):
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="rest")["UserPool"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool["Id"],
        ClientName="web",
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    tokens = make_user(cloud, pool["Id"], client)
    api = gateway.create_rest_api(name="mine")["id"]
    authorizer = gateway.create_authorizer(
        restApiId=api,
        name="pool",
        type="COGNITO_USER_POOLS",
        providerARNs=[pool["Arn"]],
        identitySource="method.request.header.Authorization",
    )["id"]
    root = root_of(gateway, api)
    guarded = {"authorizationType": "COGNITO_USER_POOLS", "authorizerId": authorizer}
    make_proxy(gateway, api, root, "GET", echo, **guarded)
    scoped = make_resource(gateway, api, root, "scoped")
    scopes = ["aws.cognito.signin.user.admin"]
    make_proxy(gateway, api, scoped, "GET", echo, **guarded, authorizationScopes=scopes)
    may_invoke(cloud, "rest-echo", api)
    gateway.create_deployment(restApiId=api, stageName="prod")
    host = f"{api}.execute-api.us-east-1.localhost"

    for token in [None, "", "Bearer a.b.c", tokens["AccessToken"], tokens["IdToken"] + "x"]:
        headers = {} if token is None else {"Authorization": token}
        status, body, headers = ask(cloud, host, "/prod", headers=headers)
        assert (status, body.decode()) == (401, '{"message":"Unauthorized"}')
        assert headers["x-amzn-ErrorType"] == "UnauthorizedException"
    for token in [tokens["IdToken"], f"Bearer {tokens['IdToken']}"]:
        status, body, _ = ask(cloud, host, "/prod/", headers={"Authorization": token})
        assert status == 201
        claims = json.loads(body)["requestContext"]["authorizer"]["claims"]
        assert (claims["cognito:username"], claims["token_use"]) == ("ann", "id")
        assert all(isinstance(value, str) for value in claims.values())
    # Where scopes are asked for, an access token is.
    by_id = {"Authorization": tokens["IdToken"]}
    assert ask(cloud, host, "/prod/scoped", headers=by_id)[0] == 401
    by_access = {"Authorization": tokens["AccessToken"]}
    assert ask(cloud, host, "/prod/scoped", headers=by_access)[0] == 201
    with pytest.raises(ClientError) as refused:
        gateway.delete_authorizer(restApiId=api, authorizerId=authorizer)
    assert refused.value.response["Error"]["Code"] == "ConflictException"


def test_a_mock_answers_preflights(gateway, cloud):
    api = gateway.create_rest_api(name="cors")["id"]
    where = {
        "restApiId": api,
        "resourceId": root_of(gateway, api),
        "httpMethod": "OPTIONS",
    }
    origin = "method.response.header.Access-Control-Allow-Origin"
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_method_response(**where, statusCode="200", responseParameters={origin: False})
    gateway.put_integration(
        **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    gateway.put_integration_response(
        **where, statusCode="200", responseParameters={origin: "'https://app.test'"}
    )
    undeclared = {"method.response.header.X-None": "'x'"}
    with pytest.raises(gateway.exceptions.BadRequestException):
        gateway.put_integration_response(
            **where, statusCode="200", responseParameters=undeclared
        )
    gateway.create_deployment(restApiId=api, stageName="prod")
    host = f"{api}.execute-api.us-east-1.localhost"
    asked = {"Origin": "https://app.test", "Access-Control-Request-Method": "GET"}
    status, body, headers = ask(cloud, host, "/prod", "OPTIONS", asked)
    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Origin"] == "https://app.test"


def make_mock(gateway, api, resource, code, method="GET"):
    where = {"restApiId": api, "resourceId": resource, "httpMethod": method}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_method_response(**where, statusCode=code)
    gateway.put_integration(
        **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    gateway.put_integration_response(**where, statusCode=code)


def test_deployments_never_change(gateway, cloud):
    api = gateway.create_rest_api(name="immutable")["id"]
    root = root_of(gateway, api)
    with pytest.raises(gateway.exceptions.BadRequestException, match="contain any methods"):
        gateway.create_deployment(restApiId=api)
    make_mock(gateway, api, root, "200")
    first = gateway.create_deployment(restApiId=api, stageName="prod")["id"]
    host = f"{api}.execute-api.us-east-1.localhost"
    assert ask(cloud, host, "/prod")[0] == 200
    new = make_resource(gateway, api, root, "new")
    make_mock(gateway, api, new, "202")
    gateway.delete_method(restApiId=api, resourceId=root, httpMethod="GET")
    assert ask(cloud, host, "/prod")[0] == 200
    assert ask(cloud, host, "/prod/new")[0] == 403
    second = gateway.create_deployment(restApiId=api)["id"]
    point = {"op": "replace", "path": "/deploymentId", "value": second}
    gateway.update_stage(restApiId=api, stageName="prod", patchOperations=[point])
    assert ask(cloud, host, "/prod")[0] == 403
    assert ask(cloud, host, "/prod/new")[0] == 202
    with pytest.raises(gateway.exceptions.BadRequestException, match="Active stages"):
        gateway.delete_deployment(restApiId=api, deploymentId=second)
    gateway.delete_deployment(restApiId=api, deploymentId=first)
    summary = gateway.get_deployment(restApiId=api, deploymentId=second, embed=["apisummary"])
    assert list(summary["apiSummary"]) == ["/new"]


def test_apis_change_what_they_answer_by_themselves(gateway, cloud):
    api = gateway.create_rest_api(name="responses")["id"]
    make_mock(gateway, api, root_of(gateway, api), "200")
    gateway.put_gateway_response(
        restApiId=api,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        statusCode="404",
        responseParameters={"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
        responseTemplates={"application/json": '{"oh": $context.error.messageString}'},
    )
    gateway.create_deployment(restApiId=api, stageName="prod")
    status, body, headers = ask(cloud, f"{api}.execute-api.us-east-1.localhost", "/prod/none")
    assert (status, body.decode()) == (404, '{"oh": "Missing Authentication Token"}')
    assert headers["Access-Control-Allow-Origin"] == "*"
    all_of_them = gateway.get_gateway_responses(restApiId=api, limit=500)["items"]
    own = [one["responseType"] for one in all_of_them if not one["defaultResponse"]]
    assert (len(all_of_them), own) == (21, ["MISSING_AUTHENTICATION_TOKEN"])


def test_patches_change_what_they_name(gateway):
    api = gateway.create_rest_api(name="before", tags={"a": "b"})["id"]

    def patch(op, path, value=None):
        return {"op": op, "path": path, **({"value": value} if value is not None else {})}

    changed = gateway.update_rest_api(
        restApiId=api,
        patchOperations=[
            patch("replace", "/name", "after"),
            patch("add", "/binaryMediaTypes/image~1png"),
            patch("replace", "/endpointConfiguration/types/EDGE", "REGIONAL"),
        ],
    )
    assert (changed["name"], changed["binaryMediaTypes"]) == ("after", ["image/png"])
    assert changed["endpointConfiguration"]["types"] == ["REGIONAL"]
    with pytest.raises(gateway.exceptions.BadRequestException, match="Invalid patch path"):
        gateway.update_rest_api(restApiId=api, patchOperations=[patch("replace", "/id", "x")])
    root = root_of(gateway, api)
    one = make_resource(gateway, api, root, "one")
    two = make_resource(gateway, api, one, "two")
    gateway.update_resource(
        restApiId=api, resourceId=one, patchOperations=[patch("replace", "/pathPart", "uno")]
    )
    assert gateway.get_resource(restApiId=api, resourceId=two)["path"] == "/uno/two"
    with pytest.raises(gateway.exceptions.ConflictException):
        make_resource(gateway, api, root, "uno")
    gateway.delete_resource(restApiId=api, resourceId=one)
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.get_resource(restApiId=api, resourceId=two)
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{api}"
    gateway.tag_resource(resourceArn=arn, tags={"c": "d"})
    gateway.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert gateway.get_tags(resourceArn=arn)["tags"] == {"c": "d"}
    gateway.delete_rest_api(restApiId=api)
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.get_rest_api(restApiId=api)


def test_what_is_not_here_says_so(gateway):
    api = gateway.create_rest_api(name="absent")["id"]
    where = {"restApiId": api, "resourceId": root_of(gateway, api), "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    for refused in [
        lambda: gateway.put_integration(
            **where, type="HTTP", integrationHttpMethod="GET", uri="https://a.test/"
        ),
        lambda: gateway.put_integration(
            **where, type="MOCK", requestTemplates={"application/json": "#set($x = 1)"}
        ),
        lambda: gateway.create_api_key(name="key"),
        lambda: gateway.create_usage_plan(name="plan"),
        lambda: gateway.test_invoke_method(**where),
    ]:
        with pytest.raises(ClientError) as error:
            refused()
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def signed(access_key, secret_key, host, path, method="GET", body=""):
    """The headers by which botocore signs a request."""
    request = AWSRequest(method, f"http://{host}{path}", {"Host": host}, body)
    SigV4Auth(Credentials(access_key, secret_key), "execute-api", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_signers_are_let_in_by_their_policies(gateway, cloud, echo):
    api = gateway.create_rest_api(name="signed")["id"]
    root = root_of(gateway, api)
    for part in ["mine", "other"]:
        resource = make_resource(gateway, api, root, part)
        make_proxy(gateway, api, resource, "POST", echo, authorizationType="AWS_IAM")
    may_invoke(cloud, "rest-echo", api)
    gateway.create_deployment(restApiId=api, stageName="prod")
    host = f"{api}.execute-api.us-east-1.amazonaws.com"
    iam = cloud.client("iam")
    iam.create_user(UserName="rest-caller")
    statement = {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": f"arn:aws:execute-api:us-east-1:000000000000:{api}/prod/POST/mine",
    }
    iam.put_user_policy(
        UserName="rest-caller",
        PolicyName="may",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}),
    )
    key = iam.create_access_key(UserName="rest-caller")["AccessKey"]
    access, secret = key["AccessKeyId"], key["SecretAccessKey"]

    def post(path, body="{}", sent=None, secret=secret):
        headers = signed(access, secret, host, path, "POST", body)
        status, answer, headers = ask(cloud, host, path, "POST", headers, sent or body)
        return status, json.loads(answer), headers["x-amzn-ErrorType"]

    status, event, _ = post("/prod/mine?a=b%20c")
    assert status == 201
    assert event["requestContext"]["identity"]["userArn"].endswith(":user/rest-caller")
    assert event["requestContext"]["identity"]["accountId"] == "000000000000"
    status, answer, kind = post("/prod/other")
    assert (status, kind) == (403, "AccessDeniedException")
    assert "is not authorized to perform: execute-api:Invoke" in answer["Message"]
    status, answer, kind = post("/prod/mine", secret="x" * 40)
    assert (status, kind) == (403, "InvalidSignatureException")
    # The signature covers the body.
    assert post("/prod/mine", body="{}", sent="{ }")[0] == 403
    status, body, _ = ask(cloud, host, "/prod/mine", "POST")
    assert (status, body.decode()) == (403, '{"message":"Missing Authentication Token"}')
    by_path = f"/restapis/{api}/prod/_user_request_/mine"
    headers = signed(access, secret, "localhost", by_path, "POST", "")
    assert ask(cloud, "localhost", by_path, "POST", headers)[0] == 201


GUARD = """
def handler(event, context):
    token = event["authorizationToken"]
    if token == "nobody":
        raise Exception("Unauthorized")
    effect = "Allow" if token == "friend" else "Deny"
    return {"principalId": token, "context": {"number": 7},
            "policyDocument": {"Version": "2012-10-17", "Statement": [{
                "Action": "execute-api:Invoke", "Effect": effect,
                "Resource": event["methodArn"]}]}}
"""


def test_a_function_says_who_may_come_in(gateway, cloud, echo):
    guard = make_function(cloud, "rest-guard", PYTHON, "index.py", GUARD)
    api = gateway.create_rest_api(name="guarded")["id"]
    authorizer = gateway.create_authorizer(
        restApiId=api,
        name="guard",
        type="TOKEN",
        authorizerUri=uri(guard),
        identitySource="method.request.header.X-Token",
    )
    assert authorizer["authorizerResultTtlInSeconds"] == 300
    guarded = {"authorizationType": "CUSTOM", "authorizerId": authorizer["id"]}
    make_proxy(gateway, api, root_of(gateway, api), "GET", echo, **guarded)
    may_invoke(cloud, "rest-echo", api)
    may_invoke(cloud, "rest-guard", api, "authorizers/*")
    gateway.create_deployment(restApiId=api, stageName="prod")
    host = f"{api}.execute-api.us-east-1.localhost"
    for token, expected in [("friend", 201), ("foe", 403), ("nobody", 401), (None, 401)]:
        headers = {"X-Token": token} if token else {}
        status, body, _ = ask(cloud, host, "/prod", headers=headers)
        assert status == expected, (token, body)
        if token == "friend":
            context = json.loads(body)["requestContext"]["authorizer"]
            assert context == {"principalId": "friend", "number": "7"}


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Runtime: RUNTIME, Handler: index.handler, Timeout: 20}
Resources:
  Users:
    Type: AWS::Cognito::UserPool
    Properties: {UserPoolName: notes-users}
  Web:
    Type: AWS::Cognito::UserPoolClient
    Properties:
      UserPoolId: !Ref Users
      ExplicitAuthFlows: [ALLOW_ADMIN_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]
  Log:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: /notes/access}
  LogRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: api-logs
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: apigateway.amazonaws.com}
            Action: sts:AssumeRole
      ManagedPolicyArns:
        - arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs
  Account:
    Type: AWS::ApiGateway::Account
    Properties: {CloudWatchRoleArn: !GetAtt LogRole.Arn}
  Api:
    Type: AWS::Serverless::Api
    DependsOn: Account
    Properties:
      StageName: prod
      Cors:
        AllowMethods: "'GET,POST,PUT,DELETE,OPTIONS'"
        AllowHeaders: "'Authorization,Content-Type'"
        AllowOrigin: "'*'"
      Auth:
        DefaultAuthorizer: Pool
        AddDefaultAuthorizerToCorsPreflight: false
        Authorizers:
          Pool: {UserPoolArn: !GetAtt Users.Arn}
      AccessLogSetting:
        DestinationArn: !GetAtt Log.Arn
        Format: >-
          {"id":"$context.requestId","status":"$context.status",
          "path":"$context.resourcePath","sub":"$context.authorizer.claims.sub"}
      GatewayResponses:
        DEFAULT_4XX:
          ResponseParameters:
            Headers: {Access-Control-Allow-Origin: "'*'"}
      Variables: {colour: green}
      TracingEnabled: true
      MethodSettings:
        - {HttpMethod: "*", ResourcePath: "/*", MetricsEnabled: true, ThrottlingBurstLimit: 10}
  Notes:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        import json
        def handler(event, context):
            claims = event["requestContext"].get("authorizer", {}).get("claims", {})
            told = {"method": event["httpMethod"], "id": (event["pathParameters"] or {}).get("id"),
                    "user": claims.get("cognito:username"), "resource": event["resource"],
                    "colour": event["stageVariables"]["colour"]}
            return {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"},
                    "body": json.dumps(told)}
      Events:
        List: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /notes, Method: GET}}
        Create: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /notes, Method: POST}}
        Read: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/notes/{id}", Method: GET}}
        Change: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/notes/{id}", Method: PUT}}
        Remove: {Type: Api, Properties: {RestApiId: !Ref Api, Path: "/notes/{id}", Method: DELETE}}
        Open:
          Type: Api
          Properties: {RestApiId: !Ref Api, Path: /health, Method: GET, Auth: {Authorizer: NONE}}
        EXTRA
Outputs:
  Api: {Value: !Ref Api}
  Root: {Value: !GetAtt Api.RootResourceId}
  Pool: {Value: !Ref Users}
  Client: {Value: !Ref Web}
"""
MORE = """More:
          Type: Api
          Properties: {RestApiId: !Ref Api, Path: /more, Method: GET, Auth: {Authorizer: NONE}}"""


def deploy(cloud, stack, template, kind):
    client = cloud.client("cloudformation")
    name = f"{kind.lower()}-{stack}"
    client.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType=kind,
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    wait = {"Delay": 1, "MaxAttempts": 120}
    done = client.get_waiter("change_set_create_complete")
    done.wait(StackName=stack, ChangeSetName=name, WaiterConfig=wait)
    client.execute_change_set(StackName=stack, ChangeSetName=name)
    client.get_waiter(f"stack_{kind.lower()}_complete").wait(StackName=stack, WaiterConfig=wait)
    outputs = client.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def logged(cloud, group, count):
    """The first lines of a log group, when there are as many."""
    logs = cloud.client("logs")
    deadline = time.monotonic() + 60
    while True:
        events = logs.filter_log_events(logGroupName=group)["events"]
        if len(events) >= count or time.monotonic() > deadline:
            return [json.loads(event["message"]) for event in events]
        time.sleep(0.2)


def test_a_sam_template_becomes_a_rest_api(fresh_cloud):
    cloud = fresh_cloud
    template = TEMPLATE.replace("RUNTIME", PYTHON)
    first = template.replace("        EXTRA\n", "")
    outputs = deploy(cloud, "notes", first, "CREATE")
    host = f"{outputs['Api']}.execute-api.us-east-1.localhost"
    gateway = cloud.client("apigateway")
    assert root_of(gateway, outputs["Api"]) == outputs["Root"]
    token = make_user(cloud, outputs["Pool"], outputs["Client"])["IdToken"]
    signed_in = {"Authorization": token}
    for method, path, note, resource in [
        ("GET", "/notes", None, "/notes"),
        ("POST", "/notes", None, "/notes"),
        ("GET", "/notes/1", "1", "/notes/{id}"),
        ("PUT", "/notes/1", "1", "/notes/{id}"),
        ("DELETE", "/notes/1", "1", "/notes/{id}"),
    ]:
        status, body, _ = ask(cloud, host, f"/prod{path}", method, signed_in)
        assert status == 200, body
        assert json.loads(body) == {
            "method": method,
            "id": note,
            "user": "ann",
            "resource": resource,
            "colour": "green",
        }
    status, body, headers = ask(cloud, host, "/prod/notes")
    assert (status, body.decode()) == (401, '{"message":"Unauthorized"}')
    # What the API answers by itself can be read by pages too.
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert ask(cloud, host, "/prod/health")[0] == 200
    asked = {"Origin": "https://app.test", "Access-Control-Request-Method": "PUT"}
    status, _, headers = ask(cloud, host, "/prod/notes/1", "OPTIONS", asked)
    assert status == 200
    assert headers["Access-Control-Allow-Methods"] == "GET,POST,PUT,DELETE,OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "Authorization,Content-Type"
    assert headers["Access-Control-Allow-Origin"] == "*"
    lines = logged(cloud, "/notes/access", 8)
    assert [line["status"] for line in lines[:6]] == ["200"] * 5 + ["401"]
    assert (lines[0]["path"], lines[5]["sub"]) == ("/notes", "-")
    assert len(lines[0]["sub"]) == 36
    stage = gateway.get_stage(restApiId=outputs["Api"], stageName="prod")
    assert (stage["tracingEnabled"], stage["variables"]) == (True, {"colour": "green"})
    assert stage["methodSettings"]["*/*"]["throttlingBurstLimit"] == 10

    # What the account's role may not write is not written, and nobody waits for it.
    iam, managed = cloud.client("iam"), "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    managed = {"RoleName": "api-logs", "PolicyArn": f"arn:aws:iam::aws:policy/{managed}"}
    iam.detach_role_policy(**managed)
    refusal = "api-logs/BackplaneAssumeRoleSession is not authorized to perform: logs:"
    deadline = time.monotonic() + 60
    while refusal not in (cloud.folder / "log").read_text():
        assert ask(cloud, host, "/prod/health")[0] == 200
        assert time.monotonic() < deadline
    silent = logged(cloud, "/notes/access", 0)
    assert ask(cloud, host, "/prod/notes/9", headers=signed_in)[0] == 200
    iam.attach_role_policy(**managed)
    paths = []
    while "/notes" not in paths:
        assert ask(cloud, host, "/prod/notes", headers=signed_in)[0] == 200
        paths = [line["path"] for line in logged(cloud, "/notes/access", 0)[len(silent) :]]
        assert time.monotonic() < deadline + 60
    assert "/notes/{id}" not in paths

    # A new version: another deployment, served by the same stage.
    assert ask(cloud, host, "/prod/more")[0] == 403
    again = deploy(cloud, "notes", template.replace("EXTRA", MORE), "UPDATE")
    assert again == outputs
    assert ask(cloud, host, "/prod/more")[0] == 200
    cloud.restart()
    assert ask(cloud, host, "/prod/notes", headers=signed_in)[0] == 200
    client = cloud.client("cloudformation")
    client.delete_stack(StackName="notes")
    wait = {"Delay": 1, "MaxAttempts": 120}
    client.get_waiter("stack_delete_complete").wait(StackName="notes", WaiterConfig=wait)
    assert cloud.client("apigateway").get_rest_apis()["items"] == []
    assert ask(cloud, host, "/prod/notes", headers=signed_in)[0] == 403
