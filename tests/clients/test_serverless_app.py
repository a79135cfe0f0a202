"""A serverless application from its SAM template to its answer over HTTP: every service on the way
is the real one."""

import http.client
import json
import sys
import urllib.parse

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Greeting: {Type: String, Default: Hello}
Globals:
  Function: {Runtime: RUNTIME, Timeout: 20}
Resources:
  Notes:
    Type: AWS::Serverless::SimpleTable
  Greet:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      InlineCode: |
        import json, os
        def handler(event, context):
            name = event["pathParameters"]["name"]
            words = f"{os.environ['GREETING']}, {name}: {event['queryStringParameters']['q']}"
            return {"statusCode": 201, "headers": {"x-table": os.environ["TABLE"]},
                    "body": json.dumps({"words": words})}
      Environment:
        Variables: {TABLE: !Ref Notes, GREETING: !Ref Greeting}
      Policies:
        - DynamoDBCrudPolicy: {TableName: !Ref Notes}
      Events:
        Get: {Type: HttpApi, Properties: {Path: "/greet/{name}", Method: GET}}
Outputs:
  Api: {Value: !Ref ServerlessHttpApi}
  Table: {Value: !Ref Notes}
""".replace("RUNTIME", f"python3.{sys.version_info.minor}")


def get(cloud, api, target):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(cloud.endpoint).netloc, timeout=60)
    host = f"{api}.execute-api.us-east-1.amazonaws.com"
    connection.request("GET", target, headers={"Host": host})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def deploy(cloud, stack, parameters=()):
    client = cloud.client("cloudformation")
    client.create_change_set(
        StackName=stack,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=TEMPLATE,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=list(parameters),
    )
    wait = {"Delay": 1, "MaxAttempts": 60}
    client.get_waiter("change_set_create_complete").wait(
        StackName=stack, ChangeSetName="first", WaiterConfig=wait
    )
    client.execute_change_set(StackName=stack, ChangeSetName="first")
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=wait)
    outputs = client.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def test_a_template_becomes_an_application(fresh_cloud):
    cloud = fresh_cloud
    outputs = deploy(cloud, "app", [{"ParameterKey": "Greeting", "ParameterValue": "Good day"}])
    answer, body = get(cloud, outputs["Api"], "/greet/ann?q=how%20are%20you")
    assert (answer.status, json.loads(body)) == (201, {"words": "Good day, ann: how are you"})
    assert answer.headers["x-table"] == outputs["Table"]
    answer, body = get(cloud, outputs["Api"], "/other")
    assert (answer.status, json.loads(body)) == (404, {"message": "Not Found"})
    # All of it outlives the process.
    cloud.restart()
    answer, body = get(cloud, outputs["Api"], "/greet/bob?q=again")
    assert (answer.status, json.loads(body)) == (201, {"words": "Good day, bob: again"})
    # And goes when the stack goes.
    client = cloud.client("cloudformation")
    client.delete_stack(StackName="app")
    wait = {"Delay": 1, "MaxAttempts": 60}
    client.get_waiter("stack_delete_complete").wait(StackName="app", WaiterConfig=wait)
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    assert cloud.client("iam").list_roles()["Roles"] == []
    assert get(cloud, outputs["Api"], "/greet/ann?q=x")[0].status in (403, 404)
