import { optional, strictObject } from "zod/mini";
import { type Account, newId } from "./account.ts";
import { invalidRequest } from "./api_error.ts";
import { retryPayment } from "./billing.ts";
import type { PageSettings } from "./checkout_routes.ts";
import { attachCard, requireReferencedCustomer } from "./customers.ts";
import type { Form } from "./form.ts";
import { type PageAnswer, redirectTo } from "./html_page.ts";
import { expand, text } from "./params.ts";
import { renderExpired, renderPortal } from "./portal_page.ts";
import { type Route, route } from "./route.ts";
import { changeSubscription } from "./subscription_changes.ts";
import { isOver } from "./subscription_object.ts";
import { summarize } from "./summary.ts";
import type { Customer, PortalSession } from "./types.ts";

const PAGE = "/p/session/";

/** The settings of the billing portal. */
export interface PortalSettings extends PageSettings {
  /** Where the page links back to when the session has no `return_url`. */
  returnUrl: string | null;
}

/** The API of the billing portal. The URL of a session is a page of the double. */
export function portalRoutes(settings: PortalSettings): Route[] {
  return [
    route(
      "POST",
      "/v1/billing_portal/sessions",
      strictObject({
        customer: text,
        return_url: optional(text),
        configuration: optional(text),
        expand,
      }),
      (account, params) => openPortal(account, settings, params),
    ),
  ];
}

interface PortalRequest {
  customer: string;
  return_url?: string | undefined;
  configuration?: string | undefined;
}

/** Creates a billing portal session for a customer. */
export function openPortal(
  account: Account,
  { base, returnUrl }: PortalSettings,
  request: PortalRequest,
): PortalSession {
  const customer = requireReferencedCustomer(account, request.customer);
  if (request.return_url !== undefined && !URL.canParse(request.return_url)) {
    throw invalidRequest("Not a valid URL", { code: "url_invalid", param: "return_url" });
  }
  const id = newId("bps");
  const session: PortalSession = {
    id,
    object: "billing_portal.session",
    configuration: request.configuration ?? "bpc_double",
    created: account.now(),
    customer: customer.id,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: null,
    on_behalf_of: null,
    return_url: request.return_url ?? returnUrl,
    url: `${base}${PAGE}${id}`,
  };
  account.tables.portalSessions.set(id, session);
  return session;
}

/** Serves the portal's pages. Returns null when the path is not a page of the portal. */
export function portalPage(
  account: Account,
  method: string,
  path: string,
  form: () => Form,
): PageAnswer | null {
  if (!path.startsWith(PAGE)) return null;
  const session = account.tables.portalSessions.get(path.slice(PAGE.length));
  const customer = account.tables.customers.get(session?.customer ?? "");
  if (!session || !customer || !("created" in customer)) return { status: 404, html: renderExpired() };
  if (method === "POST") {
    applyForm(account, customer, form());
    return redirectTo(path);
  }
  return { status: 200, html: renderPortal(session, customer, summarize(account, customer.id)) };
}

function applyForm(account: Account, customer: Customer, form: Form): void {
  if (form.action === "card") attachCard(account, customer, { declines: form.card === "declines" });
  const subscription = account.tables.subscriptions.get(String(form.subscription));
  if (!subscription || subscription.customer !== customer.id || isOver(subscription)) return;
  // With flexible billing, Stripe's portal sets `cancel_at` and leaves `cancel_at_period_end` false.
  if (form.action === "cancel") changeSubscription(account, subscription, { cancel_at: "max_period_end" });
  if (form.action === "keep") changeSubscription(account, subscription, { cancel_at: "" });
  if (form.action === "pay") retryPayment(account, subscription);
}
