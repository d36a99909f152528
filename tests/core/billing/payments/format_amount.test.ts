import { expect, test } from "vitest";
import { formatAmount } from "#core/billing/payments/format_amount.ts";

test.each([
  [1234, "usd", "12.34 USD"],
  [5, "eur", "0.05 EUR"],
  [0, "gbp", "0.00 GBP"],
  [-250, "eur", "-2.50 EUR"],
  [500, "jpy", "500 JPY"],
  [7, "KRW", "7 KRW"],
  [1250, "kwd", "1.250 KWD"],
  [10, "bhd", "0.010 BHD"],
  [500, "isk", "5.00 ISK"],
  [500, "ugx", "5.00 UGX"],
  [99999999, "idr", "999999.99 IDR"],
  [900719925474099, "usd", "9007199254740.99 USD"],
])("formats %d of %s as %s", (amount, currency, text) => {
  expect(formatAmount(amount, currency)).toBe(text);
});
