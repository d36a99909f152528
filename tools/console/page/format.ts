/** Text for times and amounts. Times are in UTC, so that support staff in two places speak of the same minute. */
const dateAndTime = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "short",
  timeZone: "UTC",
});
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** @param iso a time of ISO 8601 */
export const time = (iso: string) => `${dateAndTime.format(new Date(iso))} UTC`;
export const day = (iso: string) => date.format(new Date(iso));
