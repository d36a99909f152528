import { load } from "cheerio";
import { describe, expect, test } from "vitest";
import app from "#app";
import messages from "#app/messages.ts";
import { contrast } from "#core/app/contrast.ts";
import type { MailTexts } from "#core/app/mail_texts.ts";
import { renderMail, renderSample } from "#core/messages/render.ts";
import { TEMPLATES, type TemplateName, type TemplateVariables } from "#core/messages/templates/index.ts";
import { Wording } from "#core/messages/wording.ts";
import { english, wordingIn } from "#tests/support/wording.ts";

const names = Object.keys(TEMPLATES) as TemplateName[];
const mails = names.flatMap((name) => app.locales.map((locale) => [name, locale] as const));

/** The texts that a person sees in the HTML part, one for each line. */
function visibleIn(html: string): string[] {
  const page = load(html);
  const cells = page("body td > div, body td > a").filter(
    (_, element) => page(element).find("td").length === 0,
  );
  return cells.toArray().map((element) => page(element).text().trim());
}

describe.each(mails)("the %s mail in %s", (name, locale) => {
  const wording = wordingIn(locale);
  const { subject, html, text } = renderSample(name, wording);

  test("has a short subject without a line break, and no placeholder that is left", () => {
    expect(subject).toMatch(/^[^\r\n]{5,60}$/);
    for (const part of [subject, html.replace(/<style[\s\S]*?<\/style>/g, ""), text])
      expect(part).not.toMatch(/[{}]|@@/);
  });

  test("names its language, marks layout tables and has one heading", () => {
    expect(html).toMatch(new RegExp(`^<!doctype html>\n<html lang="${locale}" dir="ltr"`));
    expect(html.match(/<table(?![^>]* role="presentation")/g)).toBeNull();
    expect(html.match(/<img(?![^>]* alt=)/g)).toBeNull();
    expect(html).toMatch(/<title>[^<]+<\/title>/);
    expect(html.match(/<h1/g)).toHaveLength(1);
  });

  test("has no script, external resource or line that is too long for SMTP", () => {
    expect(html).not.toMatch(/<(script|link|form|object|iframe)\b|@import|url\(/i);
    expect(html).toContain("prefers-color-scheme: dark");
    for (const line of `${html}\n${text}`.split("\n")) expect(Buffer.byteLength(line)).toBeLessThan(998);
    expect(Buffer.byteLength(html)).toBeLessThan(102_000);
  });

  test("closes every element that it opens, for Outlook and for other clients", () => {
    const otherClients = html.replace(/<!--\[if (?!!mso)[\s\S]*?<!\[endif\]-->/g, "");
    const outlook = html.replace(/<!--\[if [^\]]*\]>(<!-->)?|(<!--)?<!\[endif\]-->/g, "");
    for (const markup of [otherClients, outlook]) expect(unclosedIn(markup)).toEqual([]);
  });

  test("has every link of its HTML part in its text part, without markup", () => {
    expect(text).not.toMatch(/<[a-z/]|&(amp|lt|gt|quot|#)/);
    const page = load(html);
    const links = page("a")
      .toArray()
      .map((element) => page(element).attr("href") ?? "");
    for (const link of links) expect(text).toContain(link.replace("mailto:", ""));
  });

  test("has every sentence, amount and date of its HTML part in its text part", () => {
    const { brand, texts } = wording;
    // The URL stands alone in the text part, so that no button needs an alternative.
    const linked = [texts.magicLink, texts.trialMagicLink, texts.accountInvite];
    const { choosePassword, confirm, paste } = texts.accountCreated;
    const onlyInHtml = [...linked.flatMap((one) => [one.button, one.paste]), choosePassword, confirm, paste];
    const left = [brand, ...onlyInHtml.map((one) => wording.fill(one))];
    const said = visibleIn(html).filter((line) => !left.includes(line));
    expect(said.length).toBeGreaterThan(2);
    for (const line of said) expect(text).toContain(line);
  });
});

/** The elements that markup does not close, and the first that is closed by another. */
function unclosedIn(markup: string): string[] {
  const open: string[] = [];
  const body = markup.slice(markup.indexOf("<body"));
  for (const [, slash, tag = ""] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
    if (["meta", "br", "img", "hr", "html"].includes(tag)) continue;
    if (!slash) open.push(tag);
    else if (open.pop() !== tag) return [`</${tag}>`];
  }
  return open;
}

const HOSTILE = `"'></a></td></title></style><script>alert(1)</script><img src=x onerror=alert(1)>&lt;{app}{{title}}$&`;

/** The elements and attributes of a mail, without their values. */
const skeleton = (html: string) =>
  load(html)("*")
    .toArray()
    .map((element) => ("attribs" in element ? [element.tagName, ...Object.keys(element.attribs)] : []));

describe("hostile values", () => {
  const cases = names.flatMap((name) => app.locales.map((locale) => [name, locale] as const));
  test.each(cases)("of an app add no element or attribute to the %s mail in %s", (name, locale) => {
    const wording = wordingIn(locale, {
      name: HOSTILE,
      emoji: HOSTILE,
      addresses: { support: `${HOSTILE}@x`, security: `${HOSTILE}@y` },
      urls: { ...app.urls, docs: `https://x/${HOSTILE}`, downloads: `https://y/${HOSTILE}` },
      signOff: { en: HOSTILE, de: HOSTILE },
    });
    const { html } = renderSample(name, wording);
    expect(html).toContain("&lt;script&gt;alert(1)");
    expect(skeleton(html)).toEqual(skeleton(renderSample(name, wordingIn(locale)).html));
  });

  test.each(cases)("in every text add no element or attribute to the %s mail in %s", (name, locale) => {
    const hostile = (texts: unknown): unknown =>
      typeof texts === "string"
        ? `${texts} ${HOSTILE}`
        : Object.fromEntries(Object.entries(texts as object).map(([key, value]) => [key, hostile(value)]));
    const texts = messages[locale] as MailTexts;
    const { formats } = texts;
    const wording = new Wording(app, { [locale]: { ...(hostile(texts) as MailTexts), formats } }, locale);
    const { html } = renderSample(name, wording);
    expect(html).toContain("&lt;script&gt;alert(1)");
    expect(skeleton(html)).toEqual(skeleton(renderSample(name, wordingIn(locale)).html));
  });

  test("in the facts of a mail about money are escaped", () => {
    const facts: TemplateVariables<"welcome-trial"> = {
      endsAt: "2026-12-12T12:00:00.000Z",
      daysFromFirstUse: `<i>${HOSTILE}` as unknown as number,
      charge: null,
    };
    const { html } = renderMail("welcome-trial", facts, english);
    expect(html).toContain("Its &lt;i&gt;&quot;&#39;&gt;&lt;/a&gt;");
    expect(() => english.money({ amount: 1, currency: "<b>" })).toThrow(RangeError);
  });
});

test("escapes the link in the HTML part and keeps it literal in the text part", () => {
  for (const name of ["magic-link", "trial-magic-link"] as const) {
    const magicLinkUrl = `https://magic.getbeak.app/?code=a.b&state=${HOSTILE}`;
    const variables = { magicLinkUrl, ...(name === "magic-link" && { userCode: "BCDF-GH34" }) };
    const { html, text } = renderMail(name, variables, english);
    expect(load(html)("a.link").attr("href")).toBe(magicLinkUrl);
    expect(skeleton(html)).toEqual(skeleton(renderSample(name, english).html));
    expect(text.split("\n")).toContain(magicLinkUrl);
  }
});

test("leaves out the download and the documentation of an app that has none", () => {
  const urls = { ...app.urls, docs: null, downloads: null };
  const { html, text } = renderSample("welcome", wordingIn("en", { urls }));
  expect(`${html}${text}`).not.toMatch(/Download|The docs/);
});

test("names another app, and not Beak", () => {
  const acme = {
    name: "Acme",
    addresses: { support: "help@acme.example", security: "security@acme.example" },
    urls: { ...app.urls, docs: "https://docs.acme.example/", downloads: "https://acme.example/get" },
    signOff: { en: "The Acme team", de: "Das Acme-Team" },
  };
  for (const [name, locale] of mails) {
    const { subject, html, text } = renderSample(name, wordingIn(locale, acme));
    expect(`${subject}${html}${text}`).not.toMatch(/beak/i);
    expect(text).toContain("Acme");
  }
});

test("leaves no space in the place of the emoji of an app that has none", () => {
  const { subject } = renderSample("magic-link", wordingIn("en", { emoji: "" }));
  expect(subject).toBe("Your Beak Magic Link!");
});

test("has enough contrast between every pair of colors, light and dark", () => {
  const everything = names.map((name) => renderSample(name, english).html).join();
  const { accent, onAccent, accentDark, onAccentDark } = app.colors;
  for (const [ink, paper] of [
    ["#1c2026", "#ffffff"],
    ["#1c2026", "#f3f4f6"],
    ["#555d68", "#f3f4f6"],
    [accent, "#ffffff"],
    [onAccent, accent],
    ["#f1f3f5", "#1f2329"],
    ["#f1f3f5", "#14161a"],
    ["#b3bac4", "#14161a"],
    [accentDark, "#1f2329"],
    [onAccentDark, accentDark],
  ] as const) {
    expect(everything).toContain(ink);
    expect(contrast(ink, paper)).toBeGreaterThan(4.5);
  }
});
