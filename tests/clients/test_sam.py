"""The SAM CLI, and the AWS CLI's package and deploy, from an application's source to its answer over
HTTP and to its end, with nothing but AWS_* variables."""

import http.client
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse

import pytest

PYTHON = f"python3.{sys.version_info.minor}"

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Description: Says hello
Globals:
  Function: {Timeout: 20}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: hello/
      Handler: HANDLER
      Runtime: RUNTIME
      Events:
        Get: {Type: HttpApi, Properties: {Path: /hello, Method: get}}
Outputs:
  Api: {Value: !Ref ServerlessHttpApi}
  Hello: {Value: !GetAtt Hello.Arn}
"""

PYTHON_APP = {
    "template.yaml": TEMPLATE.replace("HANDLER", "app.handler").replace("RUNTIME", PYTHON),
    "hello/requirements.txt": "iniconfig==2.3.1\n",
    "hello/app.py": """
import json
import iniconfig

def handler(event, context):
    print("said WORD with", iniconfig.__name__)
    return {"statusCode": 200, "body": json.dumps({"message": "WORD"})}
""",
}

NODE_APP = {
    "template.yaml": TEMPLATE.replace("HANDLER", "app.handler").replace("RUNTIME", "nodejs20.x"),
    "hello/package.json": '{"name": "hello", "version": "1.0.0", "main": "app.mjs"}\n',
    "hello/app.mjs": """
export const handler = async () => {
    console.log('said WORD');
    return { statusCode: 200, body: JSON.stringify({ message: 'WORD' }) };
};
""",
}


def write(folder, app, word):
    for name, text in app.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("WORD", word))


class Tool:
    """A program, run in an application's folder."""

    def __init__(self, cloud, folder):
        sam = os.environ.get("CUMULET_SAM_BIN")
        assert sam, "run `cargo xtask test clients`, which installs the SAM CLI"
        environment = cloud.environment()
        environment["PATH"] = os.pathsep.join([environment["PATH"], sam])
        self.environment = {**environment, "SAM_CLI_TELEMETRY": "0", "CI": "true"}
        self.folder = folder

    def __call__(self, *arguments, code=0):
        done = subprocess.run(
            arguments,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == code, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def app(cloud, tmp_path):
    """Gives a way to write an application and a tool to run in its folder."""
    return Tool(cloud, tmp_path)


def outputs(cloud, stack):
    found = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def hello(cloud, stack):
    host = f"{outputs(cloud, stack)['Api']}.execute-api.us-east-1.amazonaws.com"
    netloc = urllib.parse.urlsplit(cloud.endpoint).netloc
    connection = http.client.HTTPConnection(netloc, timeout=60)
    connection.request("GET", "/hello", headers={"Host": host})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, body
    return body["message"]


DEPLOY = ("sam", "deploy", "--no-confirm-changeset", "--capabilities", "CAPABILITY_IAM")


def test_sam_builds_deploys_changes_and_deletes_a_python_app(cloud, app):
    stack = "sam-python"
    write(app.folder, PYTHON_APP, "hello world")
    app("sam", "build")
    deploy = (*DEPLOY, "--stack-name", stack, "--resolve-s3")
    told = app(*deploy)
    assert "Successfully created/updated stack" in told
    assert hello(cloud, stack) == "hello world"
    # Nothing to do is no success, unless asked for.
    assert "No changes to deploy" in app(*deploy, code=1)
    app(*deploy, "--no-fail-on-empty-changeset")
    write(app.folder, PYTHON_APP, "hello again")
    app("sam", "build")
    assert "UPDATE_COMPLETE" in app(*deploy)
    assert hello(cloud, stack) == "hello again"
    assert '"statusCode": 200' in app("sam", "remote", "invoke", "Hello", "--stack-name", stack)
    assert "said hello again with iniconfig" in app("sam", "logs", "--stack-name", stack)
    listed = json.loads(app("sam", "list", "resources", "--stack-name", stack, "--output", "json"))
    assert {"Hello", "HelloRole", "ServerlessHttpApi"} <= {one["LogicalResourceId"] for one in listed}
    app("sam", "delete", "--stack-name", stack, "--no-prompts", "--region", "us-east-1")
    stacks = cloud.client("cloudformation").list_stacks(StackStatusFilter=["DELETE_COMPLETE"])
    assert stack in [one["StackName"] for one in stacks["StackSummaries"]]


def test_sam_deploys_a_node_app_to_a_given_bucket(cloud, app):
    stack = "sam-node"
    write(app.folder, NODE_APP, "hello node")
    cloud.client("s3").create_bucket(Bucket="sam-node-artifacts")
    app("sam", "build")
    deploy = (*DEPLOY, "--stack-name", stack, "--s3-bucket", "sam-node-artifacts")
    app(*deploy, "--s3-prefix", stack)
    assert hello(cloud, stack) == "hello node"
    app("sam", "delete", "--stack-name", stack, "--no-prompts", "--region", "us-east-1")


def test_the_aws_cli_packages_and_deploys(cloud, app):
    stack = "cli-app"
    write(app.folder, NODE_APP, "hello cli")
    cloud.client("s3").create_bucket(Bucket="cli-artifacts")
    aws = ("aws", "cloudformation")
    app(
        *(*aws, "package", "--template-file", "template.yaml", "--s3-bucket", "cli-artifacts"),
        *("--output-template-file", "packaged.yaml"),
    )
    deploy = (*aws, "deploy", "--template-file", "packaged.yaml", "--stack-name", stack)
    deploy = (*deploy, "--capabilities", "CAPABILITY_IAM")
    app(*deploy)
    assert hello(cloud, stack) == "hello cli"
    assert "No changes to deploy" in app(*deploy, code=255)
    # The CLI names change sets by the second, and those that failed stay, as on AWS.
    time.sleep(1)
    assert "No changes to deploy" in app(*deploy, "--no-fail-on-empty-changeset")
    app(*aws, "delete-stack", "--stack-name", stack)
    app(*aws, "wait", "stack-delete-complete", "--stack-name", stack)
    told = app(*aws, "describe-stacks", "--stack-name", stack, code=255)
    assert f"Stack with id {stack} does not exist" in told
