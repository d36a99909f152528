import { escapeHtml, money, renderBackLink, renderDocument } from "./html_page.ts";
import type { SubscriptionSummary } from "./summary.ts";
import type { Customer, PortalSession } from "./types.ts";

const NAME = "Billing portal";

/** Renders the page of a billing portal session. */
export function renderPortal(
  session: PortalSession,
  customer: Customer,
  subscriptions: readonly SubscriptionSummary[],
): string {
  const card = subscriptions.find(({ card }) => card !== null)?.card;
  const cardText = card ? cardInWords(card) : "No card yet.";
  const sections = subscriptions.map(renderSubscription).join("\n");
  return renderDocument(
    NAME,
    `${renderBackLink(session.return_url)}
<h1>Your subscription</h1>
<p class="quiet">${escapeHtml(customer.email ?? customer.id)}</p>
${sections || "<section><p>There is no subscription yet.</p></section>"}
<section aria-labelledby="card">
<h2 id="card">Payment method</h2>
<p>${escapeHtml(cardText)}</p>
<form method="post"><input type="hidden" name="action" value="card">
<button name="card" value="succeeds">Add a card that works</button>
<button name="card" value="declines" class="second">Add a card that declines</button></form>
</section>`,
  );
}

/** Renders the page for an unknown billing portal session. */
export function renderExpired(): string {
  return renderDocument(
    NAME,
    "<h1>This link has expired</h1><p>Open the billing portal again from the app.</p>",
  );
}

function renderSubscription(subscription: SubscriptionSummary): string {
  const { status, product, price } = subscription;
  const id = escapeHtml(subscription.id);
  const title = escapeHtml(`${product}, ${money(price.amount, price.currency)} a ${price.interval}`);
  return `<section aria-labelledby="${id}">
<div class="title"><h2 id="${id}">${title}</h2><span class="mark ${markOf(status)}">${escapeHtml(status.replaceAll("_", " "))}</span></div>
<p>${escapeHtml(inWords(subscription))}</p>
<p class="quiet small">${id}</p>
${subscription.isOver ? "" : renderActions(subscription)}
</section>`;
}

function renderActions({ id, owed, price, cancelAt }: SubscriptionSummary): string {
  const pay = `<button name="action" value="pay">Pay ${escapeHtml(money(owed ?? 0, price.currency))} now</button> `;
  const cancel = `<button name="action" value="cancel" class="second">Cancel subscription</button>`;
  const keep = `<button name="action" value="keep">Keep subscription</button>`;
  return `<form method="post"><input type="hidden" name="subscription" value="${escapeHtml(id)}">${owed ? pay : ""}${cancelAt === null ? cancel : keep}</form>`;
}

function cardInWords({ last4, behavior }: NonNullable<SubscriptionSummary["card"]>): string {
  return behavior === "declines"
    ? `Visa ending in ${last4}. Payments with it are declined.`
    : `Visa ending in ${last4}.`;
}

function inWords({ status, cancelAt, endedAt, trialEnd, periodEnd }: SubscriptionSummary): string {
  if (endedAt !== null) return `Ended on ${day(endedAt)}.`;
  if (cancelAt !== null) return `Ends on ${day(cancelAt)}. There are no further charges.`;
  switch (status) {
    case "trialing":
      return `Free until ${day(trialEnd ?? periodEnd)}.`;
    case "active":
      return `Renews on ${day(periodEnd)}.`;
    case "past_due":
      return "The last payment failed. It is retried in the next days.";
    case "incomplete":
      return "The first payment failed.";
    case "paused":
      return "The trial ended without a card. The subscription is paused.";
    default:
      return "The last payment failed and is not retried.";
  }
}

function markOf(status: string): string {
  if (["active", "trialing"].includes(status)) return "good";
  return ["past_due", "incomplete", "unpaid"].includes(status) ? "bad" : "over";
}

function day(seconds: number): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(seconds * 1000);
}
