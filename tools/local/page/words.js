/** How things are said. Days are Stripe's, in UTC, as our mails have them. */
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
export const day = (iso) => date.format(new Date(iso));
export const time = (iso) => `${moment.format(new Date(iso))} UTC`;
export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** @param amount in the currency's smallest unit */
export const money = (amount, currency) =>
  new Intl.NumberFormat("en-GB", { style: "currency", currency }).format(amount / 100);

export const daysBetween = (from, to) =>
  Math.max(0, Math.ceil((Date.parse(to) - Date.parse(from)) / 86_400_000));

/** What `get_subscription_status` answered, for a person. Null: it refused with `no_active_subscription`. */
export function subscriptionInWords(answer) {
  if (answer === null) return { mark: "None", tone: "over", words: "There is no usable subscription." };
  const end = day(answer.end_date);
  if (answer.cancel_at !== null)
    return { mark: "Ends", tone: "warn", words: `It is cancelled and stays usable until ${end}.` };
  switch (answer.status) {
    case "trialing":
      return { mark: "Trial", tone: "good", words: `The trial is free until ${end}.` };
    case "active":
      return { mark: "Active", tone: "good", words: `It is paid for and renews on ${end}.` };
    case "past_due":
      return { mark: "Past due", tone: "bad", words: "The last payment failed. It is usable for now." };
    case "incomplete":
      return {
        mark: "Incomplete",
        tone: "bad",
        words: "The first payment failed. It is usable for an hour.",
      };
    default:
      return { mark: answer.status, tone: "warn", words: `It is usable until ${end}.` };
  }
}

const TONES = {
  active: "good",
  trialing: "good",
  past_due: "bad",
  incomplete: "bad",
  unpaid: "bad",
};
export const toneOf = (status) => TONES[status] ?? "over";

/** A subscription as Stripe has it, in one sentence. */
export function stripeInWords({ status, trial_end, period_end, cancel_at, ended_at, card }) {
  const paidBy = card ? `Card ${card.last4}${card.works ? "" : ", which declines"}.` : "No card.";
  if (ended_at !== null) return `Ended on ${day(ended_at)}.`;
  if (cancel_at !== null) return `Ends on ${day(cancel_at)}. ${paidBy}`;
  if (status === "trialing") return `Trial until ${day(trial_end ?? period_end)}. ${paidBy}`;
  if (status === "active") return `Renews on ${day(period_end)}. ${paidBy}`;
  return paidBy;
}

/** What became of an event: Nest's own verdict, else how far its delivery has come. */
export function verdictInWords({ verdict, deliveries, is_given_up }) {
  const status = verdict?.status;
  if (status === "done") return { text: "Done", tone: "good" };
  if (status === "ignored") return { text: `Ignored: ${verdict.reason}`, tone: "over" };
  if (status === "failed") return { text: `Failed: ${verdict.reason}`, tone: "bad" };
  if (status === "processing") return { text: "Being worked on", tone: "warn" };
  if (is_given_up) return { text: "Not taken", tone: "bad" };
  return { text: deliveries.length === 0 ? "On its way" : "Comes again", tone: "warn" };
}

/** How often an event was brought, and what Nest answered each time. */
export function deliveriesInWords({ deliveries, is_given_up }) {
  if (deliveries.length === 0) return "not delivered yet";
  const answers = deliveries.map(({ status }) => status ?? "no answer").join(", ");
  const isTaken = deliveries.at(-1).status === 200;
  return `${plural(deliveries.length, "delivery", "deliveries")}: ${answers}${is_given_up && !isTaken ? ", given up" : ""}`;
}
