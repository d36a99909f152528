/**
 * Changes the user's active subscription to another plan.
 *
 * The rest of the period is charged at once, or credited to the next invoices. If the payment fails, the old plan
 * continues, and the new plan starts if the user pays in the billing portal within 23 hours. Safe to repeat.
 */
import { array, strictObject, string } from "zod/mini";
import { changePlan } from "#core/billing/plans/change_plan.ts";
import { requirePlan } from "#core/billing/plans/plans.ts";
import { readManaged } from "#core/billing/plans/purchase.ts";
import { userOf } from "#core/call.ts";
import { billing, billingPortal, stripe } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ plan: text() });
export const response = strictObject({ plan: string(), features: array(string()) });

export const handler = rpc({
  name: "change_plan",
  version: "2026-12-01",
  summary: "Changes the user's active subscription to another plan.",
  access: "user",
  request,
  response,
  errors: [
    "plan_not_found",
    "plan_ended",
    "price_not_found",
    "payment_required",
    "checkout_required",
    "subscription_ending",
    "stripe_error",
  ],
  parts: { billing, billingPortal, stripe },
  reads: ({ core, caller }) => readManaged(core, userOf(caller).userId),
  async run({ core, request: asked, reads: subscriptions }) {
    const plan = requirePlan(core, asked.plan);
    await changePlan(core, subscriptions, plan);
    return { plan: plan.id, features: [...plan.features] };
  },
});
