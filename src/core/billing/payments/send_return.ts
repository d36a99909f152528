import type Stripe from "stripe";
import type { EventCore } from "#core/billing/events/event_core.ts";
import { HOUR } from "#core/clock.ts";
import type { MoneyReturn, Subscription } from "#core/repositories/subscriptions.ts";
import { listAll, stripeRefusal } from "#core/services/stripe.ts";

/** Stripe keeps an idempotency key for at least 24 hours. After that, an earlier attempt is searched for instead. */
const KEY_LIFETIME_MS = 20 * HOUR * 1000;
/** After this many refusals, a return waits for an operator. */
const MOST_ATTEMPTS = 3;
/** The most refunds of a payment, or balance transactions of a customer, that are searched for an earlier attempt. */
const LOOK_BACK = 100;

/** Stripe's result for a return. */
interface Sent {
  id: string;
  status: MoneyReturn["status"];
  amount: number;
  failure: string | null;
}

/**
 * Sends one planned return to Stripe and records the outcome. Concurrent calls send the same idempotency key, so Stripe
 * returns the money once. A refusal is stored by Stripe under the key, so the next attempt has another key. After the last
 * attempt the return is recorded as failed, with an alarm, and the rejection goes on.
 * @throws NestError `stripe_error`, `unavailable` if the event must be retried
 */
export async function sendReturn(
  core: EventCore,
  rejected: Subscription,
  wanted: MoneyReturn,
): Promise<void> {
  const { stpSubscriptionId } = rejected;
  const { source, attempts } = wanted;
  const record = (outcome: Partial<MoneyReturn>) =>
    core.subscriptions.recordReturn(stpSubscriptionId, source, attempts, outcome);
  try {
    const sent = await sendOrFind(core, rejected, wanted);
    await record({ ...sent, returnedAt: core.clock.now().toISOString() });
    logReturn(core, rejected, { ...wanted, ...sent });
  } catch (error) {
    const refusal = stripeRefusal(error);
    if (refusal?.code === "charge_disputed") {
      core.log.warn("refund_disputed", { source, subscription_id: stpSubscriptionId });
      return record({ status: "disputed", attempts: attempts + 1, failure: refusal.code });
    }
    // The payment was refunded outside Nest.
    if (refusal?.code === "charge_already_refunded")
      return record({ status: "done", amount: 0, failure: refusal.code });
    // Without a response the same key is sent again. Stripe stores nothing under the key when it answers 409 or 429.
    if (refusal === null || refusal.statusCode === 409 || refusal.statusCode === 429) throw error;
    const failure = refusal.code ?? `http_${refusal.statusCode}`;
    const isFinal = refusal.statusCode < 500 && attempts + 1 >= MOST_ATTEMPTS;
    await record({ attempts: attempts + 1, failure, ...(isFinal && { status: "failed" }) });
    if (!isFinal) throw error;
    logReturn(core, rejected, { ...wanted, status: "failed", failure });
  }
}

/** Logs the outcome of a return. An operator must act on a failed return, so it raises an alarm. */
export function logReturn(
  core: Pick<EventCore, "log">,
  { stpSubscriptionId }: Subscription,
  { status, to, source, amount, currency, failure }: Omit<MoneyReturn, "plannedAt" | "reason">,
): void {
  const fields = { subscription_id: stpSubscriptionId, to, source, amount, currency, status };
  if (status === "failed") core.log.error("refund_failed", { ...fields, failure, alarm: true });
  else core.log.info("refunded", fields);
}

async function sendOrFind(core: EventCore, rejected: Subscription, wanted: MoneyReturn): Promise<Sent> {
  const { plannedAt, attempts, to } = wanted;
  const isOld = core.clock.now().getTime() - Date.parse(plannedAt) > KEY_LIFETIME_MS;
  const mayExist = attempts > 0 || isOld;
  if (to === "balance") {
    const found = mayExist ? await findCredit(core, rejected, wanted) : null;
    return found ?? credit(core, rejected, wanted);
  }
  const found = mayExist ? await findRefund(core, rejected, wanted) : null;
  return found ?? refund(core, rejected, wanted);
}

/** These fields identify an earlier attempt, and the record that a later event concerns. */
function metadataOf({ stpSubscriptionId }: Subscription, { source }: MoneyReturn) {
  return { rejected_subscription: stpSubscriptionId, returned_payment: source };
}

/** The idempotency key of one attempt. */
function keyOf({ stpSubscriptionId }: Subscription, { to, source, attempts }: MoneyReturn): string {
  return `return:${stpSubscriptionId}:${to}:${source}:${attempts}`;
}

async function refund(core: EventCore, rejected: Subscription, wanted: MoneyReturn): Promise<Sent> {
  const { source, amount, reason } = wanted;
  const made = await core.stripe.request(
    (stripe, options) =>
      stripe.refunds.create(
        {
          ...(source.startsWith("ch_") ? { charge: source } : { payment_intent: source }),
          amount,
          reason: reason === "duplicate" ? "duplicate" : "requested_by_customer",
          metadata: metadataOf(rejected, wanted),
        },
        options,
      ),
    { idempotencyKey: keyOf(rejected, wanted) },
  );
  return sentRefund(made);
}

/** The outcome of a refund. `requires_action`: the customer must answer Stripe's mail to get the money. */
export function sentRefund(made: {
  id: string;
  amount: number;
  status: string | null;
  failure_reason?: string;
}): Sent {
  const { id, amount, status, failure_reason: failure = null } = made;
  if (status === "failed" || status === "canceled")
    return { id, amount, status: "failed", failure: failure ?? status };
  return { id, amount, status: status === "succeeded" ? "done" : "pending", failure: null };
}

async function findRefund(
  core: EventCore,
  rejected: Subscription,
  wanted: MoneyReturn,
): Promise<Sent | null> {
  const { source } = wanted;
  const refunds = await core.stripe.request((stripe, options) =>
    listAll(
      stripe.refunds.list(
        { ...(source.startsWith("ch_") ? { charge: source } : { payment_intent: source }), limit: LOOK_BACK },
        options,
      ),
      LOOK_BACK,
    ),
  );
  const made = refunds.find(({ metadata }) => isSame(metadata, metadataOf(rejected, wanted)));
  return made ? sentRefund(made) : null;
}

async function credit(core: EventCore, rejected: Subscription, wanted: MoneyReturn): Promise<Sent> {
  const { amount, currency, reason } = wanted;
  const description =
    reason === "duplicate"
      ? "Credit spent on a duplicate subscription"
      : "Unused time of a replaced subscription";
  const { id } = await core.stripe.request(
    (stripe, options) =>
      stripe.customers.createBalanceTransaction(
        rejected.stpCustomerId,
        // A negative amount reduces what the customer's next invoices charge.
        { amount: -amount, currency, description, metadata: metadataOf(rejected, wanted) },
        options,
      ),
    { idempotencyKey: keyOf(rejected, wanted) },
  );
  return { id, amount, status: "done", failure: null };
}

async function findCredit(
  core: EventCore,
  rejected: Subscription,
  wanted: MoneyReturn,
): Promise<Sent | null> {
  const transactions = await core.stripe.request((stripe, options) =>
    listAll(
      stripe.customers.listBalanceTransactions(rejected.stpCustomerId, { limit: LOOK_BACK }, options),
      LOOK_BACK,
    ),
  );
  const made = transactions.find(({ metadata }) => isSame(metadata, metadataOf(rejected, wanted)));
  return made ? { id: made.id, amount: -made.amount, status: "done", failure: null } : null;
}

function isSame(metadata: Stripe.Metadata | null, wanted: ReturnType<typeof metadataOf>): boolean {
  return Object.entries(wanted).every(([name, value]) => metadata?.[name] === value);
}
