import { optional, strictObject } from "zod/mini";
import { attachCard, referredCustomer } from "#local/stripe/customers.ts";
import type { Form } from "#local/stripe/form.ts";
import { expand, text } from "#local/stripe/params.ts";
import { invalidRequest } from "#local/stripe/refusal.ts";
import { type Route, route } from "#local/stripe/route.ts";
import { changeSubscription } from "#local/stripe/subscription_changes.ts";
import { isOver } from "#local/stripe/subscription_object.ts";
import type { Customer, PortalSession, Subscription } from "#local/stripe/types.ts";
import { newestFirst, newId, type World } from "#local/stripe/world.ts";

const PAGE = "/p/session/";

/** The billing portal's API, whose sessions lead to the double's own page. */
export function portalRoutes(base: () => string): Route[] {
  return [
    route(
      "POST",
      "/v1/billing_portal/sessions",
      strictObject({
        customer: text,
        return_url: optional(text),
        configuration: optional(text),
        locale: optional(text),
        expand,
      }),
      (world, params) => {
        const customer = referredCustomer(world, params.customer);
        if (params.return_url !== undefined && !URL.canParse(params.return_url)) {
          throw invalidRequest("Not a valid URL", { code: "url_invalid", param: "return_url" });
        }
        const id = newId("bps");
        const session: PortalSession = {
          id,
          object: "billing_portal.session",
          configuration: params.configuration ?? "bpc_double",
          created: world.now(),
          customer: customer.id,
          customer_account: null,
          flow: null,
          livemode: false,
          locale: params.locale ?? null,
          on_behalf_of: null,
          return_url: params.return_url ?? null,
          url: `${base()}${PAGE}${id}`,
        };
        world.tables.portalSessions.set(id, session);
        return session;
      },
    ),
  ];
}

/** Answers the portal's page, or null for a path that is not the portal's. */
export function portalPage(
  world: World,
  method: string,
  path: string,
  form: Form,
): { status: number; html: string } | null {
  if (!path.startsWith(PAGE)) return null;
  const session = world.tables.portalSessions.get(path.slice(PAGE.length));
  const customer = world.tables.customers.get(session?.customer ?? "");
  if (!session || !customer || !("created" in customer)) {
    return { status: 404, html: document("<p>This link has expired.</p>") };
  }
  if (method === "POST") act(world, customer, form);
  return { status: 200, html: portal(world, session, customer) };
}

function act(world: World, customer: Customer, form: Form): void {
  if (form.action === "card") attachCard(world, customer);
  const subscription = world.tables.subscriptions.get(String(form.subscription));
  if (!subscription || subscription.customer !== customer.id || isOver(subscription)) return;
  // As the real portal does under flexible billing: the date only, without `cancel_at_period_end`.
  if (form.action === "cancel") changeSubscription(world, subscription, { cancel_at: "max_period_end" });
  if (form.action === "keep") changeSubscription(world, subscription, { cancel_at: "" });
}

function portal(world: World, session: PortalSession, customer: Customer): string {
  const rows = newestFirst(world.tables.subscriptions).filter((row) => row.customer === customer.id);
  const back = session.return_url
    ? `<p><a href="${escapeHtml(webAddress(session.return_url))}">Back to the shop</a></p>`
    : "";
  return document(`<h1>Billing portal</h1>
<p>${escapeHtml(customer.email ?? customer.id)}</p>
<ul>${rows.map((row) => `<li>${describe(row)}</li>`).join("")}</ul>
<form method="post"><button name="action" value="card">Add a card</button></form>${back}`);
}

function describe(subscription: Subscription): string {
  const { id, status, cancel_at: end } = subscription;
  const name = `${escapeHtml(id)}: ${escapeHtml(status)}`;
  if (isOver(subscription)) return name;
  const ends = end === null ? "" : `, ends ${new Date(end * 1000).toISOString().slice(0, 10)}`;
  const [action, label] = end === null ? ["cancel", "Cancel subscription"] : ["keep", "Keep subscription"];
  return `${name}${ends} <form method="post"><input type="hidden" name="subscription" value="${escapeHtml(id)}">
<button name="action" value="${action}">${label}</button></form>`;
}

function document(body: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Billing portal (local)</title>${body}</html>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

function webAddress(url: string): string {
  return /^https?:/.test(url) ? url : "#";
}
