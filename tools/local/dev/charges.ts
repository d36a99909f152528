import type { StripeDouble } from "#stripe_double/stripe_double.ts";
import type { Charge } from "#stripe_double/types.ts";

/** The last payment of each customer that can still be refunded, as its newest event reports it. */
export function refundableCharges(stripe: Pick<StripeDouble, "events">): Map<string, Charge> {
  const charges = new Map<string, Charge>();
  for (const { data } of stripe.events())
    if (data.object.object === "charge") charges.set(data.object.id, data.object);
  const refundable = [...charges.values()].filter(
    ({ paid, refunded, disputed }) => paid && !refunded && !disputed,
  );
  return new Map(refundable.map((charge) => [charge.customer ?? "", charge]));
}
