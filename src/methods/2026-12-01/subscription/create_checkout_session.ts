/**
 * Returns the URL of a Stripe page where the user buys a plan.
 *
 * Calls with the same plan and URLs return the same page while it is open. A call with another plan or URL closes it. A
 * trial, or a subscription of another plan, is replaced once the purchase is paid.
 */
import { strictObject, string } from "zod/mini";
import { requireCheckoutUrl } from "#core/billing/plans/checkout_url.ts";
import { createCheckout } from "#core/billing/plans/create_checkout.ts";
import { requireOffered, requirePlan } from "#core/billing/plans/plans.ts";
import { readBuyer, requirePurchase } from "#core/billing/plans/purchase.ts";
import { userOf } from "#core/call.ts";
import { billing, billingPortal, stripe } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

const URL_LIMIT = 2048;

export const request = strictObject({
  plan: text(),
  success_url: text(URL_LIMIT),
  cancel_url: text(URL_LIMIT),
});
export const response = strictObject({ url: string(), expires_at: string() });

export const handler = rpc({
  name: "create_checkout_session",
  version: "2026-12-01",
  summary: "Returns the URL of a Stripe page where the user buys a plan.",
  access: "user",
  request,
  response,
  errors: [
    "invalid_checkout_url",
    "plan_not_found",
    "plan_ended",
    "price_not_found",
    "payment_required",
    "already_subscribed",
    "rate_limited",
    "stripe_error",
  ],
  parts: { billing, billingPortal, stripe },
  reads: ({ core, caller }) => readBuyer(core, userOf(caller)),
  async run({ core, request: asked, reads: { buyer, checkout }, caller }) {
    const { clientId, userId } = userOf(caller);
    const client = core.oauthClients.require(clientId);
    requireCheckoutUrl(core.stage, client, asked.success_url, "success_url");
    requireCheckoutUrl(core.stage, client, asked.cancel_url, "cancel_url");
    const plan = requirePlan(core, asked.plan);
    requireOffered(plan);
    await requirePurchase(core, plan, buyer.subscriptions);
    const order = {
      userId,
      planId: plan.id,
      priceId: plan.priceId,
      successUrl: asked.success_url,
      cancelUrl: asked.cancel_url,
    };
    const { url, expiresAt } = await createCheckout(core, buyer, order, checkout);
    return { url, expires_at: expiresAt.toISOString() };
  },
});
