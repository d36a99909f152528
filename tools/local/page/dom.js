/** What the parts of the page draw with. */
export const byId = (id) => document.getElementById(id);

/** An element with attributes (`onclick` and the like are listeners) and children, which may be text. */
export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key.slice("on".length), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A button of the second rank. `key` finds it again when what holds it is drawn anew. */
export const button = (text, key, onclick, attributes = {}) =>
  make("button", { type: "button", class: "second", "data-key": key, onclick, ...attributes }, text);

/** Terms and what they are, for a `dl`. */
export const terms = (pairs) =>
  pairs.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]);

const drawn = new WeakMap();

/**
 * Shows rows as the items of a list. A row that is as it was keeps its very element, and one that changed keeps whether
 * it is open and who has the focus in it, so that nobody is thrown out of what they read by news.
 */
export function drawList(list, rows, keyOf, draw) {
  const before = drawn.get(list) ?? new Map();
  const after = new Map();
  for (const row of rows) {
    const known = before.get(keyOf(row));
    const json = JSON.stringify(row);
    const item = known?.json === json ? known.item : replace(known?.item, draw(row));
    after.set(keyOf(row), { json, item });
  }
  for (const [key, { item }] of before) if (!after.has(key)) item.remove();
  let next = list.firstElementChild;
  for (const { item } of after.values()) {
    if (item === next) next = next.nextElementSibling;
    else list.insertBefore(item, next);
  }
  drawn.set(list, after);
}

function replace(old, item) {
  if (!old) return item;
  const isOpen = [...old.querySelectorAll("details")].map(({ open }) => open);
  for (const [index, details] of item.querySelectorAll("details").entries()) details.open = isOpen[index];
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(item);
  if (focused) focusAgain(item, focused);
  return item;
}

function focusAgain(item, { dataset, tagName }) {
  const same = dataset.key ? item.querySelector(`[data-key="${dataset.key}"]`) : item.querySelector(tagName);
  // What was pressed may be gone, such as "Pay now" once it is paid.
  if (!same) item.tabIndex = -1;
  (same ?? item).focus();
}
