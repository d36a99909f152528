/**
 * Currencies that Stripe does not count in hundredths (https://docs.stripe.com/currencies). Other sources differ: Stripe
 * counts ISK and UGX in hundredths, although they have no decimals.
 */
const DECIMALS: Readonly<Record<string, number>> = {
  ...decimals(0, "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"),
  ...decimals(3, "bhd jod kwd omr tnd"),
};

function decimals(count: number, currencies: string): Record<string, number> {
  return Object.fromEntries(currencies.split(" ").map((currency) => [currency, count]));
}

/**
 * Formats an amount of money, such as `12.34 USD`, `500 JPY` or `1.250 KWD`. The text is exact and the same in every
 * language.
 * @param amount a whole number in the currency's smallest unit, as Stripe counts
 * @param currency three letters, in any case
 */
export function formatAmount(amount: number, currency: string): string {
  const count = DECIMALS[currency.toLowerCase()] ?? 2;
  const digits = String(Math.abs(amount)).padStart(count + 1, "0");
  const whole = digits.slice(0, digits.length - count);
  const fraction = count === 0 ? "" : `.${digits.slice(-count)}`;
  return `${amount < 0 ? "-" : ""}${whole}${fraction} ${currency.toUpperCase()}`;
}
