/** Helpers that create and update elements. */
export const byId = (id) => document.getElementById(id);

/** Creates an element. Attributes that are functions, such as `onclick`, become listeners; children may be text. */
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

/** Creates a secondary button. `key` identifies it when its list item is redrawn, so that it keeps the focus. */
export const button = (text, key, onclick, attributes = {}) =>
  make("button", { type: "button", class: "second", "data-key": key, onclick, ...attributes }, text);

/** Creates the children of a `dl` from pairs of a term and its description. */
export const terms = (pairs) =>
  pairs.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]);

const drawn = new WeakMap();

/**
 * Draws rows as the items of a list. An unchanged row keeps its element. A changed row keeps its open details and its
 * focus, so that an update does not interrupt the reader.
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
  // The focused button may no longer exist, such as "Pay now" after the payment.
  if (!same) item.tabIndex = -1;
  (same ?? item).focus();
}
