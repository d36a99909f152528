import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { browserSuite, hasBrowser, inspect } from "#tests/support/browser.ts";

const CODE = `authzcode_000000C2kdCzNlbL1BqR5FeMatI.${"0123456789abcdef".repeat(4)}`;
const STATE = "aB-_5Ft2D3dYQz0-AF1x_9kLmNoPqRsTuVwXyZ01234";
const everyByte = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

/** Links as mail programs open them: the query and the fragment. */
const OPENED: Record<string, string> = {
  "the link": `?code=${CODE}&state=${STATE}`,
  "an HTML entity": `?code=${CODE}&amp;state=${STATE}`,
  "an encoded HTML entity": `?code=${CODE}&amp%3Bstate=${STATE}`,
  "an HTML entity twice": `?code=${CODE}&amp;amp;state=${STATE}`,
  "a numeric entity": `?code=${CODE}&#38;state=${STATE}`,
  "a hexadecimal entity": `?code=${CODE}&#x26;state=${STATE}`,
  "an encoded query": `?${encodeURIComponent(`code=${CODE}&state=${STATE}`)}`,
  "a query encoded twice": `?${encodeURIComponent(encodeURIComponent(`code=${CODE}&state=${STATE}`))}`,
  "an encoded separator": `?code=${CODE}%26state=${STATE}`,
  "state first": `?state=${STATE}&code=${CODE}`,
  "a full stop": `?code=${CODE}&state=${STATE}.`,
  "a bracket": `?code=${CODE}&state=${STATE})`,
  "an angle bracket and a quote": `?code=${CODE}&state=${STATE}>"`,
  "a zero-width space": `?code=${CODE}&state=${STATE}\u200b`,
  "zero-width spaces inside": `?code=${CODE.replace("C2kd", "C2\u200bkd")}&state=${STATE.replace("_5F", "_\u20605F")}`,
  "soft hyphens": `?code=${CODE.replace("C2kd", "C2\u00adkd")}&state=${STATE.replace("_5F", "_\u00ad5F")}`,
  "spaces and line breaks": `?code=${CODE.replace("C2kd", "C2%0D%0Akd")}&state=${STATE.replace("_5F", "_%205F")}%0A`,
  "every byte encoded": `?code=${everyByte(CODE)}&state=${everyByte(STATE)}`,
};

describe.skipIf(!hasBrowser)("the landing page in a browser", () => {
  const suite = browserSuite();

  const textOf = async (page: Page, query: string) => {
    await page.goto(`${suite.stack.api.url}/magic-link${query}`, { waitUntil: "domcontentloaded" });
    expect(await page.locator("#incomplete").isVisible()).toBe(false);
    const text = await page.inputValue("#text");
    expect(await page.getAttribute("#open", "href")).toBe(`beak-app://nest/magic-link?${text}`);
    return text;
  };

  test("shows code and state of every link that mail programs have changed", async () => {
    const page = await suite.open("/openapi.json");
    for (const [what, query] of Object.entries(OPENED)) {
      expect(Object.fromEntries(new URLSearchParams(await textOf(page, query))), what).toEqual({
        code: CODE,
        state: STATE,
      });
      const trial = await textOf(page, query.replace(/^\?/, "?flow=trial&"));
      expect(new URLSearchParams(trial).get("flow"), what).toBe("trial");
    }
  });

  test.for([
    ["de-AT", "de", "Bei Beak anmelden", "Beak öffnen"],
    ["en-GB", "en", "Sign in to Beak", "Open Beak"],
    ["fr-FR", "en", "Sign in to Beak", "Open Beak"],
  ])("speaks the reader's language (%s), or the app's first", async ([locale, lang, title, button]) => {
    const page = await suite.open("/openapi.json", {
      locale,
      colorScheme: locale === "de-AT" ? "dark" : "light",
    });
    await textOf(page, `?code=${CODE}&state=${STATE}`);
    expect(await page.getAttribute("html", "lang")).toBe(lang);
    expect([await page.title(), await page.textContent("h1")]).toEqual([title, title]);
    expect(await page.textContent("#open")).toBe(button);
    await inspect(page, `landing-${locale}`);
  });

  test("keeps states of other characters unchanged, as Nest encodes them", async () => {
    const page = await suite.open("/openapi.json");
    for (const state of [
      "ends.",
      "ends!",
      "ends)",
      "ends'",
      "lx/rA+q=&%",
      "a&amp;b",
      " x ",
      "\u200b",
      "ü.",
      "%41",
    ]) {
      const text = await textOf(page, `?code=${CODE}&state=${everyByte(state)}`);
      expect(new URLSearchParams(text).get("state"), JSON.stringify(state)).toBe(state);
    }
  });
});
