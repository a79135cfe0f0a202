"""GET /notes lists a user's notes, newest first; DELETE /notes/{id} deletes one. Whose they are is
what the authorizer says, and nothing that the request says."""

import json
import logging
import os
import re

import boto3
from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

PAGE = 50
ID = re.compile(r"[0-9a-f]{32}")

log = logging.getLogger()
log.setLevel(logging.INFO)
table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    user = event["requestContext"]["authorizer"]["claims"]["sub"]
    try:
        if event["httpMethod"] == "GET":
            return list_notes(user, event["queryStringParameters"] or {})
        return delete_note(user, event["pathParameters"]["id"])
    except ClientError as error:
        log.error("%s failed: %s", event["httpMethod"], error)
        message = f"Something went wrong here, and it is not your fault ({context.aws_request_id})."
        return answer(500, {"message": message})


def list_notes(user, parameters):
    """A page of notes; `next`, where there are more, is what to ask for with `after`."""
    query = {
        "KeyConditionExpression": Key("user").eq(user),
        "ScanIndexForward": False,
        "Limit": PAGE,
    }
    after = parameters.get("after")
    if after is not None:
        if not ID.fullmatch(after):
            return answer(400, {"message": "`after` is not a note's id."})
        query["ExclusiveStartKey"] = {"user": user, "id": after}
    page = table.query(**query)
    notes = [{name: note[name] for name in note if name != "user"} for note in page["Items"]]
    log.info("listed %d notes of %s", len(notes), user)
    following = page.get("LastEvaluatedKey")
    return answer(200, {"notes": notes, "next": following["id"] if following else None})


def delete_note(user, note_id):
    try:
        table.delete_item(
            Key={"user": user, "id": note_id}, ConditionExpression="attribute_exists(id)"
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        return answer(404, {"message": "This note is not there any more."})
    log.info("deleted %s of %s", note_id, user)
    return {"statusCode": 204, "headers": {"cache-control": "no-store"}, "body": ""}


def answer(status, body):
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
