// Small helpers around the document: everything that comes from the network is text, never markup.

export const byId = (id) => document.getElementById(id);

/** Make an element; `label` is its accessible name, `data` its data-* attributes. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { label, data, role, ...others } = properties;
  if (label) made.setAttribute("aria-label", label);
  if (role) made.setAttribute("role", role);
  Object.assign(made.dataset, data);
  Object.assign(made, others);
  made.append(...children);
  return made;
}

/** Change the text only if it is another one, so that nothing is announced or selected anew. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

/** Make the children of `parent` match `items`: one node for each key, made once, updated in place, in this order. */
export function match(parent, items, keyOf, make, update) {
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

/** Texts, empty ones left out, as sentences. */
export function sentences(...texts) {
  const begin = (text) => text[0].toUpperCase() + text.slice(1);
  return texts.filter(Boolean).map((text) => begin(text) + (/[.!?…]['"]?$/.test(text) ? "" : ".")).join(" ");
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export const count = (value) => whole.format(value);
export const decimal = (value) => (value >= 100 ? whole : tenths).format(value);

/** A duration in seconds, in the unit that fits: 0.8 ms, 250 ms, 4.2 s; `–` for none. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  return seconds < 0.9995 ? `${decimal(seconds * 1000)} ms` : `${decimal(seconds)} s`;
}

/** How long something has lasted: 42 s, 5 min, 3 h 12 min, 2 d 4 h. */
export function span(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (hours < 1) return `${minutes} min`;
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The first names of many: `tokyo, osaka, sapporo and 47 more`. */
export function listed(names, nShown = 3) {
  if (names.length <= nShown + 1) return names.join(", ");
  return `${names.slice(0, nShown).join(", ")} and ${count(names.length - nShown)} more`;
}

export const counted = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);

export const isWide = () => matchMedia("(min-width: 54.01rem)").matches;
