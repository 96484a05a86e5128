// Which directory the page is about, as the address says it: `#/server/SECTION`, or none for all of them.

const PREFIX = "#/server/";

export const linkTo = (section) => PREFIX + encodeURIComponent(section);

export function scope() {
  if (!location.hash.startsWith(PREFIX)) return "";
  try {
    return decodeURIComponent(location.hash.slice(PREFIX.length));
  } catch {
    return "";
  }
}

/** Show what belongs to one directory or to all of them: elements say which in `data-scope`. */
export function applyScope() {
  const wanted = scope() ? "one" : "all";
  for (const node of document.querySelectorAll("[data-scope]")) {
    if (node.hidden !== (node.dataset.scope !== wanted)) node.hidden = node.dataset.scope !== wanted;
  }
}

export function onScope(changed) {
  addEventListener("hashchange", () => {
    applyScope();
    changed();
    scrollTo(0, 0);
  });
  applyScope();
}
