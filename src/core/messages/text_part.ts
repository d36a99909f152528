import type { Block, Line, Link, MailContent } from "#core/messages/mail_content.ts";
import type { Wording } from "#core/messages/wording.ts";

/** Renders the text part of a mail. Values are literal, and a URL that may be long has a line of its own. */
export function textPart({ title, body, footer }: MailContent, { signOff }: Wording): string {
  const paragraphs = [title, ...body.map(blockText), signOff].join("\n\n");
  return `${paragraphs}\n\n--\n${lineText(footer)}\n`;
}

function blockText(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return lineText(block.line);
    case "button":
      return `${block.button.label}: ${block.button.url}`;
    case "code":
      return block.code;
    case "requestedLink":
      return block.button.url;
  }
}

/** A line with the URL of each link below it. The label of an email address is the address itself. */
function lineText(line: Line): string {
  const text = line.map((part) => (typeof part === "string" ? part : part.label)).join("");
  const links = line.filter((part): part is Link => typeof part !== "string");
  const urls = links.map(({ url }) => url).filter((url) => !url.startsWith("mailto:"));
  return [text, ...urls].join("\n");
}
