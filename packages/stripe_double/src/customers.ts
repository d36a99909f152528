import { type Account, type CardBehavior, newId } from "./account.ts";
import { invalidRequest, notFound, unknownReference } from "./api_error.ts";
import { cancelNow } from "./billing.ts";
import { change, emit } from "./events.ts";
import { isOver } from "./subscription_object.ts";
import type { Customer, PaymentMethod } from "./types.ts";

export interface CustomerDetails {
  email?: string | null;
  name?: string | null;
  description?: string | null;
  phone?: string | null;
  metadata?: Record<string, string>;
  preferred_locales?: string[];
  test_clock?: string;
}

/** Stores a new customer and emits `customer.created`. */
export function createCustomer(account: Account, details: CustomerDetails = {}): Customer {
  requireEmail(details.email);
  const customer: Customer = {
    id: newId("cus", 14),
    object: "customer",
    address: null,
    balance: 0,
    created: account.now(),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: details.description ?? null,
    discount: null,
    email: details.email ?? null,
    invoice_prefix: newId("", 8).slice(1).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: details.metadata ?? {},
    name: details.name ?? null,
    next_invoice_sequence: 1,
    phone: details.phone ?? null,
    preferred_locales: details.preferred_locales ?? [],
    shipping: null,
    tax_exempt: "none",
    test_clock: details.test_clock ?? null,
  };
  account.tables.customers.set(customer.id, customer);
  emit(account, "customer.created", customer);
  return customer;
}

/**
 * Checks an email address as loosely as Stripe does.
 * @throws ApiError email_invalid
 */
export function requireEmail(email: string | null | undefined): void {
  if (email === undefined || email === null || /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return;
  throw invalidRequest(`Invalid email address: ${email}`, { code: "email_invalid", param: "email" });
}

/**
 * The customer that a parameter names.
 * @throws ApiError with status 400 if the customer is unknown or deleted
 */
export function requireReferencedCustomer(account: Account, id: string, param = "customer"): Customer {
  const customer = account.tables.customers.get(id);
  if (customer === undefined || !("created" in customer)) throw unknownReference("customer", id, param);
  return customer;
}

/**
 * The customer that a path names.
 * @throws ApiError with status 404 if the customer is unknown or deleted
 */
export function requireCustomer(account: Account, id: string): Customer {
  const customer = account.tables.customers.get(id);
  if (customer === undefined || !("created" in customer)) throw notFound("customer", id);
  return customer;
}

/** Deletes a customer, cancels its subscriptions and detaches its cards. What remains is a deleted customer object. */
export function deleteCustomer(account: Account, customer: Customer): void {
  for (const subscription of account.tables.subscriptions.values()) {
    if (subscription.customer !== customer.id || isOver(subscription)) continue;
    cancelNow(account, subscription, "cancellation_requested");
  }
  for (const method of account.tables.paymentMethods.values()) {
    if (method.customer === customer.id) method.customer = null;
  }
  account.tables.customers.set(customer.id, { id: customer.id, object: "customer", deleted: true });
  emit(account, "customer.deleted", customer);
}

export interface CardDetails {
  /** Identifies the physical card, also across customers. Default: random. */
  fingerprint?: string;
  /** Payments with the card fail. */
  declines?: boolean;
  /** Payments stay `processing` until `settlePayment`, like those of a bank debit. */
  processes?: boolean;
}

/** Attaches a card to a customer, by default as the default payment method. */
export function attachCard(
  account: Account,
  customer: Customer,
  details: CardDetails = {},
  { isDefault = true } = {},
): PaymentMethod {
  const method: PaymentMethod = {
    id: newId("pm"),
    object: "payment_method",
    allow_redisplay: "unspecified",
    billing_details: { address: null, email: customer.email, name: null, phone: null, tax_id: null },
    card: {
      brand: "visa",
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: "pass" },
      country: "GB",
      display_brand: "visa",
      exp_month: 12,
      exp_year: new Date(account.now() * 1000).getUTCFullYear() + 3,
      fingerprint: details.fingerprint ?? newId("", 16).slice(1),
      funding: "credit",
      generated_from: null,
      last4: details.declines ? "0341" : "4242",
      networks: { available: ["visa"], preferred: null },
      regulated_status: "unregulated",
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: account.now(),
    customer: customer.id,
    customer_account: null,
    livemode: false,
    metadata: {},
    type: "card",
  };
  account.tables.paymentMethods.set(method.id, method);
  account.cards.set(method.id, behaviorOf(details));
  emit(account, "payment_method.attached", method);
  if (isDefault) setDefaultMethod(account, customer, method.id);
  return method;
}

function behaviorOf({ declines, processes }: CardDetails): CardBehavior {
  if (declines) return "declines";
  return processes ? "processes" : "succeeds";
}

/** Sets or clears the default payment method of a customer. */
export function setDefaultMethod(account: Account, customer: Customer, method: string | null): void {
  const settings = { ...customer.invoice_settings, default_payment_method: method };
  change(account, customer, { invoice_settings: settings }, "customer.updated");
}
