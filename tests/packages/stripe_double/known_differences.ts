const NEWER = "New in the SDK's API version. stripe-mock has an older version.";
const UNLISTED = "The SDK's types have the field. The published schema that stripe-mock uses does not.";
const OPTIONAL = "Optional. The double's object has the field, stripe-mock's example does not.";
const ABSENT = "Optional. stripe-mock's example has the field, the double's object does not.";
/** The fields that only the double's or only stripe-mock's responses have, with the reason. */
export const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  "charge.outcome.risk_level": OPTIONAL,
  "charge.payment_method_details.card.electronic_commerce_indicator": OPTIONAL,
  "charge.refunds": ABSENT,
  "charge.source": UNLISTED,
  "checkout.session.allowed_payment_method_types": NEWER,
  "checkout.session.payment_method_options.card": OPTIONAL,
  "customer.customer_account": OPTIONAL,
  "dispute.evidence_details.submission_method": NEWER,
  "dispute.intended_submission_method": NEWER,
  "dispute.network_reason_code": UNLISTED,
  "line_item.pricing.price_details": OPTIONAL,
  "payment_intent.amount_details": ABSENT,
  "payment_intent.last_payment_error.charge": OPTIONAL,
  "payment_intent.last_payment_error.code": OPTIONAL,
  "payment_intent.last_payment_error.decline_code": OPTIONAL,
  "payment_intent.last_payment_error.message": OPTIONAL,
  "payment_intent.last_payment_error.payment_method": OPTIONAL,
  "payment_intent.payment_record": UNLISTED,
  "payment_intent.source": UNLISTED,
  "price.recurring.trial_period_days": UNLISTED,
  "refund.failure_reason": OPTIONAL,
  "subscription.billing_mode.flexible.proration_discounts": OPTIONAL,
  "subscription.billing_mode.updated_at": OPTIONAL,
  "subscription.trial_settings.end_behavior.billing_cycle_anchor": NEWER,
  "subscription_item.current_trial": NEWER,
  "subscription_item.plan": UNLISTED,
  "webhook_endpoint.secret": OPTIONAL,
};
