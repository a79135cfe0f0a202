// The page: either the entrance (nobody is signed in) or the desk with the notes.

import { closeDesk, openDesk } from "./desk.js";
import { closeEntrance, openEntrance } from "./entrance.js";
import { configure, signedIn, signOut } from "./session.js";

const account = document.getElementById("account");
const loading = document.getElementById("loading");

async function showDesk(email) {
  closeEntrance();
  document.getElementById("email").textContent = email;
  document.getElementById("avatar").textContent = email[0];
  account.hidden = false;
  await openDesk((notice) => showEntrance(notice));
}

function showEntrance(notice) {
  closeDesk();
  account.hidden = true;
  openEntrance(showDesk, notice);
}

document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    await signOut();
  } finally {
    showEntrance("You are signed out. See you soon!");
  }
});

try {
  await configure();
  const email = await signedIn();
  loading.remove();
  if (email) await showDesk(email);
  else showEntrance();
} catch (error) {
  console.error(error);
  loading.textContent = "Notes could not start. Please reload the page in a moment.";
}
