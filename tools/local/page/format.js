/** Text for dates, amounts, subscriptions and events. Dates are in UTC, as the emails and the billing portal show them. */
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
const dateAndTime = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "long",
  timeStyle: "short",
  timeZone: "UTC",
});
export const day = (iso) => date.format(new Date(iso));
export const time = (iso) => `${dateAndTime.format(new Date(iso))} UTC`;
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** Currencies whose amounts have no decimals at Stripe. */
const ZERO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
/** Currencies whose amounts have three decimals. */
const THREE_DECIMALS = ["bhd", "jod", "kwd", "omr", "tnd"];

/** Formats an amount of money. @param amount in the smallest unit of its currency, as Stripe counts it */
export function money(amount, currency) {
  const decimals = ZERO_DECIMALS.includes(currency) ? 0 : THREE_DECIMALS.includes(currency) ? 3 : 2;
  const unit = 10 ** decimals;
  const isWhole = amount % unit === 0;
  const digits = isWhole ? {} : { minimumFractionDigits: decimals };
  return new Intl.NumberFormat("en-GB", { style: "currency", currency, ...digits }).format(amount / unit);
}

export const daysBetween = (from, to) =>
  Math.max(0, Math.ceil((Date.parse(to) - Date.parse(from)) / 86_400_000));

/** Describes a response of `get_subscription_status`. Null means the error `no_active_subscription`. */
export function describeStatus(status) {
  if (status === null) return { mark: "None", tone: "over", text: "No usable subscription." };
  const end = day(status.end_date);
  if (status.cancel_at !== null)
    return { mark: "Ends", tone: "warn", text: `Canceled. It stays usable until ${end}.` };
  switch (status.status) {
    case "trialing":
      return { mark: "Trial", tone: "good", text: `Free trial until ${end}.` };
    case "active":
      return { mark: "Active", tone: "good", text: `Paid. Renews on ${end}.` };
    case "past_due":
      return { mark: "Past due", tone: "bad", text: "The last payment failed. It is still usable." };
    case "incomplete":
      return {
        mark: "Incomplete",
        tone: "bad",
        text: "The first payment failed. It stays usable for one hour.",
      };
    default:
      return { mark: status.status, tone: "warn", text: `Usable until ${end}.` };
  }
}

/** The status of a subscription at Stripe, as the page shows it. */
export const STATUS_TEXT = {
  active: "Active",
  canceled: "Ended",
  incomplete: "Incomplete",
  incomplete_expired: "Expired",
  past_due: "Past due",
  paused: "Paused",
  trialing: "Trial",
  unpaid: "Unpaid",
};

const TONES = {
  active: "good",
  trialing: "good",
  past_due: "bad",
  incomplete: "bad",
  unpaid: "bad",
};
export const toneOf = (status) => TONES[status] ?? "over";

/** Describes a subscription at Stripe in one line. */
export function describeSubscription({ status, trial_end, period_end, cancel_at, ended_at, card }) {
  const payment = card ? `Card ${card.last4}${card.works ? "" : " (declines)"}.` : "No card.";
  if (ended_at !== null) return `Ended on ${day(ended_at)}.`;
  if (cancel_at !== null) return `Ends on ${day(cancel_at)}. ${payment}`;
  if (status === "trialing") return `Trial until ${day(trial_end ?? period_end)}. ${payment}`;
  if (status === "active") return `Renews on ${day(period_end)}. ${payment}`;
  return payment;
}

/** Why Nest ignored an event, by the reason in its ledger. Other reasons are shown as "Not used by Nest". */
const IGNORED = {
  ended: "Not needed: the subscription had ended",
  no_rejected_subscription: "Not needed: not a refund by Nest",
  no_subscription: "Not needed: not about a subscription",
  other_product: "Not needed: another product",
  promotion_code_missing: "Not admitted: no promotion code",
};

/** Describes the state of an event: Nest's verdict, or its delivery while Nest has none. */
export function describeVerdict({ verdict, deliveries, is_given_up }) {
  const status = verdict?.status;
  if (status === "done") return { text: "Done", tone: "good" };
  if (status === "ignored") return { text: IGNORED[verdict.reason] ?? "Not used by Nest", tone: "over" };
  if (status === "failed") return { text: `Failed: ${verdict.reason}`, tone: "bad" };
  if (status === "processing") return { text: "Processing", tone: "warn" };
  if (is_given_up) return { text: "Not accepted", tone: "bad" };
  return { text: deliveries.length === 0 ? "Pending" : "Will be retried", tone: "warn" };
}

/** Describes the deliveries of an event with the status of each response. */
export function describeDeliveries({ deliveries, is_given_up }) {
  if (deliveries.length === 0) return "not delivered yet";
  const answers = deliveries.map(({ status }) => status ?? "no answer").join(", ");
  const isAccepted = deliveries.at(-1).status === 200;
  const end = is_given_up && !isAccepted ? ", no more retries" : "";
  return `${plural(deliveries.length, "delivery", "deliveries")}: ${answers}${end}`;
}
