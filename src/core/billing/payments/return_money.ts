import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { creditGivenOf, isOfCurrentPeriod } from "#core/billing/payments/current_period.ts";
import { planReturns } from "#core/billing/payments/plan_returns.ts";
import {
  creditGivenBy,
  isForOurProducts,
  isPaid,
  linesOf,
  listInvoices,
  readPayments,
} from "#core/billing/payments/read_payments.ts";
import { sendReturn } from "#core/billing/payments/send_return.ts";
import { NestError } from "#core/errors.ts";
import type { MoneyReturn, Rejection, Subscription } from "#core/repositories/subscriptions.ts";
import { listAll, mapInBatches, stripeRefusal } from "#core/services/stripe.ts";

/** A round fails only if another call recorded an attempt in the meantime. */
const ROUNDS = 3;

/**
 * Why a subscription was rejected. An earlier release stored no reason and refunded every payment. The rejections that
 * it began are completed in the same way.
 */
export function rejectionOf(rejected: Subscription): Rejection {
  const { rejection, status, startsAt: periodStartsAt, endsAt: periodEndsAt } = rejected;
  return (
    rejection ?? {
      ...{ kind: "duplicate", keptId: null, isSameCustomer: false, status, wasRenewing: false },
      ...{ isOwnCustomer: false, prices: "", periodStartsAt, periodEndsAt },
    }
  );
}

/**
 * Returns the money of a canceled rejected subscription: in full for a duplicate, and by the unused share of the
 * current period for a replaced subscription (contract 1.7). Voids its open invoices, so that nobody pays for it later.
 * The returns are planned and stored first, so retries and concurrent calls return each amount once. A refusal does not
 * stop the other returns.
 * @returns the planned returns in their current state
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function returnMoney(core: EventCore, rejected: Subscription): Promise<MoneyReturn[]> {
  const { stpSubscriptionId, stpCustomerId: customer, rejectedAt } = rejected;
  const invoices = await listInvoices(core, stpSubscriptionId);
  for (const invoice of invoices) if (invoice.status === "open") await voidInvoice(core, invoice);
  let { returns } = rejected;
  if (returns === undefined) {
    const now = core.clock.now().toISOString();
    const rejection = rejectionOf(rejected);
    const counted = invoices.filter(
      (invoice) =>
        (isPaid(invoice) || creditGivenBy(invoice) > 0) &&
        isForOurProducts(invoice, core.billing.productIds) &&
        (rejection.kind === "duplicate" || concernsPeriod(invoice, rejection)),
    );
    warnOfPaymentsOutside(core, stpSubscriptionId, rejection, counted);
    const read = await readPayments(core, counted);
    const about = { rejection, customer, rejectedAt: rejectedAt ?? now };
    returns = await core.subscriptions.planReturns(stpSubscriptionId, planReturns(about, read, now));
    for (const { status, source } of Object.values(returns))
      if (status === "disputed")
        core.log.warn("refund_disputed", { source, subscription_id: stpSubscriptionId });
  }
  return sendWaiting(core, rejected, Object.values(returns));
}

/**
 * Sends the planned returns of a rejected subscription until none waits. The outcome of a call is not recorded if another call's
 * attempt failed meanwhile. That call's event may come after this call has completed the rejection, so this call tries again.
 * @param returns all returns of the subscription
 * @returns the returns in their current state
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function sendWaiting(
  core: EventCore,
  rejected: Subscription,
  returns: readonly MoneyReturn[],
): Promise<MoneyReturn[]> {
  let known = [...returns];
  for (let round = 0; round < ROUNDS; round++) {
    await sendReturns(core, rejected, known.filter(isWaiting));
    const after = await core.subscriptions.findByStripeId(rejected.stpSubscriptionId);
    known = Object.values(after?.returns ?? {});
    if (!known.some(isWaiting)) return known;
  }
  throw new NestError("unavailable", { detail: "other calls return the same money" });
}

/** Whether an invoice paid for the period of a rejection, or credited a part of it. */
function concernsPeriod(invoice: Stripe.Invoice, rejection: Rejection): boolean {
  const facts = { lines: linesOf(invoice), creditGiven: creditGivenBy(invoice) };
  return isOfCurrentPeriod(facts, rejection) || creditGivenOf(facts, rejection) > 0;
}

/** Stripe can't return a payment outside Stripe, so an operator must (runbooks/stripe.md). */
export function warnOfPaymentsOutside(
  { log }: EventCore,
  id: string,
  { kind, status }: Rejection,
  invoices: readonly Stripe.Invoice[],
): void {
  if (kind !== "duplicate" && status !== "active" && status !== "trialing") return;
  for (const { amount_paid_off_stripe: amount = 0, currency, id: invoice_id } of invoices)
    if (amount > 0)
      log.error("paid_outside_stripe", {
        alarm: true,
        subscription_id: id,
        invoice_id,
        kind,
        amount,
        currency,
      });
}

/** Whether a return was not sent, or its outcome is unknown. */
export function isWaiting({ status, amount }: MoneyReturn): boolean {
  return status === "planned" && amount > 0;
}

/**
 * Sends returns of one rejected subscription.
 * @throws the first error, after all were sent
 */
export async function sendReturns(
  core: EventCore,
  rejected: Subscription,
  returns: readonly MoneyReturn[],
): Promise<void> {
  const failures: unknown[] = [];
  await mapInBatches(returns, (one) =>
    sendReturn(core, rejected, one).catch((error: unknown) => failures.push(error)),
  );
  if (failures.length > 0) throw failures[0];
}

/**
 * Voids an open invoice, unless a payment of it is processing: that payment is returned when it succeeds.
 * @throws NestError `stripe_error`, `unavailable`
 */
export async function voidInvoice(core: EventCore, { id: invoice = "" }: Stripe.Invoice): Promise<void> {
  const expand = ["data.payment.payment_intent"];
  const payments = await core.stripe.request((stripe, options) =>
    listAll(stripe.invoicePayments.list({ invoice, status: "open", limit: 100, expand }, options)),
  );
  const isProcessing = payments.some(
    ({ payment: { payment_intent: intent } }) => typeof intent === "object" && intent.status === "processing",
  );
  if (isProcessing) return;
  try {
    await core.stripe.request((stripe, options) => stripe.invoices.voidInvoice(invoice, {}, options));
  } catch (error) {
    if (stripeRefusal(error)?.statusCode !== 400) throw error;
    core.log.warn("invoice_not_voided", { invoice_id: invoice, code: stripeRefusal(error)?.code });
  }
}
