// The notes of whoever is signed in: add, list, edit, delete.

import { addNote, deleteNote, editNote, listNotes, SignedOut } from "./api.js";
import { explain } from "./words.js";

const section = document.getElementById("desk");
const composer = document.getElementById("composer");
const list = document.getElementById("notes");
const empty = document.getElementById("empty");
const more = document.getElementById("more");
const problem = document.getElementById("problem");
const said = document.getElementById("said");
const dialog = document.getElementById("delete");

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

let next = null;
let onSignedOut = () => {};

export async function openDesk(then) {
  onSignedOut = then;
  section.hidden = false;
  await attempt(() => showPage(null));
  composer.elements.title.focus();
}

export function closeDesk() {
  section.hidden = true;
  list.replaceChildren();
  composer.reset();
  problem.textContent = "";
  said.textContent = "";
}

/** Runs `step`; true when it went well. What went wrong stands in `place`. */
async function attempt(step, place = problem, button = null) {
  place.textContent = "";
  if (button) button.disabled = true;
  try {
    await step();
    return true;
  } catch (error) {
    if (error instanceof SignedOut) onSignedOut("Please sign in again.");
    else place.textContent = explain(error);
    return false;
  } finally {
    if (button) button.disabled = false;
    empty.hidden = list.childElementCount > 0 || problem.textContent !== "";
  }
}

async function showPage(after) {
  const page = await listNotes(after);
  list.append(...page.notes.map(card));
  next = page.next;
  more.hidden = next === null;
}

function card(note) {
  const item = copy("note");
  item.querySelector("h2").textContent = note.title;
  const text = item.querySelector(".text");
  text.textContent = note.text;
  text.hidden = note.text === "";
  const time = item.querySelector("time");
  const updated = new Date(note.updated);
  time.dateTime = note.updated;
  time.title = moment.format(updated);
  time.textContent = (note.updated === note.created ? "" : "Edited ") + day.format(updated);
  for (const [action, step] of [["edit", startEdit], ["delete", askDelete]]) {
    const button = item.querySelector(`[data-do=${action}]`);
    button.setAttribute("aria-label", `${button.textContent} “${note.title}”`);
    button.addEventListener("click", () => step(item, note));
  }
  return item;
}

function startEdit(item, note) {
  const editor = copy("editor");
  const form = editor.querySelector("form");
  const { title, text } = form.elements;
  title.value = note.title;
  text.value = note.text;
  const close = (shown) => {
    const closed = card(shown);
    editor.replaceWith(closed);
    closed.querySelector("[data-do=edit]").focus();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const save = async () => {
      close(await editNote(note.id, fieldsOf(form)));
      said.textContent = "Note saved.";
    };
    attempt(save, form.querySelector(".problem"), form.querySelector(".primary"));
  });
  form.querySelector("[data-do=cancel]").addEventListener("click", () => close(note));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close(note);
    else sendOnCtrlEnter(event);
  });
  item.replaceWith(editor);
  title.focus();
}

function askDelete(item, note) {
  document.getElementById("delete-name").textContent = note.title;
  dialog.returnValue = "cancel";
  const decide = async () => {
    if (dialog.returnValue !== "delete") return;
    const gone = await attempt(() => deleteNote(note.id).then(() => item.remove()));
    if (!gone) return;
    said.textContent = "Note deleted.";
    composer.elements.title.focus();
  };
  dialog.addEventListener("close", decide, { once: true });
  dialog.showModal();
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const add = async () => {
    list.prepend(card(await addNote(fieldsOf(composer))));
    composer.reset();
    said.textContent = "Note added.";
    composer.elements.title.focus();
  };
  attempt(add, problem, composer.querySelector(".primary"));
});

composer.addEventListener("keydown", sendOnCtrlEnter);
more.addEventListener("click", () => attempt(() => showPage(next), problem, more));

function sendOnCtrlEnter(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  event.currentTarget.requestSubmit();
}

function fieldsOf(form) {
  return { title: form.elements.title.value, text: form.elements.text.value };
}

function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}
