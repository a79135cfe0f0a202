"""STS: temporary credentials, who gets them and what they may."""

import pytest
from identities import ACCOUNT, Identity, allow, assume, denied, new_role, new_user, policy
from identities import refused, trust, unique

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
LIST = allow(["iam:ListUsers", "iam:ListRoles"])
ASSUME = allow("sts:AssumeRole")


@pytest.fixture(scope="module")
def iam(cloud):
    return cloud.client("iam")


def test_who_am_i(cloud):
    root = cloud.client("sts").get_caller_identity()
    assert (root["Account"], root["UserId"]) == (ACCOUNT, ACCOUNT)
    assert root["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_a_session_of_a_role(cloud):
    _, user = new_user(cloud, ASSUME)
    role = new_role(cloud, ROOT, LIST, Path="/deep/path/")
    answer = user.client("sts").assume_role(RoleArn=role, RoleSessionName="me@x")
    name = role.rsplit("/", 1)[1]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/me@x"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    session = Identity(cloud, answer["Credentials"])
    me = session.client("sts").get_caller_identity()
    assert me["Arn"] == arn and me["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]
    session.client("iam").list_users()
    with denied(f"User: {arn} is not authorized to perform: iam:ListGroups"):
        session.client("iam").list_groups()


def test_trust_policies_decide(cloud, iam):
    name, user = new_user(cloud, ASSUME)
    _, other = new_user(cloud, ASSUME)
    _, without = new_user(cloud)
    arn = iam.get_user(UserName=name)["User"]["Arn"]
    role = new_role(cloud, {"AWS": arn}, LIST)
    assume(user, role)
    with denied("is not authorized to perform: sts:AssumeRole on resource: " + role):
        assume(other, role)
    # A role that trusts the account leaves it to the account's policies.
    role = new_role(cloud, ROOT)
    assume(other, role)
    with denied():
        assume(without, role)
    # A role that trusts the very user needs nothing else.
    own, user = new_user(cloud)
    role = new_role(cloud, {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{own}"})
    assume(user, role)
    # One that trusts a service lets nobody else in, and one that is not there is no different.
    with denied("sts:AssumeRole"):
        assume(user, new_role(cloud, {"Service": "lambda.amazonaws.com"}))
    with denied("sts:AssumeRole"):
        assume(user, f"arn:aws:iam::{ACCOUNT}:role/none")
    with denied("Roles may not be assumed by root accounts."):
        cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="s1")


def test_external_ids(cloud):
    _, user = new_user(cloud, ASSUME)
    document = trust(ROOT, Condition={"StringEquals": {"sts:ExternalId": "secret"}})
    role = new_role(cloud, ROOT, trust=document)
    with denied():
        assume(user, role)
    with denied():
        assume(user, role, ExternalId="other")
    assume(user, role, ExternalId="secret")


def test_session_policies_narrow(cloud, iam):
    _, user = new_user(cloud, ASSUME)
    role = new_role(cloud, ROOT, LIST)
    narrow = assume(user, role, Policy=policy(allow("iam:ListUsers")))
    narrow.client("iam").list_users()
    with denied("because no session policy allows the iam:ListRoles action"):
        narrow.client("iam").list_roles()
    made = iam.create_policy(PolicyName=unique("p"), PolicyDocument=policy(allow("iam:ListRoles")))
    by_arn = assume(user, role, PolicyArns=[{"arn": made["Policy"]["Arn"]}])
    by_arn.client("iam").list_roles()
    with denied():
        by_arn.client("iam").list_users()
    with refused("MalformedPolicyDocument"):
        assume(user, role, Policy="{}")
    with refused("PackedPolicyTooLarge"):
        assume(user, role, Policy=policy(allow("s3:*", "arn:aws:s3:::" + "b" * 2048)))


def test_durations(cloud):
    _, user = new_user(cloud, ASSUME)
    role = new_role(cloud, ROOT, ASSUME, MaxSessionDuration=7200)
    assume(user, role, DurationSeconds=7200)
    with refused("ValidationError", "MaxSessionDuration"):
        assume(user, role, DurationSeconds=7201)
    session = assume(user, role)
    assume(session, role, DurationSeconds=3600)
    with refused("ValidationError", "role chaining"):
        assume(session, role, DurationSeconds=3601)


def test_session_tags_and_source_identity(cloud):
    may = allow(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])
    actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    red = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    alice = {"StringEquals": {"aws:SourceIdentity": "alice"}}
    role = new_role(
        cloud,
        ROOT,
        may,
        allow("iam:ListUsers", Condition=red),
        allow("iam:ListRoles", Condition=alice),
        trust=trust(ROOT, actions),
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    _, plain = new_user(cloud, ASSUME)
    _, user = new_user(cloud, may)
    tags = [{"Key": "Team", "Value": "red"}]
    with denied("sts:TagSession"):
        assume(plain, role, Tags=tags)
    with denied("sts:SetSourceIdentity"):
        assume(plain, role, SourceIdentity="alice")
    with denied():
        assume(plain, role).client("iam").list_users()
    session = assume(user, role, Tags=tags, TransitiveTagKeys=["Team"], SourceIdentity="alice")
    for who in (session, assume(session, role, "s2")):
        who.client("iam").list_users()
        who.client("iam").list_roles()
    with refused("InvalidParameterValue"):
        assume(session, role, Tags=tags)


def test_sessions_are_revoked_by_their_age(cloud, iam):
    _, user = new_user(cloud, ASSUME)
    role = new_role(cloud, ROOT, LIST)
    session = assume(user, role)
    session.client("iam").list_users()
    before = {"DateLessThan": {"aws:TokenIssueTime": "2999-01-01T00:00:00Z"}}
    revoke = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": before}
    name = role.rsplit("/", 1)[1]
    iam.put_role_policy(RoleName=name, PolicyName="revoke", PolicyDocument=policy(revoke))
    with denied("explicit deny"):
        session.client("iam").list_users()


def test_sessions_of_a_deleted_role_may_nothing(cloud, iam):
    _, user = new_user(cloud, ASSUME)
    role = new_role(cloud, ROOT, LIST)
    name = role.rsplit("/", 1)[1]
    session = assume(user, role)
    iam.delete_role_policy(RoleName=name, PolicyName="p")
    iam.delete_role(RoleName=name)
    with denied():
        session.client("iam").list_users()
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(ROOT))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(LIST))
    with denied():
        session.client("iam").list_users()
    assume(user, role).client("iam").list_users()


def test_tokens_belong_to_their_key(cloud):
    _, user = new_user(cloud, ASSUME)
    role = new_role(cloud, ROOT)
    one, two = assume(user, role), assume(user, role)
    mixed = {**one.settings, "aws_session_token": two.settings["aws_session_token"]}
    with refused("InvalidClientTokenId"):
        cloud.client("sts", **mixed).get_caller_identity()
    without = {**one.settings, "aws_session_token": None}
    with refused("InvalidClientTokenId"):
        cloud.client("sts", **without).get_caller_identity()
    with refused("InvalidClientTokenId"):
        token = one.settings["aws_session_token"]
        cloud.client("sts", aws_session_token=token).get_caller_identity()


def test_session_tokens_of_users(cloud):
    name, user = new_user(cloud, allow("*"))
    answer = user.client("sts").get_session_token(DurationSeconds=900)
    session = Identity(cloud, answer["Credentials"])
    assert session.client("sts").get_caller_identity()["Arn"].endswith(f":user/{name}")
    session.client("dynamodb").list_tables()
    with denied("Cannot call ListUsers with session credentials"):
        session.client("iam").list_users()
    assume(session, new_role(cloud, ROOT))
    for who in (session, assume(user, new_role(cloud, ROOT)), cloud):
        with denied("Cannot call GetSessionToken"):
            who.client("sts").get_session_token()


def test_who_is_made_anew_is_somebody_else(cloud, iam):
    name, _ = new_user(cloud)
    arn = iam.get_user(UserName=name)["User"]
    role = new_role(cloud, {"AWS": arn["Arn"]})
    role_name = role.rsplit("/", 1)[1]
    key = iam.list_access_keys(UserName=name)["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    iam.delete_user(UserName=name)
    iam.create_user(UserName=name)
    again = Identity(cloud, iam.create_access_key(UserName=name)["AccessKey"])
    with denied("sts:AssumeRole"):
        assume(again, role)
    shown = iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"] == {"AWS": arn["UserId"]}
    nobody = f"arn:aws:iam::{ACCOUNT}:user/nobody"
    with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{nobody}"'):
        new_role(cloud, {"AWS": nobody})
    iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=trust({"AWS": arn["Arn"]}))
    assume(again, role)
