// Directories (server sections): the troubled ones first, and a page for each.

import { applicationState, effect } from "./applications.js";
import { byId, count, counted, duration, element, match, sentences, setClass, setText, sum } from "./nodes.js";
import { Pager } from "./pager.js";
import { linkTo, scope } from "./scope.js";
import { matches, tellFound, words } from "./search.js";

const N_ROWS = 25;
const MANY_REJECTS = 10;
const NOTHING = { reasons: {}, p50: null, p99: null };

let pager;
let found = [];

/** What is known of each section: its name, its application, what it did lately, and how it is. */
export function readDirectories(status, lately) {
  const applications = new Map();
  for (const each of status.applications) for (const section of each.sections || []) applications.set(section, each);
  const down = new Set((status.clients || []).filter(({ state }) => state === "down").flatMap(({ sections }) => sections));
  return status.servers.map((server) => {
    const recent = lately.sections[server.section] || NOTHING;
    const logins = sum(recent.reasons) - countOf(LEADS_ON, recent.reasons);
    const accepted = countOf(ACCEPTED, recent.reasons);
    const application = applications.get(server.section);
    const directory = { server, application, section: server.section, name: server.name || server.section, recent, logins, rejected: logins - accepted, hasNoFirstFactor: down.has(server.section) };
    return { ...directory, ...condition(directory), text: textOf(directory) };
  });
}

// The alert rules mean the same: a reply that only leads on is no login, for what the user says next is one.
const ACCEPTED = new Set(["duo_allowed", "duo_bypass", "exempt", "failmode_safe"]);
const LEADS_ON = new Set(["challenged", "sms_sent"]);
const countOf = (wanted, reasons) => sum([...wanted].map((reason) => reasons[reason] || 0));

const textOf = ({ name, section, server, application }) =>
  `${name} ${section} ${server.mode || ""} ${server.listen.join(" ")} ${application ? application.ikey : ""}`.toLowerCase();

/** How a directory is: its rank in the list, and in words. */
function condition({ application, logins, rejected, hasNoFirstFactor }) {
  if (hasNoFirstFactor) return { rank: 3, mood: "bad", words: "first factor down" };
  if (application?.failmode_active) return { rank: 3, mood: "bad", words: `fail mode (${applicationState(application.state)[1]})` };
  if (rejected >= MANY_REJECTS && rejected > logins / 2) return { rank: 2, mood: "warm", words: "rejects most", isRejecting: true };
  if (application && application.state !== "healthy") return { rank: 1, mood: "warm", words: applicationState(application.state)[1] };
  return { rank: 0, mood: logins ? "good" : "", words: logins ? "fine" : "idle" };
}

const byTrouble = (a, b) => b.rank - a.rank || b.rejected - a.rejected || b.logins - a.logins
  || a.name.localeCompare(b.name, "en", { numeric: true });

/** Which way it goes while Duo is away; a gateway of an older version tells it of applications alone. */
const failModeOf = ({ server, application }) => server.failmode || application?.failmode || "";

const COLUMNS = [
  ["state", "State", "", ({ words: text }) => text, ({ mood }) => mood],
  ["logins", "Logins, 5 min", "number", ({ logins }) => count(logins)],
  ["rejected", "Rejected, 5 min", "number", ({ rejected }) => count(rejected), ({ rejected }) => (rejected ? "bad" : "")],
  ["median", "Median", "number", ({ recent }) => duration(recent.p50)],
  ["p99", "p99", "number", ({ recent }) => duration(recent.p99)],
  ["pending", "Pending", "number", ({ server }) => count(server.pending)],
  ["discarded", "Discarded", "number", ({ server }) => count(sum(server.discards))],
  ["failmode", "Fail mode", "", failModeOf],
  ["listens", "Listens on", "", ({ server }) => `udp ${server.listen.join(", ")}`],
];

export function startDirectories(changed) {
  pager = new Pager("directories", "directories", N_ROWS, changed);
  const cells = [["name", "Directory", ""], ...COLUMNS];
  const heads = cells.map(([, text, className]) => element("th", { scope: "col", role: "columnheader", className, textContent: text }));
  byId("servers").append(element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads)), element("tbody", { role: "rowgroup" }));
}

export function showDirectories(directories) {
  found = directories.filter(({ text }) => matches(text)).sort(byTrouble);
  const troubled = directories.filter(({ rank }) => rank > 0).length;
  setText(byId("directories-count"), `${count(directories.length)}${troubled ? `, ${count(troubled)} in trouble` : ""}`);
  tellFound("directories", found.length);
  byId("directories-none").hidden = found.length > 0;
  byId("servers").hidden = found.length === 0;
  match(byId("servers").tBodies[0], pager.window(found, words().join(" ")), ({ section }) => section, makeRow, updateRow);
}

/** The section of the only directory that was found, or an empty text. */
export const onlyFound = () => (found.length === 1 ? found[0].section : "");

function makeRow() {
  const cell = (name, className, ...content) => element("td", { className, role: "cell", data: { name } }, ...content);
  return element("tr", { role: "row" },
    cell("name", "", element("a"), " ", element("code", { className: "quiet" })),
    ...COLUMNS.map(([name, , className]) => cell(name, className)));
}

function updateRow(row, directory) {
  const [link, section] = row.cells[0].children;
  const href = linkTo(directory.section);
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  setText(link, directory.name);
  setText(section, directory.name === directory.section ? "" : directory.section);
  COLUMNS.forEach(([, , className, text, mood], n) => {
    setText(row.cells[n + 1], text(directory));
    if (mood) setClass(row.cells[n + 1], `${className} ${mood(directory)}`.trim());
  });
}

/** The head of the page of one directory; false if there is none of that section. */
export function showDirectory(directories) {
  const directory = directories.find(({ section }) => section === scope());
  setText(byId("directory-name"), directory ? directory.name : scope());
  setText(byId("directory-section"), directory && directory.name !== directory.section ? directory.section : "");
  setClass(byId("directory-state"), `badge ${directory ? directory.mood : "warm"}`);
  setText(byId("directory-state"), directory ? directory.words : "There is no such directory");
  setText(byId("directory-text"), directory ? describe(directory) : "A reload may have removed it; its last logins are below.");
  return directory;
}

/** The kind of a section that takes a password first, and who checks it; nothing of the others, which most are. */
const firstFactor = ({ mode, client }) => (mode && mode !== "duo_only" ? `Mode ${mode}, with ${client}` : "");

function describe({ server, application, hasNoFirstFactor }) {
  const duo = application ? `Duo application ${application.ikey} at ${application.api_host}` : "";
  const goes = effect(failModeOf({ server, application }));
  const outage = goes && (application?.failmode_active ? `Now ${goes}` : `In an outage, ${goes}`);
  const nobody = hasNoFirstFactor ? `Now all logins are rejected: no host of ${server.client} answers` : "";
  const asked = server.challenges ? `${count(server.challenges)} challenged, ` : "";
  const since = `Since the start ${counted(server.requests, "request")}, ${count(server.accepts)} accepted, ${count(server.rejects)} rejected, ${asked}`
    + `${count(server.duplicates)} repeated, ${count(server.coalesced)} joined, ${count(sum(server.discards))} discarded`;
  return sentences(nobody, outage, firstFactor(server), `Listens on udp ${server.listen.join(", ")}`, duo, since, server.advice);
}

export function directoryTiles({ server, recent, logins, rejected }, minutes) {
  const span = `in ${minutes}`;
  return [
    ["Logins", count(logins), span],
    ["Accepted", count(logins - rejected), span],
    ["Rejected", count(rejected), span],
    ["Pending", count(server.pending), ""],
    ["Median", duration(recent.p50), span],
    ["p99", duration(recent.p99), span],
  ];
}
