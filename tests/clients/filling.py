"""Something of everything that a cloud keeps, and whether it is still there.

`python tests/clients/filling.py NAME` (with the suite's packages and CUMULET_BIN) writes
`old_data/NAME.tar.xz`: the folder that today's binary leaves, with its keys and what it holds.
Every later binary must open it. Add a service here when it begins to keep things, and a folder
when the form of what is stored has changed.
"""

import io
import json
import pathlib
import sys
import tarfile
import time
import urllib.request
import zipfile

from conftest import Cloud, create_table, running_cloud

FOLDER = pathlib.Path(__file__).resolve().parent / "old_data"
# What of a cloud's folder is kept.
PARTS = ["data", "master.key", "expected.json"]
PASSWORD = "Correct-Horse-7"
BY_PASSWORD = {"USERNAME": "ann", "PASSWORD": PASSWORD}
FAR = 4102444800  # the year 2100
ASSUMED_BY_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
TEMPLATE = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            },
        },
        "Setting": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": "Table"}},
        },
    },
    "Outputs": {"Table": {"Value": {"Ref": "Table"}, "Export": {"Name": "the-table"}}},
}


def fill_dynamodb(cloud):
    client = cloud.client("dynamodb")
    indexes = [("by-x", "x:S", "n:N", {"ProjectionType": "ALL"})]
    create_table(client, "kept", "pk:S", "sk:N", indexes, Tags=[{"Key": "team", "Value": "a"}])
    client.update_time_to_live(
        TableName="kept", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    items = [
        {
            "pk": {"S": f"p{number % 5}"},
            "sk": {"N": str(number)},
            "x": {"S": f"x{number % 3}"},
            "n": {"N": f"{number}.5"},
            "until": {"N": str(FAR)},
            "all": {
                "M": {
                    "list": {"L": [{"BOOL": True}, {"NULL": True}, {"B": b"\x00\xff"}]},
                    "sets": {"SS": ["a", "b"]},
                    "numbers": {"NS": ["1", "-1E-100"]},
                    "text": {"S": "ü" * number},
                }
            },
        }
        for number in range(40)
    ]
    for item in items:
        client.put_item(TableName="kept", Item=item)


def see_dynamodb(cloud, ids):
    client = cloud.client("dynamodb")
    def read(**what):
        pages = client.get_paginator("scan").paginate(TableName="kept", **what)
        found = [item for page in pages for item in page["Items"]]
        return sorted(json.dumps(plain(item), sort_keys=True) for item in found)

    table = client.describe_table(TableName="kept")["Table"]
    return {
        "items": read(),
        "index": read(IndexName="by-x"),
        "keys": table["KeySchema"],
        "ttl": client.describe_time_to_live(TableName="kept")["TimeToLiveDescription"],
        "tags": client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"],
    }


def plain(value):
    """JSON has no bytes, and sets have no order."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        values = [plain(one) for one in value]
        return sorted(values) if all(isinstance(one, str) for one in values) else values
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value


def fill_iam(cloud):
    client = cloud.client("iam")
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    client.create_role(RoleName="runs", AssumeRolePolicyDocument=json.dumps(ASSUMED_BY_LAMBDA))
    client.put_role_policy(RoleName="runs", PolicyName="p", PolicyDocument=json.dumps(policy))
    client.create_user(UserName="ann", Path="/people/")
    client.create_group(GroupName="all")
    client.add_user_to_group(UserName="ann", GroupName="all")
    made = client.create_policy(PolicyName="managed", PolicyDocument=json.dumps(policy))
    client.attach_group_policy(GroupName="all", PolicyArn=made["Policy"]["Arn"])
    key = client.create_access_key(UserName="ann")["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def see_iam(cloud, ids):
    client = cloud.client("iam")
    # The user's own key is verified and the group's policy evaluated by this call.
    theirs = cloud.client(
        "s3", aws_access_key_id=ids["id"], aws_secret_access_key=ids["secret"]
    )
    return {
        "role": client.get_role(RoleName="runs")["Role"]["AssumeRolePolicyDocument"],
        "policy": client.get_role_policy(RoleName="runs", PolicyName="p")["PolicyDocument"],
        "user": client.get_user(UserName="ann")["User"]["Arn"],
        "buckets": [bucket["Name"] for bucket in theirs.list_buckets()["Buckets"]],
    }


def fill_s3(cloud):
    client = cloud.client("s3")
    client.create_bucket(Bucket="kept")
    client.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    client.put_bucket_website(
        Bucket="kept", WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
    )
    for body in ["first", "second"]:
        client.put_object(Bucket="kept", Key="small", Body=body, Metadata={"a": "b"})
    client.put_object(Bucket="kept", Key="large", Body=bytes(range(256)) * 1024)


def see_s3(cloud, ids):
    client = cloud.client("s3")
    large = client.get_object(Bucket="kept", Key="large", Range="bytes=1000-1003")["Body"].read()
    versions = client.list_object_versions(Bucket="kept", Prefix="small")["Versions"]
    bodies = [
        client.get_object(Bucket="kept", Key="small", VersionId=one["VersionId"])["Body"].read()
        for one in versions
    ]
    return {
        "large": list(large),
        "small": [body.decode() for body in bodies],
        "metadata": client.head_object(Bucket="kept", Key="small")["Metadata"],
        "website": client.get_bucket_website(Bucket="kept")["IndexDocument"],
    }


def fill_lambda(cloud):
    client = cloud.client("lambda")
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), "def handler(event, context): return event")
    client.create_function(
        FunctionName="kept",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/runs",
        Code={"ZipFile": package.getvalue()},
        Environment={"Variables": {"NAME": "sealed"}},
    )
    client.get_waiter("function_active_v2").wait(FunctionName="kept")
    version = client.publish_version(FunctionName="kept")["Version"]
    client.create_alias(FunctionName="kept", Name="live", FunctionVersion=version)


def see_lambda(cloud, ids):
    client = cloud.client("lambda")
    found = client.get_function_configuration(FunctionName="kept", Qualifier="live")
    return {name: found[name] for name in ["CodeSha256", "Environment", "Version", "Role"]}


def fill_cognito(cloud):
    client = cloud.client("cognito-idp")
    pool = client.create_user_pool(PoolName="kept")["UserPool"]["Id"]
    app = client.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        RefreshTokenValidity=3650,
    )["UserPoolClient"]["ClientId"]
    client.admin_create_user(UserPoolId=pool, Username="ann", MessageAction="SUPPRESS")
    client.admin_set_user_password(
        UserPoolId=pool, Username="ann", Password=PASSWORD, Permanent=True
    )

    token = sign_in(cloud, app, "USER_PASSWORD_AUTH", **BY_PASSWORD)["RefreshToken"]
    return {"pool": pool, "app": app, "token": token}


def sign_in(cloud, app, flow, **parameters):
    answer = cloud.client("cognito-idp").initiate_auth(
        ClientId=app, AuthFlow=flow, AuthParameters=parameters
    )
    return answer["AuthenticationResult"]


def see_cognito(cloud, ids):
    pool, app = ids["pool"], ids["app"]
    client = cloud.client("cognito-idp")
    user = client.admin_get_user(UserPoolId=pool, Username="ann")
    refreshed = sign_in(cloud, app, "REFRESH_TOKEN_AUTH", REFRESH_TOKEN=ids["token"])
    return {
        "pool": client.describe_user_pool(UserPoolId=pool)["UserPool"]["Name"],
        "status": user["UserStatus"],
        "refreshed": "AccessToken" in refreshed,
        "signed in": "AccessToken" in sign_in(cloud, app, "USER_PASSWORD_AUTH", **BY_PASSWORD),
    }


def fill_ssm(cloud):
    client = cloud.client("ssm")
    for value in ["one", "two"]:
        client.put_parameter(Name="/kept/plain", Type="String", Value=value, Overwrite=True)
    client.put_parameter(Name="/kept/secret", Type="SecureString", Value="sealed")


def see_ssm(cloud, ids):
    client = cloud.client("ssm")
    history = client.get_parameter_history(Name="/kept/plain")["Parameters"]
    found = client.get_parameters_by_path(Path="/kept", WithDecryption=True)["Parameters"]
    return {
        "history": [one["Value"] for one in history],
        "values": {one["Name"]: one["Value"] for one in found},
    }


def fill_logs(cloud):
    client = cloud.client("logs")
    client.create_log_group(logGroupName="/kept")
    client.create_log_stream(logGroupName="/kept", logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": f"line {number}"} for number in range(100)]
    client.put_log_events(logGroupName="/kept", logStreamName="one", logEvents=events)
    return {"from": now}


def see_logs(cloud, ids):
    client = cloud.client("logs")
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName="/kept", startTime=ids["from"], filterPattern="line"
    )
    return [event["message"] for page in pages for event in page["events"]]


def fill_apigatewayv2(cloud):
    client = cloud.client("apigatewayv2")
    api = client.create_api(Name="kept", ProtocolType="HTTP")["ApiId"]
    client.create_route(ApiId=api, RouteKey="GET /x")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return {"api": api}


def see_apigatewayv2(cloud, ids):
    client = cloud.client("apigatewayv2")
    return {
        "name": client.get_api(ApiId=ids["api"])["Name"],
        "routes": [route["RouteKey"] for route in client.get_routes(ApiId=ids["api"])["Items"]],
        "stages": [stage["StageName"] for stage in client.get_stages(ApiId=ids["api"])["Items"]],
    }


def fill_apigateway(cloud):
    client = cloud.client("apigateway")
    api = client.create_rest_api(name="kept")["id"]
    root = client.get_resources(restApiId=api)["items"][0]["id"]
    resource = client.create_resource(restApiId=api, parentId=root, pathPart="x")["id"]
    method = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
    client.put_method(**method, authorizationType="NONE")
    answer = {"application/json": '{"statusCode": 200}'}
    client.put_integration(**method, type="MOCK", requestTemplates=answer)
    client.put_method_response(**method, statusCode="200")
    client.put_integration_response(**method, statusCode="200")
    client.create_deployment(restApiId=api, stageName="prod")
    return {"api": api}


def see_apigateway(cloud, ids):
    client = cloud.client("apigateway")
    url = f"{cloud.endpoint}/restapis/{ids['api']}/prod/_user_request_/x"
    with urllib.request.urlopen(url, timeout=30) as answer:
        status = answer.status
    return {
        "name": client.get_rest_api(restApiId=ids["api"])["name"],
        "stage": client.get_stage(restApiId=ids["api"], stageName="prod")["stageName"],
        "paths": sorted(
            resource["path"] for resource in client.get_resources(restApiId=ids["api"])["items"]
        ),
        "status": status,
    }


def fill_cloudfront(cloud):
    client = cloud.client("cloudfront")
    origin = {
        "Id": "website",
        "DomainName": "kept.s3-website-us-east-1.amazonaws.com",
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "http-only",
        },
    }
    behavior = {
        "TargetOriginId": "website",
        "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    }
    made = client.create_distribution(
        DistributionConfig={
            "CallerReference": "kept",
            "Comment": "kept",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": behavior,
        }
    )["Distribution"]
    return {"id": made["Id"]}


def see_cloudfront(cloud, ids):
    config = cloud.client("cloudfront").get_distribution_config(Id=ids["id"])["DistributionConfig"]
    return {name: config[name] for name in ["CallerReference", "Comment", "Origins"]}


def fill_cloudformation(cloud):
    client = cloud.client("cloudformation")
    client.create_stack(StackName="kept", TemplateBody=json.dumps(TEMPLATE))
    client.get_waiter("stack_create_complete").wait(
        StackName="kept", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def see_cloudformation(cloud, ids):
    client = cloud.client("cloudformation")
    stack = client.describe_stacks(StackName="kept")["Stacks"][0]
    resources = client.list_stack_resources(StackName="kept")["StackResourceSummaries"]
    return {
        "status": stack["StackStatus"],
        "outputs": stack["Outputs"],
        "resources": {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources},
        "exports": [one["Name"] for one in client.list_exports()["Exports"]],
    }


SERVICES = {
    "dynamodb": (fill_dynamodb, see_dynamodb),
    "iam": (fill_iam, see_iam),
    "s3": (fill_s3, see_s3),
    "lambda": (fill_lambda, see_lambda),
    "cognito": (fill_cognito, see_cognito),
    "ssm": (fill_ssm, see_ssm),
    "logs": (fill_logs, see_logs),
    "apigatewayv2": (fill_apigatewayv2, see_apigatewayv2),
    "apigateway": (fill_apigateway, see_apigateway),
    "cloudfront": (fill_cloudfront, see_cloudfront),
    "cloudformation": (fill_cloudformation, see_cloudformation),
}


def fill(cloud):
    """Fills a new cloud; returns what `check` wants to know."""
    ids = {name: (fill(cloud) or {}) for name, (fill, _) in SERVICES.items()}
    seen = {name: see(cloud, ids[name]) for name, (_, see) in SERVICES.items()}
    return {"ids": ids, "seen": json.loads(json.dumps(seen))}


def check(cloud, expected):
    """Whether all of it is still there."""
    for name, before in expected["seen"].items():
        _, see = SERVICES[name]
        now = json.loads(json.dumps(see(cloud, expected["ids"][name])))
        assert now == before, name


def opened(archive, folder):
    """A cloud on a folder that an earlier binary left, and what it held."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    expected = json.loads((pathlib.Path(folder) / "expected.json").read_text())
    cloud = Cloud(folder, keys=expected["keys"])
    return cloud, expected


def write(name):
    with running_cloud() as cloud:
        expected = fill(cloud)
        expected["keys"] = [cloud.access_key, cloud.secret_key]
        assert cloud.terminate() == 0
        (cloud.folder / "expected.json").write_text(json.dumps(expected))
        FOLDER.mkdir(exist_ok=True)
        with tarfile.open(FOLDER / f"{name}.tar.xz", "w:xz") as tar:
            for part in PARTS:
                tar.add(cloud.folder / part, part)


if __name__ == "__main__":
    write(sys.argv[1])
