"""Stacks of real resources: made, changed by change set, undone, removed. Types that this cloud
does not have yet are passed over by name."""

import json

import pytest
from botocore.exceptions import ClientError, WaiterError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
RESOURCES = {
    "AWS::IAM::Role": {"AssumeRolePolicyDocument": TRUST},
    "AWS::DynamoDB::Table": {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
    "AWS::SSM::Parameter": {"Type": "String", "Value": "v"},
    "AWS::Logs::LogGroup": {"RetentionInDays": 7},
}


@pytest.fixture
def cloudformation(cloud):
    return cloud.client("cloudformation")


def create(client, stack, template):
    return client.create_stack(
        StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )["StackId"]


def finished(client, what, stack):
    client.get_waiter(what).wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@pytest.mark.parametrize("kind", RESOURCES)
def test_a_resource_comes_and_goes_with_its_stack(cloudformation, name, kind):
    template = {
        "Resources": {"It": {"Type": kind, "Properties": RESOURCES[kind]}},
        "Outputs": {"Id": {"Value": {"Ref": "It"}}},
    }
    stack = "s-" + "".join(c for c in name if c.isalnum())
    stack_id = create(cloudformation, stack, template)
    finished(cloudformation, "stack_create_complete", stack)
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    resource = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="It")
    resource = resource["StackResourceDetail"]
    assert resource["ResourceStatus"] == "CREATE_COMPLETE"
    assert described["Outputs"][0]["OutputValue"] == resource["PhysicalResourceId"]
    newest = cloudformation.describe_stack_events(StackName=stack)["StackEvents"][0]
    assert (newest["LogicalResourceId"], newest["ResourceStatus"]) == (stack, "CREATE_COMPLETE")
    cloudformation.delete_stack(StackName=stack)
    finished(cloudformation, "stack_delete_complete", stack_id)
    with pytest.raises(ClientError, match=f"Stack with id {stack} does not exist"):
        cloudformation.describe_stacks(StackName=stack)
    assert cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"


def test_a_change_set_without_changes_fails(cloudformation, name):
    stack = "c-" + "".join(c for c in name if c.isalnum())
    template = json.dumps({"Resources": {"M": {"Type": "AWS::CDK::Metadata"}}})
    asked = {"StackName": stack, "TemplateBody": template}
    made = cloudformation.create_change_set(ChangeSetName="one", ChangeSetType="CREATE", **asked)
    assert cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    finished_set = cloudformation.get_waiter("change_set_create_complete")
    finished_set.wait(ChangeSetName=made["Id"])
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    finished(cloudformation, "stack_create_complete", stack)
    made = cloudformation.create_change_set(ChangeSetName="two", ChangeSetType="UPDATE", **asked)
    with pytest.raises(WaiterError):
        finished_set.wait(ChangeSetName=made["Id"])
    reason = cloudformation.describe_change_set(ChangeSetName=made["Id"])["StatusReason"]
    assert reason.startswith("The submitted information didn't contain changes.")
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.describe_change_set(StackName=stack, ChangeSetName="none")
    with pytest.raises(ClientError, match="No updates are to be performed."):
        cloudformation.update_stack(**asked)
