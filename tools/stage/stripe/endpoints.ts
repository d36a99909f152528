import Stripe from "stripe";
import { STRIPE_EVENT_TYPES } from "#core/billing/events/event_types.ts";
import type { StripeApi } from "#core/services/stripe.ts";
import { readAll } from "#tools/stage/stripe/read_all.ts";
import { UsageError } from "#tools/terminal/errors.ts";

const PATH = "/1/webhook/stripe";

/** Parses the webhook URL. @throws UsageError */
export function readUrl(text: string | undefined): string {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : null;
  const isPlain = url && url.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (isPlain && url.protocol === "https:" && url.pathname.endsWith(PATH)) return url.href;
  throw new UsageError(`--url must be the https URL of the webhook, such as https://nest.example${PATH}.`);
}

/** Lists the endpoints of a URL at Stripe, oldest first. */
export async function listEndpoints(stripe: StripeApi, url: string): Promise<Stripe.WebhookEndpoint[]> {
  const endpoints = await readAll(
    stripe,
    (sdk, options) => sdk.webhookEndpoints.list({ limit: 100 }, options),
    (endpoint) => (URL.canParse(endpoint.url) && new URL(endpoint.url).href === url ? endpoint : null),
  );
  return endpoints.reverse();
}

/** Lists where an endpoint differs from what Nest requires, one line each. */
export function differencesOf(endpoint: Stripe.WebhookEndpoint): string[] {
  const { enabled_events, api_version } = endpoint;
  const isEverything = enabled_events.includes("*");
  const missing = STRIPE_EVENT_TYPES.filter((type) => !isEverything && !enabled_events.includes(type));
  const extra = enabled_events.filter((type) => !(STRIPE_EVENT_TYPES as string[]).includes(type));
  const differences = [
    ...missing.map((type) => `missing event ${type}`),
    ...extra.map((type) => `extra event ${type}`),
    ...(api_version === Stripe.API_VERSION
      ? []
      : [`api_version is ${api_version ?? "the account's default"}, not ${Stripe.API_VERSION}`]),
    ...(endpoint.status === "enabled" ? [] : [`status is ${endpoint.status}`]),
  ];
  return differences.map((difference) => `${endpoint.id}: ${difference}`);
}
