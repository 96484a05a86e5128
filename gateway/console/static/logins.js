// The last logins, newest first, and the search in them.

import { byId, duration, element, sentences, setText } from "./nodes.js";

const N_SHOWN = 200;
const KEYS = ["slot", "at", "user", "client", "section", "reply", "reason", "factor", "duration_ms", "account", "hint"];
const REPLY_CLASSES = { "Access-Accept": "good", "Access-Reject": "bad" };
const SEARCHED = ["user", "client", "reason"];

let logins = [];

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

function row(login) {
  const at = new Date(login.at * 1000);
  const cell = (name, className, ...content) => element("td", { className, role: "cell", data: { name } }, ...content);
  const isFailMode = login.reason.startsWith("failmode_");
  return element("tr", { role: "row" },
    cell("time", "nowrap", element("time", { dateTime: at.toISOString(), title: at.toString(), textContent: clock.format(at) })),
    cell("user", "", element("b", { textContent: login.user || "–" })),
    cell("answer", `nowrap ${isFailMode ? "warm" : REPLY_CLASSES[login.reply] || "quiet"}`, login.reply === "none" ? "nobody waits" : login.reply),
    cell("why", "", element("code", { textContent: login.reason }), element("small", { textContent: sentences(login.account, login.hint) })),
    cell("factor", "", login.factor || "–"),
    cell("took", "number", duration(login.duration_ms / 1000)),
    cell("client", "nowrap", element("code", { textContent: login.client })),
    cell("section", "", login.section),
    cell("worker", "number", String(login.slot)));
}

function isWanted(login) {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const answer = byId("answer").value;
  if (answer && login.reply !== answer) return false;
  return words.every((word) => SEARCHED.some((key) => login[key].toLowerCase().includes(word)));
}

function filter() {
  let nWanted = 0;
  for (const login of logins) {
    login.row.hidden = !isWanted(login);
    if (!login.row.hidden) nWanted += 1;
  }
  const isSearch = byId("search").value.trim() || byId("answer").value;
  setText(byId("logins-count"), String(logins.length));
  setText(byId("logins-found"), isSearch ? `${nWanted} found` : "");
  byId("logins").hidden = nWanted === 0;
  byId("logins-none").hidden = nWanted > 0;
  setText(byId("logins-none"), logins.length ? "No login of the last ones is like that." : "No login yet.");
}

export function startLogins() {
  byId("search").addEventListener("input", filter);
  byId("answer").addEventListener("change", filter);
}

/** Take logins up, oldest first: all of them, or those behind the ones that are here. */
export function showLogins(records, isWhole) {
  const body = byId("logins").tBodies[0];
  if (isWhole) {
    logins = [];
    body.replaceChildren();
  }
  for (const record of records) {
    const login = Object.fromEntries(KEYS.map((key, n) => [key, record[n]]));
    login.row = row(login);
    if (!isWhole) login.row.className = "new";
    body.prepend(login.row);
    logins.push(login);
  }
  for (const old of logins.splice(0, logins.length - N_SHOWN)) old.row.remove();
  if (records.length || isWhole) filter();
}
