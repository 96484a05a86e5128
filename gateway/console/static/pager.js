// A window on a long list: so many rows at a time, however many there are.

import { byId, count, element, setText } from "./nodes.js";

export class Pager {
  /** Put buttons into the element `${what}-pager`; `changed` is called when another window is wanted. */
  constructor(what, noun, size, changed) {
    this.size = size;
    this.first = 0;
    this.words = "";
    const turn = (by) => () => { this.first += by; changed(); };
    this.previous = button("Previous", `Previous ${noun}`, turn(-size));
    this.next = button("Next", `Next ${noun}`, turn(size));
    this.text = element("span", { className: "quiet" });
    this.place = byId(`${what}-pager`);
    this.place.append(this.text, this.previous, this.next);
  }

  /** Return the items in the window; another search begins at its beginning. */
  window(items, words) {
    if (this.words !== words) this.first = 0;
    this.words = words;
    this.first = Math.min(Math.max(this.first, 0), Math.max(items.length - 1, 0));
    this.first -= this.first % this.size;
    const shown = items.slice(this.first, this.first + this.size);
    this.place.hidden = items.length <= this.size;
    setText(this.text, `${count(this.first + 1)} to ${count(this.first + shown.length)} of ${count(items.length)}`);
    this.previous.disabled = this.first === 0;
    this.next.disabled = this.first + this.size >= items.length;
    return shown;
  }
}

export function button(text, label, clicked) {
  const made = element("button", { type: "button", textContent: text, label });
  made.addEventListener("click", clicked);
  return made;
}
