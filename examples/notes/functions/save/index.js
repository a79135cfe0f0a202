// POST /notes adds a note, PUT /notes/{id} edits one. Whose they are is what the authorizer says,
// and nothing that the request says.

import { ConditionalCheckFailedException, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";

import { Invalid, isId, newId, parseNote } from "./note.js";

const TableName = process.env.TABLE;
const documents = DynamoDBDocumentClient.from(new DynamoDBClient({}));

export async function handler(event, context) {
  const user = event.requestContext.authorizer.claims.sub;
  try {
    return event.httpMethod === "POST" ? await add(user, event) : await edit(user, event);
  } catch (error) {
    if (error instanceof Invalid) return answer(400, { message: error.message });
    console.error({ step: event.httpMethod, error: error.name, message: error.message });
    const message = `Something went wrong here, and it is not your fault (${context.awsRequestId}).`;
    return answer(500, { message });
  }
}

async function add(user, event) {
  const now = new Date();
  const created = now.toISOString();
  const note = { id: newId(now), ...parseNote(event), created, updated: created };
  await documents.send(new PutCommand({ TableName, Item: { user, ...note } }));
  console.info({ step: "added", user, note: note.id });
  return answer(201, note);
}

async function edit(user, event) {
  const { id } = event.pathParameters;
  const { title, text } = parseNote(event);
  if (!isId(id)) return missing();
  try {
    const { Attributes } = await documents.send(
      new UpdateCommand({
        TableName,
        Key: { user, id },
        ConditionExpression: "attribute_exists(id)",
        UpdateExpression: "SET title = :title, #text = :text, updated = :updated",
        ExpressionAttributeNames: { "#text": "text" },
        ExpressionAttributeValues: {
          ":title": title,
          ":text": text,
          ":updated": new Date().toISOString(),
        },
        ReturnValues: "ALL_NEW",
      }),
    );
    const { user: _, ...note } = Attributes;
    console.info({ step: "edited", user, note: id });
    return answer(200, note);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return missing();
    throw error;
  }
}

function missing() {
  return answer(404, { message: "This note is not there any more." });
}

function answer(statusCode, body) {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { statusCode, headers, body: JSON.stringify(body) };
}
