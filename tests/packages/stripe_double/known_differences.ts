const NEWER = "New in the SDK's version; stripe-mock knows an older one.";
const UNLISTED = "The SDK's types have it; the published schema that stripe-mock is made from leaves it out.";
const OPTIONAL = "Not in every object. The double's has it, stripe-mock's example does not.";
/** Why an answer of the double has a field that stripe-mock's has not, or the other way round. */
export const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  "customer.customer_account": OPTIONAL,
  "dispute.evidence_details.submission_method": NEWER,
  "dispute.intended_submission_method": NEWER,
  "dispute.network_reason_code": UNLISTED,
  "invoice_payment.payment.payment_intent": OPTIONAL,
  "line_item.pricing.price_details": OPTIONAL,
  "price.recurring.trial_period_days": UNLISTED,
  "subscription.billing_mode.flexible.proration_discounts": OPTIONAL,
  "subscription.billing_mode.updated_at": OPTIONAL,
  "subscription.trial_settings.end_behavior.billing_cycle_anchor": NEWER,
  "subscription_item.current_trial": NEWER,
  "subscription_item.plan": UNLISTED,
  "webhook_endpoint.secret": OPTIONAL,
};
