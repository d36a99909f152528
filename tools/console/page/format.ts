/** Text for times and amounts. Times are in UTC, so that support staff in two places speak of the same minute. */
const dateAndTime = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "medium",
  timeZone: "UTC",
});
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** @param iso a time of ISO 8601 */
export const time = (iso: string) => `${dateAndTime.format(new Date(iso))} UTC`;
export const day = (iso: string) => date.format(new Date(iso));

/** @param name such as `revoked_by_user` */
export const words = (name: string) => name.replaceAll("_", " ");

/** A word with a capital letter. */
export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** @param amount in the smallest unit of its currency, as Stripe counts it; a refund is negative */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat("en-GB", { style: "currency", currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}
