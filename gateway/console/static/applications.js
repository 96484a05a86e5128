// Duo applications: the troubled ones first, each with the directories whose logins it decides.

import { byId, count, element, isWide, listed, match, setClass, setText, span } from "./nodes.js";
import { Pager } from "./pager.js";
import { scope } from "./scope.js";
import { matches, tellFound, words } from "./search.js";

const APPLICATION_STATES = {
  healthy: ["good", "healthy"],
  suspect: ["warm", "suspect: calls fail"],
  down: ["bad", "down"],
  trial: ["warm", "on trial: Duo answers probes"],
  keys_refused: ["bad", "keys refused"],
  clock_skewed: ["warm", "clocks differ"],
};
const EFFECTS = {
  safe: "failmode=safe: users get in without a second factor",
  secure: "failmode=secure: nobody gets in",
};

let pager;

export const effect = (failmode) => failmode && failmode.split(", ").map((mode) => EFFECTS[mode] || `failmode=${mode}`).join("; ");

export const applicationState = (state) => APPLICATION_STATES[state] || ["warm", state];

export const isTroubled = (known) => known.failmode_active || known.state !== "healthy";

const rank = (known) => (known.failmode_active ? 2 : isTroubled(known) ? 1 : 0);

export function startApplications(changed) {
  pager = new Pager("applications", "applications", isWide() ? 6 : 3, changed);
}

/**
 * Show those of the directory that the page is about, else those that are searched for; `names` are of sections, and
 * `hosts` have the connections, which the applications of a host share.
 */
export function showApplications(applications, names, hosts) {
  const connections = new Map(hosts.map((host) => [host.api_host, connectionsOf(host)]));
  const sections = (known) => (known.sections || []).map((section) => names.get(section) || section);
  const text = (known) => `${known.application} ${(known.sections || []).join(" ")} ${sections(known).join(" ")} ${known.state}`.toLowerCase();
  const isWanted = (known) => (scope() ? (known.sections || []).includes(scope()) : matches(text(known)));
  const found = applications.filter(isWanted).sort((a, b) => rank(b) - rank(a));
  const counted = scope() ? found : applications;
  const nTroubled = counted.filter(isTroubled).length;
  setText(byId("applications-count"), `${count(counted.length)}${nTroubled ? `, ${count(nTroubled)} in trouble` : ", all healthy"}`);
  setClass(byId("applications-count"), `count ${nTroubled ? "bad" : ""}`.trim());
  if (!scope()) tellFound("applications", found.length);
  byId("applications-none").hidden = found.length > 0;
  match(byId("applications"), pager.window(found, scope() + words().join(" ")), (known) => known.application, makeCard, (node, known) => {
    updateCard(node, known, sections(known), connections.get(known.api_host) || "");
  });
}

const makeCard = () => element("li", {},
  element("div", { className: "head" }, element("h3", {}, element("code")), element("span", { className: "badge" })),
  element("p"), element("p"), element("p", { className: "quiet" }), element("p", { className: "quiet" }));

function updateCard(node, known, sections, connections) {
  const [mood, words] = applicationState(known.state);
  const [directories, whose, consequence, calls] = node.querySelectorAll("p");
  const badge = node.querySelector(".badge");
  setClass(node, known.failmode_active ? "bad" : mood === "good" ? "" : mood);
  setText(node.querySelector("code"), known.ikey);
  setClass(badge, `badge ${known.failmode_active ? "bad" : mood}`);
  setText(badge, known.failmode_active ? `FAIL MODE (${words})` : words);
  setText(directories, `Directories: ${listed(sections, 5) || "–"}`);
  setText(whose, `${known.api_host}, ${words} for ${span(known.state_for_s)}${known.hint ? `: ${known.hint}` : ""}`);
  setText(consequence, known.failmode_active ? `Now ${effect(known.failmode)}` : `In an outage, ${effect(known.failmode)}`);
  setClass(consequence, known.failmode_active ? "bad" : "quiet");
  setText(calls, numbers(known, connections));
}

function connectionsOf({ applications, connections }) {
  const sharing = applications > 1 ? ` (shared by ${count(applications)} applications)` : "";
  return `. Connections to its host${sharing}: ${connections.busy} busy, ${connections.idle} idle`;
}

function numbers(known, connections) {
  const calls = Object.entries(known.calls).filter(([, n]) => n).map(([name, n]) => `${name} ${count(n)}`).join(", ") || "none yet";
  const kinds = Object.entries(known.errors_by_kind).map(([name, n]) => `${name} ${count(n)}`).join(", ");
  const errors = known.errors ? `. Errors: ${kinds}` : "";
  return `Calls: ${calls}${errors}${connections}`;
}
