// What a note may be. Pure, so that its tests need no cloud.

import { randomBytes } from "node:crypto";

const TITLE_LENGTH = 120;
const TEXT_LENGTH = 4000;
const ID = /^[0-9a-f]{32}$/;

/** Input that is not a note; the message is for the person who wrote it. */
export class Invalid extends Error {}

/** The note in a request's body, trimmed: `{ title, text }`. */
export function parseNote(event) {
  let body;
  try {
    const raw = event.body ?? "";
    body = JSON.parse(event.isBase64Encoded ? Buffer.from(raw, "base64").toString() : raw);
  } catch {
    throw new Invalid("The request's body is not JSON.");
  }
  if (typeof body?.title !== "string" || typeof (body.text ?? "") !== "string") {
    throw new Invalid("A note has a title and a text.");
  }
  const title = body.title.trim();
  const text = (body.text ?? "").trim();
  if (title === "") throw new Invalid("Please give your note a title.");
  if (title.length > TITLE_LENGTH) {
    throw new Invalid(`A title has up to ${TITLE_LENGTH} characters.`);
  }
  if (text.length > TEXT_LENGTH) throw new Invalid(`A note has up to ${TEXT_LENGTH} characters.`);
  return { title, text };
}

/** 32 hex digits: milliseconds since 1970, then chance. They sort by time. */
export function newId(now) {
  return now.getTime().toString(16).padStart(12, "0") + randomBytes(10).toString("hex");
}

export function isId(id) {
  return ID.test(id);
}
