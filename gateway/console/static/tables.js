// Workers, reasons and discards: what the status says, updated in place.

import { byId, count, decimal, duration, element, listed, match, sentences, setClass, setText, span } from "./nodes.js";

const WORKER_STATES = { ready: "good", starting: "warm", draining: "warm", backoff: "bad", empty: "warm" };

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
  setText(byId("workers-count"), `${workers.filter(({ state }) => state === "ready").length} of ${workers.length} ready`);
  showTable(byId("workers"), workers, (worker) => `${worker.generation}.${worker.slot}`, WORKER_COLUMNS);
  usage.clear();
  for (const worker of workers) usage.set(worker.pid, worker);
}

/** What the last reload changed, or would have; a supervisor of older code does not tell. */
export function showLastReload(last) {
  byId("last-reload").hidden = !last;
  if (!last) return;
  const what = last.changes ? `: ${last.changes.summary}` : "";
  setText(byId("last-reload"), `Last reload ${span(last.age_s)} ago${last.ok ? "" : ", refused"}${what}`);
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

/** Why logins ended; `lately` has the reasons of the last minutes by section. */
export function showReasons(servers, known, lately, nameOf) {
  const recent = {};
  for (const { section } of servers) {
    for (const [word, n] of Object.entries(lately.sections[section]?.reasons || {})) recent[word] = (recent[word] || 0) + n;
  }
  showCounts("reasons", servers, known.reasons, nameOf, (word) => (recent[word] ? `${count(recent[word])} in the last 5 min. ` : ""));
}

export const showDiscards = (servers, known, nameOf) => showCounts("discards", servers, known.discards, nameOf, () => "");

/** One entry for each word that was counted, the most frequent first, with what it means and what to do. */
function showCounts(what, servers, known, nameOf, lately) {
  const counts = new Map();
  for (const server of servers) {
    for (const [word, n] of Object.entries(server[what])) {
      if (n) counts.set(word, { n: (counts.get(word)?.n || 0) + n, names: [...(counts.get(word)?.names || []), nameOf.get(server.section)] });
    }
  }
  const items = [...counts].sort(([, a], [, b]) => b.n - a.n);
  byId(`${what}-none`).hidden = items.length > 0;
  setText(byId(`${what}-count`), listed(items.map(([word, { n }]) => `${word} ${count(n)}`), 2) || "none");
  const make = ([word]) => element("li", {}, element("code", { textContent: word }), element("b"),
    element("p", { className: "quiet" }), element("p", { className: "quiet" }));
  match(byId(what), items, ([word]) => word, make, (node, [word, { n, names }]) => {
    const [meaning, where] = node.querySelectorAll("p");
    setText(node.querySelector("b"), count(n));
    setText(meaning, sentences(known[word]?.happened, known[word]?.remedy));
    setText(where, `${lately(word)}${servers.length > 1 ? `At ${listed(names)}. ` : ""}More: radgate explain ${word}`);
  });
}
