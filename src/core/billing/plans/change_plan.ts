import type Stripe from "stripe";
import type { BillingSettings } from "#core/billing/config.ts";
import { judgeChange } from "#core/billing/plans/judge_purchase.ts";
import { paymentRequired } from "#core/billing/plans/payment_required.ts";
import { planOf, requireOffered } from "#core/billing/plans/plans.ts";
import type { StagePlan } from "#core/billing/plans/stage_plans.ts";
import { refusalOfPrice } from "#core/billing/plans/stripe_refusals.ts";
import { advanceRecord } from "#core/billing/subscriptions/advance_record.ts";
import type { BillingPortal } from "#core/billing/subscriptions/billing_portal.ts";
import { findUnpaidFirst } from "#core/billing/subscriptions/first_payment.ts";
import { readFullState } from "#core/billing/subscriptions/paid_period.ts";
import { hasEnded, idOf, ourItems, readProduct } from "#core/billing/subscriptions/stripe_state.ts";
import { retrieveSubscription } from "#core/billing/subscriptions/stripe_subscription.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import { type StripeApi, stripeRefusal } from "#core/services/stripe.ts";

/** The dependencies of a change of plan. */
export type ChangeCore = Pick<Core, "clock" | "log" | "subscriptions"> & {
  stripe: StripeApi;
  billing: BillingSettings;
  billingPortal: BillingPortal;
};

/** Stripe repeats an error that it stored under an idempotency key, so a key is used only this long. */
const KEY_MS = 10 * 60 * 1000;

/**
 * Changes the plan of a person's active subscription. The rest of the period is charged or credited at once. A change
 * whose payment fails waits at Stripe until it is paid, and the old plan continues (contract 1.7). Safe to repeat.
 * @param all all subscriptions of the person, ended ones included
 * @throws NestError `checkout_required`, `payment_required`, `subscription_ending`, `plan_ended`, `price_not_found`,
 *   `stripe_error`, `unavailable`
 */
export async function changePlan(
  core: ChangeCore,
  all: readonly Subscription[],
  plan: StagePlan,
): Promise<void> {
  const judgement = judgeChange(all, core.clock.now());
  if (judgement.verdict === "checkout_required") throw new NestError("checkout_required");
  if (judgement.verdict === "payment_required") throw await paymentRequired(core, judgement.customer);
  const { subscription } = judgement;
  const customer = subscription.stpCustomerId;
  const current = await retrieveSubscription(core, subscription.stpSubscriptionId);
  const item = requireOneItem(core, current);
  if (current?.status !== "active") {
    const isOwed = current !== null && !hasEnded(current.status) && current.status !== "trialing";
    throw isOwed ? await paymentRequired(core, customer) : new NestError("checkout_required");
  }
  if (current.cancel_at !== null || current.cancel_at_period_end) {
    const billing_portal_url = await core.billingPortal.link(core, customer);
    throw new NestError("subscription_ending", { meta: { billing_portal_url } });
  }
  const isCurrent = isOf(core, plan, item);
  if (!isCurrent) {
    requireOffered(plan);
    if (await isPeriodUnpaid(core, current)) throw await paymentRequired(core, customer);
  }
  const changed = isCurrent
    ? await dropPendingChange(core, current)
    : await requestChange(core, current, item, plan.priceId);
  if (changed !== current) await storeState(core, subscription, changed);
  if (changed.pending_update !== null) throw await paymentRequired(core, customer);
}

/** A subscription with several items of the app's products was not bought as a plan: a checkout replaces it. */
function requireOneItem(core: ChangeCore, current: Stripe.Subscription | null): Stripe.SubscriptionItem {
  const [item, ...others] = current ? ourItems(current, core.billing.productIds) : [];
  if (item && others.length === 0) return item;
  throw new NestError("checkout_required", {
    detail: "the subscription does not have exactly one item of the app's products",
  });
}

/**
 * Whether the period is not paid, as while a bank debit is processing. A change would credit the rest of a period that may
 * never be paid. The open invoice of a pending change is about the change, not about the period.
 */
async function isPeriodUnpaid(core: ChangeCore, current: Stripe.Subscription): Promise<boolean> {
  const { pending_update: pending, latest_invoice: latest } = current;
  const isOpen = typeof latest === "object" && latest?.status === "open";
  return (isOpen && pending === null) || (await findUnpaidFirst(core, current)) !== null;
}

function isOf(core: ChangeCore, plan: StagePlan, { price }: Stripe.SubscriptionItem): boolean {
  return planOf(core, { stpPriceIds: [price.id], stpProductId: idOf(price.product) })?.id === plan.id;
}

async function requestChange(
  core: ChangeCore,
  current: Stripe.Subscription,
  item: Stripe.SubscriptionItem,
  price: string,
): Promise<Stripe.Subscription> {
  const pending = current.pending_update?.subscription_items ?? [];
  if (pending.some((one) => one.price.id === price)) return current;
  const { id, latest_invoice: latest } = current;
  const window = Math.floor(core.clock.now().getTime() / KEY_MS);
  const idempotencyKey = ["change", id, latest === null ? "none" : idOf(latest), price, window].join(":");
  try {
    return await core.stripe.request(
      (stripe, options) =>
        stripe.subscriptions.update(
          id,
          {
            items: [{ id: item.id, price }],
            payment_behavior: "pending_if_incomplete",
            proration_behavior: "always_invoice",
            expand: ["customer", "discounts", "latest_invoice"],
          },
          options,
        ),
      { idempotencyKey },
    );
  } catch (error) {
    throw refusalOfPrice(error) ?? error;
  }
}

/** Voids the invoice of a change that was not paid, so that Stripe discards the change. */
async function dropPendingChange(
  core: ChangeCore,
  current: Stripe.Subscription,
): Promise<Stripe.Subscription> {
  const { pending_update: pending, latest_invoice: latest } = current;
  if (pending === null || latest === null) return current;
  try {
    await core.stripe.request((stripe, options) => stripe.invoices.voidInvoice(idOf(latest), {}, options));
  } catch (error) {
    // It was paid or voided meanwhile.
    if (stripeRefusal(error)?.statusCode !== 400) throw error;
  }
  return (await retrieveSubscription(core, current.id)) ?? current;
}

/** Stores the state at once, so that the next status has the new plan. Stripe's event stores the same again. */
async function storeState(
  core: ChangeCore,
  record: Subscription,
  current: Stripe.Subscription,
): Promise<void> {
  const product = readProduct(current, core.billing.productIds, record) ?? {
    stpProductId: record.stpProductId,
    isOtherProduct: record.isOtherProduct,
  };
  await advanceRecord(core, record, await readFullState(core, current, product));
}
