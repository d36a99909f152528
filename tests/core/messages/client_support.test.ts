import { caniemail } from "caniemail";
import { describe, expect, test } from "vitest";
import app from "#app";
import { renderSample } from "#core/messages/render.ts";
import { TEMPLATES, type TemplateName } from "#core/messages/templates/index.ts";
import { wordingIn } from "#tests/support/wording.ts";

/** The mail clients that must show every mail. caniemail.com has the data. */
const CLIENTS = [
  "apple-mail.*",
  "gmail.*",
  "outlook.*",
  "yahoo.*",
  "aol.*",
  "samsung-email.*",
  "thunderbird.*",
  "protonmail.*",
  "fastmail.*",
  "hey.*",
  "mail-ru.*",
] as const;

/** Features that some of the clients do not support, and what a mail loses there. No other feature may be used. */
const EXPENDABLE: Readonly<Record<string, string>> = {
  "<body> element": "A table inside has the same background.",
  "<style> element": "Every element has its light style inline. Only the dark palette is lost.",
  "@media": "Only the dark palette is lost.",
  "Chaining selectors": "Only the dark palette is lost.",
  "Class selector": "Only the dark palette is lost.",
  "Descendant combinator": "Only the dark palette is lost.",
  "ID selector": "It is MJML's, for an old version of Outlook.",
  "Type selector": "Margins are inline too.",
  "aria-label attribute": "The title is also the heading.",
  "role attribute": "A screen reader announces layout tables.",
  "lang attribute": "A screen reader uses the language of the client.",
  "border-radius": "Corners are square.",
  cursor: "MJML sets the default.",
  "display:none": "The preview text has a height of zero too.",
  "height property": "It is MJML's, for pictures, and no mail has one.",
  opacity: "The preview text has a height of zero too.",
  outline: "It is MJML's, for pictures, and no mail has one.",
  overflow: "Corners are square.",
  "target attribute": "The client decides where a link opens.",
  "text-decoration": "Links are underlined as the client does.",
  transform: "The checker takes it from `text-transform: none`, which is the default.",
  "width attribute": "The width is also a style.",
  "word-break": "A long URL makes the mail wider.",
  "word-spacing": "MJML sets the default.",
};

/** The features of a mail that one of the clients does not support. */
function unsupportedIn(html: string): string[] {
  const { issues } = caniemail({ clients: [...CLIENTS], html });
  return [...new Set([...issues.errors.values()].flat().map(({ title }) => title))].sort();
}

const mails = (Object.keys(TEMPLATES) as TemplateName[]).flatMap((name) =>
  app.locales.map((locale) => [name, locale] as const),
);

describe("mail clients", () => {
  test.each(mails)("support everything in the %s mail in %s that it can't do without", (name, locale) => {
    const unsupported = unsupportedIn(renderSample(name, wordingIn(locale)).html);
    expect(unsupported.filter((feature) => EXPENDABLE[feature] === undefined)).toEqual([]);
  });

  test("do not support a layout that is not made of tables, and the check finds it", () => {
    const { html } = renderSample("welcome", wordingIn("en"));
    const modern = html.replace('<h1 style="', '<h1 style="display:flex;position:absolute;');
    expect(unsupportedIn(modern)).toEqual(
      expect.arrayContaining([expect.stringContaining("flex"), expect.stringContaining("position")]),
    );
  });

  test("lack every feature that is listed as expendable", () => {
    const used = mails.flatMap(([name, locale]) => unsupportedIn(renderSample(name, wordingIn(locale)).html));
    expect(Object.keys(EXPENDABLE).filter((feature) => !used.includes(feature))).toEqual([]);
  });
});
