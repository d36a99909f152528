import { array, optional, strictObject, union } from "zod/mini";
import { type Account, newestFirst } from "./account.ts";
import { notFound, unknownReference } from "./api_error.ts";
import { adjustBalance } from "./balance.ts";
import {
  attachCard,
  createCustomer,
  deleteCustomer,
  requireCustomer,
  requireEmail,
  requireReferencedCustomer,
  setDefaultMethod,
} from "./customers.ts";
import { change, emit } from "./events.ts";
import {
  emptyString,
  expand,
  integer,
  isWithin,
  mergeMetadata,
  metadata,
  paging,
  range,
  text,
} from "./params.ts";
import { page, type Route, route } from "./route.ts";
import type { Customer, DeletedCustomer, PaymentMethod } from "./types.ts";

const clearable = optional(union([emptyString, text]));
const details = {
  email: clearable,
  name: clearable,
  description: clearable,
  phone: clearable,
  metadata,
  preferred_locales: optional(array(text)),
  invoice_settings: optional(strictObject({ default_payment_method: clearable })),
  expand,
};

/** Stripe's test payment methods (https://docs.stripe.com/testing). */
const TEST_CARDS: Readonly<Record<string, { fingerprint?: string; declines?: boolean }>> = {
  pm_card_visa: { fingerprint: "visa4242visa4242" },
  pm_card_mastercard: { fingerprint: "mastercard444444" },
  pm_card_chargeCustomerFail: { fingerprint: "visa0341visa0341", declines: true },
};

export const customerRoutes: Route[] = [
  route(
    "POST",
    "/v1/customers",
    strictObject({ ...details, test_clock: optional(text) }),
    (account, params) => {
      if (params.test_clock !== undefined && !account.tables.testClocks.has(params.test_clock)) {
        throw unknownReference("test clock", params.test_clock, "test_clock");
      }
      return createCustomer(account, {
        email: params.email || null,
        name: params.name || null,
        description: params.description || null,
        phone: params.phone || null,
        preferred_locales: params.preferred_locales,
        metadata: mergeMetadata(null, params.metadata),
        test_clock: params.test_clock,
      });
    },
  ),
  route(
    "GET",
    "/v1/customers",
    strictObject({ ...paging, email: optional(text), created: range, test_clock: optional(text) }),
    (account, params) => {
      const rows = newestFirst(new Map([...account.tables.customers].filter(isNotDeleted))).filter(
        ({ email, created, test_clock }) =>
          (params.email === undefined || email === params.email) &&
          isWithin(params.created, created) &&
          (test_clock ?? undefined) === params.test_clock,
      );
      return page("/v1/customers", rows, params);
    },
  ),
  route("GET", "/v1/customers/:id", strictObject({ expand }), (account, _, id) => {
    const customer = account.tables.customers.get(id);
    if (customer === undefined) throw notFound("customer", id);
    return customer;
  }),
  route("POST", "/v1/customers/:id", strictObject(details), (account, params, id) => {
    const customer = requireCustomer(account, id);
    requireEmail(params.email || null);
    const patch: Partial<Customer> = {};
    for (const key of ["email", "name", "description", "phone"] as const) {
      const value = params[key];
      if (value !== undefined) patch[key] = value || null;
    }
    if (params.preferred_locales) patch.preferred_locales = params.preferred_locales;
    if (params.metadata !== undefined) patch.metadata = mergeMetadata(customer.metadata, params.metadata);
    const method = params.invoice_settings?.default_payment_method;
    if (method !== undefined)
      setDefaultMethod(account, customer, method ? ownMethod(account, customer, method) : null);
    change(account, customer, patch, "customer.updated");
    return customer;
  }),
  route("DELETE", "/v1/customers/:id", strictObject({}), (account, _, id) => {
    deleteCustomer(account, requireCustomer(account, id));
    return { id, object: "customer", deleted: true };
  }),
  route(
    "POST",
    "/v1/customers/:id/balance_transactions",
    strictObject({ amount: integer, currency: text, description: optional(text), metadata, expand }),
    (account, params, id) =>
      adjustBalance(account, requireCustomer(account, id), {
        amount: params.amount,
        currency: params.currency.toLowerCase(),
        description: params.description || null,
        metadata: mergeMetadata(null, params.metadata),
      }),
  ),
  route("GET", "/v1/customers/:id/balance_transactions", strictObject(paging), (account, params, id) => {
    const rows = newestFirst(account.tables.balanceTransactions).filter(({ customer }) => customer === id);
    return page(`/v1/customers/${id}/balance_transactions`, rows, params);
  }),
  route(
    "GET",
    "/v1/customers/:id/payment_methods",
    strictObject({ ...paging, type: optional(text) }),
    (account, params, id) => {
      requireCustomer(account, id);
      return page(`/v1/customers/${id}/payment_methods`, methodsOf(account, id, params.type), params);
    },
  ),
  route(
    "GET",
    "/v1/payment_methods",
    strictObject({ ...paging, customer: optional(text), type: optional(text) }),
    (account, params) => {
      if (params.customer !== undefined) requireReferencedCustomer(account, params.customer);
      return page("/v1/payment_methods", methodsOf(account, params.customer, params.type), params);
    },
  ),
  route("GET", "/v1/payment_methods/:id", strictObject({ expand }), (account, _, id) => method(account, id)),
  route(
    "POST",
    "/v1/payment_methods/:id/attach",
    strictObject({ customer: text, expand }),
    (account, params, id) => {
      const customer = requireReferencedCustomer(account, params.customer);
      const card = TEST_CARDS[id];
      if (card === undefined) throw notFound("PaymentMethod", id);
      return attachCard(account, customer, card, { isDefault: false });
    },
  ),
  route("POST", "/v1/payment_methods/:id/detach", strictObject({ expand }), (account, _, id) => {
    const detached = method(account, id);
    const customer = account.tables.customers.get(detached.customer ?? "");
    if (customer && "created" in customer && customer.invoice_settings.default_payment_method === id) {
      setDefaultMethod(account, customer, null);
    }
    detached.customer = null;
    emit(account, "payment_method.detached", detached);
    return detached;
  }),
];

function isNotDeleted(entry: [string, Customer | DeletedCustomer]): entry is [string, Customer] {
  return "created" in entry[1];
}

function method(account: Account, id: string): PaymentMethod {
  const row = account.tables.paymentMethods.get(id);
  if (row === undefined) throw notFound("PaymentMethod", id);
  return row;
}

function methodsOf(
  account: Account,
  customer: string | undefined,
  type: string | undefined,
): PaymentMethod[] {
  return newestFirst(account.tables.paymentMethods).filter(
    (row) =>
      row.customer !== null &&
      (customer === undefined || row.customer === customer) &&
      (type === undefined || row.type === type),
  );
}

function ownMethod(account: Account, customer: Customer, id: string): string {
  if (account.tables.paymentMethods.get(id)?.customer === customer.id) return id;
  throw unknownReference("PaymentMethod", id, "invoice_settings[default_payment_method]");
}
