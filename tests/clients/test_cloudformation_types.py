"""CloudFormation's own resource types: stacks within stacks, and resources made by functions."""

import json
import sys

import pytest
from botocore.exceptions import ClientError, WaiterError

WAIT = {"Delay": 1, "MaxAttempts": 120}

INNER = {
    "Parameters": {"Name": {"Type": "String"}, "Value": {"Type": "String"}},
    "Resources": {
        "Kept": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": {"Ref": "Name"}, "Type": "String", "Value": {"Ref": "Value"}},
        }
    },
    "Outputs": {"Told": {"Value": {"Fn::GetAtt": ["Kept", "Value"]}}},
}


def outer(url, **parameters):
    return json.dumps({
        "Resources": {
            "Inner": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"TemplateURL": url, "Parameters": parameters},
            }
        },
        "Outputs": {"Told": {"Value": {"Fn::GetAtt": ["Inner", "Outputs.Told"]}}},
    })


def told(client, stack):
    found = client.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def wait(client, what, stack):
    client.get_waiter(what).wait(StackName=stack, WaiterConfig=WAIT)


def test_a_stack_within_a_stack(cloud):
    client, ssm = cloud.client("cloudformation"), cloud.client("ssm")
    cloud.client("s3").create_bucket(Bucket="nested-templates")
    cloud.client("s3").put_object(
        Bucket="nested-templates", Key="inner.json", Body=json.dumps(INNER)
    )
    url = f"{cloud.endpoint}/nested-templates/inner.json"
    client.create_stack(StackName="outer", TemplateBody=outer(url, Name="/nested", Value="1"))
    wait(client, "stack_create_complete", "outer")
    assert told(client, "outer") == {"Told": "1"}
    inner = client.describe_stack_resources(StackName="outer")["StackResources"][0]
    shown = client.describe_stacks(StackName=inner["PhysicalResourceId"])["Stacks"][0]
    assert shown["ParentId"] == shown["RootId"] == inner["StackId"]
    client.update_stack(StackName="outer", TemplateBody=outer(url, Name="/nested", Value="2"))
    wait(client, "stack_update_complete", "outer")
    assert told(client, "outer") == {"Told": "2"}
    # What fails within is undone within and without.
    ssm.put_parameter(Name="/taken", Value="x", Type="String")
    client.update_stack(StackName="outer", TemplateBody=outer(url, Name="/taken", Value="3"))
    with pytest.raises(WaiterError):
        wait(client, "stack_update_complete", "outer")
    wait(client, "stack_rollback_complete", "outer")
    assert told(client, "outer") == {"Told": "2"}
    assert ssm.get_parameter(Name="/nested")["Parameter"]["Value"] == "2"
    client.delete_stack(StackName="outer")
    wait(client, "stack_delete_complete", "outer")
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_stacks(StackName=shown["StackName"])
    assert ssm.get_parameter(Name="/taken")["Parameter"]["Value"] == "x"


MAKER = """
import json, urllib.request

def handler(event, context):
    asked = event["ResourceProperties"]
    answer = {
        "Status": "FAILED" if asked.get("Fail") == "true" else "SUCCESS",
        "Reason": "it was asked to fail",
        "PhysicalResourceId": "made-" + asked["Name"],
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Words": event["RequestType"] + " " + event["ResourceType"] + " " + asked["Count"]},
    }
    print(event["RequestType"], event.get("PhysicalResourceId"))
    request = urllib.request.Request(
        event["ResponseURL"], json.dumps(answer).encode(), {"content-type": ""}, method="PUT"
    )
    with urllib.request.urlopen(request) as done:
        assert done.status == 200
"""


def custom(**properties):
    return json.dumps({
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        },
                    },
                    "ManagedPolicyArns": [
                        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
                    ],
                },
            },
            "Maker": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": f"python3.{sys.version_info.minor}",
                    "Handler": "index.handler",
                    "Timeout": 30,
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": MAKER},
                },
            },
            "Thing": {
                "Type": "Custom::Thing",
                "Properties": {"ServiceToken": {"Fn::GetAtt": ["Maker", "Arn"]}, **properties},
            },
        },
        "Outputs": {
            "Id": {"Value": {"Ref": "Thing"}},
            "Words": {"Value": {"Fn::GetAtt": ["Thing", "Words"]}},
        },
    })


def test_a_function_makes_a_resource(cloud):
    client = cloud.client("cloudformation")
    stack = {"StackName": "custom", "Capabilities": ["CAPABILITY_IAM"]}
    client.create_stack(**stack, TemplateBody=custom(Name="a", Count=1))
    wait(client, "stack_create_complete", "custom")
    assert told(client, "custom") == {"Id": "made-a", "Words": "Create Custom::Thing 1"}
    # A new physical id is a new resource: the old one is removed.
    client.update_stack(**stack, TemplateBody=custom(Name="b", Count=2))
    wait(client, "stack_update_complete", "custom")
    assert told(client, "custom") == {"Id": "made-b", "Words": "Update Custom::Thing 2"}
    events = client.describe_stack_events(StackName="custom")["StackEvents"]
    gone = [one for one in events if one["ResourceStatus"] == "DELETE_COMPLETE"]
    assert [one["PhysicalResourceId"] for one in gone] == ["made-a"]
    client.update_stack(**stack, TemplateBody=custom(Name="b", Count=3, Fail=True))
    wait(client, "stack_rollback_complete", "custom")
    events = client.describe_stack_events(StackName="custom")["StackEvents"]
    reasons = [one["ResourceStatusReason"] for one in events if "ResourceStatusReason" in one]
    assert any("it was asked to fail" in reason for reason in reasons), reasons
    assert told(client, "custom")["Id"] == "made-b"
    client.delete_stack(StackName="custom")
    wait(client, "stack_delete_complete", "custom")


def test_a_type_that_is_not_there_is_named(cloud):
    client = cloud.client("cloudformation")
    template = {"Resources": {"X": {"Type": "AWS::Not::Here"}}}
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::Not::Here\]"):
        client.create_stack(StackName="nothing", TemplateBody=json.dumps(template))
    template["Transform"] = "AWS::Serverless-2016-10-31"
    made = client.create_change_set(
        StackName="nothing",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        Capabilities=["CAPABILITY_AUTO_EXPAND"],
        TemplateBody=json.dumps(template),
    )
    shown = client.describe_change_set(ChangeSetName=made["Id"])
    assert shown["Status"] == "FAILED"
    assert "Unrecognized resource types: [AWS::Not::Here]" in shown["StatusReason"]
    client.delete_stack(StackName="nothing")
