import { type Account, newId } from "./account.ts";
import { notFound } from "./api_error.ts";
import { change, emit } from "./events.ts";
import { DAY_SECONDS } from "./periods.ts";
import type { Charge, Dispute } from "./types.ts";

/** Opens a dispute of a charge, which can't be refunded until the dispute is won. */
export function openDispute(account: Account, charge: Charge, reason = "fraudulent"): Dispute {
  const dispute: Dispute = {
    id: newId("dp"),
    object: "dispute",
    amount: charge.amount,
    balance_transactions: [],
    charge: charge.id,
    created: account.now(),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {
      access_activity_log: null,
      billing_address: null,
      cancellation_policy: null,
      cancellation_policy_disclosure: null,
      cancellation_rebuttal: null,
      customer_communication: null,
      customer_email_address: charge.billing_details.email,
      customer_name: null,
      customer_purchase_ip: null,
      customer_signature: null,
      duplicate_charge_documentation: null,
      duplicate_charge_explanation: null,
      duplicate_charge_id: null,
      enhanced_evidence: {},
      product_description: null,
      receipt: null,
      refund_policy: null,
      refund_policy_disclosure: null,
      refund_refusal_explanation: null,
      service_date: null,
      service_documentation: null,
      shipping_address: null,
      shipping_carrier: null,
      shipping_date: null,
      shipping_documentation: null,
      shipping_tracking_number: null,
      uncategorized_file: null,
      uncategorized_text: null,
    },
    evidence_details: {
      due_by: account.now() + 9 * DAY_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: "not_submitted",
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    network_reason_code: "10.4",
    payment_intent: charge.payment_intent,
    payment_method_details: {
      type: "card",
      card: { brand: "visa", case_type: "chargeback", network: "visa", network_reason_code: "10.4" },
    },
    reason,
    status: "needs_response",
  };
  charge.disputed = true;
  account.tables.disputes.set(dispute.id, dispute);
  emit(account, "charge.dispute.created", dispute);
  return dispute;
}

/** Sets a dispute to `under_review`. */
export function reviewDispute(account: Account, id: string): Dispute {
  const dispute = disputeOf(account, id);
  change(account, dispute, { status: "under_review" }, "charge.dispute.updated");
  return dispute;
}

/** Closes a dispute. */
export function closeDispute(account: Account, id: string, outcome: "won" | "lost"): Dispute {
  const dispute = disputeOf(account, id);
  change(account, dispute, { status: outcome }, "charge.dispute.closed");
  return dispute;
}

function disputeOf(account: Account, id: string): Dispute {
  const dispute = account.tables.disputes.get(id);
  if (dispute === undefined) throw notFound("dispute", id);
  return dispute;
}
