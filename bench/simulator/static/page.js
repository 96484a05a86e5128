// The control page: asks for /api/state once a second and changes only what has changed, so that focus and selections stay.
"use strict";

const PERIOD_MS = 1000;
const KIND_NAMES = {
  refuse: "Refuse connections",
  black_hole: "Black hole",
  slow: "Slow",
  trickle: "In slow pieces",
  status_500: "HTTP 500",
  rate_limit: "HTTP 429",
  captive_portal: "Captive portal",
  drop: "Drop unanswered",
  broken_json: "Broken JSON",
  reset: "Reset mid-answer",
  close_after: "Close after answer",
  close_idle: "Cut when idle",
  chunked: "Chunked answers",
  clock_skew: "Clock off by an hour",
};
const DELAYED = ["slow", "trickle", "close_idle"];
const DOOR_TEXTS = {
  serving: "Answering",
  refusing: "Refusing connections",
  holding: "Black hole",
  faulty: "Answering, with faults",
  closed: "Stopped",
  away: "Simulator is gone",
};
const DECIDED = { approve: "approved", deny: "denied", fraud: "reported as fraud" };
const OUTCOME_CLASSES = { allow: "good", bypass: "good", auth: "good", ok: "good", deny: "bad", fraud: "bad", timeout: "bad", locked_out: "bad",
  enroll: "bad", pushed: "warm", calling: "warm", answered: "warm", sent: "warm" };

const byId = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { label, ...others } = properties;
  if (label) made.setAttribute("aria-label", label);
  Object.assign(made, others);
  made.append(...children);
  return made;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Makes the children of `parent` match `items`: one node per key, made once, updated in place, in the order given.
function match(parent, items, keyOf, make, update) {
  const kept = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let node = kept.get(key);
    kept.delete(key);
    if (!node) {
      node = make(item);
      node.dataset.key = key;
    }
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
    update(node, item);
  }
  for (const node of kept.values()) node.remove();
}

function showProblem(text) {
  byId("problem").hidden = !text;
  setText(byId("problem"), text);
}

async function ask(path, body) {
  const options = body === undefined ? {} :
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const content = await response.json();
  if (!response.ok) throw new Error(content.error || `HTTP ${response.status}`);
  return content;
}

async function change(path, body, said) {
  try {
    await ask(path, body);
    showProblem("");
    if (said) setText(byId("announcement"), said);
  } catch (error) {
    showProblem(error.message);
  }
  await refresh();
}

function makePending(item) {
  const what = item.factor === "push" ? "push" : "phone call";
  setText(byId("announcement"), `${item.username} waits: ${what}`);
  const button = (decision, name, className) => element("button", {
    type: "button", className, textContent: name, label: `${name}: ${what} of ${item.username}`,
    onclick: () => change(`/api/pending/${encodeURIComponent(item.txid)}`, { decision }, `${item.username}: ${DECIDED[decision]}`),
  });
  return element("li", {},
    element("div", { className: "who" },
      element("span", {}, element("b", { textContent: item.username }), ` ${what}${item.device_name ? ` to ${item.device_name}` : ""}`),
      element("span", { className: "left" })),
    element("div", { className: "buttons" },
      button("approve", "Approve", "yes"), button("deny", "Deny", "no"), button("fraud", "Fraud", "no")));
}

function showPending(state) {
  setText(byId("pending-count"), String(state.n_pending));
  byId("pending-none").hidden = state.n_pending > 0;
  match(byId("pending"), state.pending, (item) => item.txid, makePending, (node, item) => {
    setText(node.querySelector(".left"), `${item.status}, ${Math.max(0, Math.ceil(item.left_s))} s left`);
  });
}

function describeFault(fault) {
  const parts = [KIND_NAMES[fault.kind] || fault.kind];
  if (fault.endpoint !== "*") parts.push(`on ${fault.endpoint}`);
  if (fault.user) parts.push(`for *${fault.user}*`);
  if (fault.kind === "clock_skew") parts.push(`${fault.skew_s} s`);
  if (DELAYED.includes(fault.kind)) parts.push(`${fault.delay_s} s`);
  if (fault.calls_left !== null) parts.push(`${fault.calls_left} more`);
  if (fault.left_s !== null) parts.push(`${Math.ceil(fault.left_s)} s left`);
  return parts.join(" · ");
}

function showFaults(state) {
  byId("faults-none").hidden = state.faults.length > 0;
  match(byId("faults"), state.faults, (item) => `${item.kind} ${item.endpoint} ${item.user}`, () => element("li"),
    (node, item) => setText(node, describeFault(item)));
  match(byId("fault-kinds"), state.choices.fault_kinds, (kind) => kind,
    (kind) => element("button", { type: "button", textContent: KIND_NAMES[kind] || kind, onclick: () => addFault(kind) }), () => {});
}

function addFault(kind) {
  if (kind === "refuse") return change("/api/faults", { kind }); // strikes connects, which name no endpoint and are not counted
  const fault = { kind, endpoint: byId("fault-endpoint").value, delay_s: Number(byId("fault-delay").value) || 0 };
  const calls = Number(byId("fault-calls").value);
  if (calls > 0) fault.calls = calls;
  return change("/api/faults", fault);
}

function chooser(className, label, choices) {
  return element("select", { className: `small ${className}`, label },
    ...choices.map((choice) => element("option", { value: choice, textContent: choice.replaceAll("_", " ") })));
}

function showUsers(state) {
  const make = (user) => {
    const status = chooser("status", `Status of ${user.username}`, state.choices.statuses);
    const answer = chooser("answer", `How ${user.username} answers a push`, state.choices.answers);
    const row = element("tr", {}, element("td", {}, element("b", { textContent: user.username })), element("td", {}, status),
      element("td", {}, answer), element("td", { className: "code" }), element("td"), element("td", { className: "number" }),
      element("td", { className: "number" }));
    const put = (field, value) => change("/api/users", { ...row.person, [field]: value }, `${user.username}: ${value.replaceAll("_", " ")}`);
    status.onchange = () => put("status", status.value);
    answer.onchange = () => put("answer", answer.value);
    return row;
  };
  const update = (row, user) => {
    const { status_now: statusNow, failures: _failures, pushes, phone_calls: phoneCalls, ...person } = user;
    row.person = person;
    const [status, answer] = row.querySelectorAll("select");
    if (document.activeElement !== status) status.value = statusNow;
    if (document.activeElement !== answer) answer.value = user.answer;
    const passcodes = user.passcodes.concat(user.bypass_codes.map((code) => `${code} (once)`)).join(" ");
    setText(row.cells[3], passcodes + (passcodes && !user.passcodes_allowed ? " (forbidden)" : ""));
    setText(row.cells[4], user.devices.map((device) => device.number || device.type).join(", ") || "none");
    setText(row.cells[5], String(pushes));
    setText(row.cells[6], String(phoneCalls));
  };
  setText(byId("users-count"), String(state.n_users));
  match(byId("users"), state.users, (user) => user.username, make, update);
}

function showCalls(state) {
  setText(byId("calls-count"), String(state.n_calls));
  const seen = new Map(); // two calls may share an instant: number them from the oldest
  const calls = state.calls.toReversed().map((call) => {
    const base = `${call.at} ${call.path} ${call.username}`;
    seen.set(base, (seen.get(base) || 0) + 1);
    return { ...call, key: `${base} ${seen.get(base)}` };
  }).toReversed();
  const make = (call) => element("tr", {},
    element("td", { textContent: new Date(call.at * 1000).toLocaleTimeString() }),
    element("td", { className: "code", textContent: call.path }),
    element("td", { textContent: call.username }), element("td", { textContent: call.factor }), element("td"),
    element("td", { textContent: call.ipaddr }), element("td", { className: "code" }));
  const update = (row, call) => {
    setText(row.cells[4], (call.outcome || "waiting…").replaceAll("_", " "));
    row.cells[4].className = OUTCOME_CLASSES[call.outcome] || (/^[45]|hole|dropped|portal/.test(call.outcome) ? "bad" : "");
    setText(row.cells[6], call.txid.slice(0, 8));
    row.cells[6].title = call.txid;
  };
  match(byId("calls"), calls, (call) => call.key, make, update);
}

function showService(state) {
  const { api_host: host, connections, polls, applications } = state.service;
  setText(byId("service"), `${host} · ${applications.map((each) => `${each.ikey} (${each.kind})`).join(", ")} · ` +
    `${connections} ${connections === 1 ? "connection" : "connections"}, ${polls} waiting`);
  showDoor(state.service.door === "serving" && state.faults.length ? "faulty" : state.service.door);
}

function showDoor(door) {
  byId("door").dataset.door = door;
  setText(byId("door"), DOOR_TEXTS[door] || door);
}

async function refresh() {
  try {
    const state = await ask("/api/state");
    showService(state);
    showPending(state);
    showFaults(state);
    showUsers(state);
    showCalls(state);
  } catch (error) {
    showDoor("away");
    console.error(error);
  }
}

async function keepFresh() {
  await refresh();
  setTimeout(keepFresh, document.hidden ? 5 * PERIOD_MS : PERIOD_MS);
}

byId("clear-faults").onclick = () => change("/api/faults/clear", {});
byId("reset").onclick = () => change("/api/reset", {}, "Everything is as at the start.");
keepFresh();
