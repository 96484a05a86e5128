// The status page: asks for what is new once a second, and changes only what has changed, so that focus and selections stay.
//
// Polling rather than a stream of events: each question is answered from memory in a millisecond, no connection stays open
// that somebody could hold, and a console that was replaced is found again by the next question.

import { alertsOf, showAlerts, showLost } from "./alerts.js";
import { showApplications, startApplications } from "./applications.js";
import { lastSample, showSamples, startCharts } from "./charts.js";
import { directoryTiles, onlyFound, readDirectories, showDirectories, showDirectory, startDirectories } from "./directories.js";
import { showFirstFactors, startFirstFactors } from "./firstfactors.js";
import { showFleet } from "./hosts.js";
import { forgetLogins, showLogins, startLogins, wantedLogins } from "./logins.js";
import { byId, count, decimal, duration, element, isWide, match, setText, span } from "./nodes.js";
import { linkTo, onScope, scope } from "./scope.js";
import { clearSearch, startSearch, words } from "./search.js";
import { showDiscards, showLastReload, showReasons, showWorkers } from "./tables.js";

const PERIOD_MS = 1000;

let cursor = "";
let explanations = { reasons: {}, discards: {} };
let latest = null; // the last answer
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
    cursor = news.cursor;
    latest = news;
    showSamples(news.samples, news.is_whole);
    show();
    await lookForLogins();
    nFailures = 0;
  } catch (error) {
    nFailures += 1;
    if (nFailures > 1) showLost(error);
  } finally {
    isLooking = false;
  }
}

async function lookForLogins() {
  const path = wantedLogins(latest.logins.last);
  if (path === null) return;
  try {
    showLogins(await ask(path), names());
  } catch (error) {
    forgetLogins();
    throw error;
  }
}

const names = () => new Map((latest.status?.servers || []).map((server) => [server.section, server.name || server.section]));

/** Show the last answer, for the directory and the words that are wanted. */
function show() {
  const { status, lately } = latest;
  byId("logout").hidden = !latest.asks_token;
  if (!status) return;
  setText(byId("host"), status.fleet?.hosts.find(({ self }) => self)?.name ?? "");
  setText(byId("service"), `version ${status.version}, generation ${status.generation}, up ${span(status.uptime_s)}`);
  const directories = readDirectories(status, lately);
  showAlerts(alertsOf(latest, directories));
  const directory = scope() ? showDirectory(directories) : null;
  showTiles(directory ? directoryTiles(directory, span(lately.span_s)) : scope() ? [] : gatewayTiles(status));
  if (!scope()) showDirectories(directories);
  showApplications(status.applications, names(), status.duo_hosts || []);
  showFirstFactors(status.clients || [], names());
  if (!scope()) showFleet(status.fleet);
  showWorkers(status.workers);
  showLastReload(status.last_reload);
  const servers = scope() ? status.servers.filter(({ section }) => section === scope()) : status.servers;
  showReasons(servers, explanations, lately, names());
  showDiscards(servers, explanations, names());
  const { pid, version, restarts, rss_bytes: size } = status.console;
  const code = version && version !== status.version ? ` of version ${version}` : "";
  setText(byId("console"), `This page comes from process ${pid}${code}, replaced ${count(restarts)} times, ${decimal(size / 1e6)} MB.`);
}

function gatewayTiles(status) {
  const now = lastSample() || {};
  const sum = (key) => status.servers.reduce((total, server) => total + server[key], 0);
  const rate = (now.accepted ?? 0) + (now.rejected ?? 0) + (now.failmode ?? 0);
  const nLost = status.logs.reduce((total, log) => total + log.lines_lost, 0);
  const ready = status.workers.filter((worker) => worker.state === "ready").length;
  return [
    ["Logins/s", decimal(rate), ""],
    ["Accepted", count(sum("accepts")), ""],
    ["Rejected", count(sum("rejects")), ""],
    ["Pending", count(sum("pending")), `of ${count(status.max_pending)}`],
    ["Median", duration(now.login_p50), ""],
    ["p99", duration(now.login_p99), ""],
    ["Workers", count(ready), `of ${status.workers.length} ready`],
    ...(nLost ? [["Log lines lost", count(nLost), ""]] : []),
  ];
}

function showTiles(tiles) {
  const make = ([name]) => element("div", {}, element("dt", { textContent: name }), element("dd", {}, element("span"), element("small")));
  match(byId("tiles"), tiles, ([name]) => name, make, (node, [, value, small]) => {
    setText(node.querySelector("span"), value);
    setText(node.querySelector("small"), small);
  });
}

/** Something else is wanted: show it now, and do not wait for the next answer. */
async function change() {
  if (!latest) return;
  show();
  await lookForLogins().catch(() => {});
}

/** Open the directory if the words find one only. */
function enter() {
  const section = onlyFound();
  if (!section || scope() || !words().length) return;
  clearSearch();
  location.hash = linkTo(section);
}

function foldReasons() {
  byId("reasons-box").open = Boolean(scope()) && isWide();
}

function openScope() {
  foldReasons();
  change();
  if (scope()) byId("directory-name").focus();
}

async function live() {
  await look();
  setTimeout(live, PERIOD_MS);
}

document.addEventListener("visibilitychange", look);
byId("charts-box").open = isWide();
foldReasons();
startCharts();
startDirectories(change);
startApplications(change);
startFirstFactors(change);
startLogins(change);
startSearch(change, enter);
onScope(openScope);
ask("/explanations.json").then((known) => { explanations = known; }).catch(() => {}).then(live);
