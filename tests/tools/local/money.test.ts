import { expect, test } from "vitest";
import { formatMoney } from "#core/messages/formats.ts";
import { money as moneyOfDouble } from "#stripe_double/html_page.ts";
// @ts-expect-error The local page is JavaScript.
import { money as moneyOfPage } from "#tools/local/page/format.js";

test("mails, the local page and the pages of the Stripe double show amounts in the same format", () => {
  const currencies = Intl.supportedValuesOf("currency").map((code) => code.toLowerCase());
  for (const currency of currencies)
    for (const amount of [0, 5, 900, 12_345, -499]) {
      const expected = formatMoney({ amount, currency });
      expect([moneyOfDouble(amount, currency), moneyOfPage(amount, currency)]).toEqual([expected, expected]);
    }
  expect(["gbp", "jpy", "kwd"].map((currency) => moneyOfDouble(900, currency))).toEqual([
    "£9.00",
    "JP¥900",
    "KWD\u00a00.900",
  ]);
});
