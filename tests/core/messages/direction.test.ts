import { expect, test } from "vitest";
import app from "#app";
import messages from "#app/messages.ts";
import type { App } from "#core/app/app.ts";
import { directionOf } from "#core/messages/direction.ts";
import { renderSample } from "#core/messages/render.ts";
import { Wording } from "#core/messages/wording.ts";
import { english } from "#tests/support/wording.ts";
import { buildLandingPage } from "#tools/landing/landing_page.ts";

const arabic: App = { ...app, locales: ["ar", "en"], signOff: { ...app.signOff, ar: "فريق" } };
const texts = { ...messages, ar: english.texts };

test.each([
  ["en", "ltr"],
  ["de-CH", "ltr"],
  ["ar", "rtl"],
  ["he-IL", "rtl"],
  ["fa", "rtl"],
  ["ur-PK", "rtl"],
  ["az", "ltr"],
  ["az-Arab", "rtl"],
  ["pa-PK", "rtl"],
])("the locale %s is written %s", (locale, direction) => {
  expect(directionOf(locale)).toBe(direction);
});

test("a mail in a language that is written from right to left aligns its lines to the right", () => {
  const { html } = renderSample("magic-link", new Wording(arabic, texts, "ar"));
  expect(html).toMatch(/^<!doctype html>\n<html lang="ar" dir="rtl"/);
  expect(html).not.toMatch(/ltr|text-align:left|align="left"/);
  const other = renderSample("magic-link", new Wording(arabic, texts, "en")).html;
  expect(other).not.toMatch(/rtl|text-align:right|align="right"/);
});

test("the landing page has the direction of its language", async () => {
  const files = await buildLandingPage({ app: arabic, folder: "app/beak", messages: texts, base: "" });
  expect(files.get("index.html")).toContain('<html lang="ar" dir="rtl">');
  expect(files.get("index.html")).toContain("&quot;rightToLeft&quot;:[&quot;ar&quot;]");
});
