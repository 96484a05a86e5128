// What needs somebody, in one box for each kind, however many applications or directories are concerned. Nothing in it
// changes from second to second, for screen readers read it out.

import { applicationState, effect, isTroubled } from "./applications.js";
import { firstFactorAlerts } from "./firstfactors.js";
import { fleetAlerts } from "./hosts.js";
import { byId, count, counted, element, isWide, listed, match, sentences, setClass, setText } from "./nodes.js";

const STALE_AFTER_S = 5;
const UNSERVED_AFTER_S = 3;

/** The alerts: the page's own first, then Duo, then the workers. */
export function alertsOf(news, directories) {
  const { status } = news;
  const isolated = new Set(status.fleet?.isolated); // of these the host is silent, which is told below
  const own = status.applications.filter((known) => !isolated.has(known.application));
  return [
    ...staleness(news.age_s), ...failModes(own, directories), ...firstFactorAlerts(status.clients || [], directories),
    ...unreadyWorkers(status), ...fleetAlerts(status.fleet, directories),
    ...rejecting(directories), ...refusedReload(status), ...lostLogs(status), ...fullness(status),
  ];
}

function staleness(ageS) {
  if (ageS < STALE_AFTER_S) return [];
  return [{ mood: "bad", key: "stale", title: "The gateway does not answer the console", text: "What you see is old." }];
}

function failModes(applications, directories) {
  const groups = new Map();
  for (const known of applications.filter(isTroubled)) {
    const key = `${known.failmode_active} ${known.state}`;
    groups.set(key, [...(groups.get(key) || []), known]);
  }
  return [...groups].map(([key, group]) => failMode(key, group, applications.length, directories))
    .sort((a, b) => b.isFailMode - a.isFailMode);
}

function failMode(key, group, nAll, directories) {
  const [{ failmode_active: isFailMode, state, ikey }] = group;
  const [mood, words] = applicationState(state);
  const names = directories.filter(({ application }) => group.includes(application)).map(({ name }) => name);
  const where = names.length ? `${names.length === 1 ? "directory" : "directories"} ${listed(names)}` : "";
  const many = isFailMode ? `in fail mode (${words})` : words;
  const one = isFailMode ? `FAIL MODE of ${ikey}: ${words}` : `${ikey} is ${words}`;
  const title = nAll === 1 ? one : `${count(group.length)} of ${counted(nAll, "application")} ${many}${where ? `: ${where}` : ""}`;
  const effects = [...new Set(group.map((known) => effect(known.failmode)))].join("; ");
  const text = sentences(isFailMode ? `now ${effects}` : "", nAll === 1 && where, commonest(group.map((known) => known.hint)));
  return { mood: isFailMode ? "bad" : mood, key, title, text, isFailMode };
}

/** The text that most have, and that others have another one. */
function commonest(texts) {
  const counts = new Map();
  for (const text of texts.filter(Boolean)) counts.set(text, (counts.get(text) || 0) + 1);
  const [[text] = [""]] = [...counts].sort(([, a], [, b]) => b - a);
  return counts.size > 1 ? `most say: ${text}` : text;
}

function rejecting(directories) {
  const names = directories.filter((each) => each.isRejecting).map(({ name }) => name).sort();
  if (!names.length) return [];
  const title = `${names.length === 1 ? "Directory" : `${count(names.length)} directories:`} ${listed(names)} ${names.length === 1 ? "rejects" : "reject"} most logins`;
  return [{ mood: "warm", key: "rejecting", title, text: "Of the last 5 minutes. Open the directory to see whose, and why." }];
}

function unreadyWorkers(status) {
  const workers = status.workers.filter((worker) => worker.generation === status.generation);
  const isUnserved = (worker) => worker.unserved_s > UNSERVED_AFTER_S;
  const condition = (worker) => (worker.state === "ready" ? "hangs" : worker.state);
  const unready = workers.filter((worker) => worker.state !== "ready" || isUnserved(worker));
  if (!unready.length) return [];
  const which = unready.map((worker) => `worker ${worker.slot} (${condition(worker)})`).join(", ");
  const none = unready.length === workers.length;
  if (!none && !unready.some(isUnserved)) return [{ mood: "warm", key: "workers", title: "Not every worker serves", text: which }];
  const title = none ? "No worker serves" : `Nobody serves slot ${unready.filter(isUnserved).map((worker) => worker.slot).join(", ")}`;
  const text = unready.some(isUnserved) ? `${which}. These users get no answer; authproxy.log says why.` : which;
  return [{ mood: "bad", key: "workers", title, text }];
}

function refusedReload(status) {
  const last = status.last_reload;
  if (!last || last.ok) return [];
  const title = `The last reload was refused; generation ${status.generation} goes on serving`;
  const more = last.problems.length > 3 ? [`and ${count(last.problems.length - 3)} more: radgate check`] : [];
  return [{ mood: "warm", key: "reload", title, text: [...last.problems.slice(0, 3), ...more].join("; ") }];
}

function lostLogs(status) {
  return status.logs.filter((log) => log.trouble).map((log) => ({
    mood: "warm", key: `log ${log.log}`, title: `Log lost: ${log.log}`, text: `${log.trouble}. Logins do not depend on it.`,
  }));
}

function fullness({ servers, max_pending: maxPending }) {
  const pending = servers.reduce((n, server) => n + server.pending, 0);
  if (pending < 0.8 * maxPending) return [];
  const text = "Beyond max_pending new logins are discarded.";
  return [{ mood: "warm", key: "pending", title: `${count(pending)} of ${count(maxPending)} logins are pending`, text }];
}

/** Show the worst, and the titles of the others, which can be unfolded. */
export function showAlerts(alerts) {
  const sorted = [...alerts].sort((a, b) => (b.mood === "bad") - (a.mood === "bad"));
  const nShown = isWide() ? 2 : 1;
  const others = sorted.slice(nShown);
  const [summary, folded] = byId("more-alerts").children;
  showBoxes(byId("alerts"), sorted.slice(0, nShown));
  showBoxes(folded, others);
  byId("more-alerts").hidden = others.length === 0;
  setText(summary, `${others.length} more: ${others.map(({ title }) => title).join("; ")}`);
  const [worst] = sorted;
  const state = alerts.some((each) => each.isFailMode) ? "Fail mode" : "Needs attention";
  setClass(byId("state"), `badge ${worst ? worst.mood : "good"}`);
  setText(byId("state"), worst ? state : "All is well");
  const name = `radgate ${byId("host").textContent}`.trim(); // each host of a fleet has a page
  document.title = worst ? `! ${name}: ${worst.title}` : name;
}

function showBoxes(parent, alerts) {
  const make = () => element("div", {}, element("strong"), element("p"));
  match(parent, alerts, (each) => each.key, make, (node, { mood, title, text }) => {
    setClass(node, `alert ${mood}`);
    setText(node.firstChild, title);
    setText(node.lastChild, text);
  });
}

/** The console cannot be asked. */
export function showLost(error) {
  showAlerts([{ mood: "bad", key: "lost", title: "The console does not answer; what you see is old", text: `${error.message}. Logins do not depend on it.` }]);
  setText(byId("state"), "No answer");
}
