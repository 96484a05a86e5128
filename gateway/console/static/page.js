// The status page: asks for what is new once a second, and changes only what has changed, so that focus and selections stay.
//
// Polling rather than a stream of events: each question is answered from memory in a millisecond, no connection stays open
// that somebody could hold, and a console that was replaced is found again by the next question.

import { lastSample, showSamples, startCharts } from "./charts.js";
import { fleetAlerts, showFleet } from "./hosts.js";
import { showLogins, startLogins } from "./logins.js";
import { byId, count, decimal, duration, element, match, sentences, setClass, setText, span } from "./nodes.js";
import { applicationState, effect, showApplications, showDiscards, showReasons, showServers, showWorkers } from "./tables.js";

const PERIOD_MS = 1000;
const STALE_AFTER_S = 5;
const UNSERVED_AFTER_S = 3;

let cursor = "";
let explanations = { reasons: {}, discards: {} };
let nFailures = 0;
let isLooking = false;

async function ask(path) {
  const response = await fetch(path);
  if (response.status === 401) {
    location.assign("/login");
    throw new Error("A token is wanted");
  }
  if (!response.ok) throw new Error(`The console answers with HTTP ${response.status}`);
  return response.json();
}

async function look() {
  if (document.hidden || isLooking) return;
  isLooking = true;
  try {
    const news = await ask(`/live.json?after=${cursor}`);
    nFailures = 0;
    show(news);
    cursor = news.cursor;
  } catch (error) {
    nFailures += 1;
    if (nFailures > 1) showLost(error);
  } finally {
    isLooking = false;
  }
}

function show(news) {
  const { status } = news;
  showSamples(news.samples, news.is_whole);
  showLogins(news.logins, news.is_whole);
  byId("logout").hidden = !news.asks_token;
  if (!status) return;
  const pending = status.servers.reduce((sum, server) => sum + server.pending, 0);
  setText(byId("service"), `version ${status.version}, generation ${status.generation}, up ${span(status.uptime_s)}`);
  const alerts = [...staleness(news.age_s), ...failModes(status), ...unreadyWorkers(status), ...fleetAlerts(status.fleet), ...refusedReload(status), ...lostLogs(status), ...fullness(pending, status.max_pending)];
  showAlerts(alerts);
  showState(alerts);
  showTiles(status, pending);
  showApplications(status.applications, status.duo_hosts || []);
  showFleet(status.fleet);
  showServers(status.servers);
  showWorkers(status.workers);
  showReasons(status.servers, explanations);
  showDiscards(status.servers, explanations);
  const { pid, restarts, rss_bytes: size } = status.console;
  setText(byId("console"), `This page comes from process ${pid}, replaced ${count(restarts)} times, ${decimal(size / 1e6)} MB.`);
}

// What needs somebody: first the page's own, then Duo, then the workers. Nothing in it changes from second to second, for
// screen readers read it out.

function staleness(ageS) {
  if (ageS < STALE_AFTER_S) return [];
  return [{ mood: "bad", key: "stale", title: "The gateway does not answer the console", text: "What you see is old." }];
}

function failModes(status) {
  return status.applications.filter((known) => known.failmode_active || known.state !== "healthy").map((known) => {
    const [mood, words] = applicationState(known.state);
    const title = known.failmode_active ? `FAIL MODE of ${known.ikey}: ${words}` : `${known.ikey} is ${words}`;
    const consequence = known.failmode_active ? `now ${effect(known.failmode)}` : "";
    return { mood: known.failmode_active ? "bad" : mood, key: known.application, title, text: sentences(consequence, known.hint) };
  });
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
  return [{ mood: "warm", key: "reload", title, text: last.problems.join("; ") }];
}

function lostLogs(status) {
  return status.logs.filter((log) => log.trouble).map((log) => ({
    mood: "warm", key: `log ${log.log}`, title: `Log lost: ${log.log}`, text: `${log.trouble}. Logins do not depend on it.`,
  }));
}

function fullness(pending, maxPending) {
  if (pending < 0.8 * maxPending) return [];
  const text = "Beyond max_pending new logins are discarded.";
  return [{ mood: "warm", key: "pending", title: `${count(pending)} of ${count(maxPending)} logins are pending`, text }];
}

function showAlerts(alerts) {
  const make = () => element("div", {}, element("strong"), element("p"));
  match(byId("alerts"), alerts, (each) => each.key, make, (node, { mood, title, text }) => {
    setClass(node, `alert ${mood}`);
    setText(node.firstChild, title);
    setText(node.lastChild, text);
  });
}

function showState(alerts) {
  const worst = alerts.find((each) => each.mood === "bad") || alerts[0];
  const isFailMode = alerts.some((each) => each.title.startsWith("FAIL MODE"));
  setClass(byId("state"), `badge ${worst ? worst.mood : "good"}`);
  setText(byId("state"), isFailMode ? "Fail mode" : worst ? "Needs attention" : "All is well");
  document.title = worst ? `! radgate: ${worst.title}` : "radgate";
}

function showLost(error) {
  setClass(byId("state"), "badge bad");
  setText(byId("state"), "No answer");
  showAlerts([{ mood: "bad", key: "lost", title: "The console does not answer; what you see is old", text: `${error.message}. Logins do not depend on it.` }]);
}

function showTiles(status, pending) {
  const now = lastSample() || {};
  const sum = (key) => status.servers.reduce((total, server) => total + server[key], 0);
  const rate = (now.accepted ?? 0) + (now.rejected ?? 0) + (now.failmode ?? 0);
  const ready = status.workers.filter((worker) => worker.state === "ready").length;
  const tiles = [
    ["Logins a second", decimal(rate), ""],
    ["Accepted", count(sum("accepts")), ""],
    ["Rejected", count(sum("rejects")), ""],
    ["Pending", count(pending), `of ${count(status.max_pending)}`],
    ["Median", duration(now.login_p50), ""],
    ["p99", duration(now.login_p99), ""],
    ["Workers ready", count(ready), `of ${status.workers.length}`],
    ...status.logs.filter((log) => log.lines_lost).map((log) => ["Log lines lost", count(log.lines_lost), log.log]),
  ];
  const make = ([name]) => element("div", {}, element("dt", { textContent: name }), element("dd", {}, element("span"), element("small")));
  match(byId("tiles"), tiles, ([name]) => name, make, (node, [, value, small]) => {
    setText(node.querySelector("span"), value);
    setText(node.querySelector("small"), small);
  });
}

async function live() {
  await look();
  setTimeout(live, PERIOD_MS);
}

document.addEventListener("visibilitychange", look);
startCharts();
ask("/explanations.json").then((known) => { explanations = known; }).catch(() => {}).then(() => {
  startLogins();
  return live();
});
