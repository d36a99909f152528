import {
  _default,
  boolean,
  gt,
  gte,
  literal,
  lte,
  number,
  enum as oneOf,
  optional,
  strictObject,
} from "zod/mini";
import { NestError } from "#core/errors.ts";
import { text } from "#core/wire.ts";
import { SUBSCRIPTION_STATUSES } from "#stripe_double/scenarios.ts";
import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import { refundableCharges } from "#tools/local/dev/charges.ts";
import { advanceClock } from "#tools/local/dev/clock.ts";
import { failingCalls } from "#tools/local/dev/fault.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import { clockOf, type Ledger, readStripe } from "#tools/local/dev/stripe_view.ts";

const ADDRESS_LIMIT = 254;
/** Stripe's own limit. */
const MAX_TRIAL_DAYS = 730;
/** Every renewal on the way is processed, so this bounds the time of one request. */
const MAX_ADVANCE_DAYS = 3660;

const card = oneOf(["works", "declines"]);
const newSubscription = strictObject({
  email: text(ADDRESS_LIMIT),
  status: optional(oneOf(SUBSCRIPTION_STATUSES)),
  trial_days: optional(number().check(gt(0), lte(MAX_TRIAL_DAYS))),
  price: optional(text()),
  card: optional(card),
});
const change = strictObject({
  status: optional(oneOf(SUBSCRIPTION_STATUSES)),
  cancel_at_period_end: optional(boolean()),
  trial_end: optional(literal("now")),
});
const clock = strictObject({ advance_days: number().check(gte(0), lte(MAX_ADVANCE_DAYS)) });
const fault = strictObject({
  calls: failingCalls,
  kind: _default(oneOf(["error", "hang", "rate_limited", "none"]), "error"),
});

/** Routes that control the Stripe double: what customers, banks and the clock do at Stripe. */
export function stripeRoutes(stripe: StripeDouble, ledger: Ledger): DevRoute[] {
  const shown = (id: string) => {
    const found = stripe.summary().find((row) => row.id === id);
    if (found === undefined) throw new NestError("not_found");
    return { id, customer: found.customer.id, status: found.status };
  };
  return [
    route("GET", "/dev/stripe", null, () => readStripe(stripe, ledger)),
    route("POST", "/dev/stripe/subscriptions", newSubscription, (wanted) =>
      stripe.createSubscription({
        email: wanted.email,
        status: wanted.status,
        trialDays: wanted.trial_days,
        price: wanted.price,
        card: wanted.card && { declines: wanted.card === "declines" },
      }),
    ),
    route("PATCH", "/dev/stripe/subscriptions/:id", change, (wanted, id) => {
      if (Object.keys(wanted).length === 0) {
        throw new NestError("validation_failed", { meta: { path: [], message: "names no field to change" } });
      }
      stripe.updateSubscription(id, wanted);
      return shown(id);
    }),
    route("DELETE", "/dev/stripe/subscriptions/:id", null, (_, id) => {
      stripe.cancelSubscription(id);
      return shown(id);
    }),
    route("POST", "/dev/stripe/subscriptions/:id/pay", null, (_, id) => {
      const outcome = stripe.pay(id);
      if (outcome === null) throw new NestError("not_found", { meta: { message: "no open invoice" } });
      return { ...shown(id), outcome };
    }),
    route("POST", "/dev/stripe/customers/:id/card", strictObject({ card }), (wanted, id) => {
      const method = stripe.attachCard(id, { declines: wanted.card === "declines" });
      // A card that a checkout stored with its subscription would still be charged instead of the new card.
      for (const own of stripe.subscriptions())
        if (own.customer === id && own.default_payment_method !== null && own.ended_at === null)
          stripe.updateSubscription(own.id, { default_payment_method: method.id });
      return { id: method.id, last4: method.card?.last4 };
    }),
    route("POST", "/dev/stripe/customers/:id/refund", null, (_, id) => {
      const charge = refundableCharges(stripe).get(id)?.id;
      if (charge === undefined)
        throw new NestError("not_found", { meta: { message: "no payment to refund" } });
      const { id: refund, amount, currency } = stripe.refund({ charge });
      return { id: refund, amount, currency };
    }),
    route("POST", "/dev/stripe/customers/:id/portal", null, (_, id) => ({ url: stripe.openPortal(id) })),
    route("POST", "/dev/stripe/events/:id/send", null, async (_, id) => {
      const event = stripe.events().find((row) => row.id === id);
      if (event === undefined) throw new NestError("not_found");
      return { status: await stripe.deliver(event) };
    }),
    route("POST", "/dev/stripe/clock", clock, async ({ advance_days: days }) => {
      await advanceClock(stripe, days);
      return clockOf(stripe);
    }),
    route("POST", "/dev/stripe/faults", fault, (wanted) => stripe.fault(wanted)),
  ];
}
