import type { Stage } from "#core/app/app.ts";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { NestError } from "#core/errors.ts";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
/** A scheme, two slashes, and printable ASCII without a backslash. URL parsers disagree about other characters. */
const PLAIN = /^https?:\/\/(?!\/)[!-[\]-~]+$/i;

/**
 * Checks a URL to which Stripe sends a person after a checkout: it must be one of the client's `checkoutUrls`, to which a
 * query and a fragment may be added. On a developer's machine, each page of this machine is allowed.
 * @param field named in the error
 * @throws NestError invalid_checkout_url
 */
export function requireCheckoutUrl(
  stage: Stage,
  { checkoutUrls }: Pick<OAuthClient, "checkoutUrls">,
  url: string,
  field: "success_url" | "cancel_url",
): void {
  const page = PLAIN.test(url) ? pageOf(url) : null;
  const isListed = page !== null && checkoutUrls.some((listed) => pageOf(listed)?.href === page.href);
  if (isListed || (stage === "local" && page !== null && isOnThisMachine(page))) return;
  throw new NestError("invalid_checkout_url", { meta: { field } });
}

/** A URL without its query and fragment; null if the text is not a URL. */
function pageOf(url: string): URL | null {
  if (!URL.canParse(url)) return null;
  const page = new URL(url);
  page.search = "";
  page.hash = "";
  return page;
}

function isOnThisMachine({ protocol, hostname, username, password }: URL): boolean {
  return protocol === "http:" && LOOPBACK.includes(hostname) && username === "" && password === "";
}
