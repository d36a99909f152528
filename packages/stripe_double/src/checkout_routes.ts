import { array, literal, enum as oneOf, optional, type output, strictObject } from "zod/mini";
import { type Account, newestFirst } from "./account.ts";
import { invalidRequest, notFound } from "./api_error.ts";
import { expireCheckout, openCheckout } from "./checkout.ts";
import { requireReferencedCustomer } from "./customers.ts";
import { expand, flag, integer, isWithin, mergeMetadata, metadata, paging, range, text } from "./params.ts";
import { DAY_SECONDS, HOUR_SECONDS } from "./periods.ts";
import { page, type Route, route } from "./route.ts";
import { sellableItems } from "./subscription_creation.ts";
import type { CheckoutSession, NewCheckoutOrder } from "./types.ts";

/** The settings of the double's pages. */
export interface PageSettings {
  /** The URL of the double. */
  base: string;
}

const creationParams = strictObject({
  mode: literal("subscription"),
  customer: text,
  client_reference_id: optional(text),
  line_items: array(strictObject({ price: text, quantity: optional(integer) })),
  success_url: text,
  cancel_url: optional(text),
  expires_at: optional(integer),
  allow_promotion_codes: optional(flag),
  locale: optional(oneOf(["auto", "de", "en", "en-GB", "es", "fr", "it", "nl"])),
  metadata,
  subscription_data: optional(
    strictObject({
      metadata,
      description: optional(text),
      trial_period_days: optional(integer),
    }),
  ),
  expand,
});
type Creation = output<typeof creationParams>;

/** The API of checkout sessions that sell a subscription. The URL of a session is a page of the double. */
export function checkoutRoutes(settings: PageSettings): Route[] {
  return [
    route("POST", "/v1/checkout/sessions", creationParams, (account, params) =>
      createFromParams(account, settings, params),
    ),
    route(
      "GET",
      "/v1/checkout/sessions",
      strictObject({
        ...paging,
        customer: optional(text),
        subscription: optional(text),
        status: optional(oneOf(["complete", "expired", "open"])),
        created: range,
      }),
      (account, params) => {
        const { customer, subscription, status, created } = params;
        const rows = newestFirst(account.tables.checkoutSessions).filter(
          (row) =>
            (customer === undefined || row.customer === customer) &&
            (subscription === undefined || row.subscription === subscription) &&
            (status === undefined || row.status === status) &&
            isWithin(created, row.created),
        );
        return page("/v1/checkout/sessions", rows, params);
      },
    ),
    route("GET", "/v1/checkout/sessions/:id", strictObject({ expand }), (account, _, id) =>
      find(account, id),
    ),
    route("POST", "/v1/checkout/sessions/:id/expire", strictObject({ expand }), (account, _, id) =>
      expireCheckout(account, find(account, id)),
    ),
  ];
}

function createFromParams(account: Account, { base }: PageSettings, params: Creation): CheckoutSession {
  const { subscription_data: data = {}, success_url: successUrl, cancel_url: cancelUrl = null } = params;
  const customer = requireReferencedCustomer(account, params.customer);
  requireUrl("success_url", successUrl);
  if (cancelUrl !== null) requireUrl("cancel_url", cancelUrl);
  requireExpiry(account, params.expires_at);
  const days = data.trial_period_days;
  const order: NewCheckoutOrder = {
    items: sellableItems(account, params.line_items, "line_items"),
    metadata: mergeMetadata(null, data.metadata),
    description: data.description ?? null,
    trialEnd: days === undefined ? null : account.now() + days * DAY_SECONDS,
  };
  const [first] = order.items;
  if (first === undefined) {
    throw invalidRequest("Missing required param: line_items.", {
      code: "parameter_missing",
      param: "line_items",
    });
  }
  if (customer.currency && customer.currency !== first.price.currency) {
    throw invalidRequest(
      `You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or invoice item with currency ${customer.currency}`,
    );
  }
  const terms = {
    customer,
    successUrl,
    cancelUrl,
    clientReferenceId: params.client_reference_id ?? null,
    metadata: mergeMetadata(null, params.metadata),
    expiresAt: params.expires_at,
    allowsPromotionCodes: params.allow_promotion_codes ?? null,
    locale: params.locale ?? null,
  };
  return openCheckout(account, base, terms, order);
}

function requireUrl(param: string, value: string): void {
  if (URL.canParse(value)) return;
  throw invalidRequest("Not a valid URL. URLs must begin with http or https, and must have a host.", {
    code: "url_invalid",
    param,
  });
}

function requireExpiry(account: Account, at: number | undefined): void {
  if (at === undefined) return;
  const wait = at - account.now();
  if (wait >= HOUR_SECONDS / 2 && wait <= DAY_SECONDS) return;
  const bound = wait > DAY_SECONDS ? "less than 24 hours" : "at least 30 minutes";
  throw invalidRequest(`The \`expires_at\` timestamp must be ${bound} from Checkout Session creation.`, {
    param: "expires_at",
  });
}

function find(account: Account, id: string): CheckoutSession {
  const session = account.tables.checkoutSessions.get(id);
  if (session === undefined) throw notFound("checkout.session", id);
  return session;
}
