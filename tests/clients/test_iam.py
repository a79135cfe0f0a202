"""IAM: what is kept of users, groups, roles and policies, and what it allows."""

import json

import pytest

from conftest import create_table
from identities import ACCOUNT, allow, assume, denied, deny, new_role, new_user, policy, refused
from identities import trust, unique

LAMBDA = {"Service": "lambda.amazonaws.com"}
READ = allow("dynamodb:GetItem")


@pytest.fixture(scope="module")
def iam(cloud):
    return cloud.client("iam")


@pytest.fixture(scope="module")
def table(cloud):
    dynamodb = cloud.client("dynamodb")
    create_table(dynamodb, "iam-table")
    return "iam-table"


def get_item(identity, table, key="a", **more):
    client = identity.client("dynamodb", **more)
    return client.get_item(TableName=table, Key={"pk": {"S": key}})


def put_item(identity, table, key="a", **more):
    client = identity.client("dynamodb", **more)
    return client.put_item(TableName=table, Item={"pk": {"S": key}})


# What is kept


def test_a_user_from_beginning_to_end(iam):
    name = unique("life")
    tags = [{"Key": "team", "Value": "red"}]
    user = iam.create_user(UserName=name, Path="/staff/", Tags=tags)["User"]
    assert user["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/staff/{name}"
    assert user["UserId"].startswith("AIDA") and len(user["UserId"]) == 21
    assert iam.get_user(UserName=name)["User"] == user
    with refused("EntityAlreadyExists", f"User with name {name.upper()} already exists."):
        iam.create_user(UserName=name.upper())
    with refused("NoSuchEntity"):
        iam.get_user(UserName=name.upper())
    iam.tag_user(UserName=name, Tags=[{"Key": "TEAM", "Value": "blue"}])
    assert iam.list_user_tags(UserName=name)["Tags"] == [{"Key": "TEAM", "Value": "blue"}]
    iam.untag_user(UserName=name, TagKeys=["team"])
    assert iam.list_user_tags(UserName=name)["Tags"] == []
    iam.update_user(UserName=name, NewUserName=name + "-new", NewPath="/")
    with refused("NoSuchEntity", f"The user with name {name} cannot be found."):
        iam.get_user(UserName=name)
    renamed = iam.get_user(UserName=name + "-new")["User"]
    assert renamed["UserId"] == user["UserId"] and renamed["Path"] == "/"
    iam.put_user_policy(UserName=name + "-new", PolicyName="p", PolicyDocument=policy(READ))
    with refused("DeleteConflict"):
        iam.delete_user(UserName=name + "-new")
    iam.delete_user_policy(UserName=name + "-new", PolicyName="p")
    iam.delete_user(UserName=name + "-new")


def test_a_role_from_beginning_to_end(iam):
    name, document = unique("life"), trust(LAMBDA)
    role = iam.create_role(
        RoleName=name,
        Path="/app/",
        AssumeRolePolicyDocument=document,
        Description="d",
        MaxSessionDuration=7200,
        Tags=[{"Key": "a", "Value": "1"}],
    )["Role"]
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/app/{name}"
    assert role["AssumeRolePolicyDocument"] == json.loads(document)
    assert role["MaxSessionDuration"] == 7200
    assert iam.get_role(RoleName=name)["Role"] == role
    listed = iam.list_roles(PathPrefix="/app/")["Roles"]
    assert [r["RoleName"] for r in listed] == [name] and "Tags" not in listed[0]
    other = trust({"AWS": ACCOUNT})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=other)
    iam.update_role(RoleName=name, MaxSessionDuration=3600, Description="e")
    changed = iam.get_role(RoleName=name)["Role"]
    assert changed["AssumeRolePolicyDocument"] == json.loads(other)
    assert (changed["MaxSessionDuration"], changed["Description"]) == (3600, "e")
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(READ))
    got = iam.get_role_policy(RoleName=name, PolicyName="inline")
    assert got["PolicyDocument"] == json.loads(policy(READ))
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["inline"]
    with refused("DeleteConflict", "must delete policies first"):
        iam.delete_role(RoleName=name)
    iam.delete_role_policy(RoleName=name, PolicyName="inline")
    with refused("NoSuchEntity", "The role policy with name inline cannot be found."):
        iam.get_role_policy(RoleName=name, PolicyName="inline")
    iam.delete_role(RoleName=name)
    with refused("NoSuchEntity"):
        iam.get_role(RoleName=name)


def test_a_managed_policy_from_beginning_to_end(iam):
    name = unique("managed")
    made = iam.create_policy(PolicyName=name, PolicyDocument=policy(READ), Description="d")
    arn = made["Policy"]["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/{name}"
    with refused("EntityAlreadyExists"):
        iam.create_policy(PolicyName=name, PolicyDocument=policy(READ))
    for _ in range(4):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(READ), SetAsDefault=True)
    with refused("LimitExceeded", "up to 5 versions"):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(READ))
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [v["VersionId"] for v in versions] == ["v5", "v4", "v3", "v2", "v1"]
    assert [v["IsDefaultVersion"] for v in versions] == [True] + [False] * 4
    got = iam.get_policy_version(PolicyArn=arn, VersionId="v5")["PolicyVersion"]
    assert got["Document"] == json.loads(policy(READ))
    with refused("DeleteConflict", "default version"):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v5")
    for version in ("v1", "v2", "v3", "v4"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    role = unique("role")
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust(LAMBDA))
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached == [{"PolicyName": name, "PolicyArn": arn}]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [r["RoleName"] for r in entities["PolicyRoles"]] == [role]
    with refused("DeleteConflict", "attached to entities"):
        iam.delete_policy(PolicyArn=arn)
    with refused("DeleteConflict", "must detach all policies first"):
        iam.delete_role(RoleName=role)
    iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    with refused("NoSuchEntity"):
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    iam.delete_role(RoleName=role)
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity"):
        iam.get_policy(PolicyArn=arn)


def test_policies_of_awss_own(iam):
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Path"] == "/service-role/"
    document = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
    assert "logs:PutLogEvents" in document["Statement"][0]["Action"]
    listed = iam.get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 5})
    assert arn in {p["Arn"] for page in listed for p in page["Policies"]}
    with refused("UnmodifiableEntity"):
        iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity"):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/NoSuchPolicy")


def test_lists_come_in_pages(iam):
    path = f"/{unique('pages')}/"
    names = [unique("paged") for _ in range(5)]
    for name in names:
        iam.create_user(UserName=name, Path=path)
    pages = list(
        iam.get_paginator("list_users").paginate(PathPrefix=path, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert sorted(u["UserName"] for page in pages for u in page["Users"]) == sorted(names)
    with refused("ValidationError"):
        iam.list_users(Marker="?")


def test_quotas_and_malformed_policies(iam):
    name = unique("quota")
    iam.create_user(UserName=name)
    for wrong in ("{}", "no json", '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}'):
        with refused("MalformedPolicyDocument"):
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=wrong)
        with refused("MalformedPolicyDocument"):
            iam.create_policy(PolicyName=unique("bad"), PolicyDocument=wrong)
        with refused("MalformedPolicyDocument"):
            iam.create_role(RoleName=unique("bad"), AssumeRolePolicyDocument=wrong)
    with refused("LimitExceeded"):
        long = policy(allow("s3:GetObject", "arn:aws:s3:::" + "b" * 2048))
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=long)
    for _ in range(2):
        iam.create_access_key(UserName=name)
    with refused("LimitExceeded", "AccessKeysPerUser: 2"):
        iam.create_access_key(UserName=name)
    with refused("NoSuchEntity"):
        iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/none")
    with refused("ValidationError"):
        iam.create_access_key()


def test_everything_survives_a_crash(fresh_cloud):
    name, user = new_user(fresh_cloud, allow(["iam:ListUsers", "sts:AssumeRole"]))
    role = new_role(fresh_cloud, {"AWS": ACCOUNT}, allow("iam:ListRoles"))
    session = assume(user, role)
    fresh_cloud.restart()
    assert [u["UserName"] for u in user.client("iam").list_users()["Users"]] == [name]
    assert [r["Arn"] for r in session.client("iam").list_roles()["Roles"]] == [role]


# What it allows


def test_least_privilege(cloud, table):
    name, user = new_user(cloud, allow("dynamodb:GetItem", f"arn:aws:dynamodb:*:*:table/{table}"))
    arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
    get_item(user, table)
    with denied(
        f"User: {arn} is not authorized to perform: dynamodb:PutItem on resource: "
        f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table} "
        "because no identity-based policy allows the dynamodb:PutItem action"
    ):
        put_item(user, table)
    with denied():
        user.client("iam").list_users()
    assert user.client("sts").get_caller_identity()["Arn"] == arn


def test_changes_count_at_once(cloud, iam, table):
    name, user = new_user(cloud)
    with denied():
        get_item(user, table)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(READ))
    get_item(user, table)
    stop = policy(deny("dynamodb:*"))
    iam.put_user_policy(UserName=name, PolicyName="q", PolicyDocument=stop)
    with denied("with an explicit deny in an identity-based policy"):
        get_item(user, table)
    iam.delete_user_policy(UserName=name, PolicyName="q")
    get_item(user, table)


def test_a_new_version_counts_for_all_who_have_the_policy(cloud, iam, table):
    made = iam.create_policy(PolicyName=unique("shared"), PolicyDocument=policy(READ))["Policy"]
    name, user = new_user(cloud)
    iam.attach_user_policy(UserName=name, PolicyArn=made["Arn"])
    get_item(user, table)
    put = policy(allow("dynamodb:PutItem"))
    iam.create_policy_version(PolicyArn=made["Arn"], PolicyDocument=put, SetAsDefault=True)
    put_item(user, table)
    with denied():
        get_item(user, table)
    iam.set_default_policy_version(PolicyArn=made["Arn"], VersionId="v1")
    get_item(user, table)


def test_groups_give_their_policies(cloud, iam, table):
    group = unique("group")
    iam.create_group(GroupName=group)
    iam.put_group_policy(GroupName=group, PolicyName="p", PolicyDocument=policy(READ))
    name, user = new_user(cloud)
    iam.add_user_to_group(GroupName=group, UserName=name)
    get_item(user, table)
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [name]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=name)["Groups"]] == [group]
    with refused("DeleteConflict"):
        iam.delete_group(GroupName=group)
    iam.remove_user_from_group(GroupName=group, UserName=name)
    with denied():
        get_item(user, table)
    with refused("NoSuchEntity"):
        iam.remove_user_from_group(GroupName=group, UserName=name)
    iam.delete_group_policy(GroupName=group, PolicyName="p")
    iam.delete_group(GroupName=group)


def test_a_boundary_is_the_most_there_is(cloud, iam, table):
    bound = iam.create_policy(PolicyName=unique("bound"), PolicyDocument=policy(READ))["Policy"]
    name, user = new_user(cloud, allow("dynamodb:*"), PermissionsBoundary=bound["Arn"])
    get_item(user, table)
    with denied("because no permissions boundary allows the dynamodb:PutItem action"):
        put_item(user, table)
    got = iam.get_user(UserName=name)["User"]["PermissionsBoundary"]
    assert got["PermissionsBoundaryArn"] == bound["Arn"]
    with refused("DeleteConflict"):
        iam.delete_policy(PolicyArn=bound["Arn"])
    iam.delete_user_permissions_boundary(UserName=name)
    put_item(user, table)
    with refused("NoSuchEntity"):
        iam.delete_user_permissions_boundary(UserName=name)
    iam.delete_policy(PolicyArn=bound["Arn"])


def test_who_must_set_a_boundary(cloud, iam):
    bound = iam.create_policy(PolicyName=unique("bound"), PolicyDocument=policy(READ))["Policy"]
    condition = {"StringEquals": {"iam:PermissionsBoundary": bound["Arn"]}}
    _, user = new_user(cloud, allow("iam:CreateRole", Condition=condition))
    client = user.client("iam")
    with denied("iam:CreateRole"):
        client.create_role(RoleName=unique("r"), AssumeRolePolicyDocument=trust(LAMBDA))
    client.create_role(
        RoleName=unique("r"),
        AssumeRolePolicyDocument=trust(LAMBDA),
        PermissionsBoundary=bound["Arn"],
    )


def test_access_keys_end_at_once(cloud, iam, table):
    name, user = new_user(cloud, READ)
    key = user.settings["aws_access_key_id"]
    get_item(user, table)
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Inactive")
    with refused("UnrecognizedClientException"):
        get_item(user, table)
    with refused("InvalidClientTokenId"):
        user.client("sts").get_caller_identity()
    iam.update_access_key(UserName=name, AccessKeyId=key, Status="Active")
    get_item(user, table)
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    with refused("UnrecognizedClientException"):
        get_item(user, table)
    with refused("NoSuchEntity", f"The Access Key with id {key} cannot be found."):
        iam.delete_access_key(UserName=name, AccessKeyId=key)


def test_a_renamed_user_keeps_key_and_policies(cloud, iam, table):
    name, user = new_user(cloud, READ)
    get_item(user, table)
    iam.update_user(UserName=name, NewUserName=name + "-b")
    get_item(user, table)
    assert user.client("sts").get_caller_identity()["Arn"].endswith(f"user/{name}-b")


def test_users_look_after_their_own_keys(cloud):
    own = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
    name, user = new_user(cloud, allow(["iam:*AccessKey*", "iam:GetUser"], own))
    client = user.client("iam")
    assert client.get_user()["User"]["UserName"] == name
    made = client.create_access_key()["AccessKey"]
    keys = client.list_access_keys()["AccessKeyMetadata"]
    assert len(keys) == 2 and made["AccessKeyId"] in {k["AccessKeyId"] for k in keys}
    other, _ = new_user(cloud)
    with denied():
        client.create_access_key(UserName=other)


# Condition keys


@pytest.mark.parametrize(
    ("network", "fits"), [("127.0.0.0/8", True), ("10.0.0.0/8", False)]
)
def test_source_ip(cloud, table, network, fits):
    condition = {"IpAddress": {"aws:SourceIp": network}}
    _, user = new_user(cloud, allow("dynamodb:*", Condition=condition))
    if fits:
        get_item(user, table)
    else:
        with denied():
            get_item(user, table)


def test_requested_region_and_transport(cloud, table):
    condition = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    # What does not leave the machine counts as secure.
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    _, user = new_user(
        cloud,
        allow("dynamodb:GetItem", Condition=condition),
        allow("dynamodb:PutItem", Condition=insecure),
    )
    get_item(user, table)
    with denied():
        get_item(user, table, region_name="eu-west-1")
    with denied():
        put_item(user, table)


def test_principal_tags(cloud, iam, table):
    condition = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    name, user = new_user(cloud, allow("dynamodb:*", Condition=condition))
    with denied():
        get_item(user, table)
    iam.tag_user(UserName=name, Tags=[{"Key": "Team", "Value": "red"}])
    get_item(user, table)


def test_leading_keys(cloud, table):
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
    name, user = new_user(cloud, allow(["dynamodb:GetItem"], Condition=condition))
    get_item(user, table, key=name)
    with denied():
        get_item(user, table, key="somebody")


def test_request_and_resource_tags(cloud, iam):
    asked = {"StringEquals": {"aws:RequestTag/team": "red"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}
    has = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    _, user = new_user(
        cloud,
        allow(["iam:CreateRole", "iam:TagRole"], Condition=asked),
        allow("iam:DeleteRole", Condition=has),
    )
    client, role = user.client("iam"), unique("tagged")
    made = {"RoleName": role, "AssumeRolePolicyDocument": trust(LAMBDA)}
    with denied():
        client.create_role(**made)
    with denied():
        client.create_role(**made, Tags=[{"Key": "team", "Value": "red"}, {"Key": "x", "Value": ""}])
    client.create_role(**made, Tags=[{"Key": "team", "Value": "red"}])
    client.delete_role(RoleName=role)
    iam.create_role(**made)
    with denied():
        client.delete_role(RoleName=role)


def test_which_policies_may_be_attached(cloud, iam):
    read = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    only = {"ArnEquals": {"iam:PolicyARN": read}}
    _, user = new_user(cloud, allow("iam:AttachRolePolicy", Condition=only))
    role = new_role(cloud, LAMBDA).rsplit("/", 1)[1]
    user.client("iam").attach_role_policy(RoleName=role, PolicyArn=read)
    with denied():
        admin = "arn:aws:iam::aws:policy/AdministratorAccess"
        user.client("iam").attach_role_policy(RoleName=role, PolicyArn=admin)


def test_what_is_not_there_says_so(iam):
    with pytest.raises(Exception) as caught:
        iam.create_instance_profile(InstanceProfileName="x")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
