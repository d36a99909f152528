import { MARKUP } from "#core/messages/compiled_markup.ts";
import { fillMarkup, Html } from "#core/messages/html.ts";
import type { Block, Line, MailContent } from "#core/messages/mail_content.ts";
import type { Wording } from "#core/messages/wording.ts";

/** Renders the HTML part of a mail from the compiled markup. Every value is escaped. */
export function htmlPart({ title, preheader, body, footer }: MailContent, wording: Wording): string {
  const { colors } = wording.app;
  const page = {
    ...colors,
    lang: wording.locale,
    title,
    preheader,
    brand: wording.brand,
    signOff: wording.signOff,
    footer: lineHtml(footer, MARKUP.quietLink, colors),
  };
  const blocks = body.map((block) => blockHtml(block, colors).markup);
  const [start, end] = [fillMarkup(MARKUP.start, page), fillMarkup(MARKUP.end, page)];
  return `${[start.markup, ...blocks, end.markup].join("\n")}\n`;
}

type Colors = Wording["app"]["colors"];

function blockHtml(block: Block, colors: Colors): Html {
  switch (block.kind) {
    case "paragraph":
      return fillMarkup(MARKUP.paragraph, { content: lineHtml(block.line, MARKUP.link, colors) });
    case "button":
      return fillMarkup(MARKUP.button, { ...colors, ...block.button });
    case "requestedLink":
      return fillMarkup(MARKUP.requestedLink, { ...colors, ...block.button, paste: block.paste });
  }
}

function lineHtml(line: Line, link: string, colors: Colors): Html {
  const parts = line.map((part) =>
    typeof part === "string" ? fillMarkup("{{part}}", { part }) : fillMarkup(link, { ...colors, ...part }),
  );
  return new Html(parts.map(({ markup }) => markup).join(""));
}
