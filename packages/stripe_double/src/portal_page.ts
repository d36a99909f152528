import { readFileSync } from "node:fs";
import { Html, html } from "./html.ts";
import type { SubscriptionSummary } from "./summary.ts";
import type { Customer, PortalSession } from "./types.ts";

const STYLE = new Html(readFileSync(new URL("./portal.css", import.meta.url), "utf8"));

/** The page of a customer's portal session. */
export function drawPortal(
  session: PortalSession,
  customer: Customer,
  subscriptions: readonly SubscriptionSummary[],
): string {
  const card = subscriptions.find(({ card }) => card !== null)?.card;
  return document(html`${backLink(session.return_url)}
<h1>Your subscription</h1>
<p class="quiet">${customer.email ?? customer.id}</p>
${join(subscriptions.map(drawSubscription))}
${subscriptions.length === 0 ? html`<section><p>There is no subscription yet.</p></section>` : ""}
<section aria-labelledby="card">
<h2 id="card">Payment method</h2>
<p>${card ? `Visa ending in ${card.last4}${card.behaviour === "declines" ? ", which declines" : ""}.` : "No card yet."}</p>
<form method="post"><input type="hidden" name="action" value="card">
<button name="card" value="succeeds">Add a card that works</button>
<button name="card" value="declines" class="second">Add a card that declines</button></form>
</section>`);
}

/** What a link shows that leads nowhere any more. */
export function drawExpired(): string {
  return document(html`<h1>This link has expired</h1><p>Open the billing portal again from the app.</p>`);
}

function drawSubscription(subscription: SubscriptionSummary): Html {
  const { id, status, price, owed } = subscription;
  const cost = `${money(price.amount, price.currency)} a ${price.interval}`;
  return html`<section aria-labelledby="${id}">
<div class="title"><h2 id="${id}">Beak, ${cost}</h2><span class="mark ${markOf(status)}">${status.replaceAll("_", " ")}</span></div>
<p>${inWords(subscription)}</p>
<p class="quiet small">${id}</p>
${subscription.isOver ? "" : html`<form method="post"><input type="hidden" name="subscription" value="${id}">${owed ? html`<button name="action" value="pay">Pay ${money(owed, price.currency)} now</button> ` : ""}${endButton(subscription)}</form>`}
</section>`;
}

function endButton({ cancelAt }: SubscriptionSummary): Html {
  return cancelAt === null
    ? html`<button name="action" value="cancel" class="second">Cancel subscription</button>`
    : html`<button name="action" value="keep">Keep subscription</button>`;
}

function inWords({ status, cancelAt, endedAt, trialEnd, periodEnd }: SubscriptionSummary): string {
  if (endedAt !== null) return `Ended on ${day(endedAt)}.`;
  if (cancelAt !== null) return `Ends on ${day(cancelAt)}. Nothing more is charged.`;
  switch (status) {
    case "trialing":
      return `Free until ${day(trialEnd ?? periodEnd)}.`;
    case "active":
      return `Renews on ${day(periodEnd)}.`;
    case "past_due":
      return "The last payment failed. It is tried again in the next days.";
    case "incomplete":
      return "The first payment did not go through.";
    case "paused":
      return "The trial ended without a card, so it waits.";
    default:
      return "The last payment was given up.";
  }
}

function markOf(status: string): string {
  if (["active", "trialing"].includes(status)) return "good";
  return ["past_due", "incomplete", "unpaid"].includes(status) ? "bad" : "over";
}

function day(seconds: number): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(seconds * 1000);
}

function money(amount: number, currency: string): string {
  return new Intl.NumberFormat("en-GB", { style: "currency", currency: currency.toUpperCase() }).format(
    amount / 100,
  );
}

function backLink(url: string | null): Html | string {
  return url !== null && /^https?:/.test(url) ? html`<p><a href="${url}">← Back</a></p>` : "";
}

function join(parts: readonly Html[]): Html {
  return new Html(parts.map(String).join("\n"));
}

function document(body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Billing portal (local)</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header><p><strong>Billing portal</strong> <span class="quiet">of the Stripe double on this machine</span></p></header>
<main>${body}</main>
</body>
</html>
`.markup;
}
