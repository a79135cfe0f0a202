"""Users, roles and clients that sign as them, for tests of what is allowed."""

import contextlib
import itertools
import json

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"
_numbers = itertools.count(1)


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resources="*", **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def deny(actions, resources="*", **more):
    return {"Effect": "Deny", "Action": actions, "Resource": resources, **more}


def trust(principal, actions="sts:AssumeRole", **more):
    return policy({"Effect": "Allow", "Principal": principal, "Action": actions, **more})


@contextlib.contextmanager
def refused(code, words=""):
    """The block must end in an error of this code (or one of these) that says these words."""
    with pytest.raises(ClientError) as caught:
        yield
    error = caught.value.response["Error"]
    assert error["Code"] in ([code] if isinstance(code, str) else code), error
    assert words in error["Message"], error


def denied(words="is not authorized to perform"):
    """The block must be denied, however the protocol spells that."""
    return refused(["AccessDenied", "AccessDeniedException"], words)


class Identity:
    """Makes clients that sign with one access key."""

    def __init__(self, cloud, key):
        self.cloud = cloud
        self.settings = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
            "aws_session_token": key.get("SessionToken"),
        }

    def client(self, service, **more):
        return self.cloud.client(service, **{**self.settings, **more})


def unique(prefix):
    return f"{prefix}-{next(_numbers)}"


def new_user(cloud, *statements, **more):
    """A user with an access key and, given statements, an inline policy; its name and identity."""
    iam = cloud.client("iam")
    name = unique("user")
    iam.create_user(UserName=name, **more)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return name, Identity(cloud, key)


def new_role(cloud, principal, *statements, **more):
    """A role that `principal` may assume; its ARN."""
    iam = cloud.client("iam")
    name = unique("role")
    document = more.pop("trust", None) or trust(principal)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return role["Arn"]


def assume(identity, role, session="s1", **more):
    """A session of the role."""
    sts = identity.client("sts")
    answer = sts.assume_role(RoleArn=role, RoleSessionName=session, **more)
    return Identity(identity.cloud, answer["Credentials"])
