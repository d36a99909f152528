/** Makes elements. What the document says becomes text, never markup. */

/**
 * An element with attributes and children.
 * @param {string} name
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string | null)} children what is null is left out
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A sentence in which what stands between backticks is code, and the name of an error leads to it. */
export function prose(text, errors = new Set()) {
  return text.split("`").map((part, place) => {
    if (place % 2 === 0) return part;
    const code = element("code", {}, part);
    return errors.has(part) ? element("a", { href: `#error-${part}` }, code) : code;
  });
}

/** Paragraphs and plain lists of Markdown. */
export function paragraphs(text, errors) {
  return text
    .split("\n\n")
    .filter(Boolean)
    .map((paragraph) => element("p", {}, ...prose(paragraph, errors)));
}

/** A block of code with a button that copies it. */
export function codeBlock(label, text) {
  const status = element("span", { role: "status", class: "quiet" });
  const copy = element("button", { type: "button", class: "second", "aria-label": `Copy: ${label}` }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text).then(
      () => {
        status.textContent = "Copied.";
      },
      () => {
        status.textContent = "Your browser does not let this page copy.";
      },
    );
  });
  return element(
    "figure",
    {},
    element("figcaption", { class: "title" }, label, element("span", { class: "row" }, status, copy)),
    element("pre", {}, element("code", {}, text)),
  );
}

/** Links that stand for headings. */
export function heading(level, id, text) {
  return element(
    `h${level}`,
    { id, tabindex: "-1" },
    element("a", { href: `#${id}`, class: "anchor" }, text),
  );
}
