/** Compiles `mail.mjml`, the markup of every mail, with MJML. Functions contain the result and no part of MJML. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** The markup of mails, with placeholders such as `{{title}}`. */
export interface MailMarkup {
  /** The mail up to its body. */
  start: string;
  /** The mail after its body. */
  end: string;
  paragraph: string;
  button: string;
  /** A button, and its address below it. */
  requestedLink: string;
  /** A code that a person types. */
  code: string;
  /** A link in a paragraph. */
  link: string;
  /** A link in the footer. */
  quietLink: string;
}

interface Compiled {
  html: string;
}

const require = createRequire(import.meta.url);
/** The package is one CommonJS file for browsers and has no types. It needs `cheerio`, which it does not declare. */
const mjml2html: (mjml: string, options: object) => Promise<Compiled> = require("mjml-browser");

const SOURCE = new URL("./mail.mjml", import.meta.url);

/**
 * Compiles the markup of mails. A placeholder such as `{{title}}` stays in the result.
 * @throws Error that names each element or attribute that MJML does not know
 */
export async function compileMarkup(): Promise<MailMarkup> {
  const colors = new Map<string, string>();
  // MJML refuses a color that is a placeholder, so each stands as a color of its own until the markup is compiled.
  const source = (await readFile(SOURCE, "utf8")).replace(/\{\{(\w*accent\w*)\}\}/gi, (placeholder) => {
    const color = colors.get(placeholder) ?? `#fade0${colors.size}`;
    colors.set(placeholder, color);
    return color;
  });
  const { html } = await mjml2html(source, { validationLevel: "strict", fonts: {} });
  const markup = [...colors].reduce(
    (text, [placeholder, color]) => text.replaceAll(color, placeholder),
    html,
  );
  const { before, inside, after } = part(directed(compact(markup)), "body");
  const block = (name: string) => part(inside, name).inside;
  return {
    start: before,
    end: after,
    paragraph: block("paragraph"),
    button: block("button"),
    requestedLink: block("requestedLink"),
    code: block("code"),
    link: block("link"),
    quietLink: block("quietLink"),
  };
}

/** Lines of mails are at least this long, so that the compiled file has few lines, and far shorter than SMTP allows. */
const LINE_LENGTH = 160;

/** Removes indentation, empty lines, and the line breaks between attributes and between short lines. */
function compact(html: string): string {
  const lines = html
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/\s+/g, " ").replace(/ >$/, ">"))
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.reduce((text, line) => {
    const last = text.length - text.lastIndexOf("\n");
    return last < LINE_LENGTH && !text.endsWith("html>") ? `${text}${line}` : `${text}\n${line}`;
  });
}

/** Replaces the writing direction by the placeholder `{{dir}}`, and the side where lines begin by `{{side}}`. */
const directed = (markup: string) =>
  markup
    .replaceAll('dir="ltr"', 'dir="{{dir}}"')
    .replaceAll("direction:ltr", "direction:{{dir}}")
    .replaceAll("text-align:left", "text-align:{{side}}")
    .replaceAll('align="left"', 'align="{{side}}"');

function part(markup: string, name: string): { before: string; inside: string; after: string } {
  const [before, rest = ""] = markup.split(`@@begin ${name}@@`);
  const [inside, after] = rest.split(`@@end ${name}@@`);
  if (before === undefined || inside === undefined || after === undefined)
    throw new Error(`mail.mjml has no part "${name}". Put it between @@begin ${name}@@ and @@end ${name}@@.`);
  return { before: before.trim(), inside: inside.trim(), after: after.trim() };
}
