"""Many clients at once, whose histories must have an order that explains every answer."""

import itertools
import random
import threading
import time

import pytest
from botocore.exceptions import ClientError

import histories
from conftest import STREAM, create_table
from histories import Operation, Simulated, violation

CLIENTS = 8
ZERO = {"N": "0"}
SEEDS = range(25)


def adding(random):
    return [[random.choice([("add", 1), ("read",)]) for _ in range(8)] for _ in range(4)]


def moving(random):
    def one():
        source, target = random.sample(range(3), 2)
        return random.choice([("transfer", source, target, random.randint(1, 60)), ("read",)])

    return [[one() for _ in range(8)] for _ in range(4)]


def leaving(random):
    kinds = [("leave", 0), ("leave", 1), ("both",), ("read",)]
    return [[random.choice(kinds) for _ in range(8)] for _ in range(4)]


BUGS = [
    ("lost update", adding, (0,), histories.item),
    ("dirty read", moving, (50, 50, 50), histories.bank),
    ("write skew", leaving, (True, True), histories.pair),
]


@pytest.mark.parametrize("bug, scripts, state, step", BUGS, ids=[bug for bug, *_ in BUGS])
def test_the_checker_finds_planted_bugs_and_nothing_else(bug, scripts, state, step):
    initial = state if len(state) > 1 else state[0]
    found = 0
    for seed in SEEDS:
        asked = scripts(random.Random(seed))
        assert violation(Simulated(seed, state).run(asked), initial, step) is None
        found += violation(Simulated(seed, state, bug).run(asked), initial, step) is not None
    # Not each history shows it; that nearly all do shows that this is no luck.
    assert found >= len(SEEDS) // 2, found


def test_an_operation_without_an_answer_happened_at_any_time_or_never():
    put = Operation(("put", 1), None, 0)
    for read in (None, 1):
        seen = Operation(("read",), read, 5, 6)
        assert violation([put, seen], None, histories.item) is None
    seen = Operation(("read",), 2, 5, 6)
    assert "none of these" in violation([put, seen], None, histories.item)


class Recorder:
    """Clients, each on a thread and a connection of its own, and the history of what they did."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.history = []
        self.failures = []

    def run(self, scripts, perform):
        """`perform(client, *asked)` is the answer."""
        ready = threading.Barrier(len(scripts))

        def work(script):
            client = self.cloud.client("dynamodb")
            ready.wait(60)
            try:
                for asked in script:
                    called = time.monotonic()
                    answered = perform(client, *asked)
                    self.history.append(Operation(asked, answered, called, time.monotonic()))
            except Exception as error:
                self.failures.append(error)

        threads = [threading.Thread(target=work, args=(script,)) for script in scripts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.failures, self.failures
        return self.history


def test_every_item_is_linearizable(cloud, dynamodb, name):
    create_table(dynamodb, name)
    choose, values = random.Random(4566), itertools.count(100)

    def key(item):
        return {"TableName": name, "Key": {"pk": {"S": item}}}

    def number(attributes):
        return int(attributes["n"]["N"]) if attributes else None

    def perform(client, item, kind, *arguments):
        match kind:
            case "read":
                found = client.get_item(**key(item), ConsistentRead=True)
                return number(found.get("Item"))
            case "put":
                written = {"pk": {"S": item}, "n": {"N": str(arguments[0])}}
                client.put_item(TableName=name, Item=written)
                return "done"
            case "delete":
                # What it removed is an answer too: a read of the same moment.
                done = client.delete_item(**key(item), ReturnValues="ALL_OLD")
                return number(done.get("Attributes"))
            case "add":
                done = client.update_item(
                    **key(item),
                    UpdateExpression="ADD n :by",
                    ExpressionAttributeValues={":by": {"N": str(arguments[0])}},
                    ReturnValues="ALL_NEW",
                )
                return number(done["Attributes"])
            case "swap":
                before, after = (str(number) for number in arguments)
                try:
                    client.update_item(
                        **key(item),
                        UpdateExpression="SET n = :after",
                        ConditionExpression="n = :before",
                        ExpressionAttributeValues={":before": {"N": before}, ":after": {"N": after}},
                        ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    )
                    return "done"
                except client.exceptions.ConditionalCheckFailedException as refusal:
                    return "refused", number(refusal.response.get("Item"))

    latest = {}

    def asked():
        item = choose.choice(["a", "b"])
        kind = choose.choice(["read", "put", "add", "swap", "swap", "delete"])
        if kind == "put":
            latest[item] = next(values) * 1000
            return (item, kind, latest[item])
        if kind == "swap":
            # Often what somebody else has just put.
            before, latest[item] = latest.get(item, 0), next(values) * 1000
            return (item, kind, before, latest[item])
        return (item, kind, 1) if kind == "add" else (item, kind)

    # Drawn in turn, so that the scripts of all clients know each other's values.
    rounds = [[asked() for _ in range(CLIENTS)] for _ in range(30)]
    history = Recorder(cloud).run(list(zip(*rounds)), perform)
    for item in ("a", "b"):
        own = [
            Operation(one.asked[1:], one.answered, one.called, one.returned)
            for one in history
            if one.asked[0] == item
        ]
        assert len(own) > 50
        assert violation(own, None, histories.item) is None
    swaps = [one.answered for one in history if one.asked[1] == "swap"]
    assert "done" in swaps and len(set(map(str, swaps))) > 2, "the load was too tame"


def update(table, item, expression, condition, **values):
    """An action of a transaction."""
    return {
        "Update": {
            "TableName": table,
            "Key": {"pk": {"S": item}},
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }
    }


def transact(client, actions):
    """Whether the transaction was done or a condition refused it."""
    try:
        client.transact_write_items(TransactItems=actions)
        return "done"
    except ClientError as error:
        assert error.response["Error"]["Code"] == "TransactionCanceledException", error.response
        reasons = {reason["Code"] for reason in error.response["CancellationReasons"]}
        assert reasons <= {"None", "ConditionalCheckFailed"}, error.response
        return "refused"


def read_all(client, table, items):
    gets = [{"Get": {"TableName": table, "Key": {"pk": {"S": item}}}} for item in items]
    found = client.transact_get_items(TransactItems=gets)["Responses"]
    return tuple(response["Item"] for response in found)


def test_transfers_conserve_the_total_and_are_serializable(cloud, dynamodb, name):
    # Two tables, so that transactions reach across.
    tables = [f"{name}-even", f"{name}-odd"]
    accounts = 4
    for table in tables:
        create_table(dynamodb, table, StreamSpecification=STREAM)
    for account in range(accounts):
        item = {"pk": {"S": str(account)}, "n": {"N": "100"}}
        dynamodb.put_item(TableName=tables[account % 2], Item=item)

    def perform(client, kind, *arguments):
        if kind == "read":
            gets = [
                {"Get": {"TableName": tables[account % 2], "Key": {"pk": {"S": str(account)}}}}
                for account in range(accounts)
            ]
            found = client.transact_get_items(TransactItems=gets)["Responses"]
            return tuple(int(response["Item"]["n"]["N"]) for response in found)
        source, target, amount = arguments
        by = {"N": str(amount)}
        return transact(
            client,
            [
                update(tables[source % 2], str(source), "SET n = n - :by", "n >= :by", by=by),
                update(tables[target % 2], str(target), "SET n = n + :by", "n >= :o", by=by, o=ZERO),
            ],
        )

    choose = random.Random(4566)

    def asked():
        source, target = choose.sample(range(accounts), 2)
        return choose.choice([("transfer", source, target, choose.randint(1, 90)), ("read",)])

    scripts = [[asked() for _ in range(25)] for _ in range(CLIENTS)]
    history = Recorder(cloud).run(scripts, perform)
    totals = {sum(one.answered) for one in history if one.asked[0] == "read"}
    assert totals == {100 * accounts}
    assert violation(history, (100,) * accounts, histories.bank) is None
    assert {one.answered for one in history if one.asked[0] != "read"} == {"done", "refused"}


def test_of_two_that_need_each_other_only_one_leaves(cloud, dynamodb, name):
    create_table(dynamodb, name)
    yes, no = {"BOOL": True}, {"BOOL": False}

    def put(item):
        return {"Put": {"TableName": name, "Item": {"pk": {"S": item}, "here": yes}}}

    def perform(client, kind, *arguments):
        if kind == "read":
            return tuple(item["here"]["BOOL"] for item in read_all(client, name, "01"))
        if kind == "both":
            return transact(client, [put("0"), put("1")])
        own, other = str(arguments[0]), str(1 - arguments[0])
        check = {
            "TableName": name,
            "Key": {"pk": {"S": other}},
            "ConditionExpression": "here = :yes",
            "ExpressionAttributeValues": {":yes": yes},
        }
        leave = update(name, own, "SET here = :no", "attribute_exists(pk)", no=no)
        return transact(client, [{"ConditionCheck": check}, leave])

    assert perform(dynamodb, "both") == "done"
    choose = random.Random(4566)
    kinds = [("leave", 0), ("leave", 1), ("leave", 0), ("leave", 1), ("both",), ("read",)]
    scripts = [[choose.choice(kinds) for _ in range(25)] for _ in range(CLIENTS)]
    history = Recorder(cloud).run(scripts, perform)
    assert violation(history, (True, True), histories.pair) is None
    left = [one.answered for one in history if one.asked[0] == "leave"]
    assert left.count("done") > 5 and left.count("refused") > 5, "the load was too tame"
    assert (False, False) not in {one.answered for one in history if one.asked[0] == "read"}
