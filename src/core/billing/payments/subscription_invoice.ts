/** A payment of an invoice that Stripe holds and can refund. */
export interface InvoicePayment {
  /** `pi_…`, or `ch_…` if the charge has no payment intent. */
  source: string;
  /** The part of the invoice that it paid. */
  paid: number;
  /** The part of it that is not refunded yet. */
  left: number;
  /** When it succeeded, in Unix seconds. */
  paidAt: number;
  /** A bank holds or took back the payment. */
  isDisputed: boolean;
}

/** An invoice of a subscription for one of our products. */
export interface SubscriptionInvoice {
  currency: string;
  /** Its lines: what each costs, and for which period, in Unix seconds. */
  lines: readonly { start: number; end: number; amount: number }[];
  /** Payments through Stripe. A payment outside Stripe can't be refunded there, so it is not listed. */
  payments: readonly InvoicePayment[];
  /** When it was paid in full; until then, when it was created. In Unix seconds. */
  paidAt: number;
  /** What the customer's balance paid. */
  creditUsed: number;
  /** The amount that credit notes returned after it was paid, to the payment method or to the balance. */
  creditNoted: number;
  /** What it credited to the customer's balance. Its total can be negative after a change of interval. */
  creditGiven: number;
}
