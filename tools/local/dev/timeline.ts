import { isDeepStrictEqual } from "node:util";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { DoubleEvent, Subscription } from "#stripe_double/types.ts";
import { toIso } from "#tools/local/dev/stripe_view.ts";
import type { SentMail } from "#tools/local/ses_double.ts";

/** A time in which a subscription had one status and one price. Times are ISO 8601, by Stripe's clock. */
interface Span {
  status: Subscription["status"];
  price: { amount: number; currency: string; interval: string };
  from: string;
  /** Null while it lasts. */
  to: string | null;
}

/** What happened to one subscription. */
interface SubscriptionLife {
  id: string;
  product: string;
  spans: Span[];
  /** When its trial or period ends, if it has not ended. */
  until: string | null;
}

/** Something that happened at one time. `id` is unique. */
type Moment = { id: string; at: string } & (
  | { kind: "email"; subject: string }
  | { kind: "payment"; amount: number; currency: string; is_paid: boolean }
  /** `to` says where the money went. */
  | { kind: "refund"; amount: number; currency: string; to: "card" | "balance" }
  /** `changed` names the fields that an update changed: `plan` and `period` instead of `items`. */
  | { kind: "event"; type: string; status: string; changed: string[] }
);

/** The life of a user's subscriptions, oldest first. */
export interface Timeline {
  subscriptions: SubscriptionLife[];
  moments: Moment[];
}

/**
 * Builds the timeline of the customers and the inbox of these email addresses.
 * @param addresses in any case
 * @param mapped the customer that Nest maps to the user
 */
export function buildTimeline(
  { stripe, inbox }: { stripe: StripeDouble; inbox: readonly SentMail[] },
  addresses: readonly string[],
  mapped: string | null,
): Timeline {
  const isOwn = (address: string | null) =>
    addresses.some((own) => own.toLowerCase() === address?.toLowerCase());
  const customers = new Set(
    stripe.customers().flatMap((row) => ("email" in row && isOwn(row.email) ? [row.id] : [])),
  );
  if (mapped !== null) customers.add(mapped);
  const events = stripe.events().filter(({ data: { object } }) => customers.has(customerOf(object)));
  const mails = inbox.flatMap(({ to, subject, sent_at: at }, index): Moment[] =>
    isOwn(to) ? [{ id: `email_${index}`, at, kind: "email", subject }] : [],
  );
  const moments = [...mails, ...events.flatMap(momentsOf)];
  return {
    subscriptions: livesOf(stripe, events),
    moments: moments.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0)),
  };
}

function customerOf(object: DoubleEvent["data"]["object"]): string {
  if (object.object === "customer") return object.id;
  return "customer" in object && typeof object.customer === "string" ? object.customer : "";
}

function livesOf(stripe: StripeDouble, events: readonly DoubleEvent[]): SubscriptionLife[] {
  const products = new Map(stripe.summary().map(({ id, product }) => [id, product]));
  const lives = new Map<string, SubscriptionLife>();
  for (const { created, data } of events) {
    const { object } = data;
    if (object.object !== "subscription") continue;
    const { id } = object;
    const spans = followedBy(lives.get(id)?.spans ?? [], object, toIso(created));
    lives.set(id, { id, product: products.get(id) ?? "Subscription", spans, until: endOf(object) });
  }
  return [...lives.values()];
}

/** Adds a span for what an event reports, unless the last span already has this status and price. */
function followedBy(spans: readonly Span[], { status, items, currency }: Subscription, at: string): Span[] {
  const { unit_amount, recurring } = items.data[0]?.price ?? {};
  const price = { amount: unit_amount ?? 0, currency, interval: recurring?.interval ?? "month" };
  const last = spans.at(-1);
  if (last && isDeepStrictEqual([last.status, last.price], [status, price])) return [...spans];
  const before = last ? [...spans.slice(0, -1), { ...last, to: at }] : [];
  return [...before, { status, price, from: at, to: null }];
}

function endOf(subscription: Subscription): string | null {
  if (subscription.ended_at !== null) return null;
  const ends = subscription.items.data.map(({ current_period_end }) => current_period_end);
  return toIso(subscription.cancel_at ?? Math.max(...ends));
}

/** The changed fields. A change of `items` is named `plan` if the price changed, else `period`. */
function changedFields({ items }: Subscription, previous: Record<string, unknown>): string[] {
  const before = previous.items as Subscription["items"] | undefined;
  const [own, other] = [items, before].map((list) => list?.data[0]?.price?.id);
  const names = Object.keys(previous).map((name) =>
    name === "items" ? (other === undefined || own === other ? "period" : "plan") : name,
  );
  return names.sort();
}

function momentsOf({ id, type, created, data: { object, previous_attributes } }: DoubleEvent): Moment[] {
  const common = { id, at: toIso(created) };
  const previous = previous_attributes ?? {};
  switch (object.object) {
    case "subscription":
      return [
        { ...common, kind: "event", type, status: object.status, changed: changedFields(object, previous) },
      ];
    case "charge": {
      const { amount, currency } = object;
      if (type === "charge.succeeded" || type === "charge.failed")
        return [{ ...common, kind: "payment", amount, currency, is_paid: type === "charge.succeeded" }];
      if (type !== "charge.refunded") return [];
      const refunded = object.amount_refunded - Number(previous.amount_refunded ?? 0);
      return [{ ...common, kind: "refund", amount: refunded, currency, to: "card" }];
    }
    case "customer": {
      if (!("balance" in object)) return [];
      // A credit makes the balance smaller. A larger balance is a credit that was used.
      const credit = Number(previous.balance ?? object.balance) - object.balance;
      const currency = object.currency ?? "";
      return credit > 0 ? [{ ...common, kind: "refund", amount: credit, currency, to: "balance" }] : [];
    }
    default:
      return [];
  }
}
