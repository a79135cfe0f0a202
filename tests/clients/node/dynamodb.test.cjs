// AWS's SDK for JavaScript, version 3, with nothing but AWS_* variables. CommonJS, because
// NODE_PATH (the packages lie in the target folder) is not for modules.
"use strict";

const assert = require("node:assert/strict");
const { randomUUID } = require("node:crypto");
const { test } = require("node:test");

const {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  waitUntilTableExists,
} = require("@aws-sdk/client-dynamodb");
const {
  BatchGetCommand,
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
  paginateQuery,
  paginateScan,
} = require("@aws-sdk/lib-dynamodb");

const client = new DynamoDBClient({ maxAttempts: 1 });
const documents = DynamoDBDocumentClient.from(client);

async function createTable() {
  const TableName = `node-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "N" },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 20, minDelay: 1 }, { TableName });
  return TableName;
}

test("a document comes back as it went in", async () => {
  const TableName = await createTable();
  const Item = {
    pk: "a",
    sk: 1.5,
    list: [1, "two", null, true, { deep: [] }],
    set: new Set(["x", "y"]),
    bytes: new Uint8Array([0, 255]),
  };
  await documents.send(new PutCommand({ TableName, Item }));
  const got = await documents.send(new GetCommand({ TableName, Key: { pk: "a", sk: 1.5 } }));
  assert.deepEqual(got.Item, Item);
});

test("an update returns what is new", async () => {
  const TableName = await createTable();
  const got = await documents.send(
    new UpdateCommand({
      TableName,
      Key: { pk: "a", sk: 1 },
      UpdateExpression: "ADD visits :one SET #name = :name",
      ExpressionAttributeNames: { "#name": "name" },
      ExpressionAttributeValues: { ":one": 1, ":name": "Ada" },
      ReturnValues: "ALL_NEW",
    }),
  );
  assert.deepEqual(got.Attributes, { pk: "a", sk: 1, visits: 1, name: "Ada" });
});

test("a query goes through all its pages", async () => {
  const TableName = await createTable();
  const numbers = Array.from({ length: 25 }, (_, number) => number);
  await documents.send(
    new BatchWriteCommand({
      RequestItems: {
        [TableName]: numbers.map((sk) => ({ PutRequest: { Item: { pk: "a", sk } } })),
      },
    }),
  );
  const found = [];
  const pages = paginateQuery(
    { client: documents, pageSize: 10 },
    {
      TableName,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": "a" },
    },
  );
  for await (const page of pages) {
    found.push(...page.Items.map((item) => item.sk));
  }
  assert.deepEqual(found, numbers);
  const Keys = [3, 4, 99].map((sk) => ({ pk: "a", sk }));
  const got = await documents.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }));
  assert.deepEqual(got.Responses[TableName].map((item) => item.sk).sort(), [3, 4]);
});

async function fill(TableName, count) {
  for (let first = 0; first < count; first += 25) {
    const numbers = Array.from({ length: Math.min(25, count - first) }, (_, at) => first + at);
    const requests = numbers.map((sk) => ({ PutRequest: { Item: { pk: `p${sk % 20}`, sk } } }));
    const done = await documents.send(
      new BatchWriteCommand({ RequestItems: { [TableName]: requests } }),
    );
    assert.deepEqual(done.UnprocessedItems, {});
  }
}

test("a scan in parts finds each item once", async () => {
  const TableName = await createTable();
  await fill(TableName, 60);
  const part = async (Segment) => {
    const found = [];
    const pages = paginateScan(
      { client: documents, pageSize: 4 },
      { TableName, Segment, TotalSegments: 3 },
    );
    for await (const page of pages) {
      found.push(...page.Items.map((item) => item.sk));
    }
    return found;
  };
  const parts = await Promise.all([0, 1, 2].map(part));
  assert.ok(parts.every((found) => found.length > 0), "the parts are of one size, about");
  const numbers = Array.from({ length: 60 }, (_, number) => number);
  assert.deepEqual(parts.flat().sort((a, b) => a - b), numbers);
});

test("what is selected is what is answered", async () => {
  const TableName = await createTable();
  await fill(TableName, 60);
  const query = {
    TableName,
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": "p3" },
  };
  const counted = await documents.send(new QueryCommand({ ...query, Select: "COUNT" }));
  assert.deepEqual([counted.Count, counted.ScannedCount, counted.Items], [3, 3, undefined]);
  const ProjectionExpression = "sk";
  const some = await documents.send(
    new QueryCommand({ ...query, Select: "SPECIFIC_ATTRIBUTES", ProjectionExpression }),
  );
  assert.deepEqual(some.Items, [{ sk: 3 }, { sk: 23 }, { sk: 43 }]);
  await assert.rejects(
    documents.send(new QueryCommand({ ...query, Select: "COUNT", ProjectionExpression })),
    { name: "ValidationException" },
  );
});

test("a refusal tells what is there", async () => {
  const TableName = await createTable();
  const Item = { pk: "a", sk: 1, owner: "Ada", tags: new Set(["x"]) };
  await documents.send(new PutCommand({ TableName, Item }));
  const condition = {
    ConditionExpression: "#owner = :owner",
    ExpressionAttributeNames: { "#owner": "owner" },
    ExpressionAttributeValues: { ":owner": "Bob" },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  };
  const stored = {
    pk: { S: "a" },
    sk: { N: "1" },
    owner: { S: "Ada" },
    tags: { SS: ["x"] },
  };
  await assert.rejects(documents.send(new PutCommand({ TableName, Item, ...condition })), (error) => {
    assert.equal(error.name, "ConditionalCheckFailedException");
    assert.deepEqual(error.Item, stored);
    return true;
  });
  const Put = { TableName, Item: { pk: "b", sk: 1 } };
  const ConditionCheck = { TableName, Key: { pk: "a", sk: 1 }, ...condition };
  const write = new TransactWriteCommand({ TransactItems: [{ Put }, { ConditionCheck }] });
  await assert.rejects(documents.send(write), (error) => {
    assert.equal(error.name, "TransactionCanceledException");
    assert.deepEqual(
      error.CancellationReasons.map((reason) => reason.Code),
      ["None", "ConditionalCheckFailed"],
    );
    assert.deepEqual(error.CancellationReasons[1].Item, stored);
    return true;
  });
  const Gets = [Put.Item, Item].map(({ pk, sk }) => ({ Get: { TableName, Key: { pk, sk } } }));
  const got = await documents.send(new TransactGetCommand({ TransactItems: Gets }));
  assert.deepEqual(got.Responses.map((response) => response.Item), [undefined, Item]);
});

test("errors are of the SDK's own classes", async () => {
  const TableName = await createTable();
  const Item = { pk: "a", sk: 1 };
  const create = { TableName, Item, ConditionExpression: "attribute_not_exists(pk)" };
  await documents.send(new PutCommand(create));
  await assert.rejects(documents.send(new PutCommand(create)), {
    name: "ConditionalCheckFailedException",
    message: "The conditional request failed",
  });
  const missing = `node-${randomUUID()}`;
  await assert.rejects(client.send(new DescribeTableCommand({ TableName: missing })), {
    name: "ResourceNotFoundException",
    message: `Requested resource not found: Table: ${missing} not found`,
  });
});

test("a wrong secret is refused", async () => {
  const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: "x".repeat(40) };
  const stranger = new DynamoDBClient({ maxAttempts: 1, credentials });
  await assert.rejects(stranger.send(new ListTablesCommand({})), {
    name: "InvalidSignatureException",
  });
});
