import { enum as oneOf, optional, strictObject } from "zod/mini";
import { cardOf, retry } from "./billing.ts";
import { expand, isWithin, mergeMetadata, metadata, paging, range, text, whole } from "./params.ts";
import { createRefund } from "./refunds.ts";
import { invalidRequest, missing, Refusal } from "./refusal.ts";
import { page, type Route, route } from "./route.ts";
import type { Invoice } from "./types.ts";
import { newestFirst, type World } from "./world.ts";

const one = strictObject({ expand });

export const moneyRoutes: Route[] = [
  route(
    "GET",
    "/v1/invoices",
    strictObject({
      ...paging,
      customer: optional(text),
      subscription: optional(text),
      status: optional(oneOf(["draft", "open", "paid", "uncollectible", "void"])),
      created: range,
    }),
    (world, params) => {
      const rows = newestFirst(world.tables.invoices).filter(
        (row) =>
          (params.customer === undefined || row.customer === params.customer) &&
          (params.subscription === undefined || subscriptionOf(row) === params.subscription) &&
          (params.status === undefined || row.status === params.status) &&
          isWithin(params.created, row.created),
      );
      return page("/v1/invoices", rows, params);
    },
  ),
  route("GET", "/v1/invoices/:id", one, (world, _, id) => find(world.tables.invoices, "invoice", id)),
  route("POST", "/v1/invoices/:id/pay", strictObject({ expand }), (world, _, id) =>
    payInvoice(world, find(world.tables.invoices, "invoice", id)),
  ),
  route(
    "GET",
    "/v1/invoice_payments",
    strictObject({
      ...paging,
      invoice: optional(text),
      payment: optional(
        strictObject({
          type: oneOf(["payment_intent", "payment_record"]),
          payment_intent: optional(text),
          payment_record: optional(text),
        }),
      ),
      status: optional(oneOf(["canceled", "open", "paid"])),
      created: range,
    }),
    (world, params) => {
      const intent = params.payment?.payment_intent;
      const rows = newestFirst(world.tables.invoicePayments).filter(
        (row) =>
          (params.invoice === undefined || row.invoice === params.invoice) &&
          (intent === undefined || row.payment.payment_intent === intent) &&
          (params.status === undefined || row.status === params.status) &&
          isWithin(params.created, row.created),
      );
      return page("/v1/invoice_payments", rows, params);
    },
  ),
  route("GET", "/v1/invoice_payments/:id", one, (world, _, id) =>
    find(world.tables.invoicePayments, "invoice_payment", id),
  ),
  route("GET", "/v1/payment_intents/:id", one, (world, _, id) =>
    find(world.tables.paymentIntents, "payment_intent", id),
  ),
  route(
    "GET",
    "/v1/payment_intents",
    strictObject({ ...paging, customer: optional(text), created: range }),
    (world, params) => page("/v1/payment_intents", ofCustomer(world.tables.paymentIntents, params), params),
  ),
  route("GET", "/v1/charges/:id", one, (world, _, id) => find(world.tables.charges, "charge", id)),
  route(
    "GET",
    "/v1/charges",
    strictObject({ ...paging, customer: optional(text), payment_intent: optional(text), created: range }),
    (world, params) => {
      const rows = ofPayment(ofCustomer(world.tables.charges, params), params);
      return page("/v1/charges", rows, params);
    },
  ),
  route(
    "POST",
    "/v1/refunds",
    strictObject({
      payment_intent: optional(text),
      charge: optional(text),
      amount: optional(whole),
      reason: optional(oneOf(["duplicate", "fraudulent", "requested_by_customer"])),
      metadata,
      expand,
    }),
    (world, { metadata: given, ...details }) =>
      createRefund(world, { ...details, metadata: mergeMetadata(null, given) }),
  ),
  route("GET", "/v1/refunds/:id", one, (world, _, id) => find(world.tables.refunds, "refund", id)),
  route(
    "GET",
    "/v1/refunds",
    strictObject({ ...paging, charge: optional(text), payment_intent: optional(text), created: range }),
    (world, params) => {
      const rows = newestFirst(world.tables.refunds).filter(
        ({ charge, created }) =>
          (params.charge === undefined || charge === params.charge) && isWithin(params.created, created),
      );
      return page("/v1/refunds", ofPayment(rows, params), params);
    },
  ),
  route("GET", "/v1/disputes/:id", one, (world, _, id) => find(world.tables.disputes, "dispute", id)),
  route(
    "GET",
    "/v1/disputes",
    strictObject({ ...paging, charge: optional(text), payment_intent: optional(text), created: range }),
    (world, params) => {
      const rows = newestFirst(world.tables.disputes).filter(
        ({ charge, created }) =>
          (params.charge === undefined || charge === params.charge) && isWithin(params.created, created),
      );
      return page("/v1/disputes", ofPayment(rows, params), params);
    },
  ),
];

function find<Row extends object>(table: ReadonlyMap<string, Row>, what: string, id: string): Row {
  const row = table.get(id);
  if (row === undefined) throw missing(what, id);
  return row;
}

function subscriptionOf({ parent }: Invoice): string | undefined {
  return parent?.subscription_details?.subscription;
}

function ofCustomer<Row extends { customer: string | null; created: number }>(
  table: ReadonlyMap<string, Row>,
  { customer, created }: { customer?: string | undefined; created?: Parameters<typeof isWithin>[0] },
): Row[] {
  return newestFirst(table).filter(
    (row) => (customer === undefined || row.customer === customer) && isWithin(created, row.created),
  );
}

function ofPayment<Row extends { payment_intent: string | null }>(
  rows: Row[],
  { payment_intent: intent }: { payment_intent?: string | undefined },
): Row[] {
  return rows.filter((row) => intent === undefined || row.payment_intent === intent);
}

function payInvoice(world: World, invoice: Invoice): Invoice {
  if (invoice.status === "paid") {
    throw invalidRequest("Invoice is already paid", { code: "invoice_already_paid" });
  }
  const subscription = world.tables.subscriptions.get(subscriptionOf(invoice) ?? "");
  if (invoice.status !== "open" || subscription === undefined) {
    throw invalidRequest("This invoice cannot be paid.", { code: "invoice_not_editable" });
  }
  if (cardOf(world, subscription) === null) {
    throw invalidRequest("There is no `default_payment_method` set on this Customer or Invoice.", {
      code: "resource_missing",
    });
  }
  if (retry(world, subscription) !== "failed") return invoice;
  throw new Refusal(402, {
    type: "card_error",
    code: "card_declined",
    decline_code: "generic_decline",
    message: "Your card was declined.",
  });
}
