import type { Responses } from "#client/index.ts";
import { capital, day, money, words } from "#tools/console/page/format.ts";

export type Subscription = Responses["get_billing_history"]["subscriptions"][number];
export type Payment = NonNullable<Responses["get_billing_history"]["payments"]>[number];
type Return = Subscription["returns"][number];

interface State {
  tone: "good" | "warn" | "bad" | "over";
  text: string;
}

const ENDED = ["canceled", "incomplete_expired", "unpaid"];

/** What a subscription is now, in a word or two. */
export function stateOf(one: Subscription): State {
  if (one.rejected_at !== null) return { tone: "over", text: rejectionOf(one) };
  if (ENDED.includes(one.status)) return { tone: "over", text: one.is_trial ? "Trial ended" : "Ended" };
  if (one.cancel_at !== null) return { tone: "warn", text: `Ends on ${day(one.cancel_at)}` };
  const text = one.is_trial ? "Trial" : capital(words(one.status));
  if (!one.is_current) return { tone: "bad", text: `${text}, no access` };
  return { tone: one.status === "past_due" ? "bad" : "good", text };
}

function rejectionOf({ rejected_as, returns }: Subscription): string {
  const name = capital(rejected_as ?? "rejected");
  if (returns.length === 0) return name;
  return returns.every(({ status }) => status === "done") ? `${name}, refunded` : `${name}, refund not done`;
}

/** The price of a subscription's plan, such as `£4.99 each month`; null if it is not known. */
export const priceOf = ({ price }: Subscription) =>
  price && `${money(price.unit_amount, price.currency)} each ${price.interval}`;

/** What happens at the end date of a subscription. @returns a name for the date */
export function endOf(one: Subscription): string {
  const { is_current, status, cancel_at, rejected_at, is_trial } = one;
  if (!is_current) return rejected_at !== null || ENDED.includes(status) ? "Ended on" : "Access ended on";
  if (cancel_at !== null) return is_trial ? "Trial ends on, without a payment" : "Ends on, does not renew";
  if (status === "trialing") return "Trial ends on, then renews";
  return status === "active" ? "Renews on" : "Access until";
}

const RETURN_STATES: Readonly<Record<string, string>> = {
  planned: "Nest sends it to Stripe soon",
  disputed: "waits, because the bank holds the payment in a dispute",
  pending: "Stripe has it and waits for the bank",
  done: "done",
};

const RETURNED_AS: Readonly<Record<string, string>> = {
  duplicate: " as a duplicate",
  unused_time: " for the unused time",
};

/** A refund or a credit that Nest makes for a subscription that it rejected. */
export function describeReturn({ amount, currency, to, reason, status, ...more }: Return): string {
  const what = to === "balance" ? "Credit to the balance" : "Refund";
  const when = more.returned_at === null ? "" : ` on ${day(more.returned_at)}`;
  // Stripe's figure, for cards.
  const wait = to === "payment_method" && status === "done" ? " Banks take 5 to 10 days to show it." : "";
  const which = `${what} of ${money(amount, currency)}${RETURNED_AS[reason] ?? ""}`;
  if (status === "failed") {
    const failure = more.failure ? ` (${words(more.failure)})` : "";
    return `${which} failed${when}${failure}. The user did not get the money: an administrator must send it in another way.`;
  }
  return `${which}: ${RETURN_STATES[status] ?? status}${when}.${wait}`;
}

/** What each mail is about. */
const MAILS: Readonly<Record<string, string>> = {
  welcome: "the welcome mail",
  duplicate: "the mail that says that this subscription is a duplicate",
};

/** @returns such as `the welcome mail was sent on 7 Dec 2026` */
export const describeMail = ({ kind, sent_at }: Subscription["mails"][number]) =>
  `${MAILS[kind] ?? `the mail "${words(kind)}"`} ${sent_at === null ? "waits to be sent" : `was sent on ${day(sent_at)}`}`;

/** The subscription that was kept in place of a rejected one, such as `Yearly, bought on 7 Dec 2026`. @param all of the user */
export function describeKept(
  { kept_id }: Pick<Subscription, "kept_id">,
  all: readonly Subscription[],
): string | null {
  const kept = all.find(({ id }) => id === kept_id);
  return kept ? `${kept.plan ?? "Unknown plan"}, bought on ${day(kept.created_at)}` : kept_id;
}

/** A payment, a refund, or a change of the customer's balance at Stripe. */
export function describePayment({ type, amount, currency, reason }: Payment): string {
  const value = money(Math.abs(amount), currency);
  const why = reason === null ? "" : `: ${words(reason)}`;
  if (type === "payment") return `Payment of ${value}${why}`;
  if (type === "refund")
    return reason === "duplicate" ? `Refunded as a duplicate: ${value}` : `Refund of ${value}${why}`;
  return `${amount < 0 ? "Credit" : "Use of the balance"} of ${value}${why}`;
}
