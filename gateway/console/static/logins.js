// The last logins, newest first. The console keeps thousands of them; the page asks for those that it shows.

import { byId, count, duration, element, match, sentences, setClass, setText } from "./nodes.js";
import { button } from "./pager.js";
import { linkTo, scope } from "./scope.js";
import { tellFound, words } from "./search.js";

const N_ROWS = 25;
const REPLY_CLASSES = { "Access-Accept": "good", "Access-Reject": "bad" };

const time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat([], { month: "short", day: "numeric" });

let names = new Map(); // of directories, by section
let asked = ""; // the question that is shown
let newest = 0; // the number of the newest login that was shown for it
let pages = []; // the number before which each page begins, behind the first
let older;
let newer;

/** `changed` is called when other logins are wanted. */
export function startLogins(changed) {
  const turn = (text, label, go) => button(text, label, () => { go(); changed(); });
  newer = turn("Newer", "Newer logins", () => pages.pop());
  older = turn("Older", "Older logins", () => pages.push(Number(older.dataset.before)));
  byId("logins-pager").append(element("span", { className: "quiet", id: "logins-shown" }), newer, older);
  for (const field of ["answer", "until"]) byId(field).addEventListener("change", changed);
}

/** What to ask the console for, or null where what is shown is still true; `last` is the number of the last login. */
export function wantedLogins(last) {
  const parameters = { q: words().join(" "), server: scope(), answer: byId("answer").value, until: until() };
  const question = JSON.stringify(parameters);
  if (question !== JSON.parse(asked || "{}").question) pages = [];
  const before = pages[pages.length - 1] || "";
  const now = JSON.stringify({ question, before, last: before ? 0 : last });
  if (now === asked) return null;
  if (JSON.parse(asked || "{}").question !== question) newest = 0;
  asked = now;
  const given = Object.entries({ ...parameters, before, limit: N_ROWS }).filter(([, value]) => value !== "");
  return `/logins.json?${new URLSearchParams(given)}`;
}

/** Ask anew: the last question was not answered. */
export function forgetLogins() {
  asked = "";
}

function until() {
  const at = Date.parse(byId("until").value); // local time, as it is typed
  return Number.isNaN(at) ? "" : String(at / 1000 + 59.999); // the minute included
}

export function showLogins({ logins, matching, kept, clients }, nameOf) {
  names = nameOf;
  const isNarrowed = words().length || byId("answer").value || byId("until").value || scope();
  setText(byId("logins-count"), isNarrowed ? `${count(matching)} of ${count(kept)} kept` : `${count(kept)} kept`);
  tellFound("logins", matching);
  byId("logins").hidden = logins.length === 0;
  byId("logins-none").hidden = logins.length > 0;
  setText(byId("logins-none"), kept ? "No login that is kept here is like that; radgate why USER searches the log." : "No login yet.");
  match(byId("logins").tBodies[0], logins, ({ number }) => number, makeRow, () => {});
  if (!pages.length && logins.length) newest = logins[0].number;
  showPager(logins, matching);
  showClients(clients);
}

function showPager(logins, matching) {
  const first = pages.length * N_ROWS + 1;
  byId("logins-pager").hidden = matching <= N_ROWS && !pages.length;
  setText(byId("logins-shown"), `${count(first)} to ${count(first + logins.length - 1)} of ${count(Math.max(matching, first + logins.length - 1))}`);
  newer.disabled = pages.length === 0;
  older.disabled = first + logins.length > matching || logins.length < N_ROWS;
  older.dataset.before = logins.length ? logins[logins.length - 1].number : 0;
}

function makeRow(login) {
  const at = new Date(login.at * 1000);
  const isToday = at.toDateString() === new Date().toDateString();
  const cell = (name, className, ...content) => element("td", { className, role: "cell", data: { name } }, ...content);
  const isFailMode = login.reason.startsWith("failmode_");
  const row = element("tr", { role: "row" },
    cell("time", "nowrap", element("time", { dateTime: at.toISOString(), title: at.toString(), textContent: `${isToday ? "" : `${day.format(at)}, `}${time.format(at)}` })),
    cell("user", "", element("b", { textContent: login.user_name || "–" })),
    cell("answer", `nowrap ${isFailMode ? "warm" : REPLY_CLASSES[login.reply] || "quiet"}`, login.reply === "none" ? "nobody waits" : login.reply),
    cell("why", "", ...why(login)),
    cell("factor", "", login.factor || "–"),
    cell("took", "number", duration(login.duration_ms / 1000)),
    cell("client", "nowrap", element("code", { textContent: login.client })),
    cell("section", "", element("a", { href: linkTo(login.section), textContent: names.get(login.section) || login.section })),
    cell("worker", "number", String(login.slot)));
  if (newest && login.number > newest) setClass(row, "new");
  return row;
}

/** Why it ended so; what can be done about it unfolds. */
function why({ reason, account, hint }) {
  const told = [element("code", { textContent: reason }), " ", element("small", { textContent: sentences(account) })];
  if (!hint) return told;
  return [element("details", {}, element("summary", {}, ...told), element("small", { textContent: sentences(hint) }))];
}

/** Who asked for logins of the directory, of those that are kept. */
function showClients(clients) {
  setText(byId("clients-count"), String(clients.length));
  const make = () => element("li", {}, element("code"), element("b"), element("p", { className: "quiet" }));
  match(byId("clients"), clients.slice(0, 20), ({ client }) => client, make, (node, each) => {
    setText(node.querySelector("code"), each.client);
    setText(node.querySelector("b"), count(each.logins));
    setText(node.querySelector("p"), `${count(each.rejects)} rejected, the last login ${new Date(each.last_at * 1000).toLocaleString()}`);
  });
}
