"""kill -9 in the middle of what takes several steps: a stack on its way, an update on its way back,
people who sign up. What is killed, at points that its own events show, ends as if it never was."""

import contextlib
import datetime
import itertools
import json
import threading
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SECONDS = 60
SESSION = boto3.session.Session()
# A kill that came too late is tried again.
TRIES = 6
# What stands after each step, and after the last: a kill takes as long as some of them.
PADS, PADS_IN_THE_END = 3, 15
PASSWORD = "Corr3ct-horse"


def mock(words):
    """A method that answers by itself."""
    return {
        "HttpMethod": "GET",
        "AuthorizationType": "NONE",
        "MethodResponses": [{"StatusCode": 200}],
        "Integration": {
            "Type": "MOCK",
            "RequestTemplates": {"application/json": '{"statusCode": 200}'},
            "IntegrationResponses": [
                {"StatusCode": 200, "ResponseTemplates": {"application/json": words}}
            ],
        },
    }


def template(colour, last=None):
    """An API behind a distribution, and what else an app has, one after the other so that there are
    points between them. `colour` is all over it; `last` comes when all of it is there."""
    api = {"RestApiId": {"Ref": "Api"}}
    bucket = {"Tags": [{"Key": "colour", "Value": colour}]}
    key = {"AttributeName": "pk", "AttributeType": "S"}
    domain = {"Fn::Sub": "${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
    distribution = {
        "Enabled": True,
        "Comment": colour,
        "Origins": [
            {
                "Id": "api",
                "DomainName": domain,
                "OriginPath": {"Fn::Sub": "/${Stage}"},
                "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"},
            },
            {
                "Id": "page",
                "DomainName": {"Fn::GetAtt": ["Bucket", "RegionalDomainName"]},
                "OriginAccessControlId": {"Ref": "Access"},
                "S3OriginConfig": {},
            },
        ],
        "DefaultCacheBehavior": {
            "TargetOriginId": "api",
            "ViewerProtocolPolicy": "allow-all",
            "CachePolicyId": {"Ref": "Cache"},
        },
    }
    cache = {
        "Name": {"Fn::Sub": "${AWS::StackName}-cache"},
        "Comment": colour,
        "MinTTL": 0,
        "DefaultTTL": 0,
        "MaxTTL": 1,
    }
    access = {
        "Name": {"Fn::Sub": "${AWS::StackName}-access"},
        "Description": colour,
        "OriginAccessControlOriginType": "s3",
        "SigningBehavior": "always",
        "SigningProtocol": "sigv4",
    }
    table = {
        "AttributeDefinitions": [key],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "Tags": [{"Key": "colour", "Value": colour}],
    }
    log = {"RetentionInDays": {"red": 7, "blue": 30}[colour]}
    root = {"Fn::GetAtt": ["Api", "RootResourceId"]}
    # A deployment is what its API is when it is made: another colour is another deployment.
    deployment = f"Deployment{colour.capitalize()}"
    stage = {**api, "StageName": "live", "DeploymentId": {"Ref": deployment}}
    steps = [
        ("Table", "AWS::DynamoDB::Table", table),
        ("Log", "AWS::Logs::LogGroup", log),
        ("Bucket", "AWS::S3::Bucket", bucket),
        ("Access", "AWS::CloudFront::OriginAccessControl", {"OriginAccessControlConfig": access}),
        ("Cache", "AWS::CloudFront::CachePolicy", {"CachePolicyConfig": cache}),
        ("Api", "AWS::ApiGateway::RestApi", {"Description": colour}),
        ("Part", "AWS::ApiGateway::Resource", {**api, "ParentId": root, "PathPart": "colour"}),
        (
            "Method",
            "AWS::ApiGateway::Method",
            {**api, "ResourceId": {"Ref": "Part"}, **mock(json.dumps({"colour": colour}))},
        ),
        (deployment, "AWS::ApiGateway::Deployment", api),
        ("Stage", "AWS::ApiGateway::Stage", {**stage, "Variables": {"colour": colour}}),
        ("Distribution", "AWS::CloudFront::Distribution", {"DistributionConfig": distribution}),
    ] + ([("Last", *last)] if last else [])
    pad = ("AWS::SSM::Parameter", {"Type": "String", "Value": colour})
    resources = {}
    for step in steps:
        count = PADS_IN_THE_END if step[0] == "Distribution" else PADS
        for name, kind, properties in [step, *((f"{step[0]}{n}", *pad) for n in range(count))]:
            resources[name] = {"Type": kind, "Properties": properties}
            if len(resources) > 1:
                resources[name]["DependsOn"] = list(resources)[-2]
    outputs = {"Host": {"Value": {"Fn::GetAtt": ["Distribution", "DomainName"]}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def state(cloud):
    """All that there is of those kinds, without what changes when a thing is given back what it was,
    such as versions."""
    services = ["apigateway", "cloudfront", "dynamodb", "s3", "logs"]
    clients = [cloud.client(service, session=SESSION) for service in services]
    gateway, cdn, dynamodb, s3, logs = clients
    there = {}
    for name in dynamodb.list_tables()["TableNames"]:
        arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        there["table", name] = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    for bucket in s3.list_buckets()["Buckets"]:
        with contextlib.suppress(ClientError):
            there["bucket", bucket["Name"]] = None
            there["bucket", bucket["Name"]] = s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
    for group in logs.describe_log_groups()["logGroups"]:
        there["log", group["logGroupName"]] = group.get("retentionInDays")
    for api in gateway.get_rest_apis()["items"]:
        of = {"restApiId": api["id"]}
        there["api", api["id"]] = api["description"]
        for kind in ["resources", "deployments", "stages"]:
            parts = getattr(gateway, f"get_{kind}")(**of)["item" if kind == "stages" else "items"]
            for part in parts:
                name = part.get("id") or part["stageName"]
                part.pop("lastUpdatedDate", None)
                there[kind, api["id"], name] = part
                for verb in part.get("resourceMethods") or []:
                    method = gateway.get_method(**of, resourceId=part["id"], httpMethod=verb)
                    method.pop("ResponseMetadata")
                    there["method", api["id"], name, verb] = method
    for item in cdn.list_distributions()["DistributionList"].get("Items", []):
        found = cdn.get_distribution_config(Id=item["Id"])
        there["distribution", item["Id"]] = found["DistributionConfig"]
    for item in cdn.list_origin_access_controls()["OriginAccessControlList"].get("Items", []):
        there["access", item["Id"]] = item
    for item in cdn.list_cache_policies(Type="custom")["CachePolicyList"].get("Items", []):
        policy = item["CachePolicy"]
        there["cache", policy["Id"]] = policy["CachePolicyConfig"]
    return there


def stacks_of(cloud):
    return cloud.client("cloudformation", session=SESSION)


def named(event):
    return f"{event['LogicalResourceId']} {event['ResourceStatus']}"


def events(cloud, stack):
    """All that happened to a stack, for who has to find out why."""
    pages = stacks_of(cloud).get_paginator("describe_stack_events")
    found = [event for page in pages.paginate(StackName=stack) for event in page["StackEvents"]]
    return [f"{named(e)} {e.get('ResourceStatusReason', '')}" for e in found][::-1]


def at_rest(cloud, stack):
    """The stack's status, once nothing goes on."""
    client = stacks_of(cloud)
    deadline = time.monotonic() + SECONDS
    while True:
        status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return status
        assert time.monotonic() < deadline, events(cloud, stack)
        time.sleep(0.02)


def newest(client, stack, last=None):
    """The newest events of a stack, the last one first, as far as they came after `last`."""
    page = client.describe_stack_events(StackName=stack)["StackEvents"]
    return list(itertools.takewhile(lambda event: event["EventId"] != last, page))


def killed_at(cloud, client, stack, point, last=None):
    """Kills the cloud when the stack's events after `last` show a point, and starts it again. Gives
    where the stack rests, and whether it was in the middle when it was killed. The client is there
    before: making one takes longer than many steps."""
    deadline = time.monotonic() + SECONDS
    while not any(named(event) == point for event in newest(client, stack, last)):
        assert time.monotonic() < deadline, (point, events(cloud, stack))
    cloud.kill()
    killed = datetime.datetime.now(datetime.timezone.utc)
    cloud.restart()
    status = at_rest(cloud, stack)
    final = newest(stacks_of(cloud), stack)[0]
    return status, final["Timestamp"] > killed


def answered(cloud, host):
    """What the distribution answers, which the API behind it says."""
    request = urllib.request.Request(f"{cloud.endpoint}/colour", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=SECONDS) as response:
        return json.loads(response.read())["colour"]


def host_of(cloud, stack):
    described = stacks_of(cloud).describe_stacks(StackName=stack)["Stacks"][0]
    return described["Outputs"][0]["OutputValue"]


@pytest.fixture
def taken(fresh_cloud):
    """What somebody else has: a parameter, by a name that stacks will want."""
    parameter = {"Name": "/taken", "Value": "somebody's", "Type": "String"}
    fresh_cloud.client("ssm").put_parameter(**parameter)
    yield ("AWS::SSM::Parameter", {**parameter, "Value": "the stack's"})
    kept = fresh_cloud.client("ssm").get_parameter(Name="/taken")["Parameter"]["Value"]
    assert kept == "somebody's"


def made(cloud, stack, point):
    """A stack, killed at this point while it was made."""
    for number in range(TRIES):
        name = f"{stack}{number}"
        client = stacks_of(cloud)
        client.create_stack(StackName=name, TemplateBody=template("red"))
        status, in_the_middle = killed_at(cloud, client, name, point)
        assert status == "CREATE_COMPLETE", events(cloud, name)
        if in_the_middle:
            return name
        stack_id = removed(cloud, name)
        assert at_rest(cloud, stack_id) == "DELETE_COMPLETE"
    raise AssertionError("every kill came too late")


def removed(cloud, stack):
    """Has a stack removed; gives its id."""
    client = stacks_of(cloud)
    stack_id = client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    client.delete_stack(StackName=stack)
    return stack_id


def kinds(there):
    return sorted(what[0] for what in there)


ONE_OF_EACH = sorted(
    "table bucket log api resources resources method deployments stages".split()
    + "distribution access cache".split()
)


def test_a_stack_that_is_killed_on_its_way_is_made_once(fresh_cloud):
    cloud = fresh_cloud
    points = ["Log CREATE_COMPLETE", "Cache CREATE_COMPLETE", "Method CREATE_COMPLETE"]
    for number, point in enumerate(points):
        stack = made(cloud, f"way{number}n", point)
        there = state(cloud)
        assert kinds(there) == ONE_OF_EACH, there
        assert answered(cloud, host_of(cloud, stack)) == "red"
        stack_id = removed(cloud, stack)
        if number == 0:
            # It may be killed on the way out, too.
            client = stacks_of(cloud)
            status, _ = killed_at(cloud, client, stack_id, "Distribution DELETE_IN_PROGRESS")
        else:
            status = at_rest(cloud, stack_id)
        assert status == "DELETE_COMPLETE", events(cloud, stack_id)
        assert state(cloud) == {}


def test_a_change_set_that_is_killed_on_its_way_back_leaves_all_as_it_was(fresh_cloud, taken):
    cloud = fresh_cloud
    client = stacks_of(cloud)
    client.create_stack(StackName="back", TemplateBody=template("red"))
    assert at_rest(cloud, "back") == "CREATE_COMPLETE"
    before = state(cloud)
    points = ["Cache UPDATE_COMPLETE", "Stage UPDATE_COMPLETE", "back UPDATE_ROLLBACK_IN_PROGRESS"]
    for point in points:
        for _ in range(TRIES):
            client = stacks_of(cloud)
            change_set = client.create_change_set(
                StackName="back", ChangeSetName="blue", TemplateBody=template("blue", taken)
            )["Id"]
            waiter = client.get_waiter("change_set_create_complete")
            wait = {"Delay": 1, "MaxAttempts": SECONDS}
            waiter.wait(ChangeSetName=change_set, WaiterConfig=wait)
            last = newest(client, "back")[0]["EventId"]
            client.execute_change_set(ChangeSetName=change_set)
            status, in_the_middle = killed_at(cloud, client, "back", point, last)
            assert status == "UPDATE_ROLLBACK_COMPLETE", events(cloud, "back")
            assert state(cloud) == before
            assert answered(cloud, host_of(cloud, "back")) == "red"
            if in_the_middle:
                break
        else:
            raise AssertionError("every kill came too late")
    # What went back can go forward.
    client = stacks_of(cloud)
    client.update_stack(StackName="back", TemplateBody=template("blue"))
    assert at_rest(cloud, "back") == "UPDATE_COMPLETE"
    assert kinds(state(cloud)) == ONE_OF_EACH
    assert answered(cloud, host_of(cloud, "back")) == "blue"


def test_no_user_is_without_his_mail(fresh_cloud):
    cloud = fresh_cloud
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="p", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"]
    )["UserPool"]["Id"]
    client_id = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")
    client_id = client_id["UserPoolClient"]["ClientId"]
    numbers, acknowledged = itertools.count(1), set()

    def sign_up():
        anyone = cloud.client("cognito-idp", Config(signature_version=UNSIGNED))
        with contextlib.suppress(BotoCoreError, ClientError):
            while True:
                address = f"user{next(numbers)}@example.com"
                anyone.sign_up(ClientId=client_id, Username=address, Password=PASSWORD)
                acknowledged.add(address)

    for more in [1, 5, 12]:
        wanted = len(acknowledged) + more
        people = [threading.Thread(target=sign_up) for _ in range(4)]
        for one in people:
            one.start()
        deadline = time.monotonic() + SECONDS
        while len(acknowledged) < wanted:
            assert time.monotonic() < deadline, f"{len(acknowledged)} of {wanted} sign-ups"
            time.sleep(0.001)
        cloud.kill()
        for one in people:
            one.join()
        cloud.restart()
    pages = cloud.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=pool)
    users = [user for page in pages for user in page["Users"]]
    there = {a["Value"] for user in users for a in user["Attributes"] if a["Name"] == "email"}
    # What was answered is there; what was not may be, with its mail.
    assert acknowledged <= there
    deadline = time.monotonic() + SECONDS
    while missing := there - {mail["to"] for mail in cloud.admin("mailbox")}:
        assert time.monotonic() < deadline, f"no mail to {sorted(missing)}"
        time.sleep(0.05)
    mailed = {mail["to"] for mail in cloud.admin("mailbox")}
    assert mailed == there, "a mail to nobody"
    # The newest code is the right one.
    address = sorted(acknowledged)[-1]
    mails = [mail for mail in cloud.admin("mailbox") if mail["to"] == address]
    newest = max(mails, key=lambda mail: mail["at"])
    code = next(word for word in newest["body"].replace(".", " ").split() if word.isdigit())
    anyone = cloud.client("cognito-idp", Config(signature_version=UNSIGNED))
    anyone.confirm_sign_up(ClientId=client_id, Username=address, ConfirmationCode=code)
