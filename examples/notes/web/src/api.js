// The notes API, at the page's own origin.

import { idToken } from "./session.js";

/** The session has ended: whoever it was has to sign in again. */
export class SignedOut extends Error {}

/** The API's refusal; its message is for the person at the page. */
export class Refused extends Error {}

export function listNotes(after) {
  return call("GET", after ? `?after=${encodeURIComponent(after)}` : "");
}

export function addNote(note) {
  return call("POST", "", note);
}

export function editNote(id, note) {
  return call("PUT", `/${encodeURIComponent(id)}`, note);
}

export function deleteNote(id) {
  return call("DELETE", `/${encodeURIComponent(id)}`);
}

async function call(method, path, body) {
  const token = await idToken();
  if (!token) throw new SignedOut();
  const headers = { authorization: `Bearer ${token}` };
  if (body) headers["content-type"] = "application/json";
  const response = await fetch(`/api/notes${path}`, { method, headers, body: JSON.stringify(body) });
  if (response.status === 401) throw new SignedOut();
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.message ?? `The server answered ${response.status}.`);
  return answer;
}
