/** An amount as Stripe counts it. */
export interface Money {
  /** In the currency's smallest unit, as Stripe defines it. */
  amount: number;
  /** Three letters, lower case. */
  currency: string;
}

/** Currencies whose amounts have no decimals at Stripe (https://docs.stripe.com/currencies#zero-decimal). */
const ZERO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
/** Currencies whose amounts have three decimals at Stripe. */
const THREE_DECIMALS = ["bhd", "jod", "kwd", "omr", "tnd"];

/**
 * Formats an amount, such as `£4.99`.
 * @param formats a language tag, such as `en-GB`
 */
export function formatMoney({ amount, currency }: Money, formats = "en-GB"): string {
  const decimals = ZERO_DECIMALS.includes(currency) ? 0 : THREE_DECIMALS.includes(currency) ? 3 : 2;
  const unit = 10 ** decimals;
  const format = new Intl.NumberFormat(formats, {
    style: "currency",
    currency: currency.toUpperCase(),
    // Node shows no decimals for some currencies, although Stripe charges fractions of their unit.
    ...(amount % unit !== 0 && { minimumFractionDigits: decimals }),
  });
  return format.format(amount / unit);
}

/**
 * Formats a date in UTC, such as `Saturday 12 December 2026`.
 * @param formats a language tag, such as `en-GB`
 */
export function formatDay(iso: string, formats = "en-GB"): string {
  const format = new Intl.DateTimeFormat(formats, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
  const day = format.format(new Date(iso));
  // Versions of Node differ in whether a comma follows the day of the week in British English.
  return formats === "en-GB" ? day.replace(",", "") : day;
}
