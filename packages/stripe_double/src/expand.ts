import { type Account, embed, newestFirst, type Tables } from "./account.ts";
import { invalidRequest } from "./api_error.ts";
import type { Answer } from "./types.ts";

type Json = Record<string, unknown>;

const MAX_LEVELS = 4;
/** The table of each id prefix. Coupon ids have no prefix. */
const TABLES: Readonly<Record<string, keyof Tables>> = {
  cus: "customers",
  prod: "products",
  price: "prices",
  promo: "promotionCodes",
  di: "discounts",
  pm: "paymentMethods",
  sub: "subscriptions",
  in: "invoices",
  inpay: "invoicePayments",
  pi: "paymentIntents",
  ch: "charges",
  re: "refunds",
  dp: "disputes",
  cbtxn: "balanceTransactions",
  cs: "checkoutSessions",
  clock: "testClocks",
};
/** Strings that are not references to other objects. */
const NOT_EXPANDABLE = new Set(["id", "client_secret", "url"]);

/**
 * Copies a stored object for a response and expands references (https://docs.stripe.com/expand).
 * @param paths the `expand` parameter
 * @throws ApiError if a path can't be expanded
 */
export function render(account: Account, answer: Answer, paths: readonly string[]): Json {
  const copy = structuredClone(answer) as Json;
  const isList = copy.object === "list";
  for (const path of paths) {
    const steps = path.split(".");
    if (steps.length > MAX_LEVELS) {
      throw invalidRequest(
        `You cannot expand more than ${MAX_LEVELS} levels of a property. Property: ${path}`,
        {
          param: "expand",
        },
      );
    }
    if (isList && steps[0] !== "data") throw notExpandable(path, "You may want to try expanding 'data.");
    expandPath(account, copy, steps, path);
  }
  return copy;
}

function expandPath(account: Account, node: unknown, [step, ...rest]: string[], path: string): void {
  if (step === undefined || node === null) return;
  if (Array.isArray(node)) {
    for (const [index, element] of node.entries()) {
      if (typeof element === "string") node[index] = findById(account, element, path);
      expandPath(account, node[index], [step, ...rest], path);
    }
    return;
  }
  if (!isObject(node) || NOT_EXPANDABLE.has(step)) throw notExpandable(path);
  const value = node[step] ?? expandableList(account, node, step);
  if (value === undefined) throw notExpandable(path);
  if (typeof value === "string") node[step] = findById(account, value, path);
  else if (Array.isArray(value))
    node[step] = value.map((each) => (typeof each === "string" ? findById(account, each, path) : each));
  else node[step] = value;
  expandPath(account, node[step], rest, path);
}

function isObject(node: unknown): node is Json {
  return typeof node === "object" && node !== null && !Array.isArray(node);
}

function findById(account: Account, id: string, path: string): object {
  const table = TABLES[id.slice(0, Math.max(0, id.indexOf("_")))];
  const found = table ? account.tables[table].get(id) : account.tables.coupons.get(id);
  if (found === undefined) throw notExpandable(path);
  return structuredClone(found);
}

/** The lists that an object contains only when they are expanded. */
function expandableList(account: Account, node: Json, step: string): unknown {
  const { tables } = account;
  const id = String(node.id);
  if (node.object === "invoice" && step === "payments") {
    const payments = newestFirst(tables.invoicePayments).filter(({ invoice }) => invoice === id);
    return structuredClone(embed(`/v1/invoice_payments?invoice=${id}`, payments));
  }
  if (node.object === "charge" && step === "refunds") {
    const refunds = newestFirst(tables.refunds).filter(({ charge }) => charge === id);
    return structuredClone(embed(`/v1/charges/${id}/refunds`, refunds));
  }
  if (node.object === "customer" && step === "subscriptions") {
    const alive = newestFirst(tables.subscriptions).filter(
      ({ customer, status }) => customer === id && status !== "canceled",
    );
    return structuredClone(embed(`/v1/customers/${id}/subscriptions`, alive));
  }
  // A null stays null. A field that the object does not have can't be expanded.
  return step in node ? null : undefined;
}

function notExpandable(path: string, hint = ""): Error {
  const advice = hint && ` ${hint}${path}' instead.`;
  return invalidRequest(`This property cannot be expanded (${path}).${advice}`, { param: "expand" });
}
