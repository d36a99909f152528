import { describe, expect, test } from "vitest";
import { chooseLocale } from "#core/messages/wording.ts";
import { english, wordingIn } from "#tests/support/wording.ts";

describe("the locale of a mail", () => {
  const app = { locales: ["en", "de"] } as const;

  test.each([
    [["de", "en"], "de"],
    [[undefined, "de"], "de"],
    [["fr", "de"], "de"],
    [["fr", undefined], "en"],
    [[], "en"],
  ])("for %j is %s", (wanted, locale) => {
    expect(chooseLocale(app, ...wanted)).toBe(locale);
  });
});

describe("amounts and dates", () => {
  const plain = (text: string) => text.replaceAll("\u00a0", " ");

  test("are written as the locale writes them", () => {
    const german = wordingIn("de");
    const money = { amount: 123_450, currency: "eur" };
    expect(plain(english.money(money))).toBe("€1,234.50");
    expect(plain(german.money(money))).toBe("1.234,50 €");
    const day = "2026-12-12T23:59:59.000Z";
    expect(english.day(day)).toBe("Saturday 12 December 2026");
    expect(german.day(day)).toBe("Samstag, 12. Dezember 2026");
  });
});

describe("a text of a count", () => {
  const days = { one: "one day", few: "{count} days, few", other: "{count} days" };

  test("follows the plural categories of the language", () => {
    expect([1, 2, 0].map((count) => english.fillPlural(days, count))).toEqual([
      "one day",
      "2 days",
      "0 days",
    ]);
  });

  test("of a category without a text is that of `other`", () => {
    expect(english.fillPlural({ other: "{count} days" }, 1)).toBe("1 days");
  });
});

test("a value is not read as a text: its braces and brackets stay", () => {
  const wording = wordingIn("en", { name: "{day} [x] $& {app}" });
  expect(wording.fill("{app}", { day: "Monday" })).toBe("{day} [x] $& {app}");
  expect(wording.link("a {app} [b {app}]", "https://x/")).toEqual([
    "a {day} [x] $& {app} ",
    { label: "b {day} [x] $& {app}", url: "https://x/" },
    "",
  ]);
});
