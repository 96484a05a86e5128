// The one search field: words that directories, applications and logins must all have. `/` goes there, Esc empties it.

import { byId, counted, setText } from "./nodes.js";
import { scope } from "./scope.js";

const DELAY_MS = 150;
const found = { directories: 0, applications: 0, logins: 0 };

export const words = () => byId("search").value.toLowerCase().split(/\s+/).filter(Boolean).slice(0, 8);

/** Whether a text, in small letters, has all the words. */
export const matches = (text) => words().every((word) => text.includes(word));

/** Say how many of these there are, if somebody searches. */
export function tellFound(what, n) {
  found[what] = n;
  const { directories, applications, logins } = found;
  const others = `${counted(directories, "directory", "directories")}, ${counted(applications, "application")}, `;
  setText(byId("found"), words().length ? `${scope() ? "" : others}${counted(logins, "login")} found` : "");
}

/** Call `changed` a moment after the words have, and `entered` on Enter. */
export function startSearch(changed, entered) {
  const field = byId("search");
  let timer = 0;
  const soon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(changed, delay);
  };
  field.addEventListener("input", () => soon(DELAY_MS));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (!field.value) field.blur();
      field.value = "";
      soon(0);
    } else if (event.key === "Enter") {
      event.preventDefault();
      entered();
    }
  });
  addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, select, textarea");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

export function clearSearch() {
  byId("search").value = "";
}
