import type { Buyer } from "#core/billing/plans/checkout_customer.ts";
import { judgePurchase } from "#core/billing/plans/judge_purchase.ts";
import { paymentRequired } from "#core/billing/plans/payment_required.ts";
import type { PlanCore } from "#core/billing/plans/plans.ts";
import type { StagePlan } from "#core/billing/plans/stage_plans.ts";
import type { BillingPortal } from "#core/billing/subscriptions/billing_portal.ts";
import { isVerifiedOwner, readOwner } from "#core/billing/subscriptions/owner.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import type { Checkout } from "#core/repositories/checkouts.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";

/**
 * Reads in one round trip what a purchase depends on. A caller who has not verified an address can't see or change the
 * subscriptions and customers that only match it (contract 1.7).
 */
export async function readBuyer(
  core: Pick<Core, "checkouts" | "identifiers" | "providerMappings" | "subscriptions">,
  { userId, sessionId }: { userId: string; sessionId: string },
): Promise<{ buyer: Buyer; checkout: Checkout | null }> {
  const [owner, mappings, checkout] = await Promise.all([
    readOwner(core, userId),
    core.providerMappings.listByUser(userId),
    core.checkouts.findByUser(userId),
  ]);
  const isVerified = isVerifiedOwner(owner.identifiers);
  const buyer = {
    userId,
    signInId: sessionId,
    identifiers: owner.identifiers,
    subscriptions: isVerified ? owner.subscriptions : [],
    mappings: isVerified ? mappings : mappings.filter(({ matchedBy }) => matchedBy === "nest"),
  };
  return { buyer, checkout };
}

/** Reads the subscriptions that a caller may manage: none without a verified address. */
export async function readManaged(
  core: Pick<Core, "identifiers" | "subscriptions">,
  userId: string,
): Promise<readonly Subscription[]> {
  const { subscriptions, identifiers } = await readOwner(core, userId);
  return isVerifiedOwner(identifiers) ? subscriptions : [];
}

/**
 * Checks that a person may buy a plan.
 * @throws NestError `already_subscribed`, `payment_required`
 */
export async function requirePurchase(
  core: Pick<Core, "clock" | "log"> & PlanCore & { billingPortal: BillingPortal },
  plan: StagePlan,
  subscriptions: readonly Subscription[],
): Promise<void> {
  const judgement = judgePurchase(core, plan, subscriptions, core.clock.now());
  if (judgement.verdict === "already_subscribed") throw new NestError("already_subscribed");
  if (judgement.verdict === "payment_required") throw await paymentRequired(core, judgement.customer);
}
