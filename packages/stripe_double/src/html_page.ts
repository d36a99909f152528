import { readFileSync } from "node:fs";

// The compiled package has the folders `dist` and `assets` next to each other, as the repository has `src` and
// `assets`.
const STYLE = readFileSync(new URL("../assets/page.css", import.meta.url), "utf8");

/** The HTTP response of a page. */
export interface PageAnswer {
  status: number;
  html: string;
  /** The `location` header of a redirect. */
  location?: string;
}

/** A redirect after a form was submitted, so that reloading the page does not submit the form again. */
export function redirectTo(location: string): PageAnswer {
  return { status: 303, html: "", location };
}

/** Escapes text for HTML content and for attributes in double quotes. */
export function escapeHtml(text: string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replaceAll('"', "&quot;");
}

/** Currencies whose amounts have no decimals at Stripe (https://docs.stripe.com/currencies#zero-decimal). */
const ZERO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
/** Currencies whose amounts have three decimals at Stripe. */
const THREE_DECIMALS = ["bhd", "jod", "kwd", "omr", "tnd"];

/** Formats an amount in the smallest unit of its currency, such as `£4.99`. */
export function money(amount: number, currency: string): string {
  const decimals = ZERO_DECIMALS.includes(currency) ? 0 : THREE_DECIMALS.includes(currency) ? 3 : 2;
  const unit = 10 ** decimals;
  const format = new Intl.NumberFormat("en-GB", {
    style: "currency",
    currency: currency.toUpperCase(),
    ...(amount % unit !== 0 && { minimumFractionDigits: decimals }),
  });
  return format.format(amount / unit);
}

/** Renders a link back to the app, or nothing if the URL is none of the web's. */
export function renderBackLink(url: string | null): string {
  return url !== null && /^https?:/.test(url) ? `<p><a href="${escapeHtml(url)}">← Back</a></p>` : "";
}

/**
 * Renders a whole page.
 * @param name the name of the page, such as `Billing portal`
 * @param body HTML
 */
export function renderDocument(name: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)} (Stripe double)</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header><p><strong>${escapeHtml(name)}</strong> <span class="quiet">of the Stripe double</span></p></header>
<main>${body}</main>
</body>
</html>
`;
}
