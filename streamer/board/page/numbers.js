// A number in the page: a button that explains itself.
import { board } from "./board.js";
import { amount } from "./words.js";

export const find = (id) => document.getElementById(id);
export const shown = new WeakMap(); // button -> the number it shows
export const live = new Map(); // element -> since when it counts up, ms of the board's clock; elements stay in the page

export function make(parent, tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

export function put(element, text, fade = true) {
  if (element.textContent === text) return;
  element.textContent = text;
  if (!fade) return;
  element.classList.remove("changed");
  void element.offsetWidth; // starts the fade again
  element.classList.add("changed");
}

export const mark = (element, state) => {
  for (const name of ["past", "far", "few", "none"]) element.classList.toggle(name, name === state);
};

export function button(parent, className = "") {
  const element = make(parent, "button", `number ${className}`.trim());
  element.type = "button";
  element.setAttribute("aria-haspopup", "dialog");
  return element;
}

let ids = 0;

// What stands beside a number is read with it, and not a second time by itself.
export function describe(element, ...beside) {
  for (const one of beside) {
    one.id ||= `beside-${++ids}`;
    one.setAttribute("aria-hidden", "true");
  }
  element.setAttribute("aria-describedby", beside.map((one) => one.id).join(" "));
}

// Shows a number; `name` is said by screen readers, `text` shown instead of the plain value; `counting`: an age that grows.
export function show(element, number, name, text = amount(number.value, number.unit), counting = false) {
  shown.set(element, { number, name });
  if (counting && number.value != null) live.set(element, board.update.now - 1000 * number.value);
  else live.delete(element);
  put(element, text, !counting);
  mark(element, number.value == null ? "none" : number.state);
  element.setAttribute("aria-label", `${name}: ${text}`);
}

// A line of words (text) and numbers ([number, name, text]).
export function fill(line, parts) {
  parts.forEach((part, i) => {
    const isText = typeof part === "string";
    let element = line.children[i];
    if (!element || (element.tagName === "BUTTON") === isText) {
      const other = isText ? make(line, "span") : button(line);
      element?.replaceWith(other);
      element = other;
    }
    if (isText) put(element, part, false);
    else show(element, ...part);
  });
  while (line.children.length > parts.length) line.lastChild.remove();
}
