import { optional, strictObject } from "zod/mini";
import { retry } from "./billing.ts";
import { attachCard, referredCustomer } from "./customers.ts";
import type { Form } from "./form.ts";
import { expand, text } from "./params.ts";
import { drawExpired, drawPortal } from "./portal_page.ts";
import { invalidRequest } from "./refusal.ts";
import { type Route, route } from "./route.ts";
import { changeSubscription } from "./subscription_changes.ts";
import { isOver } from "./subscription_object.ts";
import { summarize } from "./summary.ts";
import type { Customer, PortalSession } from "./types.ts";
import { newId, type World } from "./world.ts";

const PAGE = "/p/session/";

/** What an account's portal is set up with: where its pages are, and where they lead back to unless a session says so. */
export interface PortalSettings {
  base: string;
  returnUrl: string | null;
}

/** The billing portal's API, whose sessions lead to the double's own page. */
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
      (world, params) => openPortal(world, settings, params),
    ),
  ];
}

interface PortalWish {
  customer: string;
  return_url?: string | undefined;
  configuration?: string | undefined;
}

/** A new session of a customer's. */
export function openPortal(
  world: World,
  { base, returnUrl }: PortalSettings,
  wish: PortalWish,
): PortalSession {
  const customer = referredCustomer(world, wish.customer);
  if (wish.return_url !== undefined && !URL.canParse(wish.return_url)) {
    throw invalidRequest("Not a valid URL", { code: "url_invalid", param: "return_url" });
  }
  const id = newId("bps");
  const session: PortalSession = {
    id,
    object: "billing_portal.session",
    configuration: wish.configuration ?? "bpc_double",
    created: world.now(),
    customer: customer.id,
    customer_account: null,
    flow: null,
    livemode: false,
    locale: null,
    on_behalf_of: null,
    return_url: wish.return_url ?? returnUrl,
    url: `${base}${PAGE}${id}`,
  };
  world.tables.portalSessions.set(id, session);
  return session;
}

/** An answer of the portal's page. */
export interface PortalAnswer {
  status: number;
  html: string;
  /** Where the browser goes next. */
  location?: string;
}

/** Answers the portal's page, or null for a path that is not the portal's. */
export function portalPage(world: World, method: string, path: string, form: Form): PortalAnswer | null {
  if (!path.startsWith(PAGE)) return null;
  const session = world.tables.portalSessions.get(path.slice(PAGE.length));
  const customer = world.tables.customers.get(session?.customer ?? "");
  if (!session || !customer || !("created" in customer)) return { status: 404, html: drawExpired() };
  if (method === "POST") {
    act(world, customer, form);
    // So that reloading the page does not do it once more.
    return { status: 303, html: "", location: path };
  }
  return { status: 200, html: drawPortal(session, customer, summarize(world, customer.id)) };
}

function act(world: World, customer: Customer, form: Form): void {
  if (form.action === "card") attachCard(world, customer, { declines: form.card === "declines" });
  const subscription = world.tables.subscriptions.get(String(form.subscription));
  if (!subscription || subscription.customer !== customer.id || isOver(subscription)) return;
  // As the real portal does under flexible billing: the date only, without `cancel_at_period_end`.
  if (form.action === "cancel") changeSubscription(world, subscription, { cancel_at: "max_period_end" });
  if (form.action === "keep") changeSubscription(world, subscription, { cancel_at: "" });
  if (form.action === "pay") retry(world, subscription);
}
