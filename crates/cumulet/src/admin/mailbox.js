"use strict";

// Times in the reader's own words, codes that copy themselves, and new messages without a reload.

const messages = document.getElementById("messages");
const state = document.getElementById("state");

function localTimes() {
  for (const time of messages.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    const today = at.toDateString() === new Date().toDateString();
    time.textContent = today ? at.toLocaleTimeString() : at.toLocaleString();
  }
}

messages.addEventListener("click", async (event) => {
  const code = event.target.closest("[data-copy]");
  if (!code) {
    return;
  }
  try {
    await navigator.clipboard.writeText(code.dataset.copy);
    code.classList.add("copied");
    setTimeout(() => code.classList.remove("copied"), 1500);
  } catch {
    getSelection().selectAllChildren(code);
  }
});

let shown = messages.innerHTML;

async function refresh() {
  if (document.hidden) {
    return;
  }
  try {
    const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
    if (answer.status === 401) {
      state.textContent = "Signed out: open the link that `cumulet status` prints";
      return;
    }
    if (!answer.ok) {
      throw new Error(answer.statusText);
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    state.textContent = page.getElementById("state").textContent;
    const now = page.getElementById("messages");
    if (now.innerHTML !== shown) {
      shown = now.innerHTML;
      messages.replaceChildren(...now.childNodes);
      localTimes();
    }
  } catch {
    state.textContent = "The cloud does not answer";
  }
}

localTimes();
setInterval(refresh, 2000);
document.addEventListener("visibilitychange", refresh);
