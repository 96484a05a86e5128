// Applications, sections, workers, reasons and discards: what the status says, updated in place.

import { byId, count, decimal, duration, element, match, sentences, setClass, setText, span } from "./nodes.js";

const APPLICATION_STATES = {
  healthy: ["good", "healthy"],
  suspect: ["warm", "suspect: calls fail"],
  down: ["bad", "down"],
  trial: ["warm", "on trial: Duo answers probes"],
  keys_refused: ["bad", "keys refused"],
  clock_skewed: ["warm", "clocks differ"],
};
const WORKER_STATES = { ready: "good", starting: "warm", draining: "warm", backoff: "bad", empty: "bad" };
const EFFECTS = {
  safe: "failmode=safe: users get in without a second factor",
  secure: "failmode=secure: nobody gets in",
};

export const effect = (failmode) => failmode.split(", ").map((mode) => EFFECTS[mode] || `failmode=${mode}`).join("; ");

export const applicationState = (state) => APPLICATION_STATES[state] || ["warm", state];

export function showApplications(applications, hosts) {
  const first = new Map([...applications].reverse().map((known) => [known.api_host, known.application]));
  const connections = new Map(hosts.map((host) => [first.get(host.api_host), connectionsOf(host)]));
  const make = () => element("li", {},
    element("div", { className: "head" }, element("h3", {}, element("code")), element("span", { className: "badge" })),
    element("p"), element("p", { className: "quiet" }), element("p", { className: "quiet" }));
  match(byId("applications"), applications, (known) => known.application, make, (node, known) => {
    const [mood, words] = applicationState(known.state);
    const [whose, consequence, calls] = node.querySelectorAll("p");
    const badge = node.querySelector(".badge");
    setClass(node, known.failmode_active ? "bad" : mood === "good" ? "" : mood);
    setText(node.querySelector("code"), known.ikey);
    setClass(badge, `badge ${known.failmode_active ? "bad" : mood}`);
    setText(badge, known.failmode_active ? `FAIL MODE (${words})` : words);
    setText(whose, `${known.api_host}, ${words} for ${span(known.state_for_s)}${known.hint ? `: ${known.hint}` : ""}`);
    setText(consequence, known.failmode_active ? `Now ${effect(known.failmode)}` : `In an outage, ${effect(known.failmode)}`);
    setClass(consequence, known.failmode_active ? "bad" : "quiet");
    setText(calls, applicationNumbers(known, connections.get(known.application) || ""));
  });
}

function connectionsOf({ api_host, applications, connections }) {
  const sharing = applications > 1 ? `, shared by ${applications} applications` : "";
  return `. Connections to ${api_host}${sharing}: ${connections.busy} busy, ${connections.idle} idle`;
}

function applicationNumbers(known, connections) {
  const calls = Object.entries(known.calls).filter(([, n]) => n).map(([name, n]) => `${name} ${count(n)}`).join(", ") || "none yet";
  const kinds = Object.entries(known.errors_by_kind).map(([name, n]) => `${name} ${count(n)}`).join(", ");
  const errors = known.errors ? `. Errors: ${kinds}` : "";
  return `Calls: ${calls}${errors}${connections}`;
}

const SERVER_COLUMNS = [
  ["Section", "", (server) => server.section],
  ["Listens on", "", (server) => server.listen.map((address) => `udp ${address}`).join(", ")],
  ["Requests", "number", (server) => count(server.requests)],
  ["Accepts", "number", (server) => count(server.accepts)],
  ["Rejects", "number", (server) => count(server.rejects)],
  ["Pending", "number", (server) => count(server.pending)],
  ["Repeated", "number", (server) => count(server.duplicates)],
  ["Joined", "number", (server) => count(server.coalesced)],
  ["Discarded", "number", (server) => count(sum(server.discards))],
  ["Median", "number", (server) => duration(server.accepts + server.rejects ? server.latency_ms.p50 / 1000 : null)],
  ["p99", "number", (server) => duration(server.accepts + server.rejects ? server.latency_ms.p99 / 1000 : null)],
  ["Advice", "wrap", (server) => server.advice],
];

export const showServers = (servers) => showTable(byId("servers"), servers, (server) => server.section, SERVER_COLUMNS);

const usage = new Map();

/** CPU since the last status, as a share of one core. */
function cpuShare(worker) {
  const before = usage.get(worker.pid);
  return before && worker.uptime_s > before.uptime_s ? (worker.cpu_s - before.cpu_s) / (worker.uptime_s - before.uptime_s) : 0;
}

const WORKER_COLUMNS = [
  ["Slot", "number", (worker) => String(worker.slot)],
  ["State", "", (worker) => worker.state, (worker) => WORKER_STATES[worker.state] || "warm"],
  ["Generation", "number", (worker) => String(worker.generation)],
  ["Process", "number", (worker) => (worker.pid ? String(worker.pid) : "–")],
  ["Up", "number", (worker) => span(worker.uptime_s)],
  ["Restarts", "number", (worker) => count(worker.restarts), (worker) => (worker.restarts ? "warm" : "")],
  ["CPU", "number", (worker) => `${Math.round(worker.cpu_share * 100)} %`],
  ["CPU time", "number", (worker) => `${decimal(worker.cpu_s)} s`],
  ["Memory", "number", (worker) => `${decimal(worker.rss_bytes / 1e6)} MB`],
  ["Requests", "number", (worker) => count(worker.requests)],
  ["Pending", "number", (worker) => count(worker.pending)],
  ["Worst lag", "number", (worker) => duration(worker.loop_lag_max_ms / 1000)],
  ["Lost", "number", (worker) => count(worker.overflowed + worker.unsent), (worker) => (worker.overflowed + worker.unsent ? "bad" : "")],
];

export function showWorkers(workers) {
  for (const worker of workers) worker.cpu_share = cpuShare(worker);
  showTable(byId("workers"), workers, (worker) => `${worker.generation}.${worker.slot}`, WORKER_COLUMNS);
  usage.clear();
  for (const worker of workers) usage.set(worker.pid, worker);
}

function showTable(table, items, keyOf, columns) {
  if (!table.tHead) {
    const heads = columns.map(([name, className]) => element("th", { scope: "col", className, textContent: name }));
    table.append(element("thead", {}, element("tr", {}, ...heads)), element("tbody"));
  }
  const make = () => element("tr", {}, ...columns.map(([, className]) => element("td", { className })));
  match(table.tBodies[0], items, keyOf, make, (row, item) => {
    columns.forEach(([, className, text, mood], n) => {
      setText(row.cells[n], text(item));
      if (mood) setClass(row.cells[n], `${className} ${mood(item)}`.trim());
    });
  });
}

export const showReasons = (servers, known) => showCounts("reasons", servers, known.reasons);

export const showDiscards = (servers, known) => showCounts("discards", servers, known.discards);

/** One entry for each word that was counted, the most frequent first, with what it means and what to do. */
function showCounts(what, servers, known) {
  const counts = new Map();
  for (const server of servers) {
    for (const [word, n] of Object.entries(server[what])) {
      if (n) counts.set(word, { n: (counts.get(word)?.n || 0) + n, sections: [...(counts.get(word)?.sections || []), server.section] });
    }
  }
  const items = [...counts].sort(([, a], [, b]) => b.n - a.n);
  byId(`${what}-none`).hidden = items.length > 0;
  const make = ([word]) => element("li", {}, element("code", { textContent: word }), element("b"),
    element("p", { className: "quiet" }), element("p", { className: "quiet" }));
  match(byId(what), items, ([word]) => word, make, (node, [word, { n, sections }]) => {
    const [meaning, where] = node.querySelectorAll("p");
    setText(node.querySelector("b"), count(n));
    setText(meaning, sentences(known[word]?.happened, known[word]?.remedy));
    setText(where, `${servers.length > 1 ? `At ${sections.join(", ")}. ` : ""}More: docs/troubleshooting.md#${word}`);
  });
}

const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
