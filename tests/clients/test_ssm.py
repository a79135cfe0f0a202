"""Parameter Store: versions, labels, paths, secrets, and who may read them."""

import json

import pytest
from botocore.exceptions import ClientError

from conftest import refused


@pytest.fixture(scope="session")
def ssm(cloud):
    return cloud.client("ssm")


@pytest.fixture
def path(name):
    """A path of this test's own."""
    return f"/{name}"


def put(ssm, name, value, kind="String", **more):
    return ssm.put_parameter(Name=name, Value=value, Type=kind, **more)


def get(ssm, name, **more):
    return ssm.get_parameter(Name=name, **more)["Parameter"]


def as_user(cloud, service, name, *statements):
    """A client of a new user with these statements as his policy."""
    iam = cloud.client("iam")
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return cloud.client(
        service,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_a_parameter_is_put_read_and_deleted(ssm, path):
    assert put(ssm, path, "one")["Version"] == 1
    with refused(
        "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the "
        "request to true.",
    ):
        put(ssm, path, "two")
    assert put(ssm, path, "two", Overwrite=True)["Version"] == 2
    found = get(ssm, path)
    assert (found["Value"], found["Version"], found["Type"]) == ("two", 2, "String")
    assert found["ARN"].endswith(":parameter" + path)
    assert found["LastModifiedDate"].tzinfo is not None
    old = get(ssm, path + ":1")
    assert (old["Value"], old["Selector"]) == ("one", ":1")
    assert get(ssm, found["ARN"])["Value"] == "two"
    ssm.delete_parameter(Name=path)
    with refused("ParameterNotFound"):
        get(ssm, path)


def test_a_secret_is_shown_only_when_asked_for(ssm, path):
    put(ssm, path, "s3cret", "SecureString")
    sealed = get(ssm, path)
    assert sealed["Type"] == "SecureString"
    assert sealed["Value"] != "s3cret"
    assert get(ssm, path, WithDecryption=True)["Value"] == "s3cret"
    [described] = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Values": [path]}]
    )["Parameters"]
    assert described["KeyId"] == "alias/aws/ssm"
    assert "Value" not in described
    [version] = ssm.get_parameter_history(Name=path, WithDecryption=True)["Parameters"]
    assert version["Value"] == "s3cret"
    with refused("InvalidKeyId"):
        put(ssm, path + "/own", "x", "SecureString", KeyId="alias/mine")


def test_a_path_is_read_in_pages(ssm, path):
    names = [f"{path}/{n:02}" for n in range(25)]
    for name in names:
        put(ssm, name, "v")
    put(ssm, path + "/deep/er", "v")
    paginator = ssm.get_paginator("get_parameters_by_path")
    direct = [p["Name"] for page in paginator.paginate(Path=path) for p in page["Parameters"]]
    assert direct == names
    all_pages = paginator.paginate(Path=path, Recursive=True)
    assert len([p for page in all_pages for p in page["Parameters"]]) == 26
    some = ssm.get_parameters(Names=[names[0], path + "/missing"])
    assert [p["Name"] for p in some["Parameters"]] == names[:1]
    assert some["InvalidParameters"] == [path + "/missing"]


def test_labels_name_versions(ssm, path):
    put(ssm, path, "one")
    put(ssm, path, "two", Overwrite=True)
    ssm.label_parameter_version(Name=path, ParameterVersion=1, Labels=["prod"])
    assert get(ssm, path + ":prod")["Value"] == "one"
    moved = ssm.label_parameter_version(Name=path, Labels=["prod", "aws-x"])
    assert moved["InvalidLabels"] == ["aws-x"]
    assert get(ssm, path + ":prod")["Value"] == "two"
    removed = ssm.unlabel_parameter_version(Name=path, ParameterVersion=2, Labels=["prod"])
    assert removed["RemovedLabels"] == ["prod"]
    with refused("ParameterVersionNotFound"):
        get(ssm, path + ":prod")


def test_tags_are_kept_and_searched_by(ssm, path):
    put(ssm, path, "v", Tags=[{"Key": "team", "Value": path}])
    resource = {"ResourceType": "Parameter", "ResourceId": path}
    ssm.add_tags_to_resource(**resource, Tags=[{"Key": "a", "Value": "1"}])
    tags = ssm.list_tags_for_resource(**resource)["TagList"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "team", "Value": path}]
    found = ssm.describe_parameters(ParameterFilters=[{"Key": "tag:team", "Values": [path]}])
    assert [p["Name"] for p in found["Parameters"]] == [path]
    ssm.remove_tags_from_resource(**resource, TagKeys=["a", "team"])
    assert ssm.list_tags_for_resource(**resource)["TagList"] == []


def test_names_and_values_keep_the_rules(ssm, path):
    for name in ["aws", "ssm.x", "a/b", "/a/", "a b", "/x" * 16]:
        with pytest.raises(ClientError):
            put(ssm, name, "v")
    with refused("AccessDeniedException", "No access to reserved parameter name: /aws/x."):
        put(ssm, "/aws/x", "v")
    with refused("ParameterPatternMismatchException"):
        put(ssm, path, "abc", AllowedPattern=r"^\d+$")
    with refused("ValidationException"):
        put(ssm, path, "x" * 4097)
    assert put(ssm, path, "x" * 4097, Tier="Intelligent-Tiering")["Tier"] == "Advanced"


def test_leave_for_a_path_is_leave_for_all_below(cloud, ssm, name, path):
    put(ssm, path + "/a", "v")
    put(ssm, path + "/b/c", "secret", "SecureString")
    arn = get(ssm, path + "/a")["ARN"].removesuffix("/a")
    allowed = {"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": arn}
    user = as_user(cloud, "ssm", name, allowed)
    answer = user.get_parameters_by_path(Path=path, Recursive=True, WithDecryption=True)
    assert [p["Value"] for p in answer["Parameters"]] == ["v", "secret"]
    with refused("AccessDeniedException") as refusal:
        get(user, path + "/a")
    message = refusal.response["Error"]["Message"]
    assert f"is not authorized to perform: ssm:GetParameter on resource: {arn}/a" in message


def test_a_denial_of_the_key_denies_the_secret(cloud, ssm, name, path):
    put(ssm, path, "secret", "SecureString")
    allow = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}
    user = as_user(cloud, "ssm", name, allow, deny)
    assert get(user, path)["Value"] != "secret"
    with refused("AccessDeniedException"):
        get(user, path, WithDecryption=True)


def test_what_was_answered_survives_kill_9(fresh_cloud):
    ssm = fresh_cloud.client("ssm")
    put(ssm, "/a/secret", "s3cret", "SecureString")
    for n in range(10):
        put(ssm, "/a/n", str(n), Overwrite=True)
    fresh_cloud.kill()
    fresh_cloud.restart()
    ssm = fresh_cloud.client("ssm")
    assert get(ssm, "/a/secret", WithDecryption=True)["Value"] == "s3cret"
    assert (get(ssm, "/a/n")["Value"], get(ssm, "/a/n")["Version"]) == ("9", 10)
