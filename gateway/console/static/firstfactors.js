// First factors: each host that is asked whether a password is right, those that are down first.

import { byId, count, counted, duration, element, isWide, listed, match, sentences, setClass, setText } from "./nodes.js";
import { Pager } from "./pager.js";
import { scope } from "./scope.js";
import { matches, words } from "./search.js";

const KINDS = { radius_client: "Home server", ad_client: "Domain controller" };
const STATES = { up: ["good", "answers"], down: ["bad", "down"], unasked: ["", "not asked yet"] };

let pager;

const isDown = (host) => host.state === "down";

export function startFirstFactors(changed) {
  pager = new Pager("first-factors", "hosts", isWide() ? 6 : 3, changed);
}

/** Show those of the directory that the page is about, else those that are searched for; `names` are of sections. */
export function showFirstFactors(clients, names) {
  const own = clients.filter((client) => !scope() || client.sections.includes(scope()));
  const hosts = own.flatMap((client) => client.hosts.map((host) => ({ ...host, client: client.section, kind: KINDS[client.kind] || "Host", directories: client.sections.map((section) => names.get(section) || section) })));
  const text = (host) => `${host.kind} ${host.client} ${host.host} ${host.directories.join(" ")} ${host.state} ${host.trouble}`.toLowerCase();
  const found = hosts.filter((host) => scope() || matches(text(host))).sort((a, b) => isDown(b) - isDown(a));
  const nDown = hosts.filter(isDown).length;
  byId("first-factors-box").hidden = byId("first-factors-heading").hidden = hosts.length === 0;
  setText(byId("first-factors-count"), `${counted(hosts.length, "host")}${nDown ? `, ${count(nDown)} down` : ""}`);
  setClass(byId("first-factors-count"), `count ${nDown ? "bad" : ""}`.trim());
  byId("first-factors-none").hidden = found.length > 0;
  match(byId("first-factors"), pager.window(found, scope() + words().join(" ")), (host) => `${host.client} ${host.host}`, makeCard, updateCard);
}

const makeCard = () => element("li", {},
  element("div", { className: "head" }, element("h3", {}, element("code")), element("span", { className: "badge" })),
  element("p"), element("p"), element("p", { className: "quiet" }));

function updateCard(node, host) {
  const [mood, state] = STATES[host.state] || ["warm", host.state];
  const [directories, hint, numbers] = node.querySelectorAll("p");
  const badge = node.querySelector(".badge");
  setClass(node, isDown(host) ? "bad" : "");
  setText(node.querySelector("code"), host.host);
  setClass(badge, `badge ${mood}`.trim());
  setText(badge, state);
  setText(directories, `${host.kind} of ${host.client}. Directories: ${listed(host.directories, 5) || "–"}`);
  setText(hint, sentences(host.hint));
  hint.hidden = !host.hint;
  setText(numbers, countsOf(host));
}

function countsOf({ outcomes, discards, questions, latency_ms: latency }) {
  const shown = (counts) => Object.entries(counts || {}).map(([word, n]) => `${word} ${count(n)}`).join(", ");
  const took = `. Answers took ${duration(latency.p50 / 1000)}, p99 ${duration(latency.p99 / 1000)}`;
  const doubted = shown(discards);
  return `Questions: ${shown(outcomes) || "none yet"}${questions ? took : ""}${doubted ? `. Replies not believed: ${doubted}` : ""}`;
}

/** One box: for first factors that nobody can be asked of, else for hosts in whose place others are asked. */
export function firstFactorAlerts(clients, directories) {
  const down = clients.filter(({ state }) => state === "down");
  const degraded = clients.filter(({ state }) => state === "degraded");
  if (!down.length && !degraded.length) return [];
  const hosts = listed(downOf(degraded).map(({ host }) => host));
  const names = listed(down.map(({ section }) => section));
  const title = down.length ? `First factor down: ${names}` : `Host down: ${hosts}`;
  const rejecting = directories.filter(({ hasNoFirstFactor }) => hasNoFirstFactor).map(({ name }) => name);
  const silent = listed(downOf(down).map(({ host }) => host));
  const gone = down.length ? `all logins of ${listed(rejecting) || "its directories"} are rejected, for no host answers (${silent})` : "";
  const also = degraded.length ? `${down.length ? `${hosts} is down, too: ` : ""}others of ${listed(degraded.map(({ section }) => section))} are asked` : "";
  const [{ hint }] = downOf([...down, ...degraded]); // the others have most often the same
  return [{ mood: down.length ? "bad" : "warm", key: "first factors", title, text: sentences(gone, hint, also) }];
}

const downOf = (clients) => clients.flatMap(({ hosts }) => hosts.filter(isDown));
