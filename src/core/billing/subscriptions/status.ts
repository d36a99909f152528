import type { BillingPortal } from "#core/billing/subscriptions/billing_portal.ts";
import { type OwnerRecords, recordUnpaidUse } from "#core/billing/subscriptions/owner.ts";
import type { Access } from "#core/billing/subscriptions/subscription.ts";
import { recordTrialUse, type UseCore } from "#core/billing/trials/record_trial_use.ts";
import { requireTrialAccess } from "#core/billing/trials/trial_access.ts";
import type { Call, Caller } from "#core/call.ts";
import type { Core } from "#core/core.ts";
import { byCaller } from "#core/events/event_source.ts";

/** A user's access, and a link to Stripe's billing portal; null if Stripe does not respond in time. */
export interface SubscriptionStatus {
  access: Access;
  billingPortalUrl: string | null;
}

/**
 * Reads a user's subscription for a status call. A call of the user counts as use of a trial.
 * @throws NestError `no_active_subscription`, `unavailable`
 */
export async function readStatus(
  core: UseCore & Pick<Core, "sessions"> & { billingPortal: BillingPortal },
  owner: OwnerRecords,
  { caller, call }: { caller: Caller; call: Call },
  now: Date,
): Promise<SubscriptionStatus> {
  const isUse = caller.kind === "user";
  const found = await requireTrialAccess(core, owner, { caller, now, isUse });
  const [access, billingPortalUrl] = await Promise.all([
    isUse ? recordTrialUse(core, found, byCaller(caller, call), now) : found.access,
    core.billingPortal.link(core, found.access.subscription.stpCustomerId),
    isUse && recordUnpaidUse(core, found.access, now),
  ]);
  return { access, billingPortalUrl };
}
