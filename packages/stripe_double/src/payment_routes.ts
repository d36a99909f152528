import { enum as oneOf, optional, strictObject } from "zod/mini";
import { type Account, newestFirst } from "./account.ts";
import { ApiError, invalidRequest, notFound, unknownReference } from "./api_error.ts";
import { cardOf, followInvoice, retryPayment } from "./billing.ts";
import { newInvoice } from "./invoice_object.ts";
import { markUncollectible, payOutOfBand, voidInvoice } from "./invoices.ts";
import { expand, flag, integer, isWithin, mergeMetadata, metadata, paging, range, text } from "./params.ts";
import { createRefund } from "./refunds.ts";
import { page, type Route, route } from "./route.ts";
import { isOver } from "./subscription_object.ts";
import type { Invoice } from "./types.ts";

const retrieveParams = strictObject({ expand });

export const paymentRoutes: Route[] = [
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
    (account, params) => {
      const rows = newestFirst(account.tables.invoices).filter(
        (row) =>
          (params.customer === undefined || row.customer === params.customer) &&
          (params.subscription === undefined || subscriptionOf(row) === params.subscription) &&
          (params.status === undefined || row.status === params.status) &&
          isWithin(params.created, row.created),
      );
      return page("/v1/invoices", rows, params);
    },
  ),
  route(
    "POST",
    "/v1/invoices/create_preview",
    strictObject({ subscription: text, expand }),
    (account, params) => {
      const subscription = account.tables.subscriptions.get(params.subscription);
      if (subscription === undefined)
        throw unknownReference("subscription", params.subscription, "subscription");
      return newInvoice(account, subscription, { reason: "subscription_cycle", isDraft: true }).invoice;
    },
  ),
  route("GET", "/v1/invoices/:id", retrieveParams, (account, _, id) =>
    find(account.tables.invoices, "invoice", id),
  ),
  route("GET", "/v1/invoices/:id/lines", strictObject(paging), (account, params, id) => {
    find(account.tables.invoices, "invoice", id);
    return page(`/v1/invoices/${id}/lines`, account.tables.invoiceLines.get(id) ?? [], params);
  }),
  route(
    "POST",
    "/v1/invoices/:id/pay",
    strictObject({ paid_out_of_band: optional(flag), expand }),
    (account, params, id) =>
      payInvoice(account, find(account.tables.invoices, "invoice", id), params.paid_out_of_band === true),
  ),
  route("POST", "/v1/invoices/:id/void", strictObject({ expand }), (account, _, id) => {
    const invoice = find(account.tables.invoices, "invoice", id);
    requireStatus(invoice, ["open", "uncollectible"], "void");
    voidInvoice(account, invoice);
    return updateSubscription(account, invoice);
  }),
  route("POST", "/v1/invoices/:id/mark_uncollectible", strictObject({ expand }), (account, _, id) => {
    const invoice = find(account.tables.invoices, "invoice", id);
    requireStatus(invoice, ["open"], "mark uncollectible");
    markUncollectible(account, invoice, "user_forgiven");
    return updateSubscription(account, invoice);
  }),
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
    (account, params) => {
      const intent = params.payment?.payment_intent;
      const rows = newestFirst(account.tables.invoicePayments).filter(
        (row) =>
          (params.invoice === undefined || row.invoice === params.invoice) &&
          (intent === undefined || row.payment.payment_intent === intent) &&
          (params.status === undefined || row.status === params.status) &&
          isWithin(params.created, row.created),
      );
      return page("/v1/invoice_payments", rows, params);
    },
  ),
  route("GET", "/v1/invoice_payments/:id", retrieveParams, (account, _, id) =>
    find(account.tables.invoicePayments, "invoice_payment", id),
  ),
  route("GET", "/v1/payment_intents/:id", retrieveParams, (account, _, id) =>
    find(account.tables.paymentIntents, "payment_intent", id),
  ),
  route(
    "GET",
    "/v1/payment_intents",
    strictObject({ ...paging, customer: optional(text), created: range }),
    (account, params) =>
      page("/v1/payment_intents", ofCustomer(account.tables.paymentIntents, params), params),
  ),
  route("GET", "/v1/charges/:id", retrieveParams, (account, _, id) =>
    find(account.tables.charges, "charge", id),
  ),
  route(
    "GET",
    "/v1/charges",
    strictObject({ ...paging, customer: optional(text), payment_intent: optional(text), created: range }),
    (account, params) => {
      const rows = ofPayment(ofCustomer(account.tables.charges, params), params);
      return page("/v1/charges", rows, params);
    },
  ),
  route(
    "POST",
    "/v1/refunds",
    strictObject({
      payment_intent: optional(text),
      charge: optional(text),
      amount: optional(integer),
      reason: optional(oneOf(["duplicate", "fraudulent", "requested_by_customer"])),
      metadata,
      expand,
    }),
    (account, { metadata: given, ...details }) =>
      createRefund(account, { ...details, metadata: mergeMetadata(null, given) }),
  ),
  route("GET", "/v1/refunds/:id", retrieveParams, (account, _, id) =>
    find(account.tables.refunds, "refund", id),
  ),
  route(
    "GET",
    "/v1/refunds",
    strictObject({ ...paging, charge: optional(text), payment_intent: optional(text), created: range }),
    (account, params) => {
      const rows = newestFirst(account.tables.refunds).filter(
        ({ charge, created }) =>
          (params.charge === undefined || charge === params.charge) && isWithin(params.created, created),
      );
      return page("/v1/refunds", ofPayment(rows, params), params);
    },
  ),
  route("GET", "/v1/disputes/:id", retrieveParams, (account, _, id) =>
    find(account.tables.disputes, "dispute", id),
  ),
  route(
    "GET",
    "/v1/disputes",
    strictObject({ ...paging, charge: optional(text), payment_intent: optional(text), created: range }),
    (account, params) => {
      const rows = newestFirst(account.tables.disputes).filter(
        ({ charge, created }) =>
          (params.charge === undefined || charge === params.charge) && isWithin(params.created, created),
      );
      return page("/v1/disputes", ofPayment(rows, params), params);
    },
  ),
];

function find<Row extends object>(table: ReadonlyMap<string, Row>, what: string, id: string): Row {
  const row = table.get(id);
  if (row === undefined) throw notFound(what, id);
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

function requireStatus({ status }: Invoice, allowed: Invoice["status"][], action: string): void {
  if (allowed.includes(status)) return;
  throw invalidRequest(
    `You can only ${action} an invoice whose status is ${allowed.join(" or ")}. This invoice is ${status}.`,
    { code: "invoice_not_editable" },
  );
}

/** Updates the invoice's subscription after a change of the invoice's status. Returns the invoice. */
function updateSubscription(account: Account, invoice: Invoice): Invoice {
  const subscription = account.tables.subscriptions.get(subscriptionOf(invoice) ?? "");
  if (subscription && !isOver(subscription)) followInvoice(account, subscription);
  return invoice;
}

function payInvoice(account: Account, invoice: Invoice, isOutOfBand: boolean): Invoice {
  if (invoice.status === "paid") {
    throw invalidRequest("Invoice is already paid", { code: "invoice_already_paid" });
  }
  const subscription = account.tables.subscriptions.get(subscriptionOf(invoice) ?? "");
  if (isOutOfBand) {
    requireStatus(invoice, ["open", "uncollectible"], "pay");
    payOutOfBand(account, invoice);
    return updateSubscription(account, invoice);
  }
  if (invoice.status !== "open" || subscription === undefined) {
    throw invalidRequest("This invoice cannot be paid.", { code: "invoice_not_editable" });
  }
  if (cardOf(account, subscription) === null) {
    throw invalidRequest("There is no `default_payment_method` set on this Customer or Invoice.", {
      code: "resource_missing",
    });
  }
  if (retryPayment(account, subscription) !== "failed") return invoice;
  throw new ApiError(402, {
    type: "card_error",
    code: "card_declined",
    decline_code: "generic_decline",
    message: "Your card was declined.",
  });
}
