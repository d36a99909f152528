import type { Account } from "./account.ts";
import { payCheckout } from "./checkout.ts";
import { CHECKOUT_PAGE } from "./checkout_object.ts";
import type { Form } from "./form.ts";
import {
  escapeHtml,
  money,
  type PageAnswer,
  redirectTo,
  renderBackLink,
  renderDocument,
} from "./html_page.ts";
import type { CheckoutOrder, CheckoutSession } from "./types.ts";

const NAME = "Checkout";

/** Serves the page on which a customer pays a checkout session. Returns null when the path is not such a page. */
export function checkoutPage(
  account: Account,
  method: string,
  path: string,
  form: () => Form,
): PageAnswer | null {
  if (!path.startsWith(CHECKOUT_PAGE)) return null;
  const { checkoutSessions, checkoutOrders } = account.tables;
  const session = checkoutSessions.get(path.slice(CHECKOUT_PAGE.length));
  const order = checkoutOrders.get(session?.id ?? "");
  if (!session || !order) return { status: 404, html: renderOver("This page does not exist", null) };
  if (session.status !== "open") return { status: 200, html: renderEnded(session) };
  if (method !== "POST") return { status: 200, html: renderOpen(account, session, order) };
  const { card, promotion_code: code } = form();
  const subscription = payCheckout(account, session, {
    card: { declines: card === "declines" },
    promotionCode: typeof code === "string" ? code : "",
  });
  return redirectTo(subscription ? returnUrl(session) : path);
}

/** Where the customer goes after the payment. Stripe replaces a placeholder in it with the session's id. */
function returnUrl({ id, success_url }: CheckoutSession): string {
  return (success_url ?? "").replaceAll("{CHECKOUT_SESSION_ID}", id);
}

function renderOpen(account: Account, session: CheckoutSession, order: CheckoutOrder): string {
  const { amount_total: amount, currency, allow_promotion_codes: allowsCodes, cancel_url: back } = session;
  const price = money(amount ?? 0, currency ?? "gbp");
  const lines = order.items.map(({ price: { product, recurring, unit_amount: unit }, quantity = 1 }) => {
    const name = account.tables.products.get(product)?.name ?? "Subscription";
    const each = `${money((unit ?? 0) * quantity, currency ?? "gbp")} a ${recurring?.interval ?? "month"}`;
    return `<p><strong>${escapeHtml(name)}</strong>, ${escapeHtml(each)}</p>`;
  });
  const refusal =
    order.refusal === null ? "" : `<p role="alert" class="bad">${escapeHtml(order.refusal)}</p>`;
  const code = `<p><label for="code">Promotion code</label> <input id="code" name="promotion_code" autocomplete="off"></p>`;
  return renderDocument(
    NAME,
    `${renderBackLink(back)}
<h1>Subscribe</h1>
<p class="quiet">${escapeHtml(session.customer_details?.email ?? String(session.customer))}</p>
<section aria-labelledby="order">
<h2 id="order">Your order</h2>
${lines.join("\n")}
${refusal}
<form method="post">${allowsCodes ? code : ""}
<button name="card" value="succeeds">Pay ${escapeHtml(price)}</button>
<button name="card" value="declines" class="second">Pay with a card that declines</button></form>
</section>`,
  );
}

function renderEnded(session: CheckoutSession): string {
  if (session.status === "expired") return renderOver("This checkout has expired", session.cancel_url);
  return renderOver("This checkout is complete", returnUrl(session));
}

function renderOver(heading: string, back: string | null): string {
  return renderDocument(
    NAME,
    `${renderBackLink(back)}<h1>${escapeHtml(heading)}</h1><p>You can close this page, or go back to the app.</p>`,
  );
}
