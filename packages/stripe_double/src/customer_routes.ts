import { array, optional, strictObject, union } from "zod/mini";
import {
  attachCard,
  createCustomer,
  deleteCustomer,
  livingCustomer,
  referredCustomer,
  requireAddress,
  setDefaultMethod,
} from "./customers.ts";
import { change, emit } from "./events.ts";
import { expand, isWithin, mergeMetadata, metadata, nothing, paging, range, text } from "./params.ts";
import { missing, missingReference } from "./refusal.ts";
import { page, type Route, route } from "./route.ts";
import type { Customer, DeletedCustomer, PaymentMethod } from "./types.ts";
import { newestFirst, type World } from "./world.ts";

const clearable = optional(union([nothing, text]));
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

/** Stripe's test cards, by the names that its test mode attaches them under. */
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
    (world, params) => {
      if (params.test_clock !== undefined && !world.tables.testClocks.has(params.test_clock)) {
        throw missingReference("test clock", params.test_clock, "test_clock");
      }
      return createCustomer(world, {
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
    (world, params) => {
      const rows = newestFirst(new Map([...world.tables.customers].filter(isLiving))).filter(
        ({ email, created, test_clock }) =>
          (params.email === undefined || email === params.email) &&
          isWithin(params.created, created) &&
          (test_clock ?? undefined) === params.test_clock,
      );
      return page("/v1/customers", rows, params);
    },
  ),
  route("GET", "/v1/customers/:id", strictObject({ expand }), (world, _, id) => {
    const customer = world.tables.customers.get(id);
    if (customer === undefined) throw missing("customer", id);
    return customer;
  }),
  route("POST", "/v1/customers/:id", strictObject(details), (world, params, id) => {
    const customer = livingCustomer(world, id);
    requireAddress(params.email || null);
    const patch: Partial<Customer> = {};
    for (const key of ["email", "name", "description", "phone"] as const) {
      const value = params[key];
      if (value !== undefined) patch[key] = value || null;
    }
    if (params.preferred_locales) patch.preferred_locales = params.preferred_locales;
    if (params.metadata !== undefined) patch.metadata = mergeMetadata(customer.metadata, params.metadata);
    const method = params.invoice_settings?.default_payment_method;
    if (method !== undefined)
      setDefaultMethod(world, customer, method ? ownMethod(world, customer, method) : null);
    change(world, customer, patch, "customer.updated");
    return customer;
  }),
  route("DELETE", "/v1/customers/:id", strictObject({}), (world, _, id) => {
    deleteCustomer(world, livingCustomer(world, id));
    return { id, object: "customer", deleted: true };
  }),
  route(
    "GET",
    "/v1/customers/:id/payment_methods",
    strictObject({ ...paging, type: optional(text) }),
    (world, params, id) => {
      livingCustomer(world, id);
      return page(`/v1/customers/${id}/payment_methods`, methodsOf(world, id, params.type), params);
    },
  ),
  route(
    "GET",
    "/v1/payment_methods",
    strictObject({ ...paging, customer: optional(text), type: optional(text) }),
    (world, params) => {
      if (params.customer !== undefined) referredCustomer(world, params.customer);
      return page("/v1/payment_methods", methodsOf(world, params.customer, params.type), params);
    },
  ),
  route("GET", "/v1/payment_methods/:id", strictObject({ expand }), (world, _, id) => method(world, id)),
  route(
    "POST",
    "/v1/payment_methods/:id/attach",
    strictObject({ customer: text, expand }),
    (world, params, id) => {
      const customer = referredCustomer(world, params.customer);
      const card = TEST_CARDS[id];
      if (card === undefined) throw missing("PaymentMethod", id);
      return attachCard(world, customer, card, { isDefault: false });
    },
  ),
  route("POST", "/v1/payment_methods/:id/detach", strictObject({ expand }), (world, _, id) => {
    const detached = method(world, id);
    const customer = world.tables.customers.get(detached.customer ?? "");
    if (customer && "created" in customer && customer.invoice_settings.default_payment_method === id) {
      setDefaultMethod(world, customer, null);
    }
    detached.customer = null;
    emit(world, "payment_method.detached", detached);
    return detached;
  }),
];

function isLiving(entry: [string, Customer | DeletedCustomer]): entry is [string, Customer] {
  return "created" in entry[1];
}

function method(world: World, id: string): PaymentMethod {
  const row = world.tables.paymentMethods.get(id);
  if (row === undefined) throw missing("PaymentMethod", id);
  return row;
}

function methodsOf(world: World, customer: string | undefined, type: string | undefined): PaymentMethod[] {
  return newestFirst(world.tables.paymentMethods).filter(
    (row) =>
      row.customer !== null &&
      (customer === undefined || row.customer === customer) &&
      (type === undefined || row.type === type),
  );
}

function ownMethod(world: World, customer: Customer, id: string): string {
  if (world.tables.paymentMethods.get(id)?.customer === customer.id) return id;
  throw missingReference("PaymentMethod", id, "invoice_settings[default_payment_method]");
}
