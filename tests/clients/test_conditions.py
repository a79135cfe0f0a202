"""Conditions of policies: each key once where it lets a request through and once where it does not.

Which keys there are: api/condition-keys.toml.
"""

import http.client
import json
import time
import urllib.parse

import pytest
from botocore.config import Config

from conftest import create_table
from identities import ACCOUNT, allow, assume, denied, deny, new_role, new_user, policy
from identities import trust, unique
from test_lambda import ECHO, PYTHON, package

LAMBDA = {"Service": "lambda.amazonaws.com"}
BOUNDARY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


def when(actions, operator, key, value):
    return allow(actions, Condition={operator: {key: value}})


def user(cloud, *statements, **more):
    return new_user(cloud, *statements, **more)[1]


def key(value):
    return {"pk": {"S": value}}


@pytest.fixture(scope="module")
def items(cloud):
    """A table with the items `a` and `b`."""
    dynamodb = cloud.client("dynamodb")
    create_table(dynamodb, "conditions")
    for one in "ab":
        dynamodb.put_item(TableName="conditions", Item={**key(one), "open": {"S": "1"}})
    return "conditions"


@pytest.fixture(scope="module")
def bucket(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="conditions")
    s3.put_object(Bucket="conditions", Key="mine/o", Body=b"x", Tagging="team=red")
    return "conditions"


# DynamoDB


def test_leading_keys_of_every_operation_on_items(cloud, items):
    leading = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}
    db = user(cloud, allow("dynamodb:*", Condition=leading)).client("dynamodb")

    def all_of(*keys):
        one, entry = keys[-1], {"open": {"S": "1"}}
        values = {":pk": {"S": one}}
        ask = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": values}
        puts = [{"Put": {"TableName": items, "Item": {**key(k), **entry}}} for k in keys]
        batch = [{"PutRequest": {"Item": {**key(k), **entry}}} for k in keys]
        return [
            lambda: db.get_item(TableName=items, Key=key(one)),
            lambda: db.put_item(TableName=items, Item={**key(one), **entry}),
            lambda: db.query(TableName=items, **ask),
            lambda: db.batch_get_item(RequestItems={items: {"Keys": [key(k) for k in keys]}}),
            lambda: db.batch_write_item(RequestItems={items: batch}),
            lambda: db.transact_write_items(TransactItems=puts),
            lambda: db.transact_get_items(
                TransactItems=[{"Get": {"TableName": items, "Key": key(k)}} for k in keys]
            ),
        ]

    for call in all_of("a"):
        call()
    for call in all_of("a", "b"):
        with denied():
            call()


def test_attributes(cloud, items):
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "open"]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    }
    db = user(cloud, allow("dynamodb:GetItem", Condition=condition)).client("dynamodb")
    ask = {"TableName": items, "Key": key("a")}
    db.get_item(**ask, ProjectionExpression="pk, #o", ExpressionAttributeNames={"#o": "open"})
    with denied():
        db.get_item(**ask, ProjectionExpression="pk, secret")
    # Without a projection it would be all of them.
    with denied():
        db.get_item(**ask)


def test_transactions_only(cloud, items):
    enclosed = when(
        "dynamodb:PutItem", "StringEquals", "dynamodb:EnclosingOperation", "TransactWriteItems"
    )
    db = user(cloud, enclosed).client("dynamodb")
    put = {"TableName": items, "Item": {**key("e"), "open": {"S": "1"}}}
    db.transact_write_items(TransactItems=[{"Put": put}])
    with denied():
        db.put_item(**put)


def test_tags_of_a_table_are_those_of_its_indexes_and_items(cloud):
    root = cloud.client("dynamodb")
    for name, team in (("abac-red", "red"), ("abac-blue", "blue")):
        create_table(root, name, Tags=[{"Key": "team", "Value": team}])
    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    name, red = new_user(cloud, allow("dynamodb:*", Condition=same))
    cloud.client("iam").tag_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}])
    db = red.client("dynamodb")
    db.describe_table(TableName="abac-red")
    db.put_item(TableName="abac-red", Item=key("a"))
    with denied():
        db.describe_table(TableName="abac-blue")
    with denied():
        db.put_item(TableName="abac-blue", Item=key("a"))


# S3


def test_the_prefix_of_a_list(cloud, bucket):
    s3 = user(cloud, when("s3:ListBucket", "StringLike", "s3:prefix", ["mine/*"])).client("s3")
    s3.list_objects_v2(Bucket=bucket, Prefix="mine/")
    for prefix in ({}, {"Prefix": ""}, {"Prefix": "his/"}):
        with denied():
            s3.list_objects_v2(Bucket=bucket, **prefix)


def test_headers_of_a_new_object(cloud, bucket):
    encrypted = when("s3:PutObject", "StringEquals", "s3:x-amz-server-side-encryption", "AES256")
    s3 = user(cloud, encrypted).client("s3")
    s3.put_object(Bucket=bucket, Key="e", Body=b"x", ServerSideEncryption="AES256")
    s3.create_multipart_upload(Bucket=bucket, Key="m", ServerSideEncryption="AES256")
    with denied():
        s3.put_object(Bucket=bucket, Key="e", Body=b"x")
    with denied():
        s3.create_multipart_upload(Bucket=bucket, Key="m")
    owned = when("s3:PutObject", "StringEquals", "s3:x-amz-acl", "bucket-owner-full-control")
    s3 = user(cloud, owned).client("s3")
    s3.put_object(Bucket=bucket, Key="o", Body=b"x", ACL="bucket-owner-full-control")
    with denied():
        s3.put_object(Bucket=bucket, Key="o", Body=b"x")


def test_writes_must_not_overwrite(cloud, bucket):
    """The policy of "Enforce conditional writes on Amazon S3 buckets": parts have no condition."""
    blind = {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    s3 = user(cloud, allow("s3:*"), deny("s3:PutObject", Condition=blind)).client("s3")
    s3.put_object(Bucket=bucket, Key=unique("new"), Body=b"x", IfNoneMatch="*")
    with denied():
        s3.put_object(Bucket=bucket, Key=unique("new"), Body=b"x")
    at = {"Bucket": bucket, "Key": unique("parts")}
    upload = {**at, "UploadId": s3.create_multipart_upload(**at)["UploadId"]}
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    with denied():
        s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    s3.complete_multipart_upload(**upload, MultipartUpload=parts, IfNoneMatch="*")


def test_tags_of_objects(cloud, bucket):
    red = when("s3:GetObject", "StringEquals", "s3:ExistingObjectTag/team", "red")
    new = when("s3:PutObject*", "StringEquals", "s3:RequestObjectTag/team", "red")
    s3 = user(cloud, red, new).client("s3")
    s3.get_object(Bucket=bucket, Key="mine/o")
    cloud.client("s3").put_object(Bucket=bucket, Key="blue", Body=b"x", Tagging="team=blue")
    with denied():
        s3.get_object(Bucket=bucket, Key="blue")
    s3.put_object(Bucket=bucket, Key="tagged", Body=b"x", Tagging="team=red")
    with denied():
        s3.put_object(Bucket=bucket, Key="tagged", Body=b"x", Tagging="team=blue")


def test_presigned_urls_only_while_they_are_new(cloud, bucket):
    by_header = when("s3:GetObject", "StringEquals", "s3:authType", "REST-HEADER")
    by_query = when("s3:GetObject", "StringEquals", "s3:authType", "REST-QUERY-STRING")
    young = when("s3:GetObject", "NumericLessThan", "s3:signatureAge", "600000")
    old = when("s3:GetObject", "NumericGreaterThan", "s3:signatureAge", "600000")

    def fetch(statement):
        by_path = Config(signature_version="s3v4", s3={"addressing_style": "path"})
        s3 = user(cloud, statement).client("s3", config=by_path)
        url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "mine/o"})
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=20)
        connection.request("GET", f"{parts.path}?{parts.query}")
        return connection.getresponse().status

    assert [fetch(one) for one in (by_query, young)] == [200, 200]
    assert [fetch(one) for one in (by_header, old)] == [403, 403]
    user(cloud, by_header).client("s3").get_object(Bucket=bucket, Key="mine/o")
    with denied():
        user(cloud, by_query).client("s3").get_object(Bucket=bucket, Key="mine/o")


# What every request has


@pytest.mark.parametrize(
    ("operator", "key", "good", "bad"),
    [
        ("IpAddress", "aws:SourceIp", "127.0.0.0/8", "192.0.2.0/24"),
        # What does not leave the machine counts as secure.
        ("Bool", "aws:SecureTransport", "true", "false"),
        ("DateLessThan", "aws:CurrentTime", "2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("NumericGreaterThan", "aws:EpochTime", "1577836800", "32472144000"),
        ("StringLike", "aws:UserAgent", "*Boto3*", "*Mozilla*"),
        ("StringEquals", "aws:RequestedRegion", "us-east-1", "eu-west-1"),
        ("StringEquals", "aws:ResourceAccount", ACCOUNT, "111111111111"),
        ("StringEquals", "aws:PrincipalAccount", ACCOUNT, "111111111111"),
        ("StringEquals", "aws:PrincipalType", "User", "AssumedRole"),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*", "arn:aws:iam::*:role/*"),
        ("StringLike", "aws:userid", "AIDA*", "AROA*"),
        ("StringLike", "aws:username", "user-*", "root"),
        ("Bool", "aws:PrincipalIsAWSService", "false", "true"),
        ("Bool", "aws:ViaAWSService", "false", "true"),
        ("Null", "aws:TokenIssueTime", "true", "false"),
        ("Null", "aws:MultiFactorAuthPresent", "true", "false"),
        ("Null", "aws:CalledVia", "true", "false"),
        ("Null", "aws:SourceArn", "true", "false"),
    ],
)
def test_keys_of_every_request(cloud, items, operator, key, good, bad):
    def get(value):
        identity = user(cloud, when("dynamodb:GetItem", operator, key, value))
        return identity.client("dynamodb").get_item(TableName=items, Key={"pk": {"S": "a"}})

    get(good)
    with denied():
        get(bad)


def test_services_that_call_for_the_user_are_called_via(cloud):
    """CloudFormation makes a stack's resources as its caller: what he may not do himself, he may by
    it."""

    def stack(identity):
        template = {
            "Resources": {
                "P": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {"Name": unique("/via"), "Type": "String", "Value": "v"},
                }
            }
        }
        client, name = identity.client("cloudformation"), unique("via")
        client.create_stack(StackName=name, TemplateBody=json.dumps(template))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            status = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.2)
        raise AssertionError(status)

    any_value = "ForAnyValue:StringEquals"
    good = when("ssm:*", any_value, "aws:CalledVia", "cloudformation.amazonaws.com")
    identity = user(cloud, allow("cloudformation:*"), good)
    assert stack(identity) == "CREATE_COMPLETE"
    with denied():
        identity.client("ssm").put_parameter(Name="/via", Type="String", Value="v")
    bad = when("ssm:*", any_value, "aws:CalledVia", "athena.amazonaws.com")
    assert stack(user(cloud, allow("cloudformation:*"), bad)) == "ROLLBACK_COMPLETE"


# Tags


def test_tags_of_requests(cloud):
    condition = {
        "StringEquals": {"aws:RequestTag/team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "step"]},
    }
    ssm = user(cloud, allow("ssm:*", Condition=condition)).client("ssm")

    def put(**tags):
        tags = [{"Key": key, "Value": value} for key, value in tags.items()]
        ssm.put_parameter(Name=unique("/tags"), Type="String", Value="v", Tags=tags)

    put(team="red")
    put(team="red", step="1")
    for tags in ({}, {"team": "blue"}, {"team": "red", "other": "1"}):
        with denied():
            put(**tags)


@pytest.mark.parametrize("service", ["lambda", "logs", "cognito-idp", "apigatewayv2", "iam"])
def test_tags_of_resources(cloud, service):
    """Attribute-based access control: who has the tag of the thing may read it."""
    root = cloud.client(service)
    tags = {"team": "red"}

    def made(team):
        tags["team"] = team
        name = unique(f"tagged-{service}")
        match service:
            case "lambda":
                role = new_role(cloud, LAMBDA)
                create_function(cloud, name, role, Tags=tags)
                return "get_function", {"FunctionName": name}
            case "logs":
                root.create_log_group(logGroupName=name, tags=tags)
                return "describe_log_streams", {"logGroupName": name}
            case "cognito-idp":
                pool = root.create_user_pool(PoolName=name, UserPoolTags=tags)["UserPool"]
                return "describe_user_pool", {"UserPoolId": pool["Id"]}
            case "apigatewayv2":
                api = root.create_api(Name=name, ProtocolType="HTTP", Tags=tags)["ApiId"]
                return "get_routes", {"ApiId": api}
            case "iam":
                listed = [{"Key": key, "Value": value} for key, value in tags.items()]
                root.create_user(UserName=name, Tags=listed)
                return "get_user", {"UserName": name}

    same = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    role = new_role(
        cloud,
        {"AWS": ACCOUNT},
        allow("*", Condition=same),
        Tags=[{"Key": "team", "Value": "red"}],
    )
    red = assume(user(cloud, allow("sts:AssumeRole")), role).client(service)
    operation, ask = made("red")
    getattr(red, operation)(**ask)
    operation, ask = made("blue")
    with denied():
        getattr(red, operation)(**ask)


# IAM and STS


def test_what_a_trust_policy_asks_of_who_assumes(cloud):
    caller = user(cloud, allow("sts:*"))

    def role(operator, key, value):
        condition = {operator: {key: value}}
        return new_role(cloud, None, trust=trust({"AWS": ACCOUNT}, Condition=condition))

    outside = role("StringEquals", "sts:ExternalId", "42")
    assume(caller, outside, ExternalId="42")
    for more in ({}, {"ExternalId": "43"}):
        with denied():
            assume(caller, outside, **more)
    named = role("StringLike", "sts:RoleSessionName", "${aws:username}")
    with denied():
        assume(caller, named, session="other")
    assume(caller, named, session=name_of(caller))
    identified = role("StringEquals", "sts:SourceIdentity", "alice")
    with denied():
        assume(caller, identified)


def name_of(identity):
    return identity.client("sts").get_caller_identity()["Arn"].split("/")[-1]


def test_roles_are_passed_to_the_service_that_is_named(cloud):
    role = new_role(cloud, LAMBDA)

    def create(statement):
        identity = user(cloud, allow("lambda:*"), statement)
        create_function(identity, unique("passed"), role)

    create(when("iam:PassRole", "StringEquals", "iam:PassedToService", "lambda.amazonaws.com"))
    with denied("iam:PassRole"):
        create(when("iam:PassRole", "StringEquals", "iam:PassedToService", "ec2.amazonaws.com"))


def test_users_are_made_with_a_boundary(cloud):
    bounded = when("iam:*", "ArnEquals", "iam:PermissionsBoundary", BOUNDARY)
    iam = user(cloud, bounded).client("iam")
    name = unique("bounded")
    with denied():
        iam.create_user(UserName=name)
    iam.create_user(UserName=name, PermissionsBoundary=BOUNDARY)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    with denied():
        iam.put_user_policy(
            UserName=new_user(cloud)[0], PolicyName="p", PolicyDocument=policy(allow("s3:*"))
        )


def test_only_some_policies_may_be_attached(cloud):
    attach = when("iam:AttachUserPolicy", "ArnEquals", "iam:PolicyARN", BOUNDARY)
    iam, name = user(cloud, attach).client("iam"), new_user(cloud)[0]
    iam.attach_user_policy(UserName=name, PolicyArn=BOUNDARY)
    with denied():
        admin = "arn:aws:iam::aws:policy/AdministratorAccess"
        iam.attach_user_policy(UserName=name, PolicyArn=admin)


# SSM, Lambda, CloudFormation, API Gateway


def test_paths_are_not_read_below(cloud):
    flat = when("ssm:GetParametersByPath", "StringEquals", "ssm:Recursive", "false")
    ssm = user(cloud, flat).client("ssm")
    ssm.get_parameters_by_path(Path="/some")
    ssm.get_parameters_by_path(Path="/some", Recursive=False)
    with denied():
        ssm.get_parameters_by_path(Path="/some", Recursive=True)


def test_parameters_are_not_overwritten(cloud):
    new = when("ssm:PutParameter", "StringEquals", "ssm:Overwrite", "false")
    ssm, name = user(cloud, new).client("ssm"), unique("/once")
    ssm.put_parameter(Name=name, Type="String", Value="v")
    with denied():
        ssm.put_parameter(Name=name, Type="String", Value="w", Overwrite=True)


def create_function(caller, name, role, **more):
    return caller.client("lambda").create_function(
        FunctionName=name,
        Runtime=PYTHON,
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": ECHO},
        **more,
    )["FunctionArn"]


def test_only_some_layers(cloud):
    root, role = cloud.client("lambda"), new_role(cloud, LAMBDA)
    good, bad = (
        root.publish_layer_version(LayerName=unique(name), Content={"ZipFile": package(x__py="")})
        for name in ("good", "bad")
    )
    layers = {"ForAllValues:StringLike": {"lambda:Layer": [good["LayerArn"] + ":*"]}}
    given = allow("lambda:CreateFunction", Condition=layers)
    identity = user(cloud, given, allow(["lambda:GetLayerVersion", "iam:PassRole"]))
    create_function(identity, unique("layered"), role, Layers=[good["LayerVersionArn"]])
    with denied("lambda:CreateFunction"):
        layers = [good["LayerVersionArn"], bad["LayerVersionArn"]]
        create_function(identity, unique("layered"), role, Layers=layers)


def test_urls_that_anybody_may_call_are_not_made(cloud):
    name = unique("url")
    create_function(cloud, name, new_role(cloud, LAMBDA))
    signed = when("lambda:*", "StringEquals", "lambda:FunctionUrlAuthType", "AWS_IAM")
    client = user(cloud, signed).client("lambda")
    with denied():
        client.create_function_url_config(FunctionName=name, AuthType="NONE")
    client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM")
    # Known of the URL that is there, where the request does not say it.
    client.get_function_url_config(FunctionName=name)


def test_change_sets_by_their_names(cloud):
    named = when("cloudformation:*", "StringLike", "cloudformation:ChangeSetName", "mine-*")
    client = user(cloud, named).client("cloudformation")
    template = {"Resources": {"G": {"Type": "AWS::Logs::LogGroup"}}}
    ask = {"StackName": unique("sets"), "TemplateBody": json.dumps(template)}
    client.create_change_set(ChangeSetName="mine-1", ChangeSetType="CREATE", **ask)
    with denied():
        client.create_change_set(ChangeSetName="his-1", ChangeSetType="CREATE", **ask)


def test_apis_without_a_way_in_of_their_own(cloud):
    """The condition of API Gateway's guide, "apigateway:Request/DisableExecuteApiEndpoint"."""
    closed = when(
        "apigateway:POST", "Bool", "apigateway:Request/DisableExecuteApiEndpoint", "true"
    )
    client = user(cloud, closed).client("apigatewayv2")
    client.create_api(Name="closed", ProtocolType="HTTP", DisableExecuteApiEndpoint=True)
    with denied():
        client.create_api(Name="open", ProtocolType="HTTP", DisableExecuteApiEndpoint=False)


def test_a_function_lets_one_api_in_by_the_source_arn(cloud):
    gateway, functions = cloud.client("apigatewayv2"), cloud.client("lambda")
    function = create_function(cloud, unique("source"), new_role(cloud, LAMBDA))
    one, other = (
        gateway.create_api(Name=name, ProtocolType="HTTP", Target=function)["ApiId"]
        for name in ("one", "other")
    )
    functions.add_permission(
        FunctionName=function,
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{one}/*",
    )
    assert status_of(cloud, one) == 200
    assert status_of(cloud, other) == 500


def status_of(cloud, api):
    address = urllib.parse.urlsplit(cloud.endpoint).netloc
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", "/", headers={"Host": f"{api}.execute-api.us-east-1.localhost"})
    response = connection.getresponse()
    response.read()
    return response.status
