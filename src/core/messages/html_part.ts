import { MARKUP } from "#core/messages/compiled_markup.ts";
import { directionOf } from "#core/messages/direction.ts";
import { fillMarkup, Html } from "#core/messages/html.ts";
import type { Block, Line, MailContent } from "#core/messages/mail_content.ts";
import type { Wording } from "#core/messages/wording.ts";

/** Renders the HTML part of a mail from the compiled markup. Every value is escaped. */
export function htmlPart({ title, preheader, body, footer }: MailContent, wording: Wording): string {
  const dir = directionOf(wording.locale);
  const style: Style = { ...wording.app.colors, dir, side: dir === "rtl" ? "right" : "left" };
  const page = {
    ...style,
    lang: wording.locale,
    title,
    preheader,
    brand: wording.brand,
    signOff: wording.signOff,
    footer: lineHtml(footer, MARKUP.quietLink, style),
  };
  const blocks = body.map((block) => blockHtml(block, style).markup);
  const [start, end] = [fillMarkup(MARKUP.start, page), fillMarkup(MARKUP.end, page)];
  return `${[start.markup, ...blocks, end.markup].join("\n")}\n`;
}

/** The colors of the app, the direction of the writing, and the side on which lines begin. */
type Style = Wording["app"]["colors"] & { dir: "ltr" | "rtl"; side: "left" | "right" };

function blockHtml(block: Block, style: Style): Html {
  switch (block.kind) {
    case "paragraph":
      return fillMarkup(MARKUP.paragraph, { ...style, content: lineHtml(block.line, MARKUP.link, style) });
    case "button":
      return fillMarkup(MARKUP.button, { ...style, ...block.button });
    case "code":
      return fillMarkup(MARKUP.code, { ...style, code: block.code });
    case "requestedLink":
      return fillMarkup(MARKUP.requestedLink, { ...style, ...block.button, paste: block.paste });
  }
}

function lineHtml(line: Line, link: string, style: Style): Html {
  const parts = line.map((part) =>
    typeof part === "string" ? fillMarkup("{{part}}", { part }) : fillMarkup(link, { ...style, ...part }),
  );
  return new Html(parts.map(({ markup }) => markup).join(""));
}
