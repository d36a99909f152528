import type { EventCore } from "#core/billing/event_core.ts";
import { listAll, stripeRefusal } from "#core/clients/stripe.ts";

/**
 * Gives back every payment of a subscription's paid invoices, in full. Safe to repeat: Stripe refuses to give back more
 * than was paid. A payment that is still processing is given back when it succeeds.
 */
export async function refundPayments(
  core: EventCore,
  stpSubscriptionId: string,
  deadline: number,
): Promise<void> {
  const invoices = await core.stripe.request({ deadline }, (stripe, options) =>
    listAll(stripe.invoices.list({ subscription: stpSubscriptionId, status: "paid", limit: 100 }, options)),
  );
  for (const invoice of invoices) {
    if (invoice.amount_paid === 0 || invoice.id === undefined) continue;
    const id = invoice.id;
    const payments = await core.stripe.request({ deadline }, (stripe, options) =>
      listAll(stripe.invoicePayments.list({ invoice: id, status: "paid", limit: 100 }, options)),
    );
    for (const { payment } of payments) {
      const { payment_intent: intent, charge } = payment;
      // An invoice that was paid outside of Stripe has neither: there is nothing of Stripe's to give back.
      if (intent) await refund(core, { payment_intent: idOf(intent) }, deadline);
      else if (charge) await refund(core, { charge: idOf(charge) }, deadline);
    }
  }
}

const idOf = (value: string | { id: string }) => (typeof value === "string" ? value : value.id);

async function refund(
  core: EventCore,
  paid: { payment_intent: string } | { charge: string },
  deadline: number,
): Promise<void> {
  try {
    await core.stripe.request({ deadline }, (stripe, options) =>
      stripe.refunds.create({ ...paid, reason: "duplicate" }, options),
    );
    core.log.info("refunded", paid);
  } catch (error) {
    if (stripeRefusal(error)?.code !== "charge_already_refunded") throw error;
  }
}
