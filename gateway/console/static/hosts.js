// The hosts that act as one: how each is, whether logins are shared, and what is not as it should be.
//
// Users' names stay on their host: of another one there are numbers here, and its last logins on its own page alone.

import { applicationState } from "./applications.js";
import { byId, count, duration, element, listed, match, sentences, setClass, setText, span, sum } from "./nodes.js";

const STATES = {
  ready: ["good", "ready"],
  leaving: ["warm", "leaving"],
  arriving: ["warm", "arriving"],
  not_serving: ["bad", "serves nobody"],
  silent: ["bad", "silent"],
  unknown: ["warm", "not heard of"],
};

const stateOf = (host) => STATES[host.state] || ["warm", host.state];
const named = (counts) => Object.entries(counts).filter(([, n]) => n).sort(([, a], [, b]) => b - a)
  .map(([name, n]) => `${name} ${count(n)}`).join(", ");

export function showFleet(fleet) {
  byId("fleet").hidden = !fleet;
  if (!fleet) return;
  const nReady = fleet.hosts.filter(({ state }) => state === "ready").length;
  setText(byId("hosts-count"), `${nReady} of ${fleet.hosts.length} ready`);
  const [mood, sharing] = sharingOf(fleet);
  setClass(byId("sharing"), `badge ${mood}`);
  setText(byId("sharing"), sharing);
  showHosts(fleet.hosts);
  const { p50, p99 } = fleet.engine_ms;
  const waited = sum(fleet.claims) ? `A claim takes ${duration(p50 / 1000)} (median), ${duration(p99 / 1000)} (p99)` : "";
  setText(byId("claims"), sentences(`Claims of this host: ${named(fleet.claims) || "none yet"}`, waited,
    "The last logins of another host are shown only on that host"));
}

function sharingOf(fleet) {
  if (fleet.workers_alone) return ["bad", "Logins are not shared by all workers"];
  if (!fleet.up) return ["bad", "Logins are not shared"];
  if (!fleet.strangers) return ["good", "Logins are shared"];
  return ["warm", fleet.hosts.length === 1 ? "Logins are shared with nobody" : "Logins are not shared with all"];
}

function showHosts(hosts) {
  const make = () => element("li", {},
    element("div", { className: "head" }, element("h3"), element("span", { className: "badge" })),
    element("p"), element("p", { className: "quiet" }), element("p", { className: "quiet" }), element("p", { className: "warm" }));
  match(byId("hosts"), hosts, (host) => host.instance, make, (node, host) => {
    const [mood, words] = stateOf(host);
    const [now, duo, reasons, differs] = node.querySelectorAll("p");
    const badge = node.querySelector(".badge");
    setClass(node, mood === "good" ? "" : mood);
    setText(node.querySelector("h3"), host.self ? `${host.name} (this host)` : host.name);
    setClass(badge, `badge ${mood}`);
    setText(badge, host.state === "silent" ? `silent for ${span(host.silent_s)}` : words);
    setText(now, host.version ? numbers(host) : "It has not told of itself yet.");
    setClass(duo, host.applications.every(({ state }) => state === "healthy") ? "quiet" : "warm");
    setText(duo, `Duo: ${host.applications.map(({ key, state }) => `${key} ${applicationState(state)[1]}`).join(", ") || "–"}`);
    setText(reasons, `Logins: ${named(host.reasons) || "none yet"}`);
    differs.hidden = !host.differs.length;
    setText(differs, `Other settings: ${host.differs.join(", ")}`);
  });
}

function numbers(host) {
  const before = host.state === "silent" || host.state === "unknown" ? "Before: v" : "V";
  return `${before}ersion ${host.version}, up ${span(host.uptime_s)}. ${host.n_ready} of ${host.n_workers} workers ready, ${count(host.pending)} pending.`;
}

/** What needs somebody, as the alerts of the page; nothing in it changes from second to second. */
export function fleetAlerts(fleet, directories) {
  if (!fleet) return [];
  const [own, ...others] = fleet.hosts;
  return [...isolation(fleet, directories), ...ofThisHost(fleet), ...others.flatMap(ofOther), ...otherVersions(own, others)];
}

function isolation(fleet, directories) {
  return fleet.isolated.map((name) => {
    const silent = directories.filter(({ application }) => application && application.application === name);
    const where = silent.length ? `nobody is answered at ${listed(silent.map((each) => each.name))}` : "it answers nobody there";
    const text = `Another host reaches Duo and this one does not, so ${where}: RADIUS clients turn to the other one.`;
    return { mood: "bad", key: `isolated ${name}`, title: `This host is silent: ${name}`, text };
  });
}

function ofThisHost(fleet) {
  const alerts = [];
  if (fleet.leaving) alerts.push({ mood: "warm", key: "leaving", title: "This host leaves", text: "It finishes what is pending, and takes no more logins." });
  if (!fleet.up) {
    const who = fleet.workers_alone ? "Some workers of this host decide" : "This host decides";
    const text = sentences(fleet.detail, `${who} alone, and a login that is asked at two hosts is pushed twice`);
    alerts.push({ mood: "warm", key: "sharing", title: "Logins are not shared with other hosts", text });
  }
  if (fleet.strangers) {
    const [who, them] = fleet.strangers > 1 ? [`${fleet.strangers} hosts use`, "they belong to this fleet, give them"] : ["One host uses", "it belongs to this fleet, give it"];
    const text = `${who} this store with another key, so nothing is shared. If ${them} the same fleet_key_file; if not, another store. See docs/fleet.md.`;
    alerts.push({ mood: "warm", key: "strangers", title: "A host with another fleet key writes to the store", text });
  }
  for (const name of fleet.same_names || []) {
    alerts.push({ mood: "warm", key: `name ${name}`, title: `Two hosts beat as ${name}`, text: "Give each its own name= in [fleet]." });
  }
  return alerts;
}

function ofOther(host) {
  const alerts = [];
  if (host.state === "silent") alerts.push({ mood: "warm", key: `silent ${host.instance}`, title: `Host ${host.name} is silent`, text: "It does not beat any more, and has not said that it leaves." });
  if (host.state === "not_serving") alerts.push({ mood: "warm", key: `idle ${host.instance}`, title: `Host ${host.name} serves nobody`, text: "No worker of it is ready." });
  if (host.other_first_key) {
    const text = "A login that is asked at both is pushed twice. Finish step 2 of the change of the fleet key, see docs/fleet.md.";
    alerts.push({ mood: "warm", key: `key ${host.instance}`, title: `Host ${host.name} has another first fleet key`, text });
  }
  if (host.differs.length) {
    alerts.push({ mood: "warm", key: `differs ${host.instance}`, title: `Host ${host.name} has other settings`, text: `Logins may end differently there: ${host.differs.join(", ")}.` });
  }
  return alerts;
}

function otherVersions(own, others) {
  const differing = others.filter((host) => host.version && host.version !== own.version);
  if (!differing.length) return [];
  const text = `${differing.map((host) => `${host.name} runs ${host.version}`).join(", ")}, this host ${own.version}.`;
  return [{ mood: "warm", key: "versions", title: "The hosts run different versions", text }];
}
