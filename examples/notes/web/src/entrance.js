// Signing up, confirming, signing in, and a new password for who forgot the old one. One form is
// open at a time.

import * as session from "./session.js";
import { explain } from "./words.js";

const section = document.getElementById("entrance");
const notice = document.getElementById("notice");
const forms = [...section.querySelectorAll("form")];
const form = (id) => forms.find((candidate) => candidate.id === id);

/** What the forms hand on to each other. The password is kept until its account is confirmed. */
let email = "";
let password = "";
let onSignedIn = () => {};

export function openEntrance(then, text = "") {
  onSignedIn = then;
  section.hidden = false;
  go("sign-in", text);
}

export function closeEntrance() {
  section.hidden = true;
  password = "";
  for (const each of forms) each.reset();
}

function go(id, text = "", kind = "") {
  for (const each of forms) each.hidden = each.id !== id;
  tell(text, kind);
  const open = form(id);
  for (const place of open.querySelectorAll("[data-email]")) place.textContent = email;
  const address = open.elements.email;
  if (address && email) address.value = email;
  const first = [...open.elements].find((field) => field.matches("input") && !field.value);
  (first ?? open.querySelector("input")).focus();
}

function tell(text, kind = "") {
  notice.textContent = text;
  notice.dataset.kind = kind;
}

/** Runs `step` when the form is sent, with its button busy and its error told. */
function onSubmit(id, step) {
  form(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    await busy(event.target.querySelector(".primary"), () => step(fields));
  });
}

async function busy(button, step) {
  button.disabled = true;
  tell("");
  try {
    await step();
  } catch (error) {
    tell(explain(error), "problem");
  } finally {
    button.disabled = false;
  }
}

async function enter() {
  const next = await session.signIn(email, password);
  if (next === "CONFIRM_SIGN_UP") {
    await session.resendCode(email);
    go("confirm", "Your account waits for its code: we sent you a new one.");
  } else if (next === "DONE") {
    await onSignedIn(await session.signedIn());
  } else {
    throw new Error(`This page does not know the step ${next}.`);
  }
}

onSubmit("sign-in", async (fields) => {
  email = fields.email.trim();
  password = fields.password;
  await enter();
});

onSubmit("sign-up", async (fields) => {
  email = fields.email.trim();
  password = fields.password;
  await session.signUp(email, password);
  go("confirm");
});

onSubmit("confirm", async (fields) => {
  await session.confirm(email, fields.code.trim());
  form("confirm").reset();
  go("sign-in", "Welcome! Your account is ready.", "good");
});

onSubmit("forgot", async (fields) => {
  email = fields.email.trim();
  await session.sendResetCode(email);
  go("reset");
});

onSubmit("reset", async (fields) => {
  await session.choosePassword(email, fields.code.trim(), fields.password);
  password = fields.password;
  await enter();
});

document.getElementById("resend").addEventListener("click", ({ target }) =>
  busy(target, async () => {
    await session.resendCode(email);
    tell("A new code is on its way.", "good");
  }),
);

for (const way of section.querySelectorAll("[data-go]")) {
  way.addEventListener("click", () => {
    const typed = way.form?.elements.email?.value.trim();
    if (typed) email = typed;
    go(way.dataset.go);
  });
}
