/**
 * Returns a user's subscription, with its plan and features.
 *
 * The features of a new plan are listed once it is paid. The billing portal link comes from Stripe and is null if Stripe does not
 * respond in time.
 */
import { array, nullable, strictObject, string } from "zod/mini";
import { featuresOf, planOf } from "#core/billing/plans/plans.ts";
import { mintEntitlement } from "#core/billing/subscriptions/entitlement.ts";
import { readOwner } from "#core/billing/subscriptions/owner.ts";
import { readStatus } from "#core/billing/subscriptions/status.ts";
import { billing, billingPortal, signer, stripe } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: text() });
export const response = strictObject({
  status: string(),
  plan: nullable(string()),
  features: array(string()),
  billing_portal_url: nullable(string()),
  start_date: string(),
  end_date: string(),
  cancel_at: nullable(string()),
  cancel_type: nullable(string()),
  cancelled_at: nullable(string()),
  entitlement: nullable(string()),
});

export const handler = rpc({
  name: "get_subscription_status",
  version: "2026-12-01",
  summary: "Returns a user's subscription, with its plan and features.",
  access: "own_user",
  request,
  response,
  errors: ["no_active_subscription"],
  parts: { billing, billingPortal, signer, stripe },
  reads: ({ core, request: { user_id } }) => readOwner(core, user_id),
  async run({ core, reads, caller, call }) {
    const now = core.clock.now();
    const { access, billingPortalUrl } = await readStatus(core, reads, { caller, call }, now);
    const { subscription } = access;
    const plan = {
      plan: planOf(core, subscription)?.id ?? null,
      features: [...featuresOf(core, subscription)],
    };
    return {
      status: subscription.status,
      ...plan,
      billing_portal_url: billingPortalUrl,
      start_date: subscription.startsAt,
      end_date: access.endsAt,
      cancel_at: subscription.cancelAt,
      cancel_type: subscription.cancelType,
      cancelled_at: subscription.cancelledAt,
      entitlement: await mintEntitlement(core, access, caller, { now, plan }),
    };
  },
});
