import type { BillingPortal } from "#core/billing/subscriptions/billing_portal.ts";
import type { Core } from "#core/core.ts";
import { NestError } from "#core/errors.ts";

/**
 * The error for an unpaid invoice, with a link to the portal, where it can be paid. The link is null if Stripe does not
 * respond in time.
 */
export async function paymentRequired(
  core: Pick<Core, "clock" | "log"> & { billingPortal: BillingPortal },
  customer: string,
): Promise<NestError> {
  const billing_portal_url = await core.billingPortal.link(core, customer);
  return new NestError("payment_required", { meta: { billing_portal_url } });
}
