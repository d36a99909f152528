/**
 * Returns a user's subscription.
 *
 * The billing portal link comes from Stripe and is null if Stripe does not respond in time.
 */
import { nullable, strictObject, string } from "zod/mini";
import { mintEntitlement } from "#core/billing/subscriptions/entitlement.ts";
import { readOwner } from "#core/billing/subscriptions/owner.ts";
import { readStatus } from "#core/billing/subscriptions/status.ts";
import { billing, billingPortal, signer, stripe } from "#core/parts.ts";
import { text } from "#core/wire.ts";
import { rpc } from "#entry/rpc.ts";

export const request = strictObject({ user_id: text() });
export const response = strictObject({
  status: string(),
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
  version: "2021-10-06",
  summary: "Returns a user's subscription.",
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
    const entitlement = await mintEntitlement(core, access, caller, { now });
    return {
      status: subscription.status,
      billing_portal_url: billingPortalUrl,
      start_date: subscription.startsAt,
      end_date: access.endsAt,
      cancel_at: subscription.cancelAt,
      cancel_type: subscription.cancelType,
      cancelled_at: subscription.cancelledAt,
      entitlement,
    };
  },
});
