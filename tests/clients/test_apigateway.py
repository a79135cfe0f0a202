"""HTTP APIs with boto3, and plain HTTP at their hosts."""

import http.client
import json
import urllib.parse

import pytest
from botocore.exceptions import ClientError

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:absent"


@pytest.fixture(scope="module")
def gateway(cloud):
    return cloud.client("apigatewayv2")


def get(cloud, host, path, method="GET", headers=None):
    address = urllib.parse.urlsplit(cloud.endpoint).netloc
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, path, headers={"Host": host, **(headers or {})})
    response = connection.getresponse()
    return response.status, response.read().decode(), response.headers


def test_an_api_from_its_making_to_its_end(gateway):
    api = gateway.create_api(Name="pets", ProtocolType="HTTP", Tags={"a": "b"})
    api_id = api["ApiId"]
    assert f"//{api_id}.execute-api.us-east-1.localhost" in api["ApiEndpoint"]
    assert api["RouteSelectionExpression"] == "$request.method $request.path"
    integration = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=FUNCTION,
        PayloadFormatVersion="2.0",
    )
    route = gateway.create_route(
        ApiId=api_id,
        RouteKey="GET /pets/{id}",
        Target=f"integrations/{integration['IntegrationId']}",
    )
    assert [r["RouteId"] for r in gateway.get_routes(ApiId=api_id)["Items"]] == [route["RouteId"]]
    stage = gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    assert stage["DeploymentId"]
    assert gateway.get_stage(ApiId=api_id, StageName="$default")["AutoDeploy"] is True
    with pytest.raises(ClientError) as refused:
        gateway.delete_integration(ApiId=api_id, IntegrationId=integration["IntegrationId"])
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    gateway.update_api(ApiId=api_id, Name="animals")
    assert gateway.get_api(ApiId=api_id)["Name"] == "animals"
    assert gateway.get_tags(ResourceArn=f"arn:aws:apigateway:us-east-1::/apis/{api_id}")[
        "Tags"
    ] == {"a": "b"}
    gateway.delete_api(ApiId=api_id)
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.get_api(ApiId=api_id)


def test_hosts_and_paths_lead_to_stages(gateway, cloud):
    cors = {"AllowOrigins": ["https://app.test"], "AllowMethods": ["GET"]}
    api = gateway.create_api(
        Name="quick", ProtocolType="HTTP", Target=FUNCTION, CorsConfiguration=cors
    )["ApiId"]
    for host in (
        f"{api}.execute-api.us-east-1.localhost",
        f"{api}.execute-api.us-east-1.amazonaws.com",
    ):
        # The function is not there, which callers learn nothing of.
        status, body, headers = get(cloud, host, "/x")
        assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})
        assert headers["apigw-requestid"]
    status, body, _ = get(cloud, "localhost", f"/_aws/execute-api/{api}/none/x")
    assert (status, json.loads(body)) == (404, {"message": "Not Found"})
    status, _, headers = get(
        cloud,
        f"{api}.execute-api.us-east-1.localhost",
        "/x",
        "OPTIONS",
        {"Origin": "https://app.test", "Access-Control-Request-Method": "GET"},
    )
    assert status == 204
    assert headers["access-control-allow-origin"] == "https://app.test"


def test_a_jwt_authorizer_refuses_who_has_no_token(gateway, cloud):
    api = gateway.create_api(Name="jwt", ProtocolType="HTTP", Target=FUNCTION)["ApiId"]
    authorizer = gateway.create_authorizer(
        ApiId=api,
        Name="pool",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": "https://issuer.test", "Audience": ["app"]},
    )["AuthorizerId"]
    target = gateway.get_routes(ApiId=api)["Items"][0]["Target"]
    gateway.create_route(
        ApiId=api,
        RouteKey="GET /mine",
        Target=target,
        AuthorizationType="JWT",
        AuthorizerId=authorizer,
    )
    host = f"{api}.execute-api.us-east-1.localhost"
    status, body, headers = get(cloud, host, "/mine")
    assert (status, json.loads(body)) == (401, {"message": "Unauthorized"})
    assert headers["www-authenticate"] == "Bearer"
    status, _, headers = get(cloud, host, "/mine", headers={"Authorization": "Bearer a.b.c"})
    assert status == 401
    assert 'error="invalid_token"' in headers["www-authenticate"]
