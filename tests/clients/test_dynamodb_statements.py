"""PartiQL and the policies of tables, as boto3 sees them. What each statement may say stands in
crates/dynamodb/tests/http/partiql.md."""

import json

import pytest

from conftest import create_table, refused
from identities import ACCOUNT, allow, denied, deny, new_user, policy, unique

REGION = "us-east-1"


def pages(client, statement, **more):
    """The items of a statement, page by page."""
    token = {}
    while True:
        answer = client.execute_statement(Statement=statement, **more, **token)
        yield answer["Items"]
        if "NextToken" not in answer:
            return
        token = {"NextToken": answer["NextToken"]}


@pytest.fixture
def filled(dynamodb, ranged):
    """A table with three partitions of seven items each."""
    for pk in "abc":
        items = [{"pk": {"S": pk}, "sk": {"N": str(sk)}, "v": {"N": str(sk % 2)}} for sk in range(7)]
        puts = [{"PutRequest": {"Item": item}} for item in items]
        dynamodb.batch_write_item(RequestItems={ranged: puts})
    return ranged


def keys(items):
    return [(item["pk"]["S"], int(item["sk"]["N"])) for item in items]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_a_scan_a_query_and_many_queries(dynamodb, filled, limit):
    def all_of(where):
        found = pages(dynamodb, f'SELECT pk, sk FROM "{filled}" {where}', Limit=limit)
        found = list(found)
        assert all(len(page) <= limit for page in found)
        return keys(item for page in found for item in page)

    assert sorted(all_of("")) == [(pk, sk) for pk in "abc" for sk in range(7)]
    assert all_of("WHERE pk = 'b'") == [("b", sk) for sk in range(7)]
    descending = [("b", sk) for sk in (5, 4, 3)]
    assert all_of("WHERE pk = 'b' AND sk BETWEEN 3 AND 5 ORDER BY sk DESC") == descending
    both = [(pk, sk) for pk in "ca" for sk in range(7)]
    assert all_of("WHERE pk IN ['a', 'c'] ORDER BY pk DESC") == both
    assert all_of("WHERE pk = 'a' AND v = 1") == [("a", sk) for sk in (1, 3, 5)]
    points = [("a", 1), ("a", 6), ("c", 1), ("c", 6)]
    assert all_of("WHERE pk IN ['a', 'c'] AND sk IN [1, 6, 99]") == points


def test_ten_values_of_in_a_page(dynamodb, filled):
    values = ", ".join(str(n) for n in range(25))
    found = pages(dynamodb, f"SELECT sk FROM \"{filled}\" WHERE pk = 'a' AND sk IN [{values}]")
    assert [len(page) for page in found] == [7, 0, 0]


def test_batches_and_transactions_in_one_go(dynamodb, filled):
    inserts = [
        {"Statement": f"INSERT INTO \"{filled}\" VALUE {{'pk': 'new', 'sk': ?}}", "Parameters": [n]}
        for n in ({"N": str(n)} for n in range(25))
    ]
    answer = dynamodb.batch_execute_statement(Statements=inserts)
    assert [set(one) for one in answer["Responses"]] == [{"TableName"}] * 25
    reads = [
        {"Statement": f"SELECT sk FROM \"{filled}\" WHERE pk = 'new' AND sk = {n}"}
        for n in range(100)
    ]
    answer = dynamodb.execute_transaction(TransactStatements=reads)
    assert [int(one["Item"]["sk"]["N"]) for one in answer["Responses"] if "Item" in one] == list(
        range(25)
    )
    with refused("ValidationException"):
        dynamodb.execute_transaction(TransactStatements=[reads[0], inserts[0]])
    with refused("ValidationException"):
        dynamodb.batch_execute_statement(Statements=[reads[0], inserts[0]])


def test_what_statements_need_leave_for(cloud, filled):
    scan = deny("dynamodb:PartiQLSelect", Condition={"Bool": {"dynamodb:FullTableScan": "true"}})
    _, reader = new_user(cloud, allow("dynamodb:PartiQLSelect"), scan)
    reader = reader.client("dynamodb")
    reader.execute_statement(Statement=f"SELECT * FROM \"{filled}\" WHERE pk = 'a'")
    with denied("dynamodb:PartiQLSelect"):
        reader.execute_statement(Statement=f'SELECT * FROM "{filled}"')
    with denied("dynamodb:PartiQLInsert"):
        reader.execute_statement(Statement=f"INSERT INTO \"{filled}\" VALUE {{'pk': 'x', 'sk': 1}}")
    with denied("dynamodb:PartiQLDelete"):
        reader.execute_statement(Statement=f"DELETE FROM \"{filled}\" WHERE pk = 'a' AND sk = 1")
    leading = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}
    _, writer = new_user(cloud, allow("dynamodb:PartiQLUpdate", Condition=leading))
    updates = [
        {"Statement": f"UPDATE \"{filled}\" SET v = 9 WHERE pk = '{pk}' AND sk = 1"} for pk in "ab"
    ]
    client = writer.client("dynamodb")
    answer = client.batch_execute_statement(Statements=updates)
    assert [one.get("Error", {}).get("Code") for one in answer["Responses"]] == [
        None,
        "AccessDenied",
    ]
    with denied("dynamodb:PartiQLUpdate"):
        client.execute_transaction(TransactStatements=updates)


# Policies of tables


@pytest.fixture
def shared(cloud):
    """A table, its ARN, and a user who may do nothing by himself."""
    dynamodb = cloud.client("dynamodb")
    table = unique("shared")
    create_table(dynamodb, table)
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}})
    name, identity = new_user(cloud)
    return table, f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}", name, identity


def test_a_table_policy_allows_and_denies(cloud, shared):
    table, arn, name, identity = shared
    root, guest = cloud.client("dynamodb"), identity.client("dynamodb")
    get = {"TableName": table, "Key": {"pk": {"S": "a"}}}
    with denied():
        guest.get_item(**get)
    user = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
    text = policy(allow("dynamodb:GetItem", arn, Principal=user))
    revision = root.put_resource_policy(ResourceArn=arn, Policy=text)["RevisionId"]
    assert root.put_resource_policy(ResourceArn=arn, Policy=text)["RevisionId"] == revision
    guest.get_item(**get)
    with denied():
        guest.put_item(TableName=table, Item={"pk": {"S": "b"}})
    answer = root.get_resource_policy(ResourceArn=arn)
    assert json.loads(answer["Policy"]) == json.loads(text) and answer["RevisionId"] == revision

    closed = policy(
        allow("dynamodb:GetItem", arn, Principal=user),
        deny("dynamodb:GetItem", arn, Principal="*", Condition=leading("secret")),
    )
    root.put_resource_policy(ResourceArn=arn, Policy=closed, ExpectedRevisionId=revision)
    guest.get_item(**get)
    # The account itself is denied too.
    for client in (guest, root):
        with denied():
            client.get_item(TableName=table, Key={"pk": {"S": "secret"}})
    with refused("PolicyNotFoundException"):
        root.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=revision)
    assert root.delete_resource_policy(ResourceArn=arn)["RevisionId"] != revision
    assert "RevisionId" not in root.delete_resource_policy(ResourceArn=arn)
    with denied():
        guest.get_item(**get)
    with refused("PolicyNotFoundException"):
        root.get_resource_policy(ResourceArn=arn)


def leading(key):
    return {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [key]}}


def test_a_table_policy_that_is_refused(cloud, shared):
    table, arn, _, _ = shared
    root = cloud.client("dynamodb")
    everyone = {"Principal": "*"}
    for text in ("", "{}", policy(allow("dynamodb:GetItem", arn)), policy() + " " * 20_480):
        with refused("ValidationException"):
            root.put_resource_policy(ResourceArn=arn, Policy=text)
    with refused("ResourceNotFoundException"):
        root.put_resource_policy(
            ResourceArn=arn + "-none", Policy=policy(allow("dynamodb:GetItem", arn, **everyone))
        )
    # Whoever locks himself out must mean it.
    locked = policy(deny("dynamodb:PutResourcePolicy", arn, **everyone))
    with refused("ValidationException"):
        root.put_resource_policy(ResourceArn=arn, Policy=locked)
    root.put_resource_policy(
        ResourceArn=arn, Policy=locked, ConfirmRemoveSelfResourceAccess=True
    )
    with denied():
        root.put_resource_policy(ResourceArn=arn, Policy=locked)
    root.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=current(root, arn))
    root.put_item(TableName=table, Item={"pk": {"S": "b"}})


def current(client, arn):
    return client.get_resource_policy(ResourceArn=arn)["RevisionId"]


def test_what_deploy_tools_read(dynamodb, table):
    answer = dynamodb.describe_contributor_insights(TableName=table)
    assert answer["TableName"] == table and answer["ContributorInsightsStatus"] == "DISABLED"
    with refused("ResourceNotFoundException"):
        dynamodb.describe_contributor_insights(TableName=table, IndexName="none")
    answer = dynamodb.describe_kinesis_streaming_destination(TableName=table)
    assert answer["KinesisDataStreamDestinations"] == []
    with refused("ResourceNotFoundException"):
        dynamodb.describe_kinesis_streaming_destination(TableName=f"{table}-none")
