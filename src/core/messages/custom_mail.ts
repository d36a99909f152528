import sanitizeHtml from "sanitize-html";
import { html } from "#core/messages/html.ts";

/** Stands for the URL of the magic link in the body of a custom mail. */
export const LINK_PLACEHOLDER = "[link]";

/** The tags of a custom mail. No images, forms, styles and scripts. */
const TAGS = [
  ...["a", "p", "br", "div", "span", "h1", "h2", "h3", "h4", "strong", "b", "em", "i", "u", "s", "small"],
  ...["ul", "ol", "li", "blockquote", "hr", "pre", "code", "table", "thead", "tbody", "tr", "td", "th"],
];

/** Styles that can hide nothing: no colors, sizes, positions and backgrounds. */
const STYLES = {
  "text-align": [/^(?:left|right|center|start|end)$/],
  "font-weight": [/^(?:normal|bold|[1-9]00)$/],
  "font-style": [/^(?:normal|italic)$/],
  "text-decoration": [/^(?:none|underline)$/],
};

const OPTIONS: sanitizeHtml.IOptions = {
  allowedTags: TAGS,
  // No `lang` and `dir`: their values could hold the placeholder, where the URL of the link would end the attribute.
  allowedAttributes: { a: ["href"], "*": ["style"] },
  allowedStyles: { "*": STYLES },
  // The text of these is removed too.
  nonTextTags: ["style", "script", "textarea", "option", "noscript", "title", "head", "template"],
  disallowedTagsMode: "discard",
  transformTags: {
    // Only the magic link leads anywhere.
    a: (tagName, { href, ...attribs }) => ({
      tagName,
      attribs: href?.trim() === LINK_PLACEHOLDER ? { ...attribs, href: LINK_PLACEHOLDER } : attribs,
    }),
  },
};

/** A placeholder as the whole `href` of a link, or in the text. The sanitizer escapes `<` and `>` in texts and values. */
const PLACED = /<a [^>]*href="\[link\]"|(?:^|>)[^<]*\[link\]/;

/**
 * Removes what a mail must not contain from the HTML of a caller: links other than the magic link, images, scripts, and styles
 * that hide text.
 * @returns the HTML with its placeholders; null if none is left
 */
export function sanitizeBody(typed: string): string | null {
  const body = sanitizeHtml(typed, OPTIONS);
  return PLACED.test(body) ? body : null;
}

/**
 * Puts the URL of the magic link into a body that was sanitized, and makes the text part of it.
 * @param locale of the document
 */
export function renderCustomMail(body: string, url: string, locale: string): { html: string; text: string } {
  const escaped = html`${url}`.markup;
  const linked = body
    .replaceAll(`href="${LINK_PLACEHOLDER}"`, () => `href="${escaped}"`)
    .replaceAll(LINK_PLACEHOLDER, () => `<a href="${escaped}">${escaped}</a>`);
  const head = `<!doctype html>\n<html lang="${locale}">\n<head><meta charset="utf-8"></head>`;
  return { html: `${head}\n<body>\n${linked}\n</body>\n</html>\n`, text: textOf(body, url) };
}

/** The text part: one line for each block, and the URL on a line of its own. */
function textOf(body: string, url: string): string {
  const lines = body
    .replace(/\s+/g, " ")
    .replace(/<a [^>]*href="\[link\]"[^>]*>(.*?)<\/a>/g, `$1\n${LINK_PLACEHOLDER}\n`)
    .replace(/<br ?\/?>/g, "\n")
    .replace(/<li[^>]*>/g, "\n- ")
    .replace(/<\/?(?:p|div|h[1-4]|ul|ol|blockquote|hr|pre|table|tr)\b[^>]*>/g, "\n\n")
    .replace(/<\/?(?:td|th)\b[^>]*>/g, " ")
    .replace(/<[^>]*>/g, "")
    .replaceAll(LINK_PLACEHOLDER, () => `\n${LINK_PLACEHOLDER}\n`)
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, "&")
    .split("\n")
    .map((line) => line.trim())
    .join("\n");
  return `${lines.replace(/\n{3,}/g, "\n\n").trim()}\n`.replaceAll(LINK_PLACEHOLDER, () => url);
}
