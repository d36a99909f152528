import type { SentMail } from "#tools/local/ses_double.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

/** Every distinct link in the HTML and text part of a mail, as a link scanner finds them. */
export function linksOf({ html, text }: Pick<SentMail, "html" | "text">): string[] {
  const inHtml = [...html.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, value = ""]) =>
    value.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity),
  );
  const inText = [...text.matchAll(/\bhttps?:\/\/\S+/g)].map(([url]) => url);
  return [...new Set([...inHtml, ...inText])].filter((url) => /^https?:/.test(url));
}
